// What waits for me: the first page by HTTP, then kept up by the stream.

import { listenShared, type Link } from "./api/stream";
import { api } from "./api/routes";
import { Problem } from "./api/client";
import type { Action } from "./api/types";
import { Store } from "./store";

export interface Inbox {
  items: Map<string, Action>;
  more: boolean; // the server holds more than the first page
  loaded: boolean;
  problem: Problem | null;
}

const empty: Inbox = { items: new Map(), more: false, loaded: false, problem: null };

export const inbox = new Store<Inbox>(empty);
export const link = new Store<Link>("connecting");
// Set by arrivals after the first load: what a screen reader should hear.
export const arrival = new Store<string>("");

function upsert(action: Action): void {
  const now = inbox.get();
  const before = now.items.get(action.id);
  if (before && before.version > action.version) return;
  const items = new Map(now.items);
  if (action.state === "pending") items.set(action.id, action);
  else items.delete(action.id);
  if (!before && action.state === "pending") {
    arrival.set(`New: ${action.operation} on ${action.resource?.name ?? action.tool}`);
  }
  inbox.set({ ...now, items });
}

export async function loadInbox(): Promise<void> {
  try {
    const page = await api.inbox();
    const items = new Map(page.items
      .filter((action) => action.state === "pending").map((action) => [action.id, action]));
    inbox.set({ items, more: !!page.next, loaded: true, problem: null });
  } catch (error) {
    const problem = error instanceof Problem ? error : new Problem(0, "", "Unexpected answer", String(error));
    inbox.set({ ...inbox.get(), loaded: true, problem });
  }
}

// Runs while somebody is signed in. Events that arrived before the first load ended are not lost: the list is
// read again each time the stream opens.
export function followInbox(): () => void {
  inbox.set(empty);
  void loadInbox();
  let opened = false;
  const stop = listenShared("/v1/inbox/stream", ["action"], {
    onEvent: (_type, data) => {
      try {
        upsert(JSON.parse(data) as Action);
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
  return () => {
    stop();
    inbox.set(empty);
  };
}

// After one's own act, without waiting for the stream.
export function noteAction(action: Action): void {
  if (inbox.get().items.has(action.id)) upsert(action);
}
