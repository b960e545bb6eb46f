// What differs between two texts, line by line: the least number of changed lines (Myers, "An O(ND) difference
// algorithm", 1986), up to a limit past which what lies between the common beginning and end is given whole.

export interface DiffLine {
  sign: " " | "-" | "+" | "…"; // "…": lines are left out here
  text: string;
  number: number; // from 1, in the text that has the line; of both, in the new one
}

const editsMax = 1_000;

const linesOf = (text: string): string[] => (text === "" ? [] : text.match(/[^\n]*\n|[^\n]+$/g) ?? []);

// The furthest places that d edits reach, a row for each d; null when more than editsMax would be needed.
function traced(a: string[], b: string[]): Int32Array[] | null {
  const most = Math.min(a.length + b.length, editsMax);
  const furthest = new Int32Array(2 * most + 3);
  const zero = most + 1;
  const rows: Int32Array[] = [];
  for (let d = 0; d <= most; d += 1) {
    rows.push(furthest.slice(zero - d - 1, zero + d + 2));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && furthest[zero + k - 1]! < furthest[zero + k + 1]!);
      let x = down ? furthest[zero + k + 1]! : furthest[zero + k - 1]! + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      furthest[zero + k] = x;
      if (x >= a.length && x - k >= b.length) return rows;
    }
  }
  return null;
}

function compared(a: string[], b: string[], before: number): DiffLine[] {
  const removed = (x: number): DiffLine => ({ sign: "-", text: a[x]!, number: before + x + 1 });
  const ofNew = (sign: " " | "+", y: number): DiffLine => ({ sign, text: b[y]!, number: before + y + 1 });
  const rows = traced(a, b);
  if (!rows) return [...a.map((_, x) => removed(x)), ...b.map((_, y) => ofNew("+", y))];
  const out: DiffLine[] = [];
  let x = a.length;
  let y = b.length;
  for (let d = rows.length - 1; d > 0; d -= 1) {
    const at = (k: number): number => rows[d]![k + d + 1]!;
    const k = x - y;
    const down = k === -d || (k !== d && at(k - 1) < at(k + 1));
    const fromX = at(down ? k + 1 : k - 1);
    const fromY = fromX - (down ? k + 1 : k - 1);
    const edited = down ? [fromX, fromY + 1] : [fromX + 1, fromY];
    while (x > edited[0]! && y > edited[1]!) out.push(ofNew(" ", --y)), x -= 1;
    if (down) out.push(ofNew("+", --y));
    else out.push(removed(--x));
  }
  while (y > 0) out.push(ofNew(" ", --y));
  return out.reverse();
}

// Within a run of changes, what goes before what comes.
function removedFirst(lines: DiffLine[]): DiffLine[] {
  const out: DiffLine[] = [];
  let added: DiffLine[] = [];
  for (const line of lines) {
    if (line.sign === "+") {
      added.push(line);
      continue;
    }
    if (line.sign === " ") {
      out.push(...added);
      added = [];
    }
    out.push(line);
  }
  return [...out, ...added];
}

function allLines(before: string, after: string): DiffLine[] {
  const a = linesOf(before);
  const b = linesOf(after);
  const least = Math.min(a.length, b.length);
  let head = 0;
  while (head < least && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < least - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const same = (from: number, to: number): DiffLine[] =>
    b.slice(from, to).map((text, i) => ({ sign: " ", text, number: from + i + 1 }));
  return [
    ...same(0, head),
    ...removedFirst(compared(a.slice(head, a.length - tail), b.slice(head, b.length - tail), head)),
    ...same(b.length - tail, b.length),
  ];
}

// The changed lines with `context` lines around them; none when the texts are the same.
export function lineDiff(before: string, after: string, context = 3): DiffLine[] {
  if (before === after) return [];
  const lines = allLines(before, after);
  const shown = new Set<number>();
  lines.forEach((line, i) => {
    if (line.sign === " ") return;
    for (let j = Math.max(0, i - context); j <= Math.min(lines.length - 1, i + context); j += 1) shown.add(j);
  });
  return lines.flatMap((line, i) => {
    if (!shown.has(i)) return [];
    return i > 0 && !shown.has(i - 1) ? [{ sign: "…" as const, text: "", number: line.number }, line] : [line];
  });
}

export const changedLines = (lines: DiffLine[]): { added: number; removed: number } => ({
  added: lines.filter((line) => line.sign === "+").length,
  removed: lines.filter((line) => line.sign === "-").length,
});
