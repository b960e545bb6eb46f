// Who is signed in, and what the server says of itself (sealed, observing, demo).

import { api } from "./api/routes";
import { asProblem, onSignedOut, type Problem, setCsrf } from "./api/client";
import type { Me } from "./api/types";
import { returned } from "./reach";
import { Store } from "./store";

export type Session =
  | { kind: "loading" }
  | { kind: "out"; ended?: boolean } // ended: by itself, in the middle of work
  | { kind: "unreachable"; problem: Problem }
  | { kind: "in"; me: Me };

export const session = new Store<Session>({ kind: "loading" });

const others = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel("keyturn:session");

export async function loadSession(): Promise<void> {
  try {
    const me = await api.me();
    setCsrf(me.csrf);
    session.set({ kind: "in", me });
  } catch (error) {
    const problem = asProblem(error);
    session.set(problem.status === 401 ? { kind: "out" } : { kind: "unreachable", problem });
  }
}

// Told whenever what no stream tells was read again.
export const pulse = new Store(0);

// What is in force may change while somebody is here. What cannot be read now is read the next time.
export async function refreshSession(): Promise<void> {
  const me = await api.me(AbortSignal.timeout(answerMs)).catch(() => null);
  const now = session.get();
  if (!me || now.kind !== "in") return;
  setCsrf(me.csrf);
  if (JSON.stringify(me) !== JSON.stringify(now.me)) session.set({ kind: "in", me });
  pulse.set(pulse.get() + 1);
}

let soon: number | undefined;
const soonMs = 1_000;
const answerMs = 15_000;

// A burst of news is one reading.
export function refreshSoon(): void {
  soon ??= window.setTimeout(() => {
    soon = undefined;
    void refreshSession();
  }, soonMs);
}

export async function signedIn(): Promise<void> {
  await loadSession();
  others?.postMessage("changed");
}

export async function signOut(): Promise<void> {
  const { provider_logout } = await api.logout();
  setCsrf("");
  session.set({ kind: "out" });
  others?.postMessage("changed");
  if (provider_logout) location.assign(provider_logout); // its session too, or the next click signs in again
}

export function startSession(): void {
  onSignedOut(() => {
    setCsrf("");
    if (session.get().kind === "in") session.set({ kind: "out", ended: true });
  });
  returned.watch(() => void (session.get().kind === "in" ? refreshSession() : loadSession()));
  if (others) others.onmessage = () => void loadSession();
  void loadSession();
}

export function meNow(): Me | null {
  const now = session.get();
  return now.kind === "in" ? now.me : null;
}
