import { describe, expect, it } from "vitest";
import type { Action } from "./api/types";
import { isAway, wordsOf } from "./notice_words";

const action = (n: number, more: Partial<Action> = {}): Action => ({
  id: `act_${n}`, version: 1, state: "pending", tool: "orders-sql", operation: "execute", created_at: "2026-01-01T00:00:00Z",
  requester: { id: "ops-bot" }, resource: { kind: "database", name: "orders" }, args: { sql: "DROP TABLE secret_plans" },
  reason: "a reason to hide", claims: { on_behalf_of: "dana" }, ...more,
});

describe("a notice", () => {
  it("says who, what tool and what about, and opens the action", () => {
    expect(wordsOf([action(1)])).toEqual([
      { title: "ops-bot asks for your decision", body: "execute on database orders, through orders-sql", tag: "keyturn act_1", to: "/a/act_1" },
    ]);
  });
  it("says no argument, reason or claim, however many there are", () => {
    const said = JSON.stringify([wordsOf([action(1), action(2)]), wordsOf([1, 2, 3, 4, 5].map((n) => action(n)))]);
    for (const word of ["DROP", "secret_plans", "hide", "dana"]) expect(said).not.toContain(word);
  });
  it("of a hold point says which runbook would go on, and not what it asks", () => {
    const held = action(1, { tool: "keyturn.hold", operation: "read", args: { message: "drop secret_plans?" }, run: { id: "act_0", runbook: "patch", step: "sure", attempt: 1 } });
    expect(wordsOf([held])[0]!.body).toBe("go on with patch");
    expect(JSON.stringify(wordsOf([held]))).not.toMatch(/secret_plans|hide/);
  });
  it("is one for many", () => {
    const many = [1, 2, 3, 4].map((n) => action(n, { requester: `bot-${n}` }));
    expect(wordsOf(many)).toEqual([{ title: "4 new requests for you", body: "from bot-1, bot-2, bot-3 and others", tag: "keyturn", to: "/" }]);
  });
  it("obeys no character that would deceive", () => {
    const [words] = wordsOf([action(1, { requester: "ops\u202ebot", resource: { name: "a\u200bb" } })]);
    expect(JSON.stringify(words)).not.toMatch(/[\u202e\u200b]/);
    expect(words!.body).toContain("aU+200Bb");
  });
});

describe("a notice of what was there before", () => {
  it("says that it is a reminder, or an escalation and to whom", () => {
    expect(wordsOf([action(1)], "reminder")[0]).toMatchObject({ title: "Reminder: ops-bot still waits for your decision", tag: "keyturn act_1" });
    expect(wordsOf([action(1, { escalated_to: "le\u200bads" })], "escalation")[0]!.title).toBe("Escalated to leU+200Bads: ops-bot still waits for a decision");
  });
  it.each([["reminder", "Reminder: 4 requests still wait for you"], ["escalation", "4 requests escalated to you"]] as const)("is one for many: %s", (again, title) =>
    expect(wordsOf([1, 2, 3, 4].map((n) => action(n)), again)).toMatchObject([{ title, tag: "keyturn", to: "/" }]));
});

describe("out of office", () => {
  it.each([[null, false], [undefined, false], ["2026-01-01T00:00:01Z", true], ["2025-12-31T23:59:59Z", false]])("until %s: %s", (until, away) =>
    expect(isAway(until, Date.parse("2026-01-01T00:00:00Z"))).toBe(away));
});
