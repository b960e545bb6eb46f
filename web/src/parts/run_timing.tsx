// When each step of a run was under way: a bar each, on one time axis.

import { useState } from "preact/hooks";
import type { Run, RunStep } from "../api/runs";
import { bars, placeOf, stepWords } from "../run_graph";
import { count, exactTime, useNow } from "../words";
import { Icon } from "./icon";
import { Card } from "./pieces";
import { stepIcon, took } from "./run_words";
import { Text } from "./text";

const shownMax = 100;

export function TimingCard({ run, selected, onPath }: { run: Run; selected: string | null; onPath: (path: string) => void }) {
  const now = useNow(1_000);
  const [more, setMore] = useState(false);
  const all = bars((run.steps ?? []).filter((step) => step.kind !== "group" && step.kind !== "branches"), Date.parse(run.started_at ?? run.asked_at), now);
  if (all.bars.length === 0) return null;
  const shown = more ? all.bars : all.bars.slice(0, shownMax);
  const percent = (part: number): string => `${(100 * part).toFixed(2)}%`;
  return (
    <Card title="Timing" aside={<span class="card-aside">{took(all.seconds)} altogether</span>}>
      <ol class="timing">
        {shown.map(({ step, from, to, seconds, open }) => (
          <li key={step.path}>
            <button type="button" class={`timing-row node-${step.state}`} aria-pressed={step.path === selected} onClick={() => onPath(step.path)}
              title={`${exactTime(step.began_at ?? "")}, ${took(seconds)}`}>
              <span class="timing-name"><Icon name={stepIcon(step.state)} size={14} /> <Text>{label(step)}</Text><span class="hidden">: {stepWords[step.state] ?? step.state}</span></span>
              <span class="timing-track"><span class={open ? "timing-bar timing-open" : "timing-bar"} style={{ left: percent(from), width: percent(to - from) }} /></span>
              <span class="timing-took digits">{took(seconds)}{open && "…"}</span>
            </button>
          </li>
        ))}
      </ol>
      {shown.length < all.bars.length && <p class="pad"><button type="button" class="link-button" onClick={() => setMore(true)}>Show all {count(all.bars.length)}</button></p>}
    </Card>
  );
}

// Its name, with the items that it is of.
const label = (step: RunStep): string => {
  const name = step.name || placeOf(step.path);
  const items = [...step.path.matchAll(/\[\d+\]/g)].map((found) => found[0]).join("");
  return `${step.path.endsWith("~compensate") ? "undo " : ""}${name}${items && ` ${items}`}`;
};
