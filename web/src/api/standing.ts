// Standing approvals: what people agreed to once, for a while.

import { get, post, postText, withQuery } from "./client";
import type { Action, Json, Page, Plan, Resource } from "./types";

export type Bound = { min: Json; max: Json } | { one_of: Json[] };

export interface Standing {
  id: string;
  agent: string;
  owner: string;
  tool: string;
  operation: string;
  resource?: Resource | null;
  params: Record<string, Json> | null; // null: erased
  bounds: Record<string, Bound>; // by parameter; the others are equal
  plan?: Plan | null;
  granted_at: string;
  until: string;
  uses: number;
  uses_max: number;
  in_force: boolean;
  over?: string; // why it is not in force
  revoked_by?: string;
  proposer: string;
  approvals: { reviewer: string; instead_of?: string; assurance: string; channel: string }[];
  action: string; // in which people agreed to it
  like: string; // that it was made from
  reason?: string;
}

// What a permission of policy says of an action.
export interface Permission {
  permission: string;
  description?: string;
  selected: boolean;
  permits?: boolean;
  lasts?: string;
  uses?: number;
  bounds?: string[];
}

export interface Wish {
  action: string;
  uses: number;
  lasts: string;
  reason: string;
}

const pageSize = 200;
const pagesMax = 5;

export const standingOf = (id: string) => get<Standing>(`/v1/standing/${encodeURIComponent(id)}`);

export const standing = {
  // The newest thousand; `next` where there are more.
  async list(): Promise<Page<Standing>> {
    const items: Standing[] = [];
    let next: string | null = null;
    for (let i = 0; i < pagesMax; i++) {
      const page: Page<Standing> = await get(withQuery("/v1/standing", { limit: pageSize, after: next ?? undefined }));
      items.push(...page.items);
      next = page.next ?? null;
      if (next === null) break;
    }
    return { items, next };
  },
  revoke: (id: string, reason: string) => post<Standing>(`/v1/standing/${encodeURIComponent(id)}/revoke`, { reason }),
  // `bounds` is JSON text, sent as it was written.
  propose: (wish: Wish, bounds: string) =>
    postText<Action>("/v1/standing", `{${JSON.stringify(wish).slice(1, -1)},"bounds":${bounds}}`),
};
