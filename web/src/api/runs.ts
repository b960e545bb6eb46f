// Runbooks and their runs. A run is the action that started it, so that its id is that action's.

import { get, post, postText, withQuery } from "./client";
import type { Action, Json, Needed, Page, Plan } from "./types";

// What starts a runbook by itself, in an agent's name: a schedule or a webhook.
export interface Trigger {
  as: string;
  schedule?: string; // cron
  time_zone?: string;
  next?: string; // when it is due
  webhook?: string; // its name
  kind?: string; // of webhook: who sends it
}

export type Schema = { [word: string]: Json };

// A step as the document has it.
export interface GraphNode {
  id: string;
  name: string;
  kind: "action" | "approve" | "pass" | "group" | "branches";
  tool?: string;
  when?: string;
  foreach?: string;
  at_once?: number; // of a foreach
  timeout?: string;
  tries?: number;
  compensate?: string; // the tool that undoes it
  steps?: GraphNode[]; // of a group
  branches?: { name: string; steps: GraphNode[] }[];
  on_failure?: GraphNode[];
}

export interface Runbook {
  name: string;
  tool: string;
  description?: string;
  digest: string;
  revision?: number;
  review: "steps" | "plan";
  inputs: Schema;
  steps: number;
  open: number; // runs under way
  triggers?: Trigger[];
  graph?: GraphNode[]; // of one, not in the list
}

export type RunState =
  | "deferred" | "pending" | "approved" | "executing" | "denied" | "expired" // of its action, before it runs
  | "waiting" | "running" | "held" | "paused" | "stopped" | "cancelling"
  | "succeeded" | "failed" | "unknown" | "cancelled";

export interface RunSummary {
  id: string;
  runbook: string;
  state: RunState;
  requester: { kind?: string; id: string; name?: string };
  asked_at: string;
  started_at?: string; // not before it runs
  ended_at?: string;
  reason?: string; // why it failed, or was cancelled
  part_of?: { run: string; step: string }; // it is a step of another run
  waits?: string[]; // paths that wait for people
  asks?: string[]; // paths whose outcome people have to settle
  waits_for?: { lock?: string; held_by: string[] }[]; // a lock, or its turn, and the runs that have it
  held_up?: { step: string; code: string; message: string }; // a step that cannot be asked for yet
  asked_for?: string; // why it was started, in the words of whoever asked
  inputs?: Json;
  open: boolean;
}

// Who said how a step ended of which nobody knew, and what they looked at.
export interface Resolution {
  step: string;
  attempt: number;
  outcome: Settled;
  by: string;
  note: string;
  at: string;
}

export type StepState = "waiting" | "asked" | "deferred" | "pending" | "running" | "succeeded" | "failed" | "unknown" | "skipped";

export interface RunStep {
  path: string;
  step?: string; // the node's id
  name?: string;
  kind?: string;
  state: StepState;
  attempt: number;
  action?: string;
  began_at?: string;
  ended_at?: string;
  duration_ms?: number;
  reason?: string;
  needed?: Needed[];
  outputs?: Json;
  resolved_by?: string;
}

export interface Run extends RunSummary {
  digest: string;
  outputs?: Json;
  cancelled_by?: string;
  cancel_reason?: string;
  paused?: boolean;
  paused_by?: string;
  paused_with?: string; // the run that it is a step of, which was paused
  resolutions?: Resolution[];
  graph?: GraphNode[]; // not before it began
  may: { pause?: boolean; resume?: boolean; cancel?: boolean; resolve?: boolean };
  steps: RunStep[];
}

// A step as it would be done, and what policy says of it now.
export interface ForeseenStep {
  path: string;
  name: string;
  kind: string;
  tries: number;
  tool?: string;
  args?: Json;
  operation?: string;
  description?: Json; // what exactly would run
  verdict?: { effect: string; decided_by?: string; reasons?: string[]; plan?: Plan | null };
  covered?: boolean; // by the approval of the whole plan
  waits_for?: string; // the expression that rests on what other steps give
  when?: string;
  skipped?: boolean;
  undoes?: boolean;
  asks?: Plan;
  refused?: string;
}

export interface RunPlan {
  runbook: string;
  digest: string;
  review: "steps" | "plan";
  steps: ForeseenStep[];
}

export interface RunQuery {
  runbook?: string;
  state?: "open" | "stopped" | "ended";
  limit?: number;
  after?: string;
}

export type Settled = "succeeded" | "failed" | "again";

const book = (name: string): string => `/v1/runbooks/${encodeURIComponent(name)}`;
const run = (id: string): string => `/v1/runs/${encodeURIComponent(id)}`;

export const runStream = (id: string): string => `${run(id)}/stream`;

export const runs = {
  runbooks: () => get<Page<Runbook>>("/v1/runbooks"),
  runbook: (name: string) => get<Runbook>(book(name)),
  // `inputs` is JSON text, sent as it was written; so is it in start().
  plan: (name: string, inputs: string) => postText<RunPlan>(`${book(name)}/plan`, `{"inputs":${inputs}}`),
  // The same `key` starts one run, however often it is sent.
  start: (tool: string, inputs: string, reason: string, key: string) =>
    postText<Action>("/v1/actions", `{${JSON.stringify({ tool, reason, idempotency_key: key }).slice(1, -1)},"args":${inputs}}`),
  list: (query: RunQuery, signal?: AbortSignal) => get<Page<RunSummary>>(withQuery("/v1/runs", { ...query }), signal),
  one: (id: string) => get<Run>(run(id)),
  pause: (id: string) => post<Run>(`${run(id)}/pause`),
  resume: (id: string) => post<Run>(`${run(id)}/resume`),
  cancel: (id: string, reason: string) => post<Run>(`${run(id)}/cancel`, { reason }),
  resolve: (id: string, step: string, outcome: Settled, note: string) => post<Run>(`${run(id)}/resolve`, { step, outcome, note }),
};
