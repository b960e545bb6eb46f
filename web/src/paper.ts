// Whether the page is being put on paper: then what is folded or paged on the screen is all there.

import { Store } from "./store";

export const printing = new Store(false);

export function startPaper(): void {
  window.addEventListener("beforeprint", () => printing.set(true));
  window.addEventListener("afterprint", () => printing.set(false));
}
