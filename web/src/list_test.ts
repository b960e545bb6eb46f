import { describe, expect, it, vi } from "vitest";
import { fitting } from "./activity";
import type { Action } from "./api/types";
import { Batch } from "./batch";
import { appended, comparing, gist, merged, refreshed } from "./list";

const action = (n: number, more: Partial<Action> = {}): Action => ({
  id: `act_${String(n).padStart(4, "0")}`, version: 1, state: "pending", tool: "t", operation: "write",
  created_at: "2026-01-01T00:00:00Z", expires_at: `2026-01-01T01:00:${String(60 - n).padStart(2, "0")}Z`,
  needed: [{ group: "dba", count: 1, have: 0 }], waits_for_you: true, ...more,
});
const changes = (...actions: Action[]) => new Map(actions.map((a) => [a.id, a]));
const waits = (a: Action): boolean => a.waits_for_you === true;
const ids = (list: Action[]): number[] => list.map((a) => Number(a.id.slice(4)));

describe("a list that changes", () => {
  it("is the same array when nothing of it changed", () => {
    const list = [action(1), action(2)];
    expect(merged(list, changes(action(9, { waits_for_you: false })), "oldest", true, waits)).toBe(list);
    expect(merged(list, changes(action(9)), "oldest", false, waits)).toBe(list);
    expect(refreshed(list, changes(action(9)))).toBe(list);
  });
  it("takes a newcomer when it was read to its end, or when it stands before its last row", () => {
    const list = [action(1), action(5)];
    expect(ids(merged(list, changes(action(9)), "oldest", true, waits))).toEqual([1, 5, 9]);
    expect(ids(merged(list, changes(action(3)), "oldest", false, waits))).toEqual([1, 3, 5]);
    expect(ids(merged([], changes(action(3)), "oldest", false, waits))).toEqual([]);
  });
  it("loses what does not wait any more, and keeps the newer version", () => {
    const list = [action(1), action(2, { version: 4 }), action(3)];
    const now = merged(list, changes(action(1, { version: 2, waits_for_you: false }), action(2, { version: 3, reason: "old" })), "oldest", true, waits);
    expect(ids(now)).toEqual([2, 3]);
    expect(now[0]!.reason).toBeUndefined();
  });
  it("stands in the server's orders", () => {
    const two = { needed: [{ group: "dba", count: 1, have: 0 }, { group: "sre", count: 1, have: 0 }] };
    const list = [action(1), action(2), action(3, two), action(4, two)];
    const sorted = (order: "risk" | "oldest" | "expiry") => ids([...list].sort(comparing(order)));
    expect(sorted("risk")).toEqual([3, 4, 1, 2]);
    expect(sorted("oldest")).toEqual([1, 2, 3, 4]);
    expect(sorted("expiry")).toEqual([4, 3, 2, 1]);
  });
  it("has no row twice when a page brings what the stream brought before", () => {
    expect(ids(appended([action(1), action(2)], [action(2), action(3)]))).toEqual([1, 2, 3]);
  });
});

describe("a burst of changes", () => {
  it("of hundreds is handed on once, each action in its newest version, with the last count", () => {
    vi.useFakeTimers();
    vi.stubGlobal("window", globalThis);
    const taken: [Map<string, Action>, number | undefined][] = [];
    const batch = new Batch((all, total) => taken.push([all, total]));
    for (let n = 0; n < 300; n++) {
      batch.add(action(n % 100, { version: n }));
      batch.setTotal(n);
    }
    batch.add(action(7, { version: 1 }));
    vi.runAllTimers();
    expect(taken.length).toBe(1);
    expect(taken[0]![0].size).toBe(100);
    expect(taken[0]![0].get(action(7).id)!.version).toBe(207);
    expect(taken[0]![1]).toBe(299);
    batch.add(action(1));
    batch.stop();
    vi.runAllTimers();
    expect(taken.length).toBe(1);
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
});

describe("the gist of a request", () => {
  it.each([
    [undefined, ""],
    [{ sql: "DROP TABLE\n  orders_2019" }, "DROP TABLE orders_2019"],
    [{ unit: "web-7", force: true, why: "two words", n: 3 }, "unit=web-7 force=true why=\"two words\" n=3"],
    [{ list: ["a", "b"] }, '["a","b"]'],
    [{}, ""],
    [{ hosts: ["web-1", "web 2"], by: "a b", n: 3 }, 'hosts=["web-1","web 2"] by="a b" n=3'],
  ])("%j", (args, line) => expect(gist(args)).toBe(line));
  it("is cut, and says so, however long the argument", () => {
    expect(gist({ sql: "x".repeat(301) })).toBe(`${"x".repeat(300)}…`);
    expect([...gist({ sql: "é".repeat(1_000_000) })].length).toBe(301);
    expect(gist({ sql: " ".repeat(2_000) + "x" })).toBe("…");
  });
});

describe("what fits a filter", () => {
  const one = action(1, { requester: { id: "ops-bot" }, resource: { kind: "database", name: "orders" } });
  it.each([
    [{}, true], [{ state: "pending" }, true], [{ state: "denied" }, false], [{ tool: "t" }, true], [{ tool: "T" }, false],
    [{ actor: "ops-bot" }, true], [{ actor: "ops" }, false], [{ q: "ORDERS" }, true], [{ q: "nothing" }, false],
    [{ from: "2026-01-01T00:00:00Z" }, true], [{ to: "2026-01-01T00:00:00Z" }, false],
  ])("%j: %s", (query, fits) => expect(fitting(query)(one)).toBe(fits));
});
