// Server-sent events. The inbox's stream is one for all tabs of this browser (browsers allow six
// connections to a server, and a stream holds one): the tab that holds the lock listens and tells the others.

import { heard, returned } from "../reach";

export type Link = "connecting" | "open" | "lost";

interface Handlers {
  onEvent: (type: string, data: string) => void;
  onLink: (link: Link) => void;
}

const retryFirstMs = 2_000;
const retryMaxMs = 30_000;

// Opens a stream and keeps it open until the returned function is called. EventSource gives up for good on
// some errors; then it is made again after a pause.
export function listen(path: string, types: readonly string[], handlers: Handlers): () => void {
  let source: EventSource | undefined;
  let timer: number | undefined;
  let closed = false;
  let retryMs = retryFirstMs;
  const open = (): void => {
    if (closed) return;
    handlers.onLink("connecting");
    source = new EventSource(path);
    source.onopen = () => {
      heard();
      retryMs = retryFirstMs;
      handlers.onLink("open");
    };
    source.onerror = () => {
      handlers.onLink("lost");
      if (source?.readyState !== EventSource.CLOSED) return;
      timer = window.setTimeout(open, retryMs);
      retryMs = Math.min(retryMaxMs, 2 * retryMs);
    };
    for (const type of types) {
      source.addEventListener(type, (event) => {
        heard();
        handlers.onEvent(type, (event as MessageEvent<string>).data);
      });
    }
  };
  open();
  // The server is there again: not after the pause, but now.
  const unwatch = returned.watch(() => {
    if (source?.readyState === EventSource.OPEN) return;
    source?.close();
    window.clearTimeout(timer);
    open();
  });
  return () => {
    closed = true;
    unwatch();
    window.clearTimeout(timer);
    source?.close();
  };
}

type Told = { link: Link } | { type: string; data: string } | { ask: true };

export function listenShared(
  path: string, types: readonly string[], handlers: Handlers,
): () => void {
  if (!navigator.locks || typeof BroadcastChannel === "undefined") {
    return listen(path, types, handlers);
  }
  const channel = new BroadcastChannel(`keyturn:${path}`);
  const released = new AbortController();
  let stop: (() => void) | undefined;
  let link: Link = "connecting";
  channel.onmessage = ({ data }: MessageEvent<Told>) => {
    if ("ask" in data) {
      if (stop) channel.postMessage({ link } satisfies Told);
    } else if ("link" in data) handlers.onLink(data.link);
    else handlers.onEvent(data.type, data.data);
  };
  const lead = (): Promise<void> =>
    new Promise((resolve) => {
      stop = listen(path, types, {
        onEvent: (type, data) => {
          handlers.onEvent(type, data);
          channel.postMessage({ type, data } satisfies Told);
        },
        onLink: (now) => {
          link = now;
          handlers.onLink(now);
          channel.postMessage({ link: now } satisfies Told);
        },
      });
      released.signal.addEventListener("abort", () => resolve());
    });
  navigator.locks
    .request(`keyturn:${path}`, { signal: released.signal }, lead)
    .catch(() => {}); // aborted while it waited for the lock
  channel.postMessage({ ask: true } satisfies Told);
  return () => {
    stop?.();
    channel.close();
    released.abort();
  };
}
