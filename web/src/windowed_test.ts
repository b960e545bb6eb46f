import { describe, expect, it } from "vitest";
import { drawn, Heights, offsetsOf, rangeOf, rowAt } from "./windowed";

const ids = (n: number): string[] => Array.from({ length: n }, (_, i) => `a${i}`);

describe("the heights of rows", () => {
  it("are guessed, then estimated once by the first that were drawn, then known", () => {
    const heights = new Heights();
    expect(heights.of("a0")).toBe(112);
    for (let i = 0; i < 8; i++) heights.set(`a${i}`, 80);
    expect(heights.of("unseen")).toBe(80);
    heights.set("tall", 400);
    expect([heights.of("unseen"), heights.of("tall")]).toEqual([80, 400]);
    expect([heights.set("tall", 400), heights.set("tall", 410)]).toEqual([false, true]);
    heights.clear();
    expect(heights.of("tall")).toBe(112);
  });
});

describe("where rows stand", () => {
  const heights = new Heights();
  ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7"].forEach((id, i) => heights.set(id, i === 1 ? 300 : 100));
  const offsets = offsetsOf(ids(4), 10_000, heights);
  it("adds up, and goes on by the estimate over what was not read", () => {
    expect([...offsets.slice(0, 5)]).toEqual([0, 100, 400, 500, 600]);
    expect(offsets[10_000]).toBe(600 + 9_996 * 125);
  });
  it.each([[-5, 0], [0, 0], [99, 0], [100, 1], [399, 1], [400, 2], [1e9, 9_999]])("at %d px stands row %d", (y, row) => {
    expect(rowAt(offsets, y)).toBe(row);
  });
  it("draws what is in range, and nothing when the list is elsewhere", () => {
    expect(rangeOf(offsets, 150, 450)).toEqual({ first: 1, end: 3 });
    expect(rangeOf(offsets, -900, -10)).toEqual({ first: 0, end: 0 });
    expect(rangeOf(offsets, 2e6, 3e6)).toEqual({ first: 0, end: 0 });
    expect(rangeOf(offsetsOf([], 0, heights), 0, 900)).toEqual({ first: 0, end: 0 });
  });
  it("keeps the row that has the focus, and its neighbours, in their order", () => {
    const range = { first: 50, end: 53 };
    expect(drawn(range, null, 100)).toEqual([50, 51, 52]);
    expect(drawn(range, 7, 100)).toEqual([6, 7, 8, 50, 51, 52]);
    expect(drawn(range, 53, 100)).toEqual([50, 51, 52, 53, 54]);
    expect(drawn(range, 0, 100)).toEqual([0, 1, 50, 51, 52]);
    expect(drawn(range, 99, 100)).toEqual([50, 51, 52, 98, 99]);
    expect(drawn({ first: 0, end: 0 }, null, 0)).toEqual([]);
  });
});
