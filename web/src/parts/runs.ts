// Text that others wrote, made safe to look at. The server's renderer sends runs; this is the second
// line: whatever reaches the screen as plain text passes visible() once more, so that no invisible,
// bidirectional or control character takes effect, whichever field it hid in.

import type { Mark, Run, Section } from "../api/types";

const hidden =
  // Longest first: whole runs of blanks, then single characters.
  /( {12,}|\t{4,}|\n{4,}|\p{M}{4,})|([\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\u115F\u1160\u17B4\u17B5\u180B-\u180F\u2800\u3164\uFFA0\u{FE00}-\u{FE0F}\u034F\u{E0100}-\u{E01EF}]|(?! )\p{Zs})/gu;

const bidi = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/u;
const control = /\p{Cc}/u;
const space = /\p{Zs}/u;

const codePoint = (char: string): string =>
  "U+" + (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");

function markOf(char: string): Mark {
  if (bidi.test(char)) return "bidi";
  if (control.test(char)) return "control";
  return space.test(char) ? "whitespace" : "invisible";
}

// In the words of the server's renderer.
function blanks(text: string): Run {
  const names: Record<string, string> = { " ": "spaces", "\t": "tabs", "\n": "newlines" };
  const name = names[text[0] ?? ""];
  const t = `[${[...text].length} ${name ?? "combining marks"}]`;
  return { t, mark: name ? "whitespace" : "invisible" };
}

const indentMax = 40;

// `lines`: a newline or a tab is layout and stays; otherwise it is shown.
export function visible(text: string, lines = false): Run[] {
  const runs: Run[] = [];
  let at = 0;
  for (const match of text.matchAll(hidden)) {
    const found = match[0];
    if (lines && (found === "\n" || found === "\t")) continue;
    const indents = found[0] === " " && found.length <= indentMax && (text[match.index - 1] ?? "\n") === "\n";
    if (lines && indents) continue;
    if (lines && /^\n{4,}$/.test(found)) {
      runs.push({ t: text.slice(at, match.index) }, blanks(found), { t: "\n" });
    } else {
      runs.push({ t: text.slice(at, match.index) });
      if (match[1] !== undefined) runs.push(blanks(found));
      else if (found === "\n") runs.push({ t: "↵", mark: "whitespace" });
      else runs.push({ t: codePoint(found), mark: markOf(found) });
    }
    at = match.index + found.length;
  }
  runs.push({ t: text.slice(at) });
  return runs.filter((run) => run.t !== "");
}

// The server's runs, with the plain ones looked at again.
export function checkedRuns(runs: Run[], lines: boolean): Run[] {
  return runs.flatMap((run) =>
    run.mark ? visible(run.t).map((part) => ({ t: part.t, mark: run.mark ?? part.mark! })) : visible(run.t, lines));
}

export const plainText = (runs: Run[]): string => runs.map((run) => run.t).join("");

// ---- Long content: pieces (a line, or a field), in chunks (what is watched until it was on screen), in pages.

export interface Piece {
  number: number | null; // the line's number; null where a long line goes on, and for a field of one line
  label: Run[] | null;
  runs: Run[];
}
export type Chunk = Piece[];

export const pieceCharsMax = 600;
export const chunkPiecesMax = 10;
export const chunkCharsMax = 900;
export const pageChunksMax = 6;

export function linesOf(runs: Run[]): Run[][] {
  const lines: Run[][] = [[]];
  for (const run of runs) {
    const parts = run.mark ? [run.t] : run.t.split("\n");
    parts.forEach((t, i) => {
      if (i > 0) lines.push([]);
      if (t !== "") lines.at(-1)!.push(run.mark ? { t, mark: run.mark } : { t });
    });
  }
  return lines;
}

// One line in parts of at most pieceCharsMax characters; never inside a character.
function cut(line: Run[]): Run[][] {
  const parts: Run[][] = [[]];
  let room = pieceCharsMax;
  for (const run of line) {
    let chars = [...run.t];
    while (chars.length > 0) {
      if (room === 0) {
        parts.push([]);
        room = pieceCharsMax;
      }
      const t = chars.slice(0, room).join("");
      parts.at(-1)!.push(run.mark ? { t, mark: run.mark } : { t });
      room -= Math.min(room, chars.length);
      chars = chars.slice([...t].length);
    }
  }
  return parts;
}

export function piecesOf(section: Section): Piece[] {
  if (section.kind === "fields") {
    return (section.fields ?? []).flatMap(({ name, value }) => {
      const lines = linesOf(checkedRuns(value, true));
      return lines.flatMap((line, i) => cut(line).map((runs, j) => ({
        number: lines.length > 1 && j === 0 ? i + 1 : null,
        label: i === 0 && j === 0 ? checkedRuns(name, false) : null,
        runs,
      })));
    });
  }
  return linesOf(checkedRuns(section.runs ?? [], true)).flatMap((line, i) =>
    cut(line).map((runs, j) => ({ number: j === 0 ? i + 1 : null, label: null, runs })));
}

export function pagesOf(section: Section): Chunk[][] {
  const chunks: Chunk[] = [];
  let chars = Infinity;
  for (const piece of piecesOf(section)) {
    const length = plainText(piece.runs).length + (piece.label ? plainText(piece.label).length : 0);
    const last = chunks.at(-1);
    if (last && last.length < chunkPiecesMax && chars + length <= chunkCharsMax) {
      last.push(piece);
      chars += length;
    } else {
      chunks.push([piece]);
      chars = length;
    }
  }
  const pages: Chunk[][] = [];
  for (let i = 0; i < chunks.length; i += pageChunksMax) pages.push(chunks.slice(i, i + pageChunksMax));
  return pages.length ? pages : [[]];
}
