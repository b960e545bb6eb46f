// What administrators act on and auditors look at.

import { del, get, post } from "./client";
import type { Action, Agent, Json, Page } from "./types";

export interface KnownPerson {
  id: string;
  name: string;
  email: string;
  groups: string[];
  active: boolean;
  admin: boolean;
  auditor: boolean;
  simulated: boolean;
  service_of: string;
  chat_accounts?: string[]; // "slack:T0123/U0456"
}

export interface KnownGroup {
  name: string;
  members: { id: string; name: string; active?: boolean; sources: string[] }[]; // "here", or who vouches for it
  asked_by_policy: boolean;
}

export interface AnyToken {
  id: string;
  kind: "agent" | "person";
  holder: string;
  name: string;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null; // since the server's start
}

export interface AnySession {
  id: string;
  person: string;
  how: string; // "passkey", or "oidc:" and the provider
  created_at: string;
  last_seen_at: string;
  expires_at: string;
  agent?: string | null;
  current: boolean;
}

export interface Channel {
  name: string;
  kind: string;
  state: "ok" | "idle" | "warning" | "down";
  detail: string;
  since: string | null;
  waiting?: number; // of one that carries word: actions that something is still to be done about
  dead?: DeadLetter[]; // and what it gave up, newest first
}

export interface DeadLetter {
  action: string;
  place: string;
  what: string;
  why: string;
  at: string;
}

export interface WantedPerson {
  id: string;
  name?: string;
  email?: string;
  groups: string[];
}

export interface Exercise {
  agent: string;
  tool: string;
  args: Json;
  reason: string;
}

const part = encodeURIComponent;

export const admin = {
  people: () => get<Page<KnownPerson>>("/v1/people"),
  groups: () => get<Page<KnownGroup>>("/v1/admin/groups"),
  agents: () => get<Page<Agent>>("/v1/agents"),
  tokens: () => get<Page<AnyToken>>("/v1/admin/tokens"),
  sessions: () => get<Page<AnySession>>("/v1/admin/sessions"),
  channels: () => get<Page<Channel>>("/v1/admin/channels"),

  deactivate: (id: string, reason: string) => post<unknown>(`/v1/people/${part(id)}/deactivate`, { reason }),
  activate: (id: string) => post<unknown>(`/v1/people/${part(id)}/activate`),
  propose: (person: WantedPerson, reason: string) => post<Action>("/v1/policy/proposals", { people: [person], reason }),
  plant: (exercise: Exercise) => post<Action>("/v1/canaries", exercise),
  suspend: (name: string) => post<unknown>(`/v1/agents/${part(name)}/suspend`),
  resume: (name: string) => post<unknown>(`/v1/agents/${part(name)}/resume`),
  revoke: (token: string) => del<unknown>(`/v1/tokens/${part(token)}`),
  unlink: (id: string, channel: string) => del<unknown>(`/v1/people/${part(id)}/links/${part(channel)}`),
  retry: (channel: string, action?: string) => post<{ retried: number }>(`/v1/admin/channels/${part(channel)}/retry`, action ? { action } : {}),
  end: (session: string) => del<unknown>(`/v1/admin/sessions/${part(session)}`),
};
