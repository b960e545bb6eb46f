// Numbers and times as people say them. One language, one form, everywhere.

import { useEffect, useState } from "preact/hooks";
import type { Action, Needed, State } from "./api/types";

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

const number = new Intl.NumberFormat(undefined);
export const count = (n: number): string => number.format(n);
export const plural = (n: number, one: string, many = one + "s"): string =>
  `${count(n)} ${n === 1 ? one : many}`;

// The time, told again every `everyMs`.
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs]);
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

// "read from orders", "write to orders", "restart on web".
export const towards = (operation: string): string =>
  ({ read: "from", list: "in", export: "from", write: "to" } as Record<string, string>)[operation] ?? "on";

export const places = (needed: Needed[] | undefined): number =>
  (needed ?? []).reduce((sum, need) => sum + need.count, 0);

// Riskiest first: the server's score where it has one; else how many people policy asks for.
export const weight = (action: Action): number =>
  action.risk?.score ?? 10 * places(action.needed);
