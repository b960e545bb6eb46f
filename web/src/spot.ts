// Where one was on a page, for the way back to it: how far down, and on which link. A spot belongs to an entry of the
// browser's history; it is taken up when the page has its content again.

import { useLayoutEffect } from "preact/hooks";

interface Spot {
  y: number;
  href: string | null; // of the link that had the focus
}

const storageKey = "keyturn.spots";
const spotsMax = 50;
const focusTriesMax = 20; // frames, until rows that were out of sight are drawn

let spots = new Map<number, Spot>();
let entry = 0;
let pending: Spot | null = null;

const entryOf = (state: unknown): number =>
  state && typeof state === "object" && "entry" in state && typeof state.entry === "number" ? state.entry : 0;

// Before another entry is made, or this one is left: where is one?
export function leaving(): void {
  const active = document.activeElement;
  const href = active?.closest?.("main a[href]")?.getAttribute("href") ?? null;
  spots.set(entry, { y: window.scrollY, href });
  for (const old of spots.keys()) {
    if (spots.size <= spotsMax) break;
    spots.delete(old);
  }
}

export interface Origin {
  list: string; // the address of the list that led here; "": none did
  steps: number; // how many entries of the history back it is
}

export function cameFrom(): Origin {
  const state = history.state as Partial<Origin> | null;
  return typeof state?.list === "string" && typeof state.steps === "number"
    ? { list: state.list, steps: state.steps } : { list: "", steps: 0 };
}

// The state of a new entry, made on the page at `here`.
export function entered(here: string): { entry: number } & Origin {
  const before = cameFrom();
  entry = Math.max(entry, ...spots.keys()) + 1;
  pending = null;
  if (here === "/" || here.startsWith("/activity")) return { entry, list: here, steps: 1 };
  return { entry, list: before.list, steps: before.list ? before.steps + 1 : 0 };
}

// Back, or forward, to an entry with this state.
export function returning(state: unknown): void {
  leaving();
  entry = entryOf(state);
  pending = spots.get(entry) ?? null;
}

export function startSpots(): void {
  history.scrollRestoration = "manual";
  try {
    spots = new Map(JSON.parse(sessionStorage.getItem(storageKey) ?? "[]") as [number, Spot][]);
  } catch {
    // Without storage a reload begins at the top.
  }
  entry = entryOf(history.state);
  pending = spots.get(entry) ?? null; // a reload
  if (entry === 0) { // an address typed, or a link from elsewhere
    entry = Math.max(0, ...spots.keys()) + 1;
    history.replaceState({ entry }, "");
  }
  window.addEventListener("pagehide", () => {
    leaving();
    try {
      sessionStorage.setItem(storageKey, JSON.stringify([...spots]));
    } catch {
      // as above
    }
  });
}

// Whether this page was come back to: then what it showed is worth keeping.
export const comingBack = (): boolean => pending !== null;

function refocus(href: string, tries: number): void {
  const link = document.querySelector<HTMLElement>(`main a[href="${CSS.escape(href)}"]`);
  if (link) link.focus({ preventScroll: true });
  else if (tries > 0) requestAnimationFrame(() => refocus(href, tries - 1));
}

// For a page: takes up the spot as soon as its content is `ready`.
export function useSpot(ready: boolean): void {
  useLayoutEffect(() => {
    if (!ready || !pending) return;
    const { y, href } = pending;
    pending = null;
    window.scrollTo({ top: y, behavior: "instant" });
    if (href) requestAnimationFrame(() => refocus(href, focusTriesMax));
  }, [ready]);
}
