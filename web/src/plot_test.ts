import { describe, expect, it } from "vitest";
import { daysBetween, everyDay, largest, lastDays, linear, timeAxis } from "./plot";

describe("a linear axis", () => {
  it.each([
    [0, ["0", "1"]], [3, ["0", "1", "2", "3"]], [7, ["0", "2", "4", "6", "8"]], [48, ["0", "10", "20", "30", "40", "50"]], [101, ["0", "50", "100", "150"]],
    [4_321, ["0", "1000", "2000", "3000", "4000", "5000"]],
  ])("up to %d", (max, words) => {
    const axis = linear(max);
    expect(axis.ticks.map((tick) => tick.word)).toEqual(words);
    expect([axis.scale(0), axis.scale(axis.ticks.at(-1)!.at)]).toEqual([0, 1]);
  });
});

describe("an axis of times", () => {
  it.each([
    [[], ["1 s", "10 s"]], [[0.2, 5], ["1 s", "10 s"]], [[30, 4_000], ["10 s", "1 min", "10 min", "1 h", "6 h"]], [[90_000, 200_000], ["1 d", "7 d"]],
    [[3, 9e6], ["1 s", "10 s", "1 min", "10 min", "1 h", "6 h", "1 d", "7 d", "30 d"]],
  ])("of %j", (values, words) => expect(timeAxis(values as number[]).ticks.map((tick) => tick.word)).toEqual(words));
  it("grows by factors, and stays within itself", () => {
    const { scale } = timeAxis([10, 600]);
    expect(scale(60) - scale(10)).toBeCloseTo(Math.log(6) / Math.log(60));
    for (const value of [0, 10, 33, 600]) expect(scale(value)).toBeGreaterThanOrEqual(0);
    expect(scale(600)).toBeCloseTo(1);
    expect(timeAxis([3, 9e6]).scale(9e6)).toBeCloseTo(1);
  });
});

describe("days", () => {
  it("are all there, over the end of a month and of summer time", () => {
    expect(daysBetween("2026-10-24", "2026-10-26")).toEqual(["2026-10-24", "2026-10-25", "2026-10-26"]);
    expect(daysBetween("2024-02-28", "2024-03-01").length).toBe(3);
    expect(daysBetween("nonsense", "2024-03-01")).toEqual([]);
  });
  it("are counted back from today, UTC", () => {
    expect(lastDays(7, Date.parse("2026-11-21T23:59:00Z"))).toEqual({ from: "2026-11-15T00:00:00Z", to: "2026-11-22T00:00:00Z" });
    expect(lastDays(1, Date.parse("2026-11-21T00:00:00Z"))).toEqual({ from: "2026-11-21T00:00:00Z", to: "2026-11-22T00:00:00Z" });
  });
  it("on which there was nothing are there, too", () => {
    expect(everyDay(["a", "b"], [{ day: "b", n: 2 }], (day) => ({ day, n: 0 }))).toEqual([{ day: "a", n: 0 }, { day: "b", n: 2 }]);
  });
});

it("many become few, and the rest together", () => {
  const sum = (list: { n: number }[]) => ({ n: list.reduce((all, one) => all + one.n, 0) });
  expect(largest([{ n: 1 }, { n: 5 }, { n: 2 }, { n: 4 }], (one) => one.n, 3, sum)).toEqual([{ n: 5 }, { n: 4 }, { n: 3 }]);
  expect(largest([{ n: 1 }, { n: 5 }], (one) => one.n, 3, sum)).toEqual([{ n: 5 }, { n: 1 }]);
});
