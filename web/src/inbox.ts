// What waits for me: pages by HTTP, in the server's order, then kept up by the stream.

import { listenShared, type Link } from "./api/stream";
import { api } from "./api/routes";
import { asProblem, type Problem } from "./api/client";
import { heldOf, partyId, type Action, type Me } from "./api/types";
import { Batch } from "./batch";
import { appended, merged, type Order } from "./list";
import type { Again } from "./notice_words";
import { tell, untell } from "./notices";
import { returned } from "./reach";
import { refreshSoon } from "./session";
import { Store } from "./store";
import { Heights } from "./windowed";
import { plural } from "./words";

export interface Inbox {
  order: Order;
  list: Action[]; // what waits for my vote, as far as it was read
  next: string | null; // the cursor behind it
  total: number; // of all that waits, read or not
  voted: Action[]; // I voted; others are still needed
  loaded: boolean;
  reading: boolean; // a further page
  problem: Problem | null;
}

const empty: Inbox = {
  order: "risk", list: [], next: null, total: 0, voted: [], loaded: false, reading: false, problem: null,
};
export const pageSize = 100;
const requestMax = 200;
const refillBelow = 20; // votes empty the screen: then the next page comes by itself

export const inbox = new Store<Inbox>(empty);
export const link = new Store<Link>("connecting");
// Set by arrivals after the first load: what a screen reader should hear.
export const arrival = new Store<string>("");
// How high its rows were, for the way back.
export const inboxHeights = new Heights();

let person = "";
let groups: string[] = [];
let newest = ""; // the latest creation that was seen
let reading = 0; // the read that counts; an older one's answer is dropped
let meanwhile: Map<string, Action> | null = null; // told while a read was under way
let wanted = 0; // how many rows are looked at

const told = new Set<string>(); // escalated to me: in the inbox, also where I may not decide
const again = new Map<string, Again>(); // told since changes were last taken: reminded of, or escalated

const mine = (action: Action): boolean =>
  action.state === "pending" && !!action.votes?.some((vote) => vote.reviewer === person);
const isTold = (action: Action): boolean =>
  !!action.escalated && !mine(action) && (told.has(action.id) ||
    (groups.includes(action.escalated_to ?? "") && partyId(action.owner) !== person && partyId(action.requester) !== person));
const waits = (action: Action): boolean => action.state === "pending" && (action.waits_for_you === true || isTold(action));

function patch(part: Partial<Inbox>): void {
  inbox.set({ ...inbox.get(), ...part });
}

const aboutOf = (action: Action): string => heldOf(action) ? `go on with ${heldOf(action)}` : `${action.operation} on ${action.resource?.name ?? action.tool}`;

function announce(changes: Map<string, Action>): void {
  const before = newest;
  const waiting = [...changes.values()].filter(waits);
  const fresh = waiting.filter((action) => action.created_at > before && !again.has(action.id));
  for (const kind of ["reminder", "escalation"] as const) {
    const some = waiting.filter((action) => again.get(action.id) === kind);
    if (!some.length) continue;
    void tell(some, kind);
    arrival.set(`${kind === "reminder" ? "Reminder" : "Escalated"}: ${some.length === 1 ? aboutOf(some[0]!) : plural(some.length, "request")}`);
  }
  again.clear();
  for (const action of waiting) if (action.created_at > newest) newest = action.created_at;
  for (const action of changes.values()) if (!waits(action)) untell(action.id);
  if (!before || fresh.length === 0) return;
  void tell(fresh);
  arrival.set(fresh.length === 1 ? `New: ${aboutOf(fresh[0]!)}` : `${plural(fresh.length, "new request")} for you`);
}

function apply(changes: Map<string, Action>, total: number | undefined): void {
  const now = inbox.get();
  if (meanwhile) for (const action of changes.values()) meanwhile.set(action.id, action);
  announce(changes);
  patch({
    list: merged(now.list, changes, now.order, now.loaded && now.next === null, waits),
    voted: merged(now.voted, changes, "oldest", true, mine),
    total: total ?? now.total,
  });
  if (inbox.get().list.length < refillBelow) void moreInbox();
}

const batch = new Batch(apply);

// What the server lists although my vote does not count was escalated to me.
function noteTold(listed: Action[]): void {
  for (const action of listed) if (!action.waits_for_you) told.add(action.id);
}

// At least `count` of them, from the beginning.
async function readFrom(order: Order, count: number): Promise<Pick<Inbox, "list" | "next" | "total">> {
  let list: Action[] = [];
  let next: string | null = null;
  let total = 0;
  do {
    const page = await api.inbox(order, next, Math.min(requestMax, Math.max(pageSize, count - list.length)));
    list = appended(list, page.items);
    next = page.next ?? null;
    total = page.total ?? list.length;
    noteTold(page.items);
  } while (next !== null && list.length < count);
  return { list, next, total };
}

// Reads as much again as is looked at, and shows it at once: nothing that was in view goes missing.
export async function loadInbox(order: Order = inbox.get().order): Promise<void> {
  const mark = ++reading;
  const before = inbox.get();
  const count = order === before.order ? Math.min(before.list.length, Math.max(pageSize, wanted)) : pageSize;
  meanwhile = new Map();
  try {
    const [read, voted] = await Promise.all([readFrom(order, count), api.voted()]);
    if (mark !== reading) return;
    for (const action of read.list) if (action.created_at > newest) newest = action.created_at;
    if (!newest) newest = new Date(0).toISOString();
    patch({
      order, next: read.next, total: read.total,
      list: merged(read.list, meanwhile, order, read.next === null, waits),
      voted: merged(voted.items, meanwhile, "oldest", true, mine),
      loaded: true, reading: false, problem: null,
    });
  } catch (error) {
    if (mark === reading) patch({ loaded: true, reading: false, problem: asProblem(error) });
  } finally {
    if (mark === reading) meanwhile = null;
  }
}

async function moreInbox(): Promise<void> {
  const { order, next, reading: busy, list } = inbox.get();
  if (next === null || busy) return;
  const mark = reading;
  patch({ reading: true });
  try {
    const page = await api.inbox(order, next, Math.min(requestMax, Math.max(pageSize, wanted - list.length)));
    if (mark !== reading) return;
    noteTold(page.items);
    patch({
      list: appended(inbox.get().list, page.items), next: page.next ?? null, reading: false, problem: null,
      total: page.total ?? inbox.get().total,
    });
  } catch (error) {
    if (mark === reading) patch({ reading: false, problem: asProblem(error) });
    return;
  }
  if (inbox.get().list.length < wanted) await moreInbox();
}

// So many rows are looked at: the pages that hold them are read, one after the other.
export function needInbox(upTo: number): void {
  wanted = upTo;
  const { list, problem } = inbox.get();
  if (list.length < upTo && !problem) void moreInbox();
}

// Runs while somebody is signed in. Events that arrived before the first load ended are not lost: the list is
// read again each time the stream opens.
export function followInbox(me: Me): () => void {
  person = me.id;
  groups = me.groups ?? [];
  newest = "";
  wanted = 0;
  told.clear();
  again.clear();
  inbox.set(empty);
  void loadInbox();
  let opened = false;
  const stop = listenShared("/v1/inbox/stream", ["action", "waiting", "reminder", "escalation"], {
    onEvent: (type, data) => {
      refreshSoon();
      try {
        if (type === "waiting") batch.setTotal((JSON.parse(data) as { total: number }).total);
        else {
          const action = JSON.parse(data) as Action;
          if (type === "escalation") told.add(action.id);
          if (type !== "action") again.set(action.id, type as Again);
          batch.add(action);
        }
      } catch {
        void loadInbox();
      }
    },
    onLink: (now) => {
      if (now === "open" && (opened || link.get() === "lost")) void loadInbox();
      if (now === "open") opened = true;
      if (now === "lost") api.me().catch(() => {}); // a session that ended is noticed here
      link.set(now);
    },
  });
  const unwatch = returned.watch(() => void loadInbox()); // a read can have failed while the stream stood
  return () => {
    stop();
    unwatch();
    batch.stop();
    reading += 1;
    inbox.set(empty);
  };
}

// After one's own act, without waiting for the stream.
export function noteAction(action: Action): void {
  batch.add(action);
}
