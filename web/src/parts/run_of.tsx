// On the page of an action: the run that it is, or of which it is a step.

import type { Action } from "../api/types";
import { Icon } from "./icon";
import { runPath } from "./run_words";
import { Text } from "./text";
import "../style/runs.css";

export function RunOf({ action }: { action: Action }) {
  const { run } = action;
  return (
    <p class="run-of">
      <Icon name="stands" size={16} />
      {run
        ? <span>A step of a run of <strong class="mono"><Text>{run.runbook}</Text></strong>: <span class="mono"><Text>{run.step}</Text></span>{run.attempt > 1 && `, attempt ${run.attempt}`}. <a href={runPath(run.id, run.step)}>To the run</a></span>
        : <span>It starts a run of a runbook. <a href={runPath(action.id)}>To the run: its steps as a picture, logs, timing</a></span>}
    </p>
  );
}
