// The runbooks that there are, and every run of theirs.

import { runs, type Runbook } from "../api/runs";
import { Listing, useListed } from "../parts/listing";
import { Card, Empty, Heading } from "../parts/pieces";
import { RunRows } from "../parts/run_rows";
import { runbookPath } from "../parts/run_words";
import { Text } from "../parts/text";
import { go, place } from "../router";
import { triggerWords } from "../run_graph";
import { useStore } from "../store";
import { count, exactTime, plural } from "../words";
import "../style/runs.css";

export const reviewWords: Record<Runbook["review"], string> = { steps: "each step is decided by itself", plan: "reviewed as a whole plan before it starts" };

export type WhichRuns = "all" | "open" | "stopped" | "ended";
const shownWords: Record<WhichRuns, string> = { all: "All", open: "Under way", stopped: "Stopped", ended: "Ended" };
const isShown = (word: string | null): word is WhichRuns => word !== null && Object.hasOwn(shownWords, word);

function wanted(search: string): { q: string; runbook: string; state: WhichRuns } {
  const params = new URLSearchParams(search);
  const state = params.get("state");
  return { q: params.get("q") ?? "", runbook: params.get("runbook") ?? "", state: isShown(state) ? state : "all" };
}

export function RunbooksPage() {
  const listed = useListed(runs.runbooks);
  const { search } = useStore(place);
  const now = wanted(search);
  const to = (change: Partial<typeof now>): void => {
    const next = { ...now, ...change };
    const params = new URLSearchParams({ ...(next.q && { q: next.q }), ...(next.runbook && { runbook: next.runbook }), ...(next.state !== "all" && { state: next.state }) }).toString();
    go(`/runbooks${params && `?${params}`}`, true);
  };
  const none = listed.items?.length === 0;
  return (
    <main id="main" class="page">
      <div class="page-head"><Heading title="Runbooks" /></div>
      <p class="lede">Written once, done the same way each time. Every step is an action: decided by policy, reviewed where policy or the runbook asks for people, and recorded.</p>
      {none ? (
        <Empty title="There is no runbook">
          <p>A runbook is a YAML document of kind <code>Runbook</code>; it stands with the tools and is proposed and sealed with them. <a href="/policy">To the configuration</a></p>
        </Empty>
      ) : (
        <Listing title="Runbooks" one="runbook" listed={listed} search={now.q} onSearch={(q) => to({ q })} about="Open one to see its steps, or to start it."
          textOf={(one: Runbook) => [one.name, one.description, ...(one.triggers ?? []).map(triggerWords)].join(" ")}>
          {(one) => (
            <li key={one.name}>
              <div>
                <p><a class="runbook-name" data-row href={runbookPath(one.name)}><strong class="mono"><Text>{one.name}</Text></strong></a>{one.description && <> <Text>{one.description}</Text></>}</p>
                <p class="small muted">{[plural(one.steps, "step"), reviewWords[one.review] ?? one.review].join(" · ")}</p>
                {(one.triggers ?? []).map((trigger, i) => <p key={i} class="small">Started <Text>{triggerWords(trigger)}</Text>{trigger.next && <span class="muted">, next {exactTime(trigger.next)}</span>}</p>)}
              </div>
              {one.open > 0 && <a class="state state-executing open-runs" href={`/runbooks?${new URLSearchParams({ runbook: one.name, state: "open" })}`}>{count(one.open)} under way<span class="hidden"> of {one.name}</span></a>}
            </li>
          )}
        </Listing>
      )}
      <Card title="Runs" aside={<Shown shown={now.state} onShown={(state) => to({ state })} />}>
        {(listed.items?.length ?? 0) > 1 || now.runbook ? (
          <div class="pad">
            <label class="field-label run-filter">Of runbook
              <select value={now.runbook} onChange={(event) => to({ runbook: event.currentTarget.value })}>
                <option value="">all of them</option>
                {[...new Set([...(listed.items ?? []).map((one) => one.name), ...(now.runbook ? [now.runbook] : [])])].sort().map((name) => <option key={name} value={name}>{name}</option>)}
              </select>
            </label>
          </div>
        ) : null}
        <RunRows named query={{ ...(now.runbook && { runbook: now.runbook }), ...(now.state !== "all" && { state: now.state }) }} empty={noRunsWords(now.state)} />
      </Card>
    </main>
  );
}

export const noRunsWords = (state: WhichRuns): string => ({ all: "Nothing was run yet.", open: "Nothing is under way.", stopped: "None is stopped.", ended: "None has ended yet." })[state];

// Which runs are listed.
export function Shown({ shown, onShown }: { shown: WhichRuns; onShown: (shown: WhichRuns) => void }) {
  return (
    <fieldset class="segmented">
      <legend class="hidden">Which runs</legend>
      {(Object.keys(shownWords) as WhichRuns[]).map((one) => (
        <label key={one}><input type="radio" name="shown" checked={shown === one} onChange={() => onShown(one)} /><span>{shownWords[one]}</span></label>
      ))}
    </fieldset>
  );
}
