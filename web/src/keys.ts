// Keyboard: single letters, never while somebody types or holds a modifier.

import { useEffect } from "preact/hooks";

export type Keymap = Record<string, (event: KeyboardEvent) => void>;

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName) ||
    (target instanceof HTMLInputElement && !/^(radio|checkbox)$/.test(target.type)));

// The page's keys come before those of the frame around it.
const layers: Record<"page" | "frame", Set<Keymap>> = { page: new Set(), frame: new Set() };

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target)) {
    if (event.key === "Escape") (event.target as HTMLElement).blur();
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  for (const keymap of [...layers.page, ...layers.frame]) {
    const act = Object.hasOwn(keymap, event.key) ? keymap[event.key] : undefined;
    if (!act) continue;
    event.preventDefault();
    act(event);
    return;
  }
}

export function startKeys(): void {
  document.addEventListener("keydown", onKey);
}

export function useKeys(keymap: Keymap, layer: "page" | "frame" = "page"): void {
  useEffect(() => {
    layers[layer].add(keymap);
    return () => void layers[layer].delete(keymap);
  });
}

// j and k over links marked data-row, from one list to the next; a list of actions moves within itself (parts/rows.tsx).
export function moveRow(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("a[data-row]")];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step;
  const row = rows[Math.min(rows.length - 1, Math.max(0, next))];
  row?.focus();
  row?.scrollIntoView({ block: "nearest" });
}
