// In the inbox, before what waits for a vote: runs that are stopped until somebody who may says how a step ended.

import { useEffect, useState } from "preact/hooks";
import { runs, type Run, type RunSummary } from "../api/runs";
import { pulse } from "../session";
import { useStore } from "../store";
import { count, plural } from "../words";
import { Note } from "./pieces";
import { runPath } from "./run_words";
import { Text } from "./text";
import "../style/stopped_runs.css";

const shownMax = 5;
const readMax = 20; // runs that are asked whether I may

// The newest. The list does not say whether I may settle them: each run does.
async function stopped(known: Map<string, Run>): Promise<Run[]> {
  const { items } = await runs.list({ state: "stopped", limit: readMax });
  const read = await Promise.all(items.map((run) => known.get(key(run)) ?? runs.one(run.id).catch(() => null)));
  known.clear();
  return read.filter((run): run is Run => {
    if (run) known.set(key(run), run);
    return !!run?.may.resolve;
  });
}

const key = (run: RunSummary): string => JSON.stringify([run.id, run.asks]);

// No stream tells of these: they are read again with everything else that none does.
export function StoppedRuns() {
  const [items, setItems] = useState<Run[]>([]);
  const [known] = useState(() => new Map<string, Run>());
  const beat = useStore(pulse);
  useEffect(() => {
    let latest = true;
    stopped(known).then((found) => { if (latest) setItems(found); }, () => {});
    return () => { latest = false; };
  }, [beat]);
  if (!items.length) return null;
  return (
    <div class="stopped-runs" role="region" aria-label="Stopped runs">
      <Note kind="warn">
        <p><strong>{plural(items.length, "run is", "runs are")} stopped:</strong> nobody knows how a step ended. Look at what it was to change, then say so.</p>
        {items.slice(0, shownMax).map((run) => (
          <p key={run.id}><a href={runPath(run.id, run.asks?.[0])}><span class="mono"><Text>{run.runbook}</Text></span>, at <span class="mono"><Text>{(run.asks ?? []).join(", ")}</Text></span></a>{run.asked_for && <>: “<Text>{run.asked_for}</Text>”</>}</p>
        ))}
        {items.length > shownMax && <p><a href="/runbooks?state=stopped">And {count(items.length - shownMax)} more</a></p>}
      </Note>
    </div>
  );
}
