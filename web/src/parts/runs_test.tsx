import { describe, expect, it } from "vitest";
import type { Run, Section } from "../api/types";
import { checkedRuns, linesOf, pagesOf, piecesOf, plainText, visible } from "./runs";
import { runTitle } from "./text";

describe("text that others wrote", () => {
  it.each<[string, string, Run[]]>([
    ["a bidi override", "a\u202Eb", [{ t: "a" }, { t: "U+202E", mark: "bidi" }, { t: "b" }]],
    ["a zero-width space", "a\u200Bb", [{ t: "a" }, { t: "U+200B", mark: "invisible" }, { t: "b" }]],
    ["a byte order mark", "\uFEFF", [{ t: "U+FEFF", mark: "invisible" }]],
    ["an escape", "\u001B[2J", [{ t: "U+001B", mark: "control" }, { t: "[2J" }]],
    ["a backspace", "x\b", [{ t: "x" }, { t: "U+0008", mark: "control" }]],
    ["NUL", "\0", [{ t: "U+0000", mark: "control" }]],
    ["a carriage return", "a\rb", [{ t: "a" }, { t: "U+000D", mark: "control" }, { t: "b" }]],
    ["a no-break space", "a\u00A0b", [{ t: "a" }, { t: "U+00A0", mark: "whitespace" }, { t: "b" }]],
    ["a Hangul filler", "\u3164", [{ t: "U+3164", mark: "invisible" }]],
    ["a tag character", "\u{E0041}", [{ t: "U+E0041", mark: "invisible" }]],
    ["a lone surrogate", "\uD800", [{ t: "U+D800", mark: "invisible" }]],
    ["a line separator", "\u2028", [{ t: "U+2028", mark: "invisible" }]],
    ["a newline in one line", "a\nb", [{ t: "a" }, { t: "↵", mark: "whitespace" }, { t: "b" }]],
    ["a push of blanks", `a${" ".repeat(4000)}b`,
      [{ t: "a" }, { t: "[4000 spaces]", mark: "whitespace" }, { t: "b" }]],
    ["ordinary text", "SELECT 'é', '漢', 1", [{ t: "SELECT 'é', '漢', 1" }]],
  ])("shows %s", (_, text, runs) => expect(visible(text)).toEqual(runs));

  it("keeps lines where lines are layout, but not a push of them", () => {
    expect(visible("a\n\tb", true)).toEqual([{ t: "a\n\tb" }]);
    expect(plainText(visible(`a${"\n".repeat(900)}b`, true))).toBe("a[900 newlines]\nb");
  });

  it("may be indented, where lines are layout", () => {
    const text = `{\n${" ".repeat(20)}"a": 1\n}`;
    expect(visible(text, true)).toEqual([{ t: text }]);
    expect(plainText(visible(`a${" ".repeat(20)}b`, true))).toBe("a[20 spaces]b");
  });

  it("is looked at again even when the server sent it as plain", () => {
    expect(checkedRuns([{ t: "a\u202Eb" }, { t: "U+0000", mark: "control" }], true)).toEqual([
      { t: "a" }, { t: "U+202E", mark: "bidi" }, { t: "b" }, { t: "U+0000", mark: "control" },
    ]);
  });

  it("has a title for every mark", () => {
    for (const mark of ["control", "invisible", "bidi", "lookalike", "whitespace", "secret"] as const) {
      expect(runTitle(mark)).toMatch(/\w/);
    }
  });
});

describe("long content", () => {
  const code = (t: string): Section => ({ title: "x", kind: "code", runs: [{ t }] });
  const shown = (section: Section): string =>
    pagesOf(section).flat(2).map((piece) => (piece.number === null ? "" : "\n") + plainText(piece.runs))
      .join("").slice(1);

  it.each([
    ["nothing", ""],
    ["one line", "DROP TABLE orders_2019"],
    ["300 lines", Array.from({ length: 300 }, (_, i) => `line ${i}`).join("\n")],
    ["one line of 65,536 characters", "x".repeat(65_536)],
    ["characters beyond the first plane", "💥".repeat(1_500)],
  ])("of %s is whole over all its pages", (_, text) => expect(shown(code(text))).toBe(text));

  it("is cut in pages, and numbered by line", () => {
    const pages = pagesOf(code(Array.from({ length: 300 }, (_, i) => `${i}`).join("\n")));
    expect(pages.length).toBe(5);
    expect(pages.at(-1)!.at(-1)!.at(-1)!.number).toBe(300);
  });

  it("keeps marks when lines are cut", () => {
    expect(linesOf([{ t: "a\nb" }, { t: "U+202E", mark: "bidi" }, { t: "c" }])).toEqual([
      [{ t: "a" }], [{ t: "b" }, { t: "U+202E", mark: "bidi" }, { t: "c" }],
    ]);
  });

  it("of fields names a long value once", () => {
    const pieces = piecesOf({
      title: "x", kind: "fields",
      fields: [{ name: [{ t: "n" }], value: [{ t: "y".repeat(1_300) }] }],
    });
    expect(pieces.map((piece) => piece.label !== null)).toEqual([true, false, false]);
    expect(pieces.map((piece) => piece.number)).toEqual([null, null, null]);
  });
  it("of fields numbers the lines of a value that has several", () => {
    const pieces = piecesOf({ title: "x", kind: "fields", fields: [{ name: [{ t: "sql" }], value: [{ t: `a\n${"b".repeat(700)}\nc` }] }] });
    expect(pieces.map((piece) => piece.number)).toEqual([1, 2, null, 3]);
    expect(pieces.map((piece) => piece.label !== null)).toEqual([true, false, false, false]);
  });
});
