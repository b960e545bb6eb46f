// Lists of actions, read a page at a time and kept up by a stream: the pure part.

import type { Action, Json } from "./api/types";
import { places } from "./words";

export type Order = "risk" | "oldest" | "expiry";

// The server's own ranks (GET /v1/actions?for=me&order=): the smaller first, then the older.
const rank: Record<Order, (action: Action) => number> = {
  oldest: () => 0,
  risk: (action) => -places(action.needed),
  expiry: (action) => (action.expires_at ? Date.parse(action.expires_at) : Number.MAX_SAFE_INTEGER),
};

const byId = (a: Action, b: Action): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

export const comparing = (order: Order) => (a: Action, b: Action): number =>
  rank[order](a) - rank[order](b) || byId(a, b);

export type Changes = ReadonlyMap<string, Action>;

// `list` with what has changed. `holds` says of an action whether it belongs in the list at all. A list that was read
// to its end takes every newcomer; else only those that stand before its last row: the others come with their page.
// The same array when nothing changed.
export function merged(
  list: Action[], changes: Changes, order: Order, whole: boolean, holds: (action: Action) => boolean,
): Action[] {
  const compare = comparing(order);
  const last = list.at(-1);
  const there = new Set<string>();
  let touched = false;
  const out: Action[] = [];
  for (const old of list) {
    const now = changes.get(old.id);
    there.add(old.id);
    if (!now || now.version < old.version) {
      out.push(old);
      continue;
    }
    touched = true;
    if (holds(now)) out.push(now);
  }
  for (const now of changes.values()) {
    if (there.has(now.id) || !holds(now)) continue;
    if (!whole && (!last || compare(now, last) > 0)) continue;
    touched = true;
    out.push(now);
  }
  return touched ? out.sort(compare) : list;
}

// A further page behind what is there. What arrived by the stream meanwhile is there already.
export function appended(list: Action[], page: Action[]): Action[] {
  const there = new Set(list.map((action) => action.id));
  return [...list, ...page.filter((action) => !there.has(action.id))];
}

// `list` with newer versions of what it holds, in place.
export function refreshed(list: Action[], changes: Changes): Action[] {
  let touched = false;
  const out = list.map((old) => {
    const now = changes.get(old.id);
    if (!now || now.version < old.version || now === old) return old;
    touched = true;
    return now;
  });
  return touched ? out : list;
}

const gistCharsMax = 300;

// What an action is about, on one line: for recognising it in a list, never for deciding.
export function gist(args: Json | undefined): string {
  if (args === null || args === undefined) return "";
  const plain = (value: Json): string => (typeof value === "string" ? value : JSON.stringify(value));
  const words = (text: string): string => (/^[^\s"=]+$/.test(text) ? text : JSON.stringify(text));
  const entries = typeof args === "object" && !Array.isArray(args) ? Object.entries(args) : null;
  const text = !entries
    ? plain(args)
    : entries.length === 1
      ? plain(entries[0]![1])
      : entries.map(([name, value]) => `${name}=${typeof value === "string" ? words(value) : plain(value)}`).join(" ");
  const line = text.slice(0, 4 * gistCharsMax).replace(/[ \t\r\n]+/g, " ").trim();
  const chars = [...line];
  return chars.length > gistCharsMax || text.length > 4 * gistCharsMax
    ? `${chars.slice(0, gistCharsMax).join("")}…` : line;
}
