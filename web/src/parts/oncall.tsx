// Who is on call now, schedule by schedule; what is wrong with one is said before everything else.

import { useEffect } from "preact/hooks";
import { onCall, type OnCallSchedule } from "../api/oncall";
import { pulse } from "../session";
import { useStore } from "../store";
import { shortTime, useNow } from "../words";
import { Icon } from "./icon";
import { Listing, useListed } from "./listing";
import { Ago } from "./pieces";
import { Text } from "./text";

const sourceWords: Record<OnCallSchedule["source"], string> = { file: "from a file", webhook: "from a webhook" };

export const isTroubled = (one: OnCallSchedule): boolean => one.stale || one.problems.length > 0;

export function OnCallTab({ search, onSearch }: { search: string; onSearch: (words: string) => void }) {
  const listed = useListed(onCall);
  const now = useNow(30_000);
  const beat = useStore(pulse);
  useEffect(() => void listed.load(), [beat]); // no stream tells of it
  const troubled = (listed.items ?? []).filter(isTroubled).map((one) => one.name);
  return (
    <>
      {troubled.length > 0 && (
        <div class="note note-bad" role="alert">
          <Icon name="warn" />
          <div><strong>Something is wrong with {troubled.map((name, i) => <span key={name}>{i > 0 && ", "}<Text>{name}</Text></span>)}.</strong> Who should be asked may not be.</div>
        </div>
      )}
      <Listing title="On call" one="schedule" listed={listed} search={search} onSearch={onSearch}
        about="Members of a group for as long as their shift lasts, by a file or a signed webhook that identity.yaml names. A schedule only narrows: whoever is not in its pool does not count."
        textOf={(one) => [one.name, one.group, one.of, one.source, ...one.on_call.flatMap((who) => [who.id, who.name]), isTroubled(one) ? "wrong" : ""].join(" ")}>
        {(one) => <Schedule key={one.name} one={one} now={now} />}
      </Listing>
      {listed.items?.length === 0 && <p class="muted">There is no schedule: <code>identity.yaml</code> has no section <code>oncall</code>.</p>}
    </>
  );
}

function Schedule({ one, now }: { one: OnCallSchedule; now: number }) {
  const nobody = !one.on_call.some((who) => who.counts);
  return (
    <li class="group">
      <div>
        <p><strong><Text>{one.name}</Text></strong> <span class="muted">fills <Text>{one.group}</Text>, out of <Text>{one.of}</Text></span>
          {one.stale && <span class="tag tag-bad">stale: nobody is on call</span>}
          {!one.stale && nobody && <span class="tag tag-bad">nobody is on call</span>}
          {one.problems.length > 0 && <span class="tag tag-bad">broken</span>}</p>
        <ul class="members">
          {one.on_call.map((who) => (
            <li key={who.id}>
              <a href={`/admin?tab=people&q=${encodeURIComponent(who.id)}`}><Text>{who.name || who.id}</Text></a> <span class="muted">until {shortTime(who.until, now)}</span>
              {!who.counts && <span class="tag tag-bad">does not count: no active member of <Text>{one.of}</Text></span>}
            </li>
          ))}
        </ul>
        {one.problems.map((problem) => <p key={problem} class="small bad wrap" role="alert"><Icon name="warn" size={14} /> <Text lines>{problem}</Text></p>)}
        <p class="small muted">
          {sourceWords[one.source]}
          {one.source === "webhook" && <> · {one.last_word ? <>last heard <Ago at={one.last_word} exact /></> : "never heard of"}</>}
          {" "}· {one.next_change ? <>who it is may change {shortTime(one.next_change, now)}</> : "no change is known"}
        </p>
      </div>
    </li>
  );
}
