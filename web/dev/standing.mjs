// Sample data for the fixture: standing approvals, on call, and what time did to reviews.
import { actions } from "./samples.mjs";

const at = (minutes) => new Date(Date.now() + minutes * 60_000).toISOString();
const one = (overrides) => ({
  id: "sa_01JD0001K7Q2", agent: "ops-bot", owner: "alice", tool: "payments.transfer", tool_digest: "sha256:00", operation: "write",
  resource: { kind: "account", name: "suppliers-eu", env: "prod", labels: {} }, params: { to: "ACME Stationery GmbH & Co. KG, Hamburg", amount: 50, note: "rent", tags: ["office", "monthly"] },
  bounds: { amount: { min: 1, max: 250 }, note: { one_of: ["rent", "water", "power"] } }, plan: { quorum: { dba: 2 }, any: [[{ finance: 1 }, { lead: 1 }]], assurance: "session" },
  granted_at: at(-900), until: at(9_000), uses: 12, uses_max: 20, in_force: true, proposer: "erin", action: "act_01JD0001K7Q2", like: "act_01JD0006K7Q2",
  approvals: [{ reviewer: "bob", assurance: "passkey", channel: "web" }, { reviewer: "dan", instead_of: "carol", assurance: "session", channel: "web" }],
  reason: "The same suppliers every month; two of us looked at each of the last six.", ...overrides,
});
const all = [
  one({ id: "sa_01JD0003K7Q2", in_force: false, over: "revoked by bob", revoked_by: "bob", uses: 3, until: at(4_000), granted_at: at(-100) }),
  one(), one({ id: "sa_01JC0009K7Q2", in_force: false, over: "every use is taken", uses: 20, params: null, bounds: {}, until: at(-4_000), granted_at: at(-9_000), plan: null }),
  one({ id: "sa_01JC0008K7Q2", agent: "deploy-bot", tool: "deploy", operation: "deploy", resource: { kind: "service", name: "web", env: "prod" }, params: { ref: "main" }, bounds: {}, uses: 0, uses_max: 5, granted_at: at(-30) }),
];

const shift = (id, counts = true) => ({ id, name: `${id[0].toUpperCase()}${id.slice(1)} Moreau`, until: at(3_000), counts });
const schedules = [
  { name: "primary", group: "sre-oncall", of: "sre", source: "file", on_call: [shift("carol"), shift("dan", false)], next_change: at(3_000), last_word: null, stale: false, problems: [] },
  { name: "database", group: "dba-oncall", of: "dba", source: "webhook", on_call: [], next_change: null, last_word: at(-2_000), stale: true, problems: [] },
  { name: "network", group: "net-oncall", of: "net", source: "file", on_call: [shift("erin")], next_change: at(700), last_word: null, stale: false, problems: ["oncall/network.yaml:1:19: start must be a local time such as 2026-01-05T09:00, not \"yesterday\""] },
];

const done = actions.find((item) => item.state === "succeeded");
const open = actions.find((item) => item.state === "pending");
const stood = { ...done, id: "act_01JDSTODK7Q2", standing: "sa_01JD0001K7Q2", needed: [], votes: [] };
const approved = { ...done, id: "act_01JDAPPRK7Q2", tool: "payments.transfer", operation: "write", resource: one().resource, args: one().params, needed: [{ group: "dba", count: 2, have: 2 }],
  verdict: { ...done.verdict, effect: "require" }, votes: [{ reviewer: "bob", decision: "approve", at: at(-70), assurance: "passkey", channel: "web" }], requester: { kind: "agent", id: "ops-bot", name: "ops-bot" } };
const escalated = { ...open, id: "act_01JDESCAK7Q2", owner: { id: "erin" }, escalated: true, escalated_to: "admins", reminders: 3, votes: [] };
export const stoodAndTold = [stood, approved, escalated];

export const permissions = [
  { permission: "small-payments", description: "Suppliers that are paid again and again", selected: true, permits: true, lasts: "7d", uses: 20, bounds: ["amount", "note", "tags"] },
  { permission: "deploys", selected: false, not_selected_by: "tool" },
  { permission: "at-night", selected: true, permits: true, lasts: "12h", uses: 5, bounds: [] },
];

export function standingAnswer(path, mood) {
  if (path === "/v1/standing") return { items: mood === "empty" ? [] : all, next: null };
  if (path === "/v1/oncall") return { items: mood === "empty" ? [] : schedules, next: null };
  return all.find((standing) => path === `/v1/standing/${standing.id}`) ?? null;
}

const problem = (status, code, detail, pointer) => ({ status, type: "application/problem+json", body: { type: `about:${code}`, title: "Bad Request", status, detail, code, pointer } });

export function standingAct(path, body) {
  if (path !== "/v1/standing") return { body: all[0] };
  return body.uses > 20 ? problem(400, "invalid_args", "policy (small-payments) permits at most 20 uses", "/uses")
    : body.bounds.amount?.min > 50 ? problem(400, "invalid_args", "the value that was approved is not within the bounds of amount", "/bounds/amount")
      : { status: 201, body: { id: "act_01JD0001K7Q2" } };
}
