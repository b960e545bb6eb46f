import { describe, expect, it } from "vitest";
import type { Standing } from "./api/standing";
import type { Action, Me } from "./api/types";
import { canStand } from "./standing";
import { boundText, draftOf, fieldOf, groupsOf, inOrder, isPlain, livesUpTo, mayRevoke, paramWords, secondsOf } from "./stands";

const one = (more: Partial<Standing> = {}): Standing => ({
  id: "sa_1", agent: "bot", owner: "olga", tool: "pay", operation: "write", params: { to: "acme", amount: 50 }, bounds: { amount: { min: 1, max: 100 } },
  plan: { quorum: { dba: 2 }, any: [[{ finance: 1 }, { lead: 1 }]] }, granted_at: "2026-01-01T00:00:00Z", until: "2026-01-08T00:00:00Z", uses: 0, uses_max: 2,
  in_force: true, proposer: "pat", approvals: [{ reviewer: "bob", instead_of: "dan", assurance: "passkey", channel: "web" }], action: "act_2", like: "act_1", ...more,
});

describe("a standing approval in words", () => {
  it("says what varies first, then what stays exactly as it was", () =>
    expect(paramWords(one({ bounds: { amount: { min: 1, max: 100 }, note: { one_of: ["a, b", 1, null] } } }))).toEqual([
      ["amount", "from 1 to 100"], ["note", 'one of "a, b", 1, null'], ["to", 'exactly "acme"']]));
  it("lists those in force first, then the newest", () => {
    const all = [one({ id: "a", in_force: false, granted_at: "2026-03" }), one({ id: "b" }), one({ id: "c", granted_at: "2026-02" })];
    expect(inOrder(all).map(({ id }) => id)).toEqual(["c", "b", "a"]);
  });
  it("names every group that its plan asks", () => expect(groupsOf(one().plan)).toEqual(["dba", "finance", "lead"]));
});

describe("who may end it", () => {
  const me = (id: string, groups: string[] = [], admin = false): Me => ({ id, groups, admin }) as Me;
  it.each([["pat", true], ["olga", true], ["bob", true], ["dan", true], ["mia", false]])("%s: %s", (who, may) => expect(mayRevoke(one(), me(who))).toBe(may));
  it("those of its groups, and administrators", () =>
    expect([me("x", ["lead"]), me("x", ["sre"]), me("x", [], true)].map((who) => mayRevoke(one(), who))).toEqual([true, false, true]));
  it("nobody, when it is over", () => expect(mayRevoke(one({ in_force: false }), me("pat", [], true))).toBe(false));
});

describe("bounds that are sent", () => {
  it("begin as the value that was approved, and no other", () => {
    expect(draftOf(50)).toEqual({ kind: "range", min: "50", max: "50" });
    expect(draftOf("rent")).toEqual({ kind: "one_of", text: "rent" });
    expect(draftOf(true)).toEqual({ kind: "one_of", text: "true" });
  });
  it("keep the digits that were typed", () => expect(boundText({ kind: "range", min: " 1 ", max: "12345678901234567890.10" }, false)).toBe('{"min":1,"max":12345678901234567890.10}'));
  it.each(["", "a lot", "0x10", "1,5", "01"])("of no number are none: %s", (max) => expect(boundText({ kind: "range", min: "1", max }, false)).toBeNull());
  it("are texts line by line, also those that look like JSON", () => expect(boundText({ kind: "one_of", text: "rent\n\n true \n" }, true)).toBe('{"one_of":["rent","true"]}'));
  it("are JSON where the value is no plain text", () => {
    expect(["a\nb", " a", "", 1].map((value) => isPlain(value))).toEqual([false, false, false, false]);
    expect(boundText({ kind: "one_of", text: '["a"]\n1.50' }, false)).toBe('{"one_of":[["a"],1.50]}');
    expect(boundText({ kind: "one_of", text: "rent" }, false)).toBeNull();
    expect(boundText({ kind: "one_of", text: " \n" }, true)).toBeNull();
  });
});

describe("how long", () => {
  it.each([["7d", 604_800], ["1d12h", 129_600], ["90m", 5_400], ["", NaN], ["7 days", NaN]])("%s is %s s", (text, seconds) => expect(secondsOf(text)).toBe(seconds));
  it("offers what is shorter, and what policy permits", () => {
    expect(livesUpTo("7d")).toEqual(["1h", "8h", "1d", "7d"]);
    expect(livesUpTo("30m")).toEqual(["30m"]);
  });
});

describe("a problem of the server is at its field", () => {
  it.each([["/uses", "uses"], ["/lasts", "lasts"], ["/reason", "reason"], ["/bounds/amount", "bounds.amount"], ["/bounds/amount/min", "bounds.amount"], ["/bounds/a~1b~0c", "bounds.a/b~c"], ["/bounds", ""], ["/action", ""], [undefined, ""]])(
    "%s: %s", (pointer, field) => expect(fieldOf(pointer)).toBe(field));
});

describe("more like it can be agreed to", () => {
  const approved = {
    id: "act_1", version: 1, state: "succeeded", created_at: "", tool: "pay", operation: "write", args: {}, requester: { id: "bot", kind: "agent" },
    verdict: { effect: "require" }, votes: [{ reviewer: "bob", decision: "approve", at: "" }],
  } as Action;
  it("when people approved what an agent asked", () => expect(canStand(approved)).toBe(true));
  it.each<Partial<Action>>([{ state: "pending" }, { state: "denied" }, { args: null }, { tool: "keyturn.policy" }, { votes: [] }, { requester: { id: "bob", kind: "person" } }, { verdict: { effect: "allow" } }])(
    "and not: %j", (more) => expect(canStand({ ...approved, ...more })).toBe(false));
});
