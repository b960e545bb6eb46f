// A list of actions of any length. Only the rows near what is in view are in the page, each at its place: the list is as
// long as all of its rows, one's place on the page stays when others come and go, and so does the focus.

import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Problem } from "../api/client";
import type { Action, Me } from "../api/types";
import { useKeys } from "../keys";
import { count as inWords } from "../words";
import { drawn, Heights, offsetsOf, rangeOf, rowAt, type Range } from "../windowed";
import { ActionRow } from "./row";
import { Text } from "./text";

const aheadPx = 600;
const headPx = 56; // the page's head, over what is under it
const needAhead = 30; // rows: a page is asked for before its rows are in view

export interface RowsProps {
  items: Action[];
  total: number; // of the whole list; -1: unknown, `items` is what there is so far
  me: Me;
  label: string;
  heights: Heights; // kept by whoever keeps the list
  showState?: boolean;
  need?: (upTo: number) => void; // so many rows are looked at: those that are missing should be read
  keys?: boolean; // End and Home are for this list, wherever the focus is
}

interface Anchor {
  rows: { id: string; at: number }[]; // what was in view, the row with the focus first, and where in the document
}

const sameRange = (a: Range, b: Range): boolean => a.first === b.first && a.end === b.end;

// Keeps what is in view where it is when rows before it come, go, or turn out higher than they were thought to be.
function useAnchor(list: { current: HTMLElement | null }, offsets: Float64Array, index: ReadonlyMap<string, number>, items: Action[]) {
  const anchor = useRef<Anchor>({ rows: [] });
  const note = useCallback((): void => {
    const element = list.current;
    if (!element) return;
    const top = element.getBoundingClientRect().top;
    const rows: Anchor["rows"] = [];
    if (top < headPx) { // before that, what comes first may come into view
      for (let i = rowAt(offsets, headPx - top); i < items.length && offsets[i]! + top < window.innerHeight; i++) {
        rows.push({ id: items[i]!.id, at: window.scrollY + top + offsets[i]! });
      }
    }
    const own = document.activeElement?.closest<HTMLElement>("[data-id]")?.dataset.id;
    anchor.current = { rows: [...rows.filter(({ id }) => id === own), ...rows] };
  }, [offsets, items]);
  useLayoutEffect(() => {
    const element = list.current;
    const stays = anchor.current.rows.find(({ id }) => index.has(id));
    if (element && stays) {
      const now = window.scrollY + element.getBoundingClientRect().top + offsets[index.get(stays.id)!]!;
      if (Math.abs(now - stays.at) > 0.5) window.scrollBy({ top: now - stays.at, behavior: "instant" });
    }
    note();
  });
  return note;
}

// Measures what is drawn, and again when something of it changes its height.
function useMeasured(list: { current: HTMLElement | null }, heights: Heights): number {
  const [version, setVersion] = useState(0);
  const width = useRef(0);
  const seen = useRef(new Set<Element>());
  const observer = useRef<ResizeObserver | null>(null);
  const measure = useCallback((): void => {
    const element = list.current;
    if (!element) return;
    let news = false;
    if (width.current !== 0 && width.current !== element.clientWidth) heights.clear();
    width.current = element.clientWidth;
    for (const row of element.querySelectorAll<HTMLElement>("[data-id]")) {
      if (heights.set(row.dataset.id!, row.offsetHeight)) news = true;
    }
    if (news) setVersion((old) => old + 1);
  }, [heights]);
  useLayoutEffect(() => {
    observer.current ??= new ResizeObserver(measure);
    const now = new Set<Element>([list.current!, ...list.current!.querySelectorAll("[data-id]")]);
    for (const old of seen.current) if (!now.has(old)) observer.current.unobserve(old);
    for (const row of now) if (!seen.current.has(row)) observer.current.observe(row);
    seen.current = now;
    measure();
  });
  useEffect(() => () => observer.current?.disconnect(), []);
  return version;
}

function useRange(list: { current: HTMLElement | null }, offsets: Float64Array, onScroll: () => void): Range {
  const [range, setRange] = useState<Range>({ first: 0, end: 12 });
  const look = useCallback((): void => {
    const top = list.current?.getBoundingClientRect().top;
    if (top === undefined) return;
    const now = rangeOf(offsets, -top - aheadPx, window.innerHeight - top + aheadPx);
    setRange((old) => (sameRange(old, now) ? old : now));
  }, [offsets]);
  useLayoutEffect(look);
  useEffect(() => {
    const moved = (): void => {
      look();
      onScroll();
    };
    window.addEventListener("scroll", moved, { passive: true });
    window.addEventListener("resize", moved);
    return () => {
      window.removeEventListener("scroll", moved);
      window.removeEventListener("resize", moved);
    };
  }, [look, onScroll]);
  return range;
}

// The row that the focus goes to as soon as it was read.
interface Aim {
  at: number;
  show: boolean; // and the page with it
}

// The focus, or the pointer, went elsewhere; somebody scrolls, and wants to go nowhere else.
function useElsewhere(list: { current: HTMLElement | null }, onLeft: () => void, onScroll: () => void): void {
  const latest = useRef({ onLeft, onScroll });
  latest.current = { onLeft, onScroll };
  useEffect(() => {
    const left = (event: Event): void => {
      if (!list.current?.contains(event.target as Node)) latest.current.onLeft();
    };
    const scrolled = (): void => latest.current.onScroll();
    const all: [string, (event: Event) => void][] = [["focusin", left], ["pointerdown", left], ["wheel", scrolled], ["touchmove", scrolled]];
    for (const [type, act] of all) document.addEventListener(type, act, { passive: true });
    return () => {
      for (const [type, act] of all) document.removeEventListener(type, act);
    };
  }, []);
}

const linkOf = (list: HTMLElement, id: string): HTMLElement | null =>
  list.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"] a`);

export function ActionRows({ items, total, me, label, heights, showState = false, need, keys = false }: RowsProps) {
  const list = useRef<HTMLDivElement>(null);
  const count = Math.max(total, items.length);
  const version = useMeasured(list, heights);
  const ids = useMemo(() => items.map((action) => action.id), [items]);
  const index = useMemo(() => new Map(ids.map((id, i) => [id, i])), [ids]);
  const offsets = useMemo(() => offsetsOf(ids, count, heights), [ids, count, heights, version]);
  const note = useAnchor(list, offsets, index, items);
  const range = useRange(list, offsets, note);
  const [focus, setFocus] = useState<string | null>(null); // the row that has it
  const [aim, setAim] = useState<Aim | null>(null);
  const focused = focus === null ? null : index.get(focus) ?? null;
  const lastFocused = useRef(0);
  if (focused !== null) lastFocused.current = focused;
  const pinned = aim && aim.at < items.length ? aim.at : focused;

  useEffect(() => {
    const ahead = range.end + needAhead;
    need?.(Math.max(total < 0 ? ahead : Math.min(count, ahead), aim ? aim.at + 1 : 0));
  }, [need, range, count, items.length, aim]);
  useLayoutEffect(() => {
    const link = aim && aim.at < items.length ? linkOf(list.current!, ids[aim.at]!) : null;
    if (!aim || !link) return;
    setAim(null);
    link.focus({ preventScroll: true });
    if (!aim.show) return;
    if (aim.at === 0) window.scrollTo({ top: 0, behavior: "instant" });
    link.scrollIntoView({ block: "nearest", behavior: "instant" });
    note();
  });
  // Whoever stood on a row that is gone stands on the one that took its place.
  useEffect(() => {
    if (focus === null || index.has(focus)) return;
    setFocus(null);
    if (document.activeElement === document.body && items.length) setAim({ at: Math.min(lastFocused.current, items.length - 1), show: false });
  }, [items]);
  useElsewhere(list, () => setFocus(null), () => setAim(null));

  const goTo = (at: number): void => {
    setAim({ at, show: true });
    if (at >= items.length) { // there, while it is read
      const top = list.current!.getBoundingClientRect().top + window.scrollY;
      window.scrollTo({ top: top + offsets[at]!, behavior: "instant" });
    }
  };
  const ends: Record<string, () => void> = keys && count > 0 ? { Home: () => goTo(0), End: () => goTo(count - 1) } : {};
  useKeys(ends);
  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || focused === null) return;
    const to = event.key === "j" ? focused + 1 : event.key === "k" ? focused - 1 : event.key === "Home" ? 0 : event.key === "End" ? count - 1 : -1;
    if (to < 0 || to >= count) return; // to what stands before or behind the list
    event.preventDefault();
    goTo(to);
  };

  return (
    <div class={showState ? "rows rows-dense" : "rows"} role="list" aria-label={label} ref={list}
      style={{ height: `${offsets[count] ?? 0}px` }} onKeyDown={onKey}
      onFocusIn={(event) => {
        const id = (event.target as HTMLElement).closest<HTMLElement>("[data-id]")?.dataset.id;
        if (id !== undefined) setFocus(id);
      }}>
      {drawn(range, pinned, count).map((i) => {
        const action = items[i];
        return action
          ? <ActionRow key={action.id} action={action} me={me} showState={showState} at={i + 1} total={total} top={offsets[i]!} />
          : <div key={`unread ${i}`} class="row row-unread" aria-hidden="true" style={{ top: `${offsets[i]}px`, height: `${heights.of(undefined)}px` }} />;
      })}
    </div>
  );
}

// What is said at a list's end while more of it is read.
export function Reading({ shown, total, busy, problem, retry }: {
  shown: number; total: number | null; busy: boolean; problem: Problem | null; retry: () => void;
}) {
  return (
    <p class={busy || problem ? "more more-busy" : "more"} role="status">
      {busy && <span class="small">Reading: {inWords(shown)}{total === null ? "" : ` of ${inWords(total)}`}…</span>}
      {problem && !busy && (
        <>
          <span class="small bad"><Text>{problem.title}</Text></span>{" "}
          <button type="button" class="button button-small" onClick={retry}>Try again</button>
        </>
      )}
    </p>
  );
}
