// What the server says, as docs/openapi.json has it; a test holds the two together. There may be more in an answer than is named here. Times are RFC 3339, UTC.

export type State = "deferred" | "pending" | "approved" | "executing" | "succeeded" | "failed" | "unknown" | "denied" | "expired" | "cancelled";

/** Who asked, or who answers for it. */
export interface Party {
  id?: string;
  name?: string;
  kind?: "agent" | "person";
}

/** People who are still asked. */
export interface Needed {
  group?: string;
  count?: number;
  have?: number;
  stage?: number;
}

export interface Vote {
  reviewer?: string;
  decision?: "approve" | "deny";
  at?: string;
  assurance?: "token" | "chat" | "session" | "passkey";
  channel?: string;
  note?: string;
  /** Whose place it fills, where its giver stands in for somebody. */
  instead_of?: string;
}

export interface Comment {
  by?: string;
  text?: string;
  at?: string;
}

export interface Verdict {
  effect: "allow" | "deny" | "require" | "defer";
  rules: string[];
  policy: string;
  reasons: string[];
  /** For people. */
  decided_by?: string;
}

export interface Outcome {
  outcome: "succeeded" | "failed" | "unknown";
  exit_code?: number;
  stdout?: string;
  stderr?: string;
  rows?: unknown[];
  columns?: string[];
  row_count?: number;
  truncated?: boolean;
  duration_ms?: number;
  reason?: string;
  error?: string;
  result?: unknown;
}

export interface Ledger {
  origin?: string;
  index?: number | null;
  last_index?: number | null;
}

/** An action as the server shows it to this caller. */
export interface Action {
  id: string;
  version: number;
  state: State;
  /** Names the whole case that reviewers see and vote on. */
  digest: string;
  created_at: string;
  expires_at?: string;
  requester?: Party;
  owner?: Party | null;
  tool: string;
  operation: string;
  mode?: "execute" | "grant";
  resource: Record<string, unknown>;
  /** Null where they were erased. */
  args: unknown;
  reason?: string;
  claims?: Record<string, unknown>;
  verdict: Verdict;
  needed: Needed[];
  votes: Vote[];
  comments?: Comment[];
  review_url?: string;
  /** Once, to the requester. */
  grant: string | null;
  outcome: Outcome | null;
  awaiting_evidence?: "published" | "cosigned";
  amends?: string | null;
  amended_by?: string | null;
  deferred_until?: string;
  settled_at?: string;
  observed?: boolean;
  waits_for_you?: boolean;
  ledger: Ledger;
}

export interface Me {
  kind?: "person" | "agent";
  id?: string;
  name?: string;
  groups?: string[];
  assurance?: string;
  channel?: string;
  mode?: string;
  version?: string;
}

/** RFC 9457. */
export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  pointer?: string;
  offset?: number;
}

/** Of an action's stream. */
export interface ActionEvent {
  name: "snapshot" | "state" | "vote" | "comment" | "outcome";
  version: number;
  action: Action;
}

const FINAL: ReadonlySet<State> = new Set<State>(["succeeded", "failed", "unknown", "denied", "expired", "cancelled"]);

/** Nothing will happen to it any more. */
export function isFinal(action: Action): boolean {
  return FINAL.has(action.state);
}

/** The question is answered: all but deferred, pending and executing, and an approval that is not held any more for its evidence. */
export function isSettled(action: Action): boolean {
  return (isFinal(action) || action.state === "approved") && action.awaiting_evidence === undefined;
}
