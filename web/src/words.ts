// Numbers and times as people say them. One language, one form, everywhere.

import { useEffect, useState } from "preact/hooks";
import type { Needed, State } from "./api/types";

const units: [name: string, seconds: number][] = [
  ["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1],
];

// "2 d 3 h", "54 min", "12 s": at most two units, the second only beside hours and days.
export function span(seconds: number): string {
  const total = Math.max(0, Math.floor(seconds));
  const first = units.findIndex(([, size]) => total >= size);
  if (first < 0) return "0 s";
  const [name, size] = units[first]!;
  const count = Math.floor(total / size);
  const next = units[first + 1];
  if (first > 1 || !next) return `${count} ${name}`;
  const rest = Math.floor((total % size) / next[1]);
  return rest ? `${count} ${name} ${rest} ${next[0]}` : `${count} ${name}`;
}

export const ago = (at: string, now: number): string => {
  const seconds = (now - Date.parse(at)) / 1000;
  return seconds < 5 ? "just now" : `${span(seconds)} ago`;
};

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
export const exactTime = (at: string): string => {
  const time = Date.parse(at);
  return Number.isNaN(time) ? at : clock.format(time);
};

// For beside a relative time: the clock's, with the day when it is another one.
const ofToday = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const ofAnotherDay = new Intl.DateTimeFormat(undefined, {
  month: "short", day: "numeric", hour: "numeric", minute: "2-digit",
});
export const shortTime = (at: string, now: number): string => {
  const time = Date.parse(at);
  if (Number.isNaN(time)) return at;
  const today = new Date(time).toDateString() === new Date(now).toDateString();
  return (today ? ofToday : ofAnotherDay).format(time);
};

const number = new Intl.NumberFormat(undefined);
export const count = (n: number): string => number.format(n);
export const plural = (n: number, one: string, many = one + "s"): string =>
  `${count(n)} ${n === 1 ? one : many}`;

// One clock a pace, whoever looks at it: hundreds of rows must not keep hundreds of timers.
const clocks = new Map<number, { watchers: Set<(now: number) => void>; timer: number }>();

function watchClock(everyMs: number, watcher: (now: number) => void): () => void {
  let clock = clocks.get(everyMs);
  if (!clock) {
    const watchers = new Set<(now: number) => void>();
    const timer = window.setInterval(() => {
      const now = Date.now();
      for (const tell of [...watchers]) tell(now);
    }, everyMs);
    clock = { watchers, timer };
    clocks.set(everyMs, clock);
  }
  const { watchers, timer } = clock;
  watchers.add(watcher);
  return () => {
    watchers.delete(watcher);
    if (watchers.size > 0) return;
    window.clearInterval(timer);
    clocks.delete(everyMs);
  };
}

// The time, told again every `everyMs`.
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => watchClock(everyMs, setNow), [everyMs]);
  return now;
}

export const stateWords: Record<State, string> = {
  deferred: "Deferred",
  pending: "Waiting for people",
  approved: "Approved",
  executing: "Executing",
  succeeded: "Succeeded",
  failed: "Failed",
  unknown: "Outcome unknown",
  denied: "Denied",
  expired: "Expired",
  cancelled: "Cancelled",
};

export const stateMeanings: Record<State, string> = {
  deferred: "Policy decides again later.",
  pending: "Nothing has run. It runs only when everybody that policy asks for agrees.",
  approved: "Released once, and waiting to be executed.",
  executing: "It is running now.",
  succeeded: "It ran, and reported success.",
  failed: "It ran, and reported failure.",
  unknown: "It was started, and no outcome is known. It may or may not have taken effect; look at the target.",
  denied: "It did not run, and never will.",
  expired: "Time ran out before enough people agreed. It did not run.",
  cancelled: "It was withdrawn. It did not run.",
};

export const effectWords: Record<string, string> = {
  allow: "allows it", deny: "denies it", require: "asks for people", modify: "changes it", defer: "defers it",
};

// "read from orders", "write to orders", "restart on web".
export const towards = (operation: string): string =>
  ({ read: "from", list: "in", export: "from", write: "to" } as Record<string, string>)[operation] ?? "on";

export const places = (needed: Needed[] | undefined): number =>
  (needed ?? []).reduce((sum, need) => sum + need.count, 0);

// Ways to people, as configuration and record call them.
const ways: Record<string, string> = { slack: "Slack", teams: "Teams", email: "e-mail", pager: "pager", webhook: "webhook", api: "the API", cli: "the command line", web: "the inbox" };
export const nameOf = (way: string): string => ways[way] ?? way;
// "over Slack", "in the inbox".
export const over = (way: string): string => `${way === "web" ? "in" : "over"} ${nameOf(way)}`;
