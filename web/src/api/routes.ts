// Every route that this page calls, by name.

import { del, get, post, postText, withQuery } from "./client";
import type { Order } from "../list";
import type {
  Account, Action, Agent, Ceremony, Checked, Colleague, Decision, Explained, Json, LedgerEntry, LedgerHead, Me, NewToken,
  Page, Passkey, PolicyInForce, Provider, ReplayReport, Scenario, TimelineItem, Token,
} from "./types";
import type { ProofAnswer } from "../verify/log";
import type {
  CreationOptionsJson, CredentialJson, RequestOptionsJson,
} from "./passkey";

const action = (id: string): string => `/v1/actions/${encodeURIComponent(id)}`;

export interface Assertion {
  ceremony: string;
  credential: CredentialJson;
}

// What is to be looked at instead of what is in force.
export interface Documents {
  policy?: string;
  tools?: string;
}

export interface ActivityQuery {
  state?: string;
  tool?: string;
  actor?: string;
  q?: string;
  from?: string;
  to?: string;
  after?: string;
  limit?: number;
}

export const api = {
  me: (signal?: AbortSignal) => get<Me>("/v1/me", signal),
  inbox: (order: Order, after: string | null, limit: number) =>
    get<Page<Action>>(withQuery("/v1/actions",
      { state: "pending", for: "me", order, limit, after: after ?? undefined })),
  voted: () => get<Page<Action>>("/v1/actions?state=pending&for=voted&limit=200"),
  list: (query: ActivityQuery, signal?: AbortSignal) =>
    get<Page<Action>>(withQuery("/v1/actions", { ...query }), signal),

  action: (id: string) => get<Action>(action(id)),
  timeline: (id: string) => get<Page<TimelineItem>>(`${action(id)}/timeline`),
  challenge: (id: string, decision: Decision) =>
    post<Ceremony<RequestOptionsJson>>(`${action(id)}/votes/challenge`, { decision }),
  vote: (id: string, vote: {
    decision: Decision; digest: string; note?: string; retype?: string; instead_of?: string; assertion?: Assertion;
  }) => post<Action>(`${action(id)}/votes`, vote),
  takeBack: (id: string) => del<Action>(`${action(id)}/votes`),
  comment: (id: string, text: string) => post<unknown>(`${action(id)}/comments`, { text }),
  cancel: (id: string) => post<Action>(`${action(id)}/cancel`),
  // `args` is JSON text, sent as it was written.
  amend: (id: string, args: string, note: string) =>
    postText<Action>(`${action(id)}/amend`,
      `{"args":${args}${note ? `,"note":${JSON.stringify(note)}` : ""}}`),

  policy: () => get<PolicyInForce>("/v1/policy"),
  check: (documents: Documents) => post<Checked>("/v1/policy/check", { ...documents, coverage: true }),
  // `args` and `claims` are JSON text, sent as they were written.
  explain: (asked: { agent: string; tool: string; reason: string }, args: string, claims: string, documents: Documents) =>
    postText<Explained>("/v1/policy/explain",
      `{${JSON.stringify({ ...asked, ...documents }).slice(1, -1)},"args":${args},"claims":${claims}}`),
  replay: (wanted: { policy: string; against: string; since?: string; limit: number; examples: number }) =>
    post<Checked & { replay?: ReplayReport }>("/v1/policy/replay", wanted),
  propose: (documents: Documents, reason: string) =>
    post<Action>("/v1/policy/proposals", { ...documents, reason }),

  ledger: () => get<LedgerHead>("/v1/ledger"),
  entries: (from: number, limit: number) =>
    get<{ items: LedgerEntry[]; size: number }>(
      withQuery("/v1/ledger/entries", { from, limit })),
  proof: (index: number, size: number) =>
    get<ProofAnswer>(withQuery("/v1/ledger/proof", { index, size })),
  consistency: (from: number, to: number) =>
    get<{ proof: string[] }>(withQuery("/v1/ledger/consistency", { from, to })),

  enrolBegin: (token: string) =>
    post<Ceremony<CreationOptionsJson> & { person: string }>("/auth/enrol/begin", { token }),
  enrolFinish: (body: {
    ceremony: string; token: string; credential: CredentialJson; label: string;
  }) => post<unknown>("/auth/enrol/finish", body),
  loginBegin: () => post<Ceremony<RequestOptionsJson>>("/auth/login/begin"),
  loginFinish: (ceremony: string, credential: CredentialJson) =>
    post<unknown>("/auth/login/finish", { ceremony, credential }),
  logout: () => post<{ provider_logout?: string }>("/auth/logout"),
  providers: () => get<{ providers: Provider[] }>("/auth/providers"),
  signOn: (name: string) => post<{ url: string }>(`/auth/${name}/begin`),
  linkBegin: (name: string) => post<Ceremony<RequestOptionsJson>>(`/auth/${name}/link/challenge`),
  link: (name: string, assertion: Assertion) => post<{ url: string }>(`/auth/${name}/link`, { assertion }),
  accounts: () => get<Page<Account>>("/v1/accounts"),
  unlink: (account: string) => post<unknown>("/v1/accounts/unlink", { account }),

  tokens: () => get<Page<Token>>("/v1/tokens"),
  makeToken: (wanted: { label: string; expires: string; agent?: string }) =>
    post<NewToken>("/v1/tokens", wanted),
  revokeToken: (id: string) => del<unknown>(`/v1/tokens/${encodeURIComponent(id)}`),
  agents: () => get<Page<Agent>>("/v1/agents"),
  passkeys: () => get<Page<Passkey>>("/v1/passkeys"),
  passkeyBegin: () => post<Ceremony<RequestOptionsJson> & { url?: string }>("/v1/passkeys/challenge"),
  passkeyLink: (ceremony: string, credential: CredentialJson) =>
    post<{ token: string; url: string }>("/v1/passkeys", { ceremony, credential }),
  removePasskey: (id: string) => del<unknown>(`/v1/passkeys/${encodeURIComponent(id)}`),

  demoState: () => get<{ colleagues: Colleague[] }>("/demo/state"),
  demoVote: (colleague: string, id: string, decision: Decision) =>
    post<unknown>("/demo/vote", { colleague, action: id, decision }),
  demoRun: (scenario: string) => post<{ id: string }>("/demo/run", { scenario }),
  demoScenarios: async (): Promise<Scenario[]> =>
    scenariosOf(await get<Json>("/demo/scenarios")),
};

// The list may come bare or under a name, and its items as words or with a title.
function scenariosOf(answer: Json): Scenario[] {
  const list = Array.isArray(answer)
    ? answer
    : answer && typeof answer === "object"
      ? Object.values(answer).find(Array.isArray) ?? []
      : [];
  return (list as Json[]).flatMap((item) => {
    if (typeof item === "string") return [{ id: item, title: "", text: "" }];
    if (!item || typeof item !== "object" || Array.isArray(item)) return [];
    const word = (...names: string[]): string =>
      names.map((name) => item[name]).find((value) => typeof value === "string") as string ?? "";
    return [{
      id: word("scenario", "id", "name"),
      title: word("title"),
      text: word("text", "description", "detail"),
    }];
  });
}
