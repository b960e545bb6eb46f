// What is open now, the look afterwards, and who stands in for whom.

import type { Action, Ceremony, Page } from "./types";
import { del, get, post, put } from "./client";
import { usePasskey, type RequestOptionsJson } from "./passkey";

export type Kind = "incident" | "breakglass";

export interface Emergency {
  id: string;
  kind: Kind;
  opener: string;
  agents: string[]; // none: all
  opened_at: string;
  until: string;
  in_force: boolean;
  uses: number;
  closed_by?: string;
  reason?: string; // for those whom it concerns
}

export interface Emergencies extends Page<Emergency> {
  may_open?: boolean;
}

export interface AfterReview {
  due: string;
  groups: string[];
  open: boolean;
  waits_for_you?: boolean;
  by?: string;
  at?: string;
  verdict?: "justified" | "unjustified";
  note?: string;
}

export interface Delegation {
  id: string;
  from: string;
  to: string;
  groups: string[]; // none: all of `from`
  start: string;
  until: string;
  in_force: boolean;
}

export interface Person {
  id: string;
  name?: string;
  active: boolean;
  service_of?: string;
}

const at = (kind: Kind): string => (kind === "incident" ? "/v1/incidents" : "/v1/breakglass");

export const emergencies = {
  list: (kind: Kind) => get<Emergencies>(at(kind)),
  // `lasts`: none is as long as policy lets it.
  async open(kind: Kind, agents: string[], lasts: string, reason: string): Promise<void> {
    const asked = { agents, ...(lasts ? { lasts } : {}) };
    if (kind === "incident") return post(at(kind), { ...asked, reason });
    const { ceremony, options } = await post<Ceremony<RequestOptionsJson>>(`${at(kind)}/challenge`, asked);
    const assertion = { ceremony, credential: await usePasskey(options) };
    return post(at(kind), { ...asked, reason, assertion });
  },
  close: (one: Emergency) => post<Emergency>(`${at(one.kind)}/${one.id}/close`),
  toLook: () => get<Page<Action>>("/v1/actions?for=review&limit=200"),
  look: (id: string, verdict: string, note: string) =>
    post<Action>(`/v1/actions/${encodeURIComponent(id)}/review`, { verdict, note }),

  people: () => get<Page<Person>>("/v1/people"),
  delegations: () => get<Page<Delegation>>("/v1/delegations"),
  delegate: (wanted: { to: string; groups: string[]; until: string }) => post<Delegation>("/v1/delegations", wanted),
  endDelegation: (id: string) => del<Delegation>(`/v1/delegations/${id}`),
  away: (until?: string) => put<unknown>("/v1/me/away", { until }),
};
