import { expect, test } from "vitest";
import { documentsOf, draft, isDirty, originalOf, textOf, unseen, type Draft } from "./draft";

const inForce = { text: "a\n", tools: { text: "t\n", digest: "2" }, digest: "1" } as Draft["inForce"];
const of = (policy: string | null, tools: string | null): Draft => ({ ...draft.get(), inForce, policy, tools });

test("only what differs is sent; the rest is what is in force", () => {
  expect(documentsOf(of(null, null))).toEqual({});
  expect(documentsOf(of("b\n", null))).toEqual({ policy: "b\n" });
  expect(documentsOf(of("", "u\n"))).toEqual({ policy: "", tools: "u\n" });
  expect([textOf(of("b\n", null), "policy.yaml"), textOf(of("b\n", null), "tools.yaml")]).toEqual(["b\n", "t\n"]);
  expect(originalOf(of("b\n", null), "policy.yaml")).toBe("a\n");
  expect([isDirty(of(null, null)), isDirty(of(null, ""))]).toEqual([false, true]);
});

test("what an editor would hide is said, at its place", () => {
  expect(unseen("policy.yaml", "rules: []\n# plain – text, ümlaut\n")).toEqual([]);
  expect(unseen("policy.yaml", "ok\n- id: a\u202Eb\n")).toEqual([
    { file: "policy.yaml", line: 2, column: 8, message: "a character that cannot be seen: U+202E", warning: true }]);
  expect(unseen("tools.yaml", "x\u200B")[0]).toMatchObject({ line: 1, column: 2 });
});
