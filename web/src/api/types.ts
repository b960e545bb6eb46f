// What the server says, in the names of the contract. Everything that this page can do without is
// optional: a field that is missing hides its part of the screen and breaks nothing.

import type { AfterReview, Emergency } from "./emergencies";
import type { Permission } from "./standing";

export type State =
  | "deferred" | "pending" | "approved" | "executing"
  | "succeeded" | "failed" | "unknown" | "denied" | "expired" | "cancelled";

const finalStates: readonly string[] = [
  "succeeded", "failed", "unknown", "denied", "expired", "cancelled",
];
export const isFinal = (state: State): boolean => finalStates.includes(state);

export type Decision = "approve" | "deny";
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

// An agent, a person or a service account: the bare id, or what is known of it.
export type Party = string | { id: string; name?: string; kind?: string; owner?: string };
export const partyId = (party: Party | undefined | null): string =>
  !party ? "" : typeof party === "string" ? party : party.id;
export const partyName = (party: Party | undefined | null): string =>
  !party ? "" : typeof party === "string" ? party : party.name || party.id;

export type Mark = "control" | "invisible" | "bidi" | "lookalike" | "whitespace" | "secret";

export interface Run {
  t: string;
  mark?: Mark;
}

export interface Section {
  title: string;
  kind: "code" | "text" | "fields" | "diff";
  runs?: Run[];
  fields?: { name: Run[]; value: Run[] }[];
  bytes?: number;
  warnings?: string[];
}

export interface Resource {
  kind?: string;
  name?: string;
  env?: string;
  labels?: Record<string, Json>;
}

export interface Needed {
  group: string;
  count: number;
  have: number;
}

export interface Vote {
  reviewer: string;
  decision: Decision;
  at: string;
  assurance?: string;
  channel?: string;
  note?: string;
  note_erased?: boolean;
  simulated?: boolean;
  inactive?: boolean; // whoever gave it is deactivated since: it counts no more
  instead_of?: string;
}

export interface Plan {
  assurance?: string;
  channels?: string[]; // in which votes may be cast
  notify?: string[]; // over which people are told
  expires?: string;
  retype?: string;
  veto?: Json;
  [key: string]: Json | undefined;
}

export interface Verdict {
  effect: string;
  rules?: string[];
  policy?: string;
  reasons?: string[];
  plan?: Plan | null;
}

export interface ActionOutcome {
  outcome: string;
  exit_code?: number;
  stdout?: string;
  stderr?: string;
  rows?: Json[];
  columns?: string[];
  row_count?: number;
  truncated?: boolean;
  duration_ms?: number;
  error?: string;
  result?: Json;
}

export interface Action {
  id: string;
  version: number;
  state: State;
  digest?: string;
  created_at: string;
  expires_at?: string | null;
  requester?: Party;
  owner?: Party | null;
  tool: string;
  operation: string;
  resource?: Resource | null;
  args?: Json;
  reason?: string;
  claims?: Record<string, Json> | null;
  facts?: Json;
  verdict?: Verdict | null;
  needed?: Needed[];
  waits_for_you?: boolean;
  escalated?: boolean; // to the group `escalated_to`; waits_for_you says whether one of them may decide
  escalated_to?: string;
  reminders?: number;
  standing?: string; // the standing approval that allowed it
  run?: { id: string; runbook: string; step: string; attempt: number } | null; // the step of a run that it is
  votes?: Vote[];
  review_url?: string;
  outcome?: ActionOutcome | null;
  amends?: string | null;
  amended_by?: string | null;
  emergency?: { incident: string | null; break_glass: string | null };
  after_review?: AfterReview;
  repeats?: { of: string; times: number }; // the very same request was denied before
  canary?: { by: string; result: string | null }; // it was an exercise; told once it is decided
  erased?: { by: string; at: string; index: number; request: boolean };
  ledger?: { origin: string; index: number | null } | null;
  display?: Section[];
  display_complete?: boolean;
}

// A hold point of a run: people say whether it goes on. The runbook's name; "" of anything else.
export const heldOf = ({ run, tool }: Action): string => (tool === "keyturn.hold" && run ? run.runbook : "");

// Why it is asked for: of a hold point, why its run was started, which stands behind words of Keyturn's own.
export const reasonOf = (action: Action): string => {
  const { run, reason = "" } = action;
  const own = `step ${run?.step} of runbook ${run?.runbook}`;
  return heldOf(action) && reason.startsWith(own) ? reason.slice(own.length + 2) : reason;
};

export interface Me {
  kind: string;
  id: string;
  name?: string;
  groups?: string[];
  assurance: string;
  csrf: string;
  sealed: boolean;
  files_differ?: boolean;
  read_only?: string | null;
  mode: "enforce" | "observe";
  demo: boolean;
  admin: boolean;
  auditor?: boolean;
  emergencies?: Emergency[]; // in force, and concern me
  away_until?: string | null;
}

export interface Page<T> {
  items: T[];
  next?: string | null;
  total?: number;
}

// A token for programs, of a person or of an agent that they own. Its text is in NewToken only.
export interface Token {
  id: string;
  label: string;
  person?: string;
  agent?: string;
  created_at: string;
  expires_at: string | null;
}

export interface NewToken {
  id: string;
  token: string;
  expires_at: string | null;
}

export interface Provider {
  name: string;
  kind: string;
}

export interface Account {
  account: string; // a keyed hash: nothing that a person reads
  provider: string;
}

export interface Passkey {
  id: string;
  label: string;
  created_at: string;
  backed_up: boolean;
  current: boolean;
}

export interface Agent {
  name: string;
  owner: { id: string; name?: string };
  suspended: boolean;
}

export interface ToolParam {
  name: string;
  required: boolean;
  secret: boolean;
  schema: Record<string, Json>;
}

export interface KnownTool {
  name: string;
  operation: string;
  resource?: Resource | null;
  params: ToolParam[];
}

export interface PolicyVersion {
  digest: string;
  name: string;
  revision: number;
  at: string;
  by: string; // an action, a person, or "host"
  index: number;
}

export interface PolicyInForce {
  name: string;
  revision: number;
  digest: string;
  text: string;
  mode: "enforce" | "observe";
  sealed: boolean;
  configuration: string;
  tools: { digest: string; text: string; known?: KnownTool[] };
  history: PolicyVersion[];
}

export interface Diagnostic {
  file: string;
  line: number; // from 1; 0: of the file as a whole
  column: number;
  message: string;
  warning: boolean;
}

// What the document's own tests reach of it.
export interface Coverage {
  branches: number;
  reached: number;
  gaps: { rule: string; message: string; line: number; column: number }[];
}

export interface Checked {
  ok: boolean;
  diagnostics: Diagnostic[];
  changes?: { of: string; is: string }[]; // against what is in force, rule by rule
  coverage?: Coverage;
}

// A condition as it was evaluated.
export interface Evaluated {
  source: string;
  value?: Json;
  error?: string;
  reads?: Record<string, Json>;
}

export interface ExplainedRule {
  rule: string;
  effect: string;
  description?: string;
  shadow?: boolean;
  selected: boolean;
  not_selected_by?: string;
  when?: Evaluated;
  unless?: Evaluated;
  tiers?: { effect: string; when: Evaluated }[];
  matched?: boolean;
  contribution?: string;
}

export interface Explained extends Partial<Checked> {
  verdict?: Verdict & { decided_by?: string };
  rules?: ExplainedRule[];
  variables?: Record<string, Json>;
  risk?: { score: number; why: string[] };
  standing?: Permission[];
}

export interface ReplaySide {
  effect: string;
  decided_by?: string;
  reasons?: string[];
  asks?: string;
}

export interface ReplayFlip {
  turn: string;
  from: string;
  to: string;
  count: number;
  examples: { id: string; time: string; tool: string; agent: string; before: ReplaySide; after: ReplaySide }[];
}

export interface ReplayReport {
  looked_at: number;
  repeated: number;
  unchanged: number;
  stricter: number;
  looser: number;
  other: number;
  errors: number;
  not_repeatable: number;
  not_repeatable_because: Record<string, number>;
  flips: ReplayFlip[];
  oldest: string | null;
  limited: boolean;
}

export interface TimelineItem {
  at: string;
  type: string;
  by?: string;
  text?: string;
  index?: number | null;
}

export interface LedgerHead {
  origin: string;
  vkey: string;
  size: number;
  checkpoint: string;
  entries_public?: boolean;
}

export interface LedgerEntry {
  index: number;
  leaf: string;
  hash: string;
}

export interface Colleague {
  id: string;
  name?: string;
  simulated: boolean;
  pending: string[];
}

export interface Scenario {
  id: string;
  title: string;
  text: string;
}

export interface Ceremony<Options> {
  ceremony: string;
  options: Options;
}
