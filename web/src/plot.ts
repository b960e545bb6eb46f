// Scales, ticks and days: what plots are drawn from. Pure.

export type Scale = (value: number) => number;

export interface Axis {
  scale: Scale; // 0 to 1
  ticks: { at: number; word: string }[];
}

const steps = [1, 2, 5];

// From 0, in round steps, at most `most` of them.
export function linear(max: number, most = 5, word: (n: number) => string = String): Axis {
  const top = Math.max(1, max);
  let step = 1;
  for (let i = 0; top / step > most; i++) step = steps[(i + 1) % 3]! * 10 ** Math.floor((i + 1) / 3);
  const end = Math.ceil(top / step) * step;
  return {
    scale: (value) => value / end,
    ticks: Array.from({ length: end / step + 1 }, (_, i) => ({ at: i * step, word: word(i * step) })),
  };
}

const marks: [seconds: number, word: string][] = [
  [1, "1 s"], [10, "10 s"], [60, "1 min"], [600, "10 min"], [3_600, "1 h"], [21_600, "6 h"], [86_400, "1 d"], [604_800, "7 d"], [2_592_000, "30 d"],
];

// Seconds to days on a logarithmic axis; less than a second counts as one.
export function timeAxis(values: readonly number[]): Axis {
  const least = values.length ? Math.max(1, Math.min(...values)) : 1;
  const most = Math.max(1, ...values);
  const up = marks.findIndex(([at]) => at >= most);
  const first = Math.max(0, Math.min(marks.length - 2, marks.findLastIndex(([at]) => at <= least)));
  const ticks = marks.slice(first, Math.max(first + 1, up < 0 ? marks.length - 1 : up) + 1).map(([at, word]) => ({ at, word }));
  const [low, high] = [Math.log(ticks[0]!.at), Math.log(Math.max(ticks.at(-1)!.at, most))];
  return { scale: (value) => (Math.log(Math.max(ticks[0]!.at, value)) - low) / (high - low), ticks };
}

const dayMs = 86_400_000;

// Every day (UTC) from the first to the last, whether anything happened on it or not.
export function daysBetween(first: string, last: string): string[] {
  const out: string[] = [];
  for (let at = Date.parse(`${first}T00:00:00Z`); at <= Date.parse(`${last}T00:00:00Z`) && out.length < 1_000; at += dayMs) {
    out.push(new Date(at).toISOString().slice(0, 10));
  }
  return out;
}

// The last `days` days up to and with today, as instants: from the first's beginning to the end of the last.
export function lastDays(days: number, now: number): { from: string; to: string } {
  const today = Math.floor(now / dayMs) * dayMs;
  const instant = (at: number): string => new Date(at).toISOString().replace(".000Z", "Z");
  return { from: instant(today - (days - 1) * dayMs), to: instant(today + dayMs) };
}

// `items` by day, with the days on which there was nothing.
export function everyDay<T extends { day: string }>(days: string[], items: readonly T[], nothing: (day: string) => T): T[] {
  const found = new Map(items.map((item) => [item.day, item]));
  return days.map((day) => found.get(day) ?? nothing(day));
}

// The first `most` by size, and the others as one.
export function largest<T>(items: readonly T[], size: (item: T) => number, most: number, others: (rest: T[]) => T): T[] {
  const sorted = [...items].sort((a, b) => size(b) - size(a));
  return sorted.length <= most ? sorted : [...sorted.slice(0, most - 1), others(sorted.slice(most - 1))];
}
