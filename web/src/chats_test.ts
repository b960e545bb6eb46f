import { describe, expect, it } from "vitest";
import type { ChatAttempt, ChatLinks } from "./api/chats";
import { bareAccount, chatOf, chatsOf, clockLeft, endingsOf, sayOf, stepOf } from "./chats";
import { nameOf, over } from "./words";

const now = Date.parse("2026-11-21T12:00:00Z");
const attempt = (more: Partial<ChatAttempt> = {}): ChatAttempt => ({
  id: "lnk_1", channel: "slack", code: "7Q3K-9MWP", expires_at: "2026-11-21T12:10:00Z", account: null, agreed: false, ...more,
});
const account = { account: "slack:T1/U1", name: "Ada" };
const links = (under_way: ChatAttempt[], items: ChatLinks["items"] = []): ChatLinks => ({ items, under_way, channels: ["slack", "teams"] });

describe("linking a chat account", () => {
  it("is confirmed only when the account agreed, and in time", () => {
    expect(stepOf(attempt(), now)).toBe("say");
    expect(stepOf(attempt({ account }), now)).toBe("agree");
    expect(stepOf(attempt({ account, agreed: true }), now)).toBe("confirm");
    expect(stepOf(attempt({ account, agreed: true }), now + 600_000)).toBe("late");
  });
  it("says what to write in which chat", () => {
    expect(sayOf("slack", "7Q3K-9MWP")).toBe("/keyturn link 7Q3K-9MWP");
    expect(sayOf("teams", "7Q3K-9MWP")).toBe("link 7Q3K-9MWP");
  });
  it("counts down to nothing, not below", () => {
    expect(clockLeft("2026-11-21T12:10:00Z", now)).toBe("10:00");
    expect(clockLeft("2026-11-21T12:10:00Z", now + 595_001)).toBe("0:05");
    expect(clockLeft("2026-11-21T12:10:00Z", now + 900_000)).toBe("0:00");
  });
  it("shows each chat once, one that is not spoken to any more too", () => {
    expect(chatsOf({ items: [{ channel: "teams", account: "teams:a/b" }], under_way: [], channels: ["slack"] })).toEqual(["slack", "teams"]);
    expect(chatsOf(links([], [{ channel: "slack", account: "slack:T1/U1" }]))).toEqual(["slack", "teams"]);
    expect(chatsOf({ items: [], under_way: [], channels: [] })).toEqual([]);
  });
  it("takes an account apart at its first colon", () => {
    expect([bareAccount("slack:T1/U1"), chatOf("slack:T1/U1")]).toEqual(["T1/U1", "slack"]);
    expect([bareAccount("teams:a/b:c"), chatOf("teams:a/b:c")]).toEqual(["a/b:c", "teams"]);
  });
});

describe("an attempt that is gone", () => {
  const none = new Set<string>();
  it("is told of, and why", () => {
    expect(endingsOf(links([attempt({ account })]), links([]), none, now)[0]).toMatch(/Slack: that account said no/);
    expect(endingsOf(links([attempt()]), links([]), none, now + 600_000)[0]).toMatch(/time of that code is over/);
  });
  it("is not told of when it was stopped here, goes on, or became a link", () => {
    expect(endingsOf(links([attempt()]), links([]), new Set(["lnk_1"]), now)).toEqual([]);
    expect(endingsOf(links([attempt()]), links([attempt({ account })]), none, now)).toEqual([]);
    expect(endingsOf(links([attempt({ account, agreed: true })]), links([], [{ channel: "slack", account: "slack:T1/U1" }]), none, now)).toEqual([]);
    expect(endingsOf(null, links([]), none, now)).toEqual([]);
  });
});

describe("ways to people", () => {
  it("have the names that people use", () => {
    expect(["slack", "teams", "email", "pager", "webhook"].map(nameOf)).toEqual(["Slack", "Teams", "e-mail", "pager", "webhook"]);
    expect(["slack", "teams", "web", "cli", "demo"].map(over)).toEqual(["over Slack", "over Teams", "in the inbox", "over the command line", "over demo"]);
  });
});
