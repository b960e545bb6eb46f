// A run against its graph: which steps of the run belong to which node, and how a node stands. Pure.

import type { GraphNode, RunStep, StepState, Trigger } from "./api/runs";
import type { Plan, Json } from "./api/types";

export const undoOf = (id: string): string => `${id}~compensate`;

// The node that a path belongs to: the id that stands last in it; what undoes a step has a place of its own.
export function placeOf(path: string): string {
  const undo = path.endsWith("~compensate");
  const bare = undo ? path.slice(0, -"~compensate".length) : path;
  const id = bare.slice(bare.lastIndexOf(".") + 1).replace(/\[\d+\]$/, "");
  return undo ? undoOf(id) : id;
}

// Which items of foreach it is, outermost first: "all[3].look[0]" is [3, 0].
export const itemsOf = (path: string): number[] => [...path.matchAll(/\[(\d+)\]/g)].map((found) => Number(found[1]));

export const nestedIn = (node: GraphNode): GraphNode[] =>
  [...(node.steps ?? []), ...(node.branches ?? []).flatMap((branch) => branch.steps), ...(node.on_failure ?? [])];

export function allNodes(nodes: GraphNode[]): GraphNode[] {
  return nodes.flatMap((node) => [node, ...allNodes(nestedIn(node))]);
}

// partly: of a group, when nothing begins any more and not all of it was done.
export type NodeState = StepState | "partly";

export interface Standing {
  state: NodeState;
  steps: RunStep[]; // in the order of their items
  counts: Partial<Record<StepState, number>>;
}

const isEnd = (state: StepState): boolean => state === "succeeded" || state === "failed" || state === "skipped" || state === "unknown";
// What has to be looked at comes first.
const urgent: StepState[] = ["unknown", "pending", "running", "asked", "deferred"];

function together(states: NodeState[]): NodeState {
  for (const state of urgent) if (states.includes(state)) return state;
  if (states.includes("failed")) return "failed";
  if (states.includes("partly")) return "partly";
  const begun = states.filter((state) => state !== "waiting");
  if (begun.length === 0) return "waiting";
  if (begun.length < states.length) return "running"; // some ended, others have not begun
  return states.every((state) => state === "skipped") ? "skipped" : "succeeded";
}

const byItems = (a: RunStep, b: RunStep): number => {
  const [left, right] = [itemsOf(a.path), itemsOf(b.path)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) if (left[i] !== right[i]) return left[i]! - right[i]!;
  return left.length - right.length;
};

// How every node stands, by its id (what undoes it: by undoOf). A node that holds others stands as they do. `over`: nothing
// begins any more, so that what has not is not waited for.
export function standings(graph: GraphNode[], steps: RunStep[], over = false): Map<string, Standing> {
  const found = new Map<string, RunStep[]>();
  for (const step of steps) {
    const place = placeOf(step.path);
    const list = found.get(place);
    if (list) list.push(step);
    else found.set(place, [step]);
  }
  const out = new Map<string, Standing>();
  const put = (place: string, own: RunStep[], inner: NodeState[]): NodeState => {
    const counts: Standing["counts"] = {};
    for (const { state } of own) counts[state] = (counts[state] ?? 0) + 1;
    const told = own.map((step) => step.state);
    // What is inside says how it goes, once anything there has begun; its own record, that it did not begin or failed before.
    const begun = inner.filter((state) => state !== "waiting" && state !== "skipped");
    let state = together(told.length && !begun.length ? told : inner.length ? inner : told);
    if (over && state === "running") state = "partly";
    out.set(place, { state, steps: [...own].sort(byItems), counts });
    return state;
  };
  const visit = (node: GraphNode): NodeState => {
    for (const handler of node.on_failure ?? []) visit(handler);
    const inner = [...(node.steps ?? []), ...(node.branches ?? []).flatMap((branch) => branch.steps)].map(visit);
    if (node.compensate) put(undoOf(node.id), found.get(undoOf(node.id)) ?? [], []);
    return put(node.id, found.get(node.id) ?? [], inner);
  };
  graph.forEach(visit);
  return out;
}

export const stepWords: Record<NodeState, string> = {
  waiting: "not begun", asked: "being decided", deferred: "policy decides later", pending: "waits for people", running: "running", succeeded: "succeeded", failed: "failed",
  unknown: "outcome unknown", skipped: "skipped", partly: "not finished",
};

// "2 succeeded, 1 running" of a step that is done more than once; else the state's own words.
export function standingWords(standing: Standing | undefined): string {
  if (!standing) return stepWords.waiting;
  if (standing.steps.length < 2) return stepWords[standing.state] ?? standing.state;
  const said = (["succeeded", "failed", "unknown", "pending", "running", "asked", "deferred", "waiting", "skipped"] as const).filter((state) => standing.counts[state]);
  return said.map((state) => `${standing.counts[state]} ${state === "pending" && standing.counts[state]! > 1 ? "wait for people" : stepWords[state]}`).join(", ");
}

// Who is asked, in words: "1 of sre and 2 of dba".
export function asksWords(plan: Plan | null | undefined): string {
  const quorum = (value: Json | undefined): string =>
    !value || typeof value !== "object" || Array.isArray(value) ? ""
      : Object.entries(value).map(([group, count]) => `${String(count)} of ${group}`).join(" and ");
  const alternatives = (value: Json | undefined, between: string): string =>
    !Array.isArray(value) ? "" : value.map(quorum).filter(Boolean).join(between);
  const many = (value: Json | undefined, between: string): string[] =>
    (Array.isArray(value) ? value : []).map((entry) => alternatives(entry, between)).filter(Boolean);
  return [quorum(plan?.quorum), ...many(plan?.any, " or "), ...many(plan?.stages, ", then ")].filter(Boolean).join("; and ");
}

// "on schedule 0 2 * * 1-5 (Europe/Berlin) as ops-bot".
export function triggerWords({ as, schedule, time_zone, webhook, kind }: Trigger): string {
  const what = schedule ? `on schedule ${schedule}${time_zone ? ` (${time_zone})` : ""}` : `by webhook ${webhook ?? ""}${kind ? ` (${kind})` : ""}`;
  return `${what} as ${as}`;
}

export interface Bar {
  step: RunStep;
  from: number; // 0 to 1 of the whole
  to: number;
  seconds: number;
  open: boolean; // it goes on
}

// When each step was under way, in the order in which they began; `now` stands for an end that is not there yet. ms.
export function bars(steps: RunStep[], start: number, now: number): { bars: Bar[]; seconds: number } {
  const timed = steps.flatMap((step) => {
    const from = Date.parse(step.began_at ?? "");
    if (Number.isNaN(from)) return [];
    const ended = Date.parse(step.ended_at ?? "");
    const open = Number.isNaN(ended) && !isEnd(step.state);
    return [{ step, from, to: Math.max(from, Number.isNaN(ended) ? (open ? now : from) : ended), open }];
  }).sort((a, b) => a.from - b.from);
  const first = Math.min(start, ...timed.map((one) => one.from));
  const last = Math.max(first, ...timed.map((one) => one.to));
  const whole = Math.max(1, last - first);
  return {
    seconds: whole / 1000,
    bars: timed.map(({ step, from, to, open }) => ({ step, from: (from - first) / whole, to: (to - first) / whole, seconds: (to - from) / 1000, open })),
  };
}
