import { Store } from "./store";

export type Theme = "auto" | "light" | "dark";
const key = "keyturn.theme";
const order: Theme[] = ["auto", "light", "dark"];

function remembered(): Theme {
  try {
    const text = localStorage.getItem(key);
    return text === "light" || text === "dark" ? text : "auto";
  } catch {
    return "auto";
  }
}

export const theme = new Store<Theme>("auto");

function apply(value: Theme): void {
  theme.set(value);
  if (value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
}

export const startTheme = (): void => apply(remembered());

export function nextTheme(): void {
  const value = order[(order.indexOf(theme.get()) + 1) % order.length]!;
  apply(value);
  try {
    localStorage.setItem(key, value);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}
