// Whether the server can be reached. Without it nothing is decided: no vote is kept to be sent later.

import { useEffect } from "preact/hooks";
import { Store, useStore } from "./store";

export interface Lost {
  kind: "offline" | "unreachable"; // this device has no network, or the server does not answer
  since: number; // when it last answered
}

export const lost = new Store<Lost | null>(null);
// Told each time that the server is reached again: what no stream keeps up is read again.
export const returned = new Store(0);
// When what is on this page was read; null: a stream keeps it up, so it is as new as the last answer.
export const readAt = new Store<number | null>(null);

const retryFirstMs = 2_000;
const retryMaxMs = 30_000;
const answerMs = 15_000;

let heardAt = Date.now();
let timer: number | undefined;
let retryMs = retryFirstMs;

const hasNetwork = (): boolean => typeof navigator === "undefined" || navigator.onLine !== false;

// The server answered, whatever it said.
export function heard(): void {
  heardAt = Date.now();
  if (!lost.get()) return;
  window.clearTimeout(timer);
  timer = undefined;
  retryMs = retryFirstMs;
  lost.set(null);
  returned.set(returned.get() + 1);
}

// It did not.
export function unheard(): void {
  const kind = hasNetwork() ? "unreachable" : "offline";
  if (lost.get()?.kind !== kind) lost.set({ kind, since: heardAt });
  timer ??= window.setTimeout(() => {
    timer = undefined;
    retryMs = Math.min(retryMaxMs, 2 * retryMs);
    void knock();
  }, retryMs);
}

// Answers of a proxy in front of a server that does not answer.
export const isSilence = (status: number): boolean => status === 502 || status === 504;

export async function knock(): Promise<void> {
  try {
    const { status } = await fetch("/v1/me", {
      headers: { "X-Keyturn-Background": "1" }, cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(answerMs),
    });
    if (isSilence(status)) unheard();
    else heard();
  } catch {
    unheard();
  }
}

export function startReach(): void {
  // Neither is proof: without a network, a server on this machine answers all the same.
  for (const hint of ["offline", "online"]) window.addEventListener(hint, () => void knock());
}

// For a page that reads once: `data` is what it read.
export function useReadAt(data: unknown): void {
  useEffect(() => {
    readAt.set(data ? Date.now() : null);
  }, [data]);
  useEffect(() => () => readAt.set(null), []);
}

export const lostWords: Record<Lost["kind"], string> = {
  offline: "You are offline.", unreachable: "Keyturn does not answer.",
};

// Why nothing can be decided now; "": it can.
export function useWhyNoVotes(readOnly: string | null | undefined): string {
  const now = useStore(lost);
  if (now) return `${lostWords[now.kind]} Nothing is decided, and nothing is kept to be sent later. When the connection is back, look at the case as it is then.`;
  return readOnly ? "Keyturn is read-only now: no vote can be recorded, and nothing is released." : "";
}
