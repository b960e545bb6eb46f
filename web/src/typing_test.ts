import { expect, test } from "vitest";
import { indented, markOf, newLine, offsetOf, type Edit } from "./typing";

// "|" is the selection's ends (one: a cursor).
function after(marked: string, edit: (text: string, start: number, end: number) => Edit | null): string {
  const start = marked.indexOf("|");
  const end = marked.lastIndexOf("|") - (marked.lastIndexOf("|") > start ? 1 : 0);
  const text = marked.replaceAll("|", "");
  const done = edit(text, start, end);
  if (!done) return "nothing";
  const out = text.slice(0, done.from) + done.text + text.slice(done.to);
  const tail = done.end > done.start ? `${out.slice(done.start, done.end)}|` : "";
  return `${out.slice(0, done.start)}|${tail}${out.slice(done.end)}`;
}
const tab = (marked: string): string => after(marked, (text, start, end) => indented(text, start, end, false));
const back = (marked: string): string => after(marked, (text, start, end) => indented(text, start, end, true));

test("Tab inserts two spaces, or indents the lines that are selected", () => {
  expect(tab("a|b")).toBe("a  |b");
  expect(tab("a|b|c")).toBe("a  |c");
  expect(tab("|a\nb|\nc")).toBe("  |a\n  b|\nc");
  expect(tab("|a\n|b")).toBe("  |a\n|b");
  expect(tab("x|a\n\nb|")).toBe("  x|a\n\n  b|");
});

test("Shift and Tab take two spaces away, or as many as there are", () => {
  expect(back("    a|")).toBe("  a|");
  expect(back("|  a\n b\nc|")).toBe("|a\nb\nc|");
  expect(back("a|")).toBe("nothing");
  expect(back(" |  a")).toBe("| a");
});

test("a new line begins as far in as the one before", () => {
  expect(after("  - a|", newLine)).toBe("  - a\n  |");
  expect(after("  |  a", newLine)).toBe("  \n  |  a");
  expect(after("a|b|c", newLine)).toBe("a\n|c");
});

test("line and column, from 1, as a place in the text", () => {
  expect(offsetOf("ab\ncd\n", 2, 2)).toBe(4);
  expect(offsetOf("ab\ncd\n", 1, 99)).toBe(2);
  expect(offsetOf("ab\ncd", 99, 1)).toBe(3);
  expect(offsetOf("ab", 0, 0)).toBe(0);
});

test("a mark covers the word that begins at its column", () => {
  expect(markOf("- {id: x, efect: deny}", 11)).toEqual({ before: "- {id: x, ", marked: "efect" });
  expect(markOf("when: 'a b' x", 7)).toEqual({ before: "when: ", marked: "'a b'" });
  expect(markOf("abc", 99)).toEqual({ before: "ab", marked: "c" });
  expect(markOf("", 1)).toEqual({ before: "", marked: "" });
});
