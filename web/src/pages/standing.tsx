// What people agreed to once, for a while: what stands, what stood, and one of them.

import { useCallback, useEffect, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";
import { standing, standingOf, type Standing } from "../api/standing";
import type { Me } from "../api/types";
import { Icon } from "../parts/icon";
import { Listing, useListed } from "../parts/listing";
import { Card, Empty, Heading, JsonBlock, Loading, ProblemNote } from "../parts/pieces";
import { actionPath, Approvers, Params, RevokeButton, StandingState, standingPath, Until, Used, WhatStands, whenGranted } from "../parts/standing";
import { Text } from "../parts/text";
import { returned } from "../reach";
import { go, place } from "../router";
import { boundWords, groupsOf, inOrder } from "../stands";
import { useStore } from "../store";
import { over, plural } from "../words";

export function StandingPage({ me, id }: { me: Me; id: string | null }) {
  return id === null ? <All me={me} /> : <One key={id} id={id} me={me} />;
}

const words = (one: Standing): string =>
  [one.id, one.agent, one.owner, one.tool, one.operation, one.resource?.name, one.resource?.env, one.proposer, one.in_force ? "in force" : one.over,
    one.reason, JSON.stringify(one.params), ...Object.values(one.bounds).map(boundWords), ...one.approvals.map((vote) => vote.reviewer)].join(" ");

function All({ me }: { me: Me }) {
  const listed = useListed(standing.list);
  const { search } = useStore(place);
  const q = new URLSearchParams(search).get("q") ?? "";
  const inForce = (listed.items ?? []).filter((one) => one.in_force).length;
  return (
    <main id="main" class="page page-narrow">
      <div class="page-head"><Heading title="Standing approvals" /></div>
      <p class="lede">What people agreed to once, for a while: one agent, one tool, one operation, one resource, every parameter equal or within bounds. Each use has a case of its own, and is counted.</p>
      {listed.items?.length === 0 ? (
        <Empty title="Nothing stands">
          <p>To propose one, open an action that people approved, and choose <strong>Agree to the like of it…</strong>. <a href="/policy">Policy</a> says in its section <code>standing</code> what may be agreed to so.</p>
          <p><a href="/activity?state=succeeded">What succeeded lately</a></p>
        </Empty>
      ) : (
        <Listing title="What stands, and what stood" one="standing approval" listed={{ ...listed, items: listed.items && inOrder(listed.items) }} search={q}
          onSearch={(typed) => go(`/standing${typed ? `?${new URLSearchParams({ q: typed })}` : ""}`, true)}
          about={listed.items ? `${plural(inForce, "is", "are")} in force. You see those that you agreed to, proposed or may be asked about, and those of your agents.` : "Those that concern you."} textOf={words}>
          {(one) => (
            <li key={one.id} class={one.in_force ? "stands" : "stands stood"}>
              <div>
                <p><WhatStands one={one} /> <StandingState one={one} /></p>
                <Params one={one} />
                <p class="small muted">
                  <Used one={one} /> · <Until one={one} /> · <Approvers one={one} /> agreed {whenGranted(one)} in <a href={actionPath(one.action)}>its case<span class="hidden"> {one.action}</span></a> · <a href={standingPath(one.id)}><code>{one.id}</code></a>
                </p>
              </div>
              <RevokeButton one={one} me={me} onDone={() => void listed.load()} />
            </li>
          )}
        </Listing>
      )}
    </main>
  );
}

function One({ id, me }: { id: string; me: Me }) {
  const [one, setOne] = useState<Standing | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const back = useStore(returned);
  const load = useCallback(() => standingOf(id).then(
    (found) => { setOne(found); setProblem(null); }, (error: unknown) => setProblem(asProblem(error))), [id]);
  useEffect(() => void load(), [back]);
  return (
    <main id="main" class="page page-narrow">
      <p class="crumb"><a href="/standing"><Icon name="back" size={14} /> Standing approvals</a></p>
      {problem?.status === 404 ? (
        <>
          <Heading title="No such standing approval" />
          <Empty title="Nothing to see here"><p>There is no standing approval <code><Text>{id}</Text></code>, or it is not for you.</p></Empty>
        </>
      ) : problem ? <><Heading title="Standing approval" /><ProblemNote problem={problem} retry={() => void load()} /></>
        : !one ? <><Heading title="Standing approval" /><Loading what="it" /></>
          : <Whole one={one} me={me} onDone={() => void load()} />}
    </main>
  );
}

function Whole({ one, me, onDone }: { one: Standing; me: Me; onDone: () => void }) {
  const groups = groupsOf(one.plan);
  return (
    <>
      <div class="page-head"><Heading title={`${one.agent}: ${one.operation} with ${one.tool}`}><WhatStands one={one} /></Heading></div>
      <p class="stands-state"><StandingState one={one} /> <Used one={one} /> · <Until one={one} />{one.revoked_by && <> · revoked by <strong><Text>{one.revoked_by}</Text></strong></>}</p>
      <Card title="What it stands for" aside={<RevokeButton one={one} me={me} onDone={onDone} />}>
        <div class="pad stack">
          <Params one={one} />
          <p class="small muted">Of agent <Text>{one.agent}</Text> while <Text>{one.owner}</Text> owns it, and while the tool is what it was. Where policy asks for people; never where it denies.</p>
          {one.params && <details><summary>All parameters of the action that it was made from</summary><JsonBlock value={one.params} label="Parameters" /></details>}
        </div>
      </Card>
      <Card title="Who agreed">
        <div class="pad stack">
          {one.reason && <blockquote class="reason"><Text lines>{one.reason}</Text><footer>reason of <Text>{one.proposer}</Text>, who proposed it</footer></blockquote>}
          <ul class="stands-params">
            {one.approvals.map((vote) => (
              <li key={vote.reviewer}><strong><Text>{vote.reviewer}</Text></strong>{vote.instead_of && <> in place of <Text>{vote.instead_of}</Text></>} <span class="small muted">{vote.assurance} · {over(vote.channel)}</span></li>
            ))}
          </ul>
          <p>{groups.length > 0 && <>Policy asked <strong><Text>{groups.join(", ")}</Text></strong>. </>}They agreed {whenGranted(one)} in <a href={actionPath(one.action)}><code>{one.action}</code></a>, to the like of <a href={actionPath(one.like)}><code>{one.like}</code></a>.</p>
          <p class="small muted">Each use is decided by the policy of then, and they have to satisfy it then.</p>
        </div>
      </Card>
    </>
  );
}
