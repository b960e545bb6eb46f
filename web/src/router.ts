// Real paths, no library. A link is an ordinary <a href>; clicks on those of this page are taken here.

import { entered, leaving, returning, startSpots } from "./spot";
import { Store } from "./store";

export interface Place {
  path: string;
  search: string;
  hash: string;
}

const here = (): Place => ({
  path: location.pathname, search: location.search, hash: location.hash,
});

export const place = new Store<Place>(here());

export function go(to: string, replace = false): void {
  if (to === location.pathname + location.search + location.hash) return;
  const other = new URL(to, location.href).pathname !== location.pathname;
  if (replace) {
    history.replaceState(history.state, "", to);
  } else {
    leaving();
    history.pushState(entered(location.pathname + location.search), "", to);
  }
  place.set(here());
  if (other && !replace) window.scrollTo({ top: 0, behavior: "instant" });
}

function take(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.("a");
  if (!link || link.target || link.hasAttribute("download")) return;
  const url = new URL(link.href, location.href);
  if (url.origin !== location.origin || link.getAttribute("href")?.startsWith("#")) return;
  event.preventDefault();
  link.focus({ preventScroll: true }); // not every browser does; it is where one comes back to
  go(url.pathname + url.search + url.hash);
}

export function startRouter(): void {
  startSpots();
  document.addEventListener("click", take);
  window.addEventListener("popstate", (event) => {
    returning(event.state);
    place.set(here());
  });
}

// What a percent-encoded part of an address says; when it is not well-formed, the part as it stands.
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
