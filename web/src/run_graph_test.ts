import { expect, test } from "vitest";
import type { GraphNode, RunStep, StepState } from "./api/runs";
import { allNodes, asksWords, bars, itemsOf, placeOf, standings, standingWords, triggerWords, undoOf } from "./run_graph";

const node = (id: string, more: Partial<GraphNode> = {}): GraphNode => ({ id, name: id, kind: "action", ...more });
const step = (path: string, state: StepState, more: Partial<RunStep> = {}): RunStep => ({ path, state, attempt: 1, ...more });

const graph = [
  node("look", { on_failure: [node("tell")] }),
  node("sides", { kind: "branches", branches: [
    { name: "left", steps: [node("a", { compensate: "un.a" }), node("b")] },
    { name: "right", steps: [node("each", { foreach: "inputs.hosts" })] },
  ] }),
  node("last", { kind: "group", steps: [node("c")] }),
];

test.each([
  ["look", "look"], ["sides.left.a", "a"], ["sides.right.each[12]", "each"], ["look~on_failure.tell", "tell"], ["sides.left.a~compensate", "a~compensate"],
  ["g[0].each[3]~compensate", "each~compensate"], ["each", "each"],
])("path %s belongs to %s", (path, place) => {
  expect(placeOf(path)).toBe(place);
});

test("which items a path is of, outermost first", () => {
  expect(itemsOf("g[2].each[10]~compensate")).toEqual([2, 10]);
  expect(itemsOf("look")).toEqual([]);
});

test("every node of a graph is found, however deep", () => {
  expect(allNodes(graph).map(({ id }) => id)).toEqual(["look", "tell", "sides", "a", "b", "each", "last", "c"]);
});

test("a node stands as its steps do; what undoes it has a place of its own", () => {
  const all = standings(graph, [step("look", "succeeded"), step("sides.left.a", "succeeded"), step("sides.left.a~compensate", "running")]);
  expect(all.get("look")?.state).toBe("succeeded");
  expect(all.get("a")?.state).toBe("succeeded");
  expect(all.get(undoOf("a"))?.state).toBe("running");
  expect(all.get("b")?.state).toBe("waiting");
  expect(all.has(undoOf("b"))).toBe(false);
});

test("a step for each of a list: what has to be looked at comes first, the items in their order", () => {
  const each = (...states: StepState[]) => standings(graph, states.map((state, i) => step(`sides.right.each[${states.length - 1 - i}]`, state))).get("each")!;
  expect(each("succeeded", "failed", "running", "pending", "unknown").state).toBe("unknown");
  expect(each("succeeded", "failed", "running", "pending").state).toBe("pending");
  expect(each("succeeded", "failed", "running").state).toBe("running");
  expect(each("succeeded", "failed").state).toBe("failed");
  expect(each("succeeded", "skipped").state).toBe("succeeded");
  expect(each("skipped", "skipped").state).toBe("skipped");
  expect(each("failed", "succeeded", "succeeded").steps.map((one) => one.path.at(-2))).toEqual(["0", "1", "2"]);
  const many = standings(graph, Array.from({ length: 12 }, (_, i) => step(`sides.right.each[${11 - i}]`, "succeeded"))).get("each")!;
  expect(many.steps.map((one) => itemsOf(one.path)[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  expect(standingWords(each("running", "pending", "pending", "succeeded"))).toBe("1 succeeded, 2 wait for people, 1 running");
  expect(standingWords(each("failed"))).toBe("failed");
  expect(standingWords(undefined)).toBe("not begun");
});

test("what holds steps stands as they do", () => {
  const state = (steps: RunStep[], over = false) => standings(graph, steps, over).get("sides")!.state;
  expect(state([])).toBe("waiting");
  expect(state([step("sides.left.a", "succeeded")])).toBe("running");
  expect(state([step("sides.left.a", "succeeded"), step("sides.right.each[0]", "pending")])).toBe("pending");
  expect(state(["sides.left.a", "sides.left.b", "sides.right.each[0]"].map((path) => step(path, "succeeded")))).toBe("succeeded");
  expect(state([step("sides", "skipped")])).toBe("skipped");
  expect(state([step("sides", "failed")])).toBe("failed"); // its condition could not be told
  expect(state([step("sides.left.a", "succeeded")], true)).toBe("partly");
  expect(state([step("sides.left.a", "failed")], true)).toBe("failed");
});

test("whom a plan asks, in words", () => {
  expect(asksWords({ quorum: { sre: 1, dba: 2 } })).toBe("1 of sre and 2 of dba");
  expect(asksWords({ quorum: { dba: 1 }, any: [[{ finance: 1 }, { lead: 2 }]], stages: [[{ owner: 1 }, { cab: 2 }]] }))
    .toBe("1 of dba; and 1 of finance or 2 of lead; and 1 of owner, then 2 of cab");
  expect(asksWords(null)).toBe("");
});

test("what starts it, in words", () => {
  expect(triggerWords({ schedule: "0 2 * * 1-5", time_zone: "Europe/Berlin", as: "ops-bot" })).toBe("on schedule 0 2 * * 1-5 (Europe/Berlin) as ops-bot");
  expect(triggerWords({ webhook: "alerts", kind: "alertmanager", as: "bot" })).toBe("by webhook alerts (alertmanager) as bot");
});

test("bars lie on one axis, in the order in which they began; what goes on reaches to now", () => {
  const at = (seconds: number): string => new Date(seconds * 1000).toISOString();
  const found = bars([
    step("b", "running", { began_at: at(5) }), step("a", "succeeded", { began_at: at(0), ended_at: at(5) }), step("c", "skipped"), step("d", "unknown", { began_at: at(6) }),
  ], 0, 10_000);
  expect(found.seconds).toBe(10);
  expect(found.bars.map(({ step: one, from, to, open }) => [one.path, from, to, open])).toEqual([["a", 0, 0.5, false], ["b", 0.5, 1, true], ["d", 0.6, 0.6, false]]);
  expect(bars([], 0, 10).bars).toEqual([]);
});
