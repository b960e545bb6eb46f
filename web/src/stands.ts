// Standing approvals in words, and as what is sent: the pure part.

import type { Bound, Standing } from "./api/standing";
import type { Json, Me } from "./api/types";

const textOf = (value: Json): string => JSON.stringify(value);

export const boundWords = (bound: Bound): string =>
  "one_of" in bound ? `one of ${bound.one_of.map(textOf).join(", ")}` : `from ${textOf(bound.min)} to ${textOf(bound.max)}`;

// Each parameter, and what its value may be. Those that are bounded first.
export function paramWords({ params, bounds }: Pick<Standing, "params" | "bounds">): [name: string, words: string][] {
  const bounded = Object.entries(bounds).map(([name, bound]): [string, string] => [name, boundWords(bound)]);
  const equal = Object.entries(params ?? {}).filter(([name]) => !(name in bounds)).map(([name, value]): [string, string] => [name, `exactly ${textOf(value)}`]);
  return [...bounded, ...equal];
}

// In force first; the newest first in each.
export const inOrder = (all: Standing[]): Standing[] =>
  [...all].sort((a, b) => Number(b.in_force) - Number(a.in_force) || b.granted_at.localeCompare(a.granted_at));

export function groupsOf(plan: Standing["plan"]): string[] {
  const found = new Set<string>();
  const add = (value: Json | undefined): void => {
    if (Array.isArray(value)) value.forEach(add);
    else if (value && typeof value === "object") Object.keys(value).forEach((group) => found.add(group));
  };
  for (const part of [plan?.quorum, plan?.any, plan?.stages]) add(part);
  return [...found].sort();
}

// As far as this page can tell; the server decides.
export const mayRevoke = (one: Standing, me: Me): boolean =>
  one.in_force && (me.admin || one.proposer === me.id || one.owner === me.id ||
    one.approvals.some((vote) => vote.reviewer === me.id || vote.instead_of === me.id) ||
    groupsOf(one.plan).some((group) => me.groups?.includes(group)));

const units: Record<string, number> = { us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3_600, d: 86_400 };

// Of a duration as the server writes it, "1d12h"; NaN where it is none.
export function secondsOf(duration: string): number {
  if (!/^(?:\d+(?:us|ms|[smhd]))+$/.test(duration)) return NaN;
  let sum = 0;
  for (const [, count, unit] of duration.matchAll(/(\d+)(us|ms|[smhd])/g)) sum += Number(count) * units[unit!]!;
  return sum;
}

const usual = ["1h", "8h", "1d", "7d", "30d"];

// What may be chosen where policy permits `most`.
export const livesUpTo = (most: string): string[] =>
  [...usual.filter((one) => secondsOf(one) < secondsOf(most)), most];

const isNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

export type Drafted = { kind: "range"; min: string; max: string } | { kind: "one_of"; text: string };

// A number is bounded by two, anything else by those that are named. At first: the value that was approved, and no other.
export function draftOf(value: Json): Drafted {
  const text = textOf(value);
  if (isNumber.test(text)) return { kind: "range", min: text, max: text };
  return { kind: "one_of", text: isPlain(value) ? String(value) : text };
}

// Written as it is, a line each; what is no such text is written as JSON.
export const isPlain = (value: Json): boolean => typeof value === "string" && value !== "" && !/[\r\n]/.test(value) && value.trim() === value;

// As JSON text; null where something that was typed is no value.
export function boundText(drafted: Drafted, plain: boolean): string | null {
  if (drafted.kind === "range") {
    const [min, max] = [drafted.min.trim(), drafted.max.trim()];
    return isNumber.test(min) && isNumber.test(max) ? `{"min":${min},"max":${max}}` : null;
  }
  const lines = drafted.text.split("\n").map((line) => line.trim()).filter(Boolean);
  if (!lines.length) return null;
  if (plain) return JSON.stringify({ one_of: lines });
  try {
    lines.forEach((line) => JSON.parse(line));
    return `{"one_of":[${lines.join(",")}]}`;
  } catch {
    return null;
  }
}

// Which field a problem of the server is about: "uses", "lasts", "reason", "bounds.NAME"; "" when it is none of these.
export function fieldOf(pointer: string | undefined): string {
  const [, first = "", second] = (pointer ?? "").split("/").map((part) => part.replace(/~1/g, "/").replace(/~0/g, "~"));
  return first === "bounds" && second !== undefined ? `bounds.${second}` : ["uses", "lasts", "reason"].includes(first) ? first : "";
}
