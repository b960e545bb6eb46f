// What this browser remembers of a ledger. Storage may be missing or full: then it remembers nothing, and says so
// by having nothing to compare with.

import type { Seen } from "./log";

const seenKey = (origin: string): string => `keyturn.seen.${origin}`;
const trustedKey = (origin: string): string => `keyturn.vkey.${origin}`;

function read(key: string): string {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

function write(key: string, value: string): void {
  try {
    if (value) localStorage.setItem(key, value);
    else localStorage.removeItem(key);
  } catch {
    // Nothing to do: the next visit has nothing to compare with, and the page says that.
  }
}

function isSeen(value: unknown): value is Seen {
  if (!value || typeof value !== "object") return false;
  const seen = value as Record<string, unknown>;
  return Number.isSafeInteger(seen.size) && typeof seen.root === "string" && /^[0-9a-f]{64}$/.test(seen.root) &&
    typeof seen.vkey === "string" && typeof seen.at === "string";
}

export const memory = {
  seen(origin: string): Seen | null {
    try {
      const value: unknown = JSON.parse(read(seenKey(origin)) || "null");
      return isSeen(value) ? value : null;
    } catch {
      return null;
    }
  },
  remember: (origin: string, seen: Seen): void => write(seenKey(origin), JSON.stringify(seen)),
  forget: (origin: string): void => write(seenKey(origin), ""),
  trustedKey: (origin: string): string => read(trustedKey(origin)),
  setTrustedKey: (origin: string, key: string): void => write(trustedKey(origin), key),
};
