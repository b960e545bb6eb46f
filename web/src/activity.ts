// What happened: pages by HTTP, newest first; rows on the screen are kept up by the stream, newcomers are counted and
// come when they are asked for, so that nothing moves under whoever reads.

import { listen } from "./api/stream";
import { asProblem, type Problem } from "./api/client";
import { api, type ActivityQuery } from "./api/routes";
import type { Action } from "./api/types";
import { Batch } from "./batch";
import { appended, refreshed } from "./list";
import { Store } from "./store";
import { Heights } from "./windowed";

export interface Activity {
  search: string | null; // the address's, of what is in `items`
  items: Action[];
  next: string | null;
  newer: ReadonlySet<string>; // ids that came since, and would stand in front
  reading: boolean;
  problem: Problem | null;
}

const empty: Activity = {
  search: null, items: [], next: null, newer: new Set(), reading: false, problem: null,
};
export const pageSize = 100;
const refreshMax = 200;

export const activity = new Store<Activity>(empty);
export const activityHeights = new Heights();

let reading = 0;
let fits: (action: Action) => boolean = () => true;

function patch(part: Partial<Activity>): void {
  activity.set({ ...activity.get(), ...part });
}

// Whether an action would be among the answers: the server's filter, as far as a row shows what it looks at.
export function fitting(query: ActivityQuery): (action: Action) => boolean {
  const q = (query.q ?? "").toLowerCase();
  const asker = (action: Action): string =>
    typeof action.requester === "string" ? action.requester : action.requester?.id ?? "";
  return (action) =>
    (!query.state || action.state === query.state) && (!query.tool || action.tool === query.tool) &&
    (!query.actor || asker(action) === query.actor) &&
    (!query.from || Date.parse(action.created_at) >= Date.parse(query.from)) &&
    (!query.to || Date.parse(action.created_at) < Date.parse(query.to)) &&
    (!q || [action.id, action.tool, action.operation, asker(action), action.resource?.name ?? "", action.resource?.kind ?? ""]
      .some((text) => text.toLowerCase().includes(q)));
}

export async function openActivity(search: string, query: ActivityQuery): Promise<void> {
  const mark = ++reading;
  fits = fitting(query);
  patch({ reading: true });
  try {
    const page = await api.list({ ...query, limit: pageSize });
    if (mark !== reading) return;
    activity.set({
      search, items: page.items, next: page.next ?? null, newer: new Set(), reading: false, problem: null,
    });
  } catch (error) {
    if (mark === reading) patch({ search, reading: false, problem: asProblem(error) });
  }
}

// Back on the page: what is on it stays where it was, in its newest version.
export async function refreshActivity(query: ActivityQuery): Promise<void> {
  const mark = ++reading;
  fits = fitting(query);
  try {
    const page = await api.list({ ...query, limit: refreshMax });
    if (mark === reading) note(new Map(page.items.map((action) => [action.id, action])));
  } catch (error) {
    if (mark === reading) patch({ problem: asProblem(error) });
  }
}

export async function moreActivity(query: ActivityQuery): Promise<void> {
  const { next, reading: busy } = activity.get();
  if (next === null || busy) return;
  const mark = reading;
  patch({ reading: true });
  try {
    const page = await api.list({ ...query, after: next, limit: pageSize });
    if (mark !== reading) return;
    patch({
      items: appended(activity.get().items, page.items), next: page.next ?? null, reading: false, problem: null,
    });
  } catch (error) {
    if (mark === reading) patch({ reading: false, problem: asProblem(error) });
  }
}

function note(changes: ReadonlyMap<string, Action>): void {
  const now = activity.get();
  if (now.search === null) return;
  const items = refreshed(now.items, changes);
  const there = new Set(items.map((action) => action.id));
  const first = items[0]?.id ?? "";
  const fresh = [...changes.values()].filter((action) =>
    !there.has(action.id) && !now.newer.has(action.id) && action.id > first && fits(action));
  if (items === now.items && fresh.length === 0) return;
  if (items.length === 0) {
    patch({ items: fresh.sort((a, b) => (a.id < b.id ? 1 : -1)) });
    return;
  }
  patch({ items, newer: fresh.length ? new Set([...now.newer, ...fresh.map(({ id }) => id)]) : now.newer });
}

const batch = new Batch((changes) => note(changes));

export function noteInActivity(action: Action): void {
  if (activity.get().items.some(({ id }) => id === action.id)) batch.add(action);
}

// While the page is looked at: it would hold one of the browser's few connections.
export function followActivity(query: () => ActivityQuery): () => void {
  let stop: (() => void) | undefined;
  let opened = false;
  const follow = (): void => {
    stop?.();
    stop = undefined;
    if (document.visibilityState === "hidden") return;
    stop = listen("/v1/actions/stream", ["action"], {
      onEvent: (_type, data) => batch.add(JSON.parse(data) as Action),
      onLink: (now) => {
        if (now === "open" && opened) void refreshActivity(query());
        if (now === "open") opened = true;
      },
    });
  };
  follow();
  document.addEventListener("visibilitychange", follow);
  return () => {
    document.removeEventListener("visibilitychange", follow);
    batch.stop();
    stop?.();
  };
}
