// Notices of the browser while a page of Keyturn is open somewhere in it: who asks, by which tool, about what. Never what
// for, nor any argument: notices appear on locked screens and in logs of other programs.

import type { Action } from "./api/types";
import { isAway, wordsOf, type Again, type Words } from "./notice_words";
import { go } from "./router";
import { meNow } from "./session";
import { Store } from "./store";

export type Notices =
  | "impossible" // this browser has none for pages
  | "ask" | "refused" // permission was not asked for; was asked for and not given
  | "off" | "on";

const key = "keyturn.notices"; // in this browser: the ids of those who want them
const looking = "keyturn:looking"; // a lock that the page with the focus holds

export const notices = new Store<Notices>("impossible");

const shown = new Map<string, Notification>();

function wanting(): string[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(list) ? list.map(String) : [];
  } catch {
    return [];
  }
}

function want(yes: boolean): void {
  const me = meNow()?.id ?? "";
  try {
    localStorage.setItem(key, JSON.stringify([...wanting().filter((id) => id !== me), ...(yes ? [me] : [])]));
  } catch {
    // Without storage there is no place to remember it: they stay off.
  }
  readNotices();
}

export function readNotices(): void {
  if (typeof Notification === "undefined") notices.set("impossible");
  else if (Notification.permission === "default") notices.set("ask");
  else if (Notification.permission === "denied") notices.set("refused");
  else notices.set(wanting().includes(meNow()?.id ?? "") ? "on" : "off");
}

// From a person's click only: browsers refuse, and people should.
export async function turnOn(): Promise<void> {
  if (typeof Notification === "undefined") return;
  if (Notification.permission === "default") await Notification.requestPermission();
  if (Notification.permission === "granted") want(true);
  else readNotices();
}

export const turnOff = (): void => want(false);

function show({ title, body, tag, to }: Words, again: boolean): void {
  try {
    // A reminder is heard although a notice of the same action may still be there.
    const notice = new Notification(title, { body, tag, renotify: again } as NotificationOptions);
    notice.onclick = () => {
      window.focus();
      go(to);
      notice.close();
    };
    shown.set(to, notice);
  } catch {
    notices.set("impossible"); // some only let installed applications
  }
}

// Whoever looks at a page of Keyturn, in whichever tab, sees it there.
async function somebodyLooks(): Promise<boolean> {
  if (document.hasFocus()) return true;
  const held = await navigator.locks?.query().catch(() => null);
  return held?.held?.some((lock) => lock.name === looking) ?? false;
}

export async function tell(fresh: Action[], again?: Again): Promise<void> {
  if (notices.get() !== "on" || !fresh.length || isAway(meNow()?.away_until) || await somebodyLooks()) return;
  for (const words of wordsOf(fresh, again)) show(words, !!again);
}

// It waits no more: neither should its notice.
export function untell(id: string): void {
  const to = `/a/${encodeURIComponent(id)}`;
  shown.get(to)?.close();
  shown.delete(to);
}

export function startNotices(): void {
  let release: (() => void) | undefined;
  const look = (): void => {
    void navigator.locks?.request(looking, { mode: "shared" }, () =>
      document.hasFocus() ? new Promise<void>((resolve) => { release = resolve; }) : undefined);
  };
  window.addEventListener("focus", () => { if (!release) look(); });
  window.addEventListener("blur", () => {
    release?.();
    release = undefined;
  });
  if (document.hasFocus()) look();
}
