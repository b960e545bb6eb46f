// The one door to the server: same origin only, JSON both ways, errors as RFC 9457 problems.

import { unattended } from "../attention";
import { heard, isSilence, lost, lostWords, unheard } from "../reach";

export class Problem extends Error {
  constructor(
    readonly status: number, // 0: the server was not reached
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly pointer?: string,
    readonly retryAfterS?: number,
  ) {
    super(detail || title);
  }
}

// Whatever was thrown, as something to show.
export const asProblem = (error: unknown, title = "Unexpected answer"): Problem =>
  error instanceof Problem ? error : new Problem(0, "", title, String(error));

type Listener = () => void;
let csrf = "";
let signedOut: Listener = () => {};

export function setCsrf(token: string): void {
  csrf = token;
}

// Called whenever an answer says that there is no session any more.
export function onSignedOut(listener: Listener): void {
  signedOut = listener;
}

export function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return call<T>("GET", path, undefined, signal);
}
export function post<T>(path: string, body: unknown = {}): Promise<T> {
  return call<T>("POST", path, JSON.stringify(body));
}
// For a body whose text must go out exactly as a person wrote it.
export function postText<T>(path: string, json: string): Promise<T> {
  return call<T>("POST", path, json);
}
export function put<T>(path: string, body: unknown): Promise<T> {
  return call<T>("PUT", path, JSON.stringify(body));
}
export function del<T>(path: string): Promise<T> {
  return call<T>("DELETE", path);
}

export function withQuery(path: string, query: Record<string, string | number | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

// What a page does while nobody touches it (after events, when a connection comes back) keeps no session alive.
const touchedLately = 60_000; // ms
let touched = Date.now();
for (const act of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
  globalThis.addEventListener?.(act, () => { touched = Date.now(); }, { capture: true, passive: true });
}

async function call<T>(
  method: string, path: string, body?: string, signal?: AbortSignal,
): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json, application/problem+json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrf) headers["X-Keyturn-CSRF"] = csrf;
  if (unattended()) headers["X-Keyturn-Background"] = "1";
  if (Date.now() - touched > touchedLately) headers["X-Keyturn-Background"] = "1";
  let response: Response;
  let text: string;
  const out = method === "GET" ? null : lost.get();
  if (out) throw new Problem(0, "offline", lostWords[out.kind], "Nothing was sent, and nothing is kept to be sent later.");
  try {
    const init: RequestInit = {
      method, headers, credentials: "same-origin", cache: "no-store", redirect: "error",
    };
    if (body !== undefined) init.body = body;
    if (signal) init.signal = signal;
    response = await fetch(path, init);
    text = await response.text();
  } catch (error) {
    if (signal?.aborted && (signal.reason as { name?: string } | undefined)?.name !== "TimeoutError") throw error;
    unheard();
    throw new Problem(0, "unreachable", "Keyturn could not be reached",
      "The server did not answer. Check that it runs and that you are connected.");
  }
  if (isSilence(response.status)) unheard();
  else heard();
  if (response.ok) return (text ? parseExact(text) : undefined) as T;
  // A 401 of /auth/ is about the passkey just presented, not about the session.
  if (response.status === 401 && !path.startsWith("/auth/")) signedOut();
  throw problemOf(response.status, text, Number(response.headers.get("Retry-After")));
}

function problemOf(status: number, text: string, retryAfterS: number): Problem {
  const wait = retryAfterS > 0 ? retryAfterS : undefined;
  try {
    const said = JSON.parse(text) as Record<string, unknown>;
    const word = (name: string): string => (typeof said[name] === "string" ? said[name] : "");
    return new Problem(status, word("code"), word("title") || `HTTP ${status}`, word("detail"),
      word("pointer") || undefined, wait);
  } catch {
    return new Problem(status, "", `HTTP ${status}`, "The server gave no explanation.", undefined, wait);
  }
}

// JSON whose numbers keep their text: one that a double cannot hold stays raw, so that what is shown
// and what is amended is what the agent asked for. (Older browsers have no source text: plain parse.)
export function parseExact(text: string): unknown {
  const raw = (JSON as unknown as { rawJSON?: (text: string) => unknown }).rawJSON;
  if (!raw) return JSON.parse(text);
  const reviver = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === "number" && context?.source !== undefined && String(value) !== context.source
      ? raw(context.source)
      : value;
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
}
