// What keys do in the editor, as changes of its text: no part of the screen.

export interface Edit {
  from: number; // this range …
  to: number;
  text: string; // … becomes this,
  start: number; // and then this is selected
  end: number;
}

const indent = "  ";

const lineStart = (text: string, at: number): number => text.lastIndexOf("\n", at - 1) + 1;

// Tab: two spaces, or every line of the selection two further in; with Shift two further out.
export function indented(text: string, start: number, end: number, out: boolean): Edit | null {
  if (!out && !text.slice(start, end).includes("\n")) {
    return { from: start, to: end, text: indent, start: start + indent.length, end: start + indent.length };
  }
  const from = lineStart(text, start);
  // A selection that ends where a line begins does not mean that line.
  const last = end > start && text[end - 1] === "\n" ? end - 1 : end;
  const next = text.indexOf("\n", last);
  const to = next < 0 ? text.length : next;
  const before = text.slice(from, to).split("\n");
  const after = before.map((line) => (out ? line.replace(/^(?: {1,2}|\t)/, "") : line && indent + line));
  const first = after[0]!.length - before[0]!.length;
  const all = after.join("\n").length - (to - from);
  if (all === 0) return null;
  return {
    from, to, text: after.join("\n"), start: Math.max(from, start + first), end: Math.max(from, end + all),
  };
}

// Enter: the new line begins as far in as this one.
export function newLine(text: string, start: number, end: number): Edit {
  const spaces = /^ */.exec(text.slice(lineStart(text, start), start))![0];
  const at = start + 1 + spaces.length;
  return { from: start, to: end, text: `\n${spaces}`, start: at, end: at };
}

// Where line and column (both from 1) are in a text; the nearest place there is.
export function offsetOf(text: string, line: number, column: number): number {
  let at = 0;
  for (let i = 1; i < line; i += 1) {
    const next = text.indexOf("\n", at);
    if (next < 0) break;
    at = next + 1;
  }
  const end = text.indexOf("\n", at);
  return Math.min(at + Math.max(0, column - 1), end < 0 ? text.length : end);
}

// How much of a line a mark at `column` (from 1) covers: a word, or what stands there.
export function markOf(line: string, column: number): { before: string; marked: string } {
  const at = Math.min(Math.max(0, column - 1), Math.max(0, line.trimEnd().length - 1));
  const word = /^(?:[\w.-]+|"[^"]*"|'[^']*'|\S)/.exec(line.slice(at));
  return { before: line.slice(0, at), marked: word?.[0] ?? line.slice(at, at + 1) };
}
