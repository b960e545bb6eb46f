// A long list of which only the rows near what is in view are drawn: where each row stands. The pure part of parts/rows.tsx.

const guessPx = 112;
const sampleRows = 8;

// How high rows are. What was not drawn yet counts as high as the first that were: an estimate that changed with every
// row would move the page under whoever reads.
export class Heights {
  private known = new Map<string, number>();
  private estimate: number | null = null;

  // Whether that is news.
  set(id: string, px: number): boolean {
    if (this.known.get(id) === px) return false;
    this.known.set(id, px);
    if (this.estimate === null && this.known.size >= sampleRows) this.estimate = Math.round(this.mean());
    return true;
  }
  of(id: string | undefined): number {
    return (id === undefined ? undefined : this.known.get(id)) ?? this.estimate ?? guessPx;
  }
  // After a change of the list's width.
  clear(): void {
    this.known.clear();
    this.estimate = null;
  }

  private mean(): number {
    let sum = 0;
    for (const px of this.known.values()) sum += px;
    return sum / this.known.size;
  }
}

// Where each of `count` rows begins, in pixels from the list's top, and last where the list ends. Rows behind `ids` are
// those that were not read yet.
export function offsetsOf(ids: readonly string[], count: number, heights: Heights): Float64Array {
  const out = new Float64Array(count + 1);
  for (let i = 0; i < count; i++) out[i + 1] = out[i]! + heights.of(ids[i]);
  return out;
}

// The row at `y`: the last that begins at or above it. The first and the last stand for what is beyond them.
export function rowAt(offsets: Float64Array, y: number): number {
  let low = 0;
  let high = Math.max(0, offsets.length - 2);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (offsets[middle]! <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}

export interface Range {
  first: number;
  end: number; // behind the last
}

export const rangeOf = (offsets: Float64Array, top: number, bottom: number): Range =>
  offsets.length < 2 || bottom < 0 || top > offsets.at(-1)!
    ? { first: 0, end: 0 } : { first: rowAt(offsets, top), end: rowAt(offsets, bottom) + 1 };

// Which rows are drawn, in order: those in range, and the one that has the focus with its neighbours, wherever it is.
export function drawn(range: Range, focus: number | null, count: number): number[] {
  const out = Array.from({ length: Math.min(range.end, count) - range.first }, (_, i) => range.first + i);
  if (focus === null) return out;
  const beside = [focus - 1, focus, focus + 1].filter((i) => i >= 0 && i < count && (i < range.first || i >= range.end));
  return beside.length ? [...out, ...beside].sort((a, b) => a - b) : out;
}
