import { expect, test } from "vitest";
import { changedLines, lineDiff, type DiffLine } from "./diff";

const side = (lines: DiffLine[], sign: "-" | "+"): string =>
  lines.filter((line) => line.sign === " " || line.sign === sign).map((line) => line.text).join("");
const signs = (before: string, after: string, context?: number): string =>
  lineDiff(before, after, context).map((line) => line.sign + line.text.trimEnd()).join("|");

test("the changed lines, their neighbours, and where it goes on", () => {
  expect(signs("a\nb\nc\nd\ne\nf\ng\n", "a\nB\nc\nd\ne\nf\ng\nh\n", 1)).toBe(" a|-b|+B| c|…| g|+h");
  expect(signs("same\n", "same\n")).toBe("");
  expect(signs("", "x\n")).toBe("+x");
  expect(signs("x\n", "")).toBe("-x");
  expect(signs("1\n2\n3\n", "2\n3\n4\n")).toBe("-1| 2| 3|+4");
  expect(changedLines(lineDiff("1\n2\n3\n", "2\n3\n4\n5\n"))).toEqual({ added: 2, removed: 1 });
});

test("a missing end of the last line is a difference", () => {
  expect(lineDiff("x", "x\n").map((line) => line.sign + line.text)).toEqual(["-x", "+x\n"]);
});

test("numbers are those of the text that has the line", () => {
  expect(lineDiff("a\nb\nc\n", "b\nc\nd\n", 0).filter((line) => line.sign !== "…").map((line) => `${line.sign}${line.number}`)).toEqual(["-1", "+3"]);
});

test("both texts can be read back from it, and no line is changed for nothing", () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let round = 0; round < 500; round += 1) {
    let before = "";
    let after = "";
    for (let i = 0; i < 20; i += 1) {
      const line = "abcd"[random(4)]! + "\n";
      if (random(4)) before += line;
      if (random(4)) after += line;
    }
    if (random(5) === 0) after = after.slice(0, -1);
    if (before === after) continue;
    const lines = lineDiff(before, after, 1000);
    expect(side(lines, "-")).toBe(before);
    expect(side(lines, "+")).toBe(after);
    const { added, removed } = changedLines(lines);
    expect(added + removed).toBeLessThanOrEqual(22);
  }
});

test("texts that have nothing in common are given whole", () => {
  const of = (word: string): string => Array.from({ length: 3_000 }, (_, i) => `${word} ${i}\n`).join("");
  const lines = lineDiff(of("old"), of("new"));
  expect(changedLines(lines)).toEqual({ added: 3_000, removed: 3_000 });
  expect(side(lines, "+")).toBe(of("new"));
});
