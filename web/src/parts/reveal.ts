// Whole-picture: Approve is offered only when every part of the case was on this screen. Each chunk of content
// ends in a marker; a chunk counts as seen when its marker was in view.

import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Section } from "../api/types";
import { pagesOf, type Chunk } from "./runs";

export interface Reveal {
  pages: Chunk[][][]; // by section, page, chunk
  page: number[]; // the page that each section shows
  turn: (section: number, page: number) => void;
  marker: (element: HTMLElement | null) => void; // ref of an element with data-chunk
  cover: (heightPx: number) => void; // how much of the screen's lower edge the decision covers
  seen: number;
  total: number;
  done: boolean;
  sectionDone: (section: number) => boolean;
  showNext: () => void;
}

const headPx = 56;

const keyOf = (section: number, page: number, chunk: number): string => `${section}.${page}.${chunk}`;

function keysOf(pages: Chunk[][][]): string[] {
  return pages.flatMap((sections, s) =>
    sections.flatMap((chunks, p) => chunks.map((_, c) => keyOf(s, p, c))));
}

// `caseKey` names what is voted on: when it changes, everything must be looked at again.
export function useReveal(caseKey: string, sections: Section[]): Reveal {
  const pages = useMemo(() => sections.map(pagesOf), [caseKey, sections]);
  const keys = useMemo(() => keysOf(pages), [pages]);
  const [state, setState] = useState({ caseKey, seen: new Set<string>() });
  const [page, setPage] = useState<number[]>([]);
  const [wanted, setWanted] = useState<{ key: string } | null>(null);
  const observer = useRef<IntersectionObserver | null>(null);
  const markers = useRef(new Set<HTMLElement>());
  const covered = useRef(0);
  const current = useRef(caseKey);
  current.current = caseKey;
  const seen = state.caseKey === caseKey ? state.seen : new Set<string>();

  const note = useCallback((entries: IntersectionObserverEntry[]) => {
    const found = entries
      .filter((entry) => entry.isIntersecting)
      .map((entry) => (entry.target as HTMLElement).dataset.chunk ?? "");
    if (!found.length) return;
    setState((old) => ({
      caseKey: current.current,
      seen: new Set([...(old.caseKey === current.current ? old.seen : []), ...found]),
    }));
  }, []);

  // What lies under the page's head, or under the decision on a phone, was not seen.
  const watch = useCallback(() => {
    observer.current?.disconnect();
    const rootMargin = `-${headPx}px 0px -${covered.current}px 0px`;
    observer.current = new IntersectionObserver(note, { rootMargin });
    for (const element of markers.current) {
      if (element.isConnected) observer.current.observe(element);
      else markers.current.delete(element);
    }
  }, [note]);

  const marker = useCallback((element: HTMLElement | null) => {
    if (!element) return;
    markers.current.add(element);
    observer.current?.observe(element);
  }, []);

  const cover = useCallback((heightPx: number) => {
    if (covered.current === heightPx) return;
    covered.current = heightPx;
    watch();
  }, [watch]);

  useEffect(() => {
    watch();
    return () => observer.current?.disconnect();
  }, [watch, caseKey]);
  useEffect(() => setPage([]), [caseKey]);

  const turn = useCallback((section: number, to: number) => {
    setPage((old) => pages.map((_, s) => (s === section ? to : old[s] ?? 0)));
  }, [pages]);

  // As it is when the key is pressed, not when the handler was made.
  const latest = useRef({ keys, seen });
  latest.current = { keys, seen };
  const showNext = useCallback(() => {
    const next = latest.current.keys.find((key) => !latest.current.seen.has(key));
    if (!next) return;
    const [s = 0, p = 0] = next.split(".").map(Number);
    turn(s, p);
    setWanted({ key: next });
  }, [turn]);
  // After the page that holds it was drawn.
  useEffect(() => {
    if (wanted) document.querySelector(`[data-chunk="${wanted.key}"]`)?.scrollIntoView({ block: "center" });
  }, [wanted]);

  const counted = keys.filter((key) => seen.has(key)).length;
  return {
    pages,
    page: pages.map((_, s) => page[s] ?? 0),
    turn, marker, cover, showNext,
    seen: counted,
    total: keys.length,
    done: counted === keys.length,
    sectionDone: (s) => keys.filter((key) => key.startsWith(`${s}.`)).every((key) => seen.has(key)),
  };
}
