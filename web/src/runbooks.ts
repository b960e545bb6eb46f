// Whether there is any runbook: then there is a page of them.

import { get } from "./api/client";
import type { Page } from "./api/types";
import { Store } from "./store";

export const runbooks = new Store(false);

export async function lookForRunbooks(): Promise<void> {
  const there = await get<Page<unknown>>("/v1/runbooks").catch(() => null);
  runbooks.set(!!there?.items.length);
}
