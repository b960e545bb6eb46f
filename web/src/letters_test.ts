import { expect, it } from "vitest";
import { byAction } from "./letters";

const letter = (action: string, place: string) => ({ action, place, what: "v1", why: "no", at: "2026-11-21T12:00:00Z" });

it("what was given up is listed by action, in the order of its newest", () => {
  const dead = [letter("act_2", "a"), letter("act_1", "a"), letter("act_2", "b")];
  expect(byAction(dead).map(({ action, letters }) => [action, letters.map(({ place }) => place)])).toEqual([["act_2", ["a", "b"]], ["act_1", ["a"]]]);
  expect(byAction([])).toEqual([]);
});
