// A standing approval: what it is for, in a row of the list and on its page; ending it; and on the page of an action.

import { useEffect, useState } from "preact/hooks";
import { standing, standingOf, type Standing } from "../api/standing";
import type { Action, Me } from "../api/types";
import { mayRevoke, paramWords } from "../stands";
import { count, plural, shortTime, towards } from "../words";
import { Confirm } from "./confirm";
import { Icon } from "./icon";
import { Ago, ResourceName } from "./pieces";
import { StandDialog } from "./stand_dialog";
import { Text } from "./text";
import "../style/standing.css";

export const standingPath = (id: string): string => `/standing/${encodeURIComponent(id)}`;
export const actionPath = (id: string): string => `/a/${encodeURIComponent(id)}`;

export function WhatStands({ one }: { one: Standing }) {
  return (
    <>
      <strong><Text>{one.agent}</Text></strong> may <span class="operation"><Text>{one.operation}</Text></span> {towards(one.operation)}{" "}
      <ResourceName resource={one.resource} /> through <span class="mono"><Text>{one.tool}</Text></span>
    </>
  );
}

export const StandingState = ({ one }: { one: Standing }) =>
  <span class={one.in_force ? "tag tag-good" : "tag"}>{one.in_force ? "in force" : <Text>{one.over ?? "over"}</Text>}</span>;

export function Params({ one }: { one: Standing }) {
  if (!one.params) return <p class="small muted">ERASED: what its parameters were is destroyed.</p>;
  const all = paramWords(one);
  if (!all.length) return <p class="small muted">It takes no parameters.</p>;
  return (
    <ul class="stands-params small">
      {all.map(([name, words]) => (
        <li key={name}><span class="mono"><Text>{name}</Text></span> <span class={name in one.bounds ? "bounded" : undefined}><Text>{words}</Text></span></li>
      ))}
    </ul>
  );
}

export function Approvers({ one }: { one: Standing }) {
  return (
    <>
      {one.approvals.map((vote, i) => (
        <span key={vote.reviewer}>{i > 0 && (i + 1 === one.approvals.length ? " and " : ", ")}<strong><Text>{vote.reviewer}</Text></strong>
          {vote.instead_of && <> in place of <Text>{vote.instead_of}</Text></>}</span>
      ))}
    </>
  );
}

export const Used = ({ one }: { one: Standing }) =>
  <span>used <strong class="digits">{count(one.uses)} of {count(one.uses_max)}</strong></span>;

export const Until = ({ one }: { one: Standing }) =>
  <>{Date.parse(one.until) > Date.now() ? "until" : "ended"} {shortTime(one.until, Date.now())}</>;

export function RevokeButton({ one, me, onDone }: { one: Standing; me: Me; onDone: () => void }) {
  const [open, setOpen] = useState(false);
  if (!mayRevoke(one, me)) return null;
  return (
    <>
      <button type="button" class="button button-small" onClick={() => setOpen(true)}>Revoke…<span class="hidden"> {one.id}</span></button>
      {open && (
        <Confirm title="End this standing approval?" act="Revoke it" why="Why (it stands in the record)"
          onAct={(reason) => standing.revoke(one.id, reason)} onClose={(done) => { setOpen(false); if (done) onDone(); }}>
          <p><WhatStands one={one} /></p>
          <p>At once it stands for nothing: what comes next is for people again, and what was allowed by it and has not started is held.
            It was used {count(one.uses)} of {plural(one.uses_max, "time")}. This cannot be undone; it can be agreed to anew.</p>
        </Confirm>
      )}
    </>
  );
}

// On the page of an action that nobody was asked about, because of it.
export function AllowedBy({ id }: { id: string }) {
  const [one, setOne] = useState<Standing | null>(null);
  useEffect(() => {
    let latest = true;
    standingOf(id).then((found) => { if (latest) setOne(found); }, () => {}); // not for everybody: its id is
    return () => { latest = false; };
  }, [id]);
  return (
    <p class="allowed-by">
      <Icon name="stands" size={16} />
      <span>
        Allowed by standing approval <a href={standingPath(id)}><code>{id}</code></a>
        {one && <>, that <Approvers one={one} /> agreed to in <a href={actionPath(one.action)}><code>{one.action}</code></a>. Now <Used one={one} />, <Until one={one} />
          {!one.in_force && <>; <Text>{one.over ?? "over"}</Text></>}</>}.
      </span>
    </p>
  );
}

export function AgreeToLike({ action }: { action: Action }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="button" onClick={() => setOpen(true)}><Icon name="stands" size={16} /> Agree to the like of it…</button>
      {open && <StandDialog action={action} onClose={() => setOpen(false)} />}
    </>
  );
}

export const whenGranted = (one: Standing) => <Ago at={one.granted_at} exact />;
