// How a run and its steps stand, in words with a shape of their own: colour alone says nothing here.

import type { RunState, RunSummary, StepState } from "../api/runs";
import { partyId } from "../api/types";
import { span, useNow } from "../words";
import { Icon, type IconName } from "./icon";
import { Who } from "./pieces";
import { stepWords, type NodeState } from "../run_graph";

const runWords: Record<RunState, string> = {
  deferred: "Deferred", pending: "Waits for people to let it start", approved: "About to start", executing: "Starting", denied: "Denied", expired: "Expired",
  waiting: "Waits for its turn", running: "Running", held: "Held: waits for people", paused: "Paused", stopped: "Stopped: an outcome is unknown", cancelling: "Being cancelled",
  succeeded: "Succeeded", failed: "Failed", unknown: "Outcome unknown", cancelled: "Cancelled",
};

// The colours of the actions' states that mean the same.
const runLooks: Record<RunState, [look: string, icon: IconName]> = {
  deferred: ["deferred", "pause"], pending: ["pending", "clock"], approved: ["approved", "check"], executing: ["executing", "run"], denied: ["denied", "cross"],
  expired: ["expired", "clock"], waiting: ["deferred", "clock"], running: ["executing", "run"], held: ["pending", "person"], paused: ["deferred", "pause"], stopped: ["unknown", "question"],
  cancelling: ["deferred", "back"], succeeded: ["succeeded", "check"], failed: ["failed", "warn"], unknown: ["unknown", "question"], cancelled: ["cancelled", "back"],
};

export function RunTag({ state }: { state: RunState }) {
  const [look, icon] = runLooks[state] ?? ["unknown", "question"];
  return <span class={`state state-${look}`}><Icon name={icon} size={14} />{runWords[state] ?? state}</span>;
}

const stepIcons: Record<NodeState, IconName> = {
  waiting: "more", asked: "policy", deferred: "pause", pending: "person", running: "run", succeeded: "check", failed: "warn", unknown: "question", skipped: "next", partly: "pause",
};
export const stepIcon = (state: NodeState): IconName => stepIcons[state] ?? "question";

const stepLooks: Record<StepState, string> = {
  waiting: "waiting", asked: "executing", deferred: "deferred", pending: "pending", running: "executing", succeeded: "succeeded", failed: "failed", unknown: "unknown", skipped: "cancelled",
};

export function StepTag({ state }: { state: StepState }) {
  return <span class={`state state-${stepLooks[state] ?? "unknown"}`}><Icon name={stepIcon(state)} size={14} />{stepWords[state] ?? state}</span>;
}

// "240 ms", "9.5 s", "3 min".
export const took = (seconds: number): string =>
  seconds < 1 ? `${Math.max(0, Math.round(seconds * 1000))} ms` : seconds < 60 ? `${Math.floor(seconds * 10) / 10} s` : span(seconds);

// How long a run took, or takes already.
export function Took({ run }: { run: RunSummary }) {
  const now = useNow(1_000);
  const start = Date.parse(run.started_at ?? run.asked_at);
  const end = run.ended_at ? Date.parse(run.ended_at) : now;
  if (Number.isNaN(start) || Number.isNaN(end)) return null;
  const seconds = Math.max(0, (end - start) / 1000);
  return <span class="digits">{run.ended_at ? `took ${took(seconds)}` : run.open ? `for ${span(seconds)}` : ""}</span>;
}

export const Starter = ({ run }: { run: RunSummary }) =>
  partyId(run.requester) ? <Who party={run.requester} /> : <span class="muted">somebody</span>;

export const runPath = (id: string, step = ""): string => `/runs/${encodeURIComponent(id)}${step ? `?${new URLSearchParams({ step })}` : ""}`;
export const runbookPath = (name: string): string => `/runbooks/${encodeURIComponent(name)}`;
