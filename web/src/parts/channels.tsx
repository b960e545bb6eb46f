// The ways to people and out of here: whether each works, what it gave up, and trying that again.

import { useEffect, useRef, useState } from "preact/hooks";
import { admin, type Channel } from "../api/admin";
import type { Me } from "../api/types";
import { byAction } from "../letters";
import { lost } from "../reach";
import { pulse } from "../session";
import { useStore } from "../store";
import { nameOf, plural } from "../words";
import { useAct } from "./act";
import { Icon } from "./icon";
import { Listing, useListed } from "./listing";
import { Ago, ProblemNote } from "./pieces";
import { Text } from "./text";

const stateWords: Record<Channel["state"], string> = { ok: "works", idle: "idle", warning: "look at it", down: "does not work" };
const lookEveryMs = 3_000; // while something is on its way

export function ChannelsTab({ me, search, onSearch }: { me: Me; search: string; onSearch: (words: string) => void }) {
  const listed = useListed(admin.channels);
  const beat = useStore(pulse);
  const seen = useRef(beat);
  useEffect(() => { if (beat !== seen.current) void listed.load(); }, [beat]); // no stream tells of it
  const busy = (listed.items ?? []).some((one) => one.waiting);
  useEffect(() => {
    if (!busy) return;
    const timer = window.setInterval(() => { if (!lost.get()) void listed.load(); }, lookEveryMs);
    return () => window.clearInterval(timer);
  }, [busy]);
  return (
    <Listing title="Channels" one="channel" listed={listed} search={search} onSearch={onSearch}
      about="The ways to people and out of here: the inbox, chats, webhooks, mail and pagers, identity providers, exports, witnesses. No decision waits for any of them."
      textOf={(one) => [one.name, one.kind, nameOf(one.kind), one.detail, stateWords[one.state] ?? one.state, ...(one.dead ?? []).flatMap((letter) => [letter.action, letter.place, letter.why])].join(" ")}>
      {(one) => (
        <li key={one.name} class={one.dead?.length ? "group" : undefined}>
          <div>
            <p><strong><Text>{one.name}</Text></strong>{one.dead && one.kind !== one.name && <span class="tag">{nameOf(one.kind)}</span>}</p>
            <p class="small muted"><Text>{one.detail}</Text>{one.since && <> · <Ago at={one.since} exact /></>}</p>
          </div>
          <span class={`channel channel-${one.state}`}><Icon name={one.state === "ok" ? "check" : one.state === "idle" ? "pause" : "warn"} size={14} /> {stateWords[one.state] ?? one.state}</span>
          {one.dead && <GivenUp channel={one} may={me.admin} onRetried={listed.load} />}
        </li>
      )}
    </Listing>
  );
}

function GivenUp({ channel: { name, dead = [] }, may, onRetried }: { channel: Channel; may: boolean; onRetried: () => Promise<void> }) {
  const [open, setOpen] = useState(false);
  const [said, setSaid] = useState("");
  const status = useRef<HTMLParagraphElement>(null);
  const { busy, problem, act } = useAct();
  const again = (action?: string): Promise<void> => act(async () => {
    const { retried } = await admin.retry(name, action);
    setSaid(retried ? `${plural(retried, "message")} on the way again: what is true now is sent, not what was true then.` : "Nothing was left to be tried again.");
    await onRetried();
    status.current?.focus(); // the button may be gone
  });
  return (
    <div class="given-up" hidden={!dead.length && !said && !problem}>
      <p class="small" role="status" tabIndex={-1} ref={status}>{said}</p>
      {problem && <ProblemNote problem={problem} />}
      {dead.length > 0 && (
        <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary>{plural(dead.length, "message")} given up<span class="hidden"> by {name}</span></summary>
          <ul class="letters">
            {byAction(dead).map(({ action, letters }) => (
              <li key={action}>
                <div>
                  <p><a href={`/a/${encodeURIComponent(action)}`}><code><Text>{action}</Text></code></a></p>
                  {letters.map((letter) => (
                    <p key={letter.place} class="small"><Text>{letter.why}</Text> <span class="muted">· to <Text>{letter.place}</Text>, <Text>{letter.what}</Text> · <Ago at={letter.at} exact /></span></p>
                  ))}
                </div>
                {may && <button type="button" class="button button-small" disabled={busy} onClick={() => void again(action)}>Try again<span class="hidden"> for {action}</span></button>}
              </li>
            ))}
          </ul>
          {may && byAction(dead).length > 1 && <button type="button" class="button button-small" disabled={busy} onClick={() => void again()}>Try all of them again</button>}
        </details>
      )}
    </div>
  );
}
