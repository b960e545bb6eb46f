// A list of actions of any length. Rows far from what is in view are not drawn: blank space of their height stands for
// them, so that the page's length, and one's place on it, stay as they are.

import { Component, type RefCallback } from "preact";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Action, Me } from "../api/types";
import { count } from "../words";
import { ActionRow } from "./row";

const chunkRows = 25;
const rowPx = 112; // a guess, until it was measured
const aheadPx = 1_200;
const firstChunks = 4;

interface ChunkProps {
  rows: Action[];
  at: number; // of its first row in the list
  total: number; // of the whole list, as far as it is known; -1: unknown
  far: boolean;
  height: number;
  watch: RefCallback<HTMLElement>;
  me: Me;
  showState: boolean;
}

class Chunk extends Component<ChunkProps> {
  override shouldComponentUpdate(next: ChunkProps): boolean {
    const now = this.props;
    return now.far !== next.far || now.at !== next.at || now.total !== next.total || now.me !== next.me ||
      now.rows.length !== next.rows.length || now.rows.some((row, i) => row !== next.rows[i]);
  }

  override render({ rows, at, total, far, height, watch, me, showState }: ChunkProps) {
    return (
      <div class="chunk" ref={watch} data-chunk-at={at} style={{ height: far ? `${height}px` : "" }}>
        {!far && rows.map((action, i) => (
          <ActionRow key={action.id} action={action} me={me} showState={showState} at={at + i + 1} total={total} />
        ))}
      </div>
    );
  }
}

// Which chunks are far away, and how high each was when it was last drawn. What was never looked at counts as near,
// but for a list that is come back to: `heights` is kept by whoever keeps the list.
function useFar(heights: number[], chunks: number): [ReadonlySet<number>, RefCallback<HTMLElement>] {
  const [far, setFar] = useState<ReadonlySet<number>>(
    () => new Set(Array.from({ length: chunks }, (_, i) => i).slice(firstChunks)));
  const observer = useRef<IntersectionObserver | null>(null);
  observer.current ??= new IntersectionObserver((entries) => {
    setFar((old) => {
      const now = new Set(old);
      for (const { target, isIntersecting, boundingClientRect } of entries) {
        const chunk = Number((target as HTMLElement).dataset.chunkAt) / chunkRows;
        if (isIntersecting) now.delete(chunk);
        else if (target.isConnected && !now.has(chunk) && !target.contains(document.activeElement)) {
          heights[chunk] = boundingClientRect.height;
          now.add(chunk);
        }
      }
      return now;
    });
  }, { rootMargin: `${aheadPx}px 0px` });
  useEffect(() => () => observer.current?.disconnect(), []);
  const watch = useCallback((element: HTMLElement | null) => {
    if (element) observer.current?.observe(element);
  }, []);
  return [far, watch];
}

export function ActionRows({ items, total, me, label, heights, showState = false }: {
  items: Action[]; total: number; me: Me; label: string; heights: number[]; showState?: boolean;
}) {
  const chunks = Math.ceil(items.length / chunkRows);
  const [far, watch] = useFar(heights, chunks);
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => () => { // what is drawn now was not measured yet
    list.current?.childNodes.forEach((chunk, i) => {
      heights[i] = (chunk as HTMLElement).getBoundingClientRect().height;
    });
  }, []);
  return (
    <div class={showState ? "rows rows-dense" : "rows"} role="list" aria-label={label} ref={list}>
      {Array.from({ length: chunks }, (_, i) => {
        const rows = items.slice(i * chunkRows, (i + 1) * chunkRows);
        return (
          <Chunk key={i} rows={rows} at={i * chunkRows} total={total} me={me} showState={showState} watch={watch}
            far={far.has(i)} height={heights[i] ?? rows.length * rowPx} />
        );
      })}
    </div>
  );
}

// The way to the next page, at the list's end. Pressed, it hands the focus on to the first row that came.
export function More({ shown, total, busy, what, onMore }: {
  shown: number; total: number | null; busy: boolean; what: string; onMore: () => Promise<void>;
}) {
  const button = useRef<HTMLButtonElement>(null);
  const handOn = useRef<number | null>(null); // how many rows there were
  const [said, setSaid] = useState("");
  useEffect(() => {
    const before = handOn.current;
    if (before === null || shown <= before) return;
    handOn.current = null;
    setSaid(`${count(shown)} rows are shown`);
    focusRow(before + 1);
  }, [shown]);
  useEffect(() => () => { // the last page took the button away with it
    if (handOn.current !== null) focusRow(handOn.current + 1);
  }, []);
  const more = (): void => {
    if (busy) return;
    handOn.current = document.activeElement === button.current ? shown : null;
    void onMore();
  };
  return (
    <p class="more">
      <button type="button" class="button" ref={button} data-more aria-disabled={busy} onClick={more}>
        {busy ? "Loading…" : what}
      </button>
      <span class="small muted">{total === null ? `${count(shown)} shown` : `${count(shown)} of ${count(total)} shown`}</span>
      <span class="hidden" role="status">{said}</span>
    </p>
  );
}

function focusRow(place: number): void {
  document.querySelector<HTMLElement>(`.rows [aria-posinset="${place}"] a`)?.focus({ preventScroll: true });
}
