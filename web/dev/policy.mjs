// Sample answers for the policy page: a document, what a check says of it, an explanation, a replay.
import { permissions } from "./standing.mjs";

const text = `apiVersion: keyturn/v1
kind: Policy
metadata: {name: prod-agents, revision: 14}
defaults: {effect: deny, onError: deny}
rules:
- id: read-ok
  match: {operation: [read, list]}
  when: risk.score < 70
  effect: allow
- id: sql-destructive
  description: Dropping, truncating and changing every row needs a database person
  match: {tool: [orders-sql], env: [prod]}
  when: >-
    facts.sql.statements.exists(s, s.verb in ["DROP", "TRUNCATE"] ||
      (s.verb in ["DELETE", "UPDATE"] && !s.has_where))
  effect: require
  require: {quorum: {dba: 1}, channels: [slack, web], expires: 1h}
`;
const tools = "tools:\n  orders-sql:\n    sql: {dsn: env:ORDERS}\n    params: {sql: {type: string}}\n";
const digest = (n) => `sha256:${String(n).repeat(64).slice(0, 64)}`;
const ago = (hours) => new Date(Date.now() - hours * 3_600_000).toISOString();

const inForce = (mood) => ({
  name: "prod-agents", revision: 14, digest: digest("4f1e"), text, mode: mood === "observe" ? "observe" : "enforce", sealed: mood === "sealed", configuration: digest("9a"),
  tools: {
    digest: digest("7c"), text: tools,
    known: [
      { name: "orders-sql", operation: "execute", resource: { kind: "database", name: "orders", env: "prod" }, params: [
        { name: "sql", required: true, secret: false, schema: { type: "string", description: "One statement or several" } },
        { name: "max_rows", required: false, secret: false, schema: { type: "integer" } }, { name: "mode", required: false, secret: false, schema: { enum: ["fast", "careful"] } }] },
      { name: "disk-usage", operation: "read", resource: { kind: "host", name: "web-1", env: "prod" }, params: [] }],
  },
  history: [
    { digest: digest("4f1e"), name: "prod-agents", revision: 14, at: ago(30), by: "act_01JD0006K7Q2", index: 61 },
    { digest: digest("b2"), name: "prod-agents", revision: 13, at: ago(400), by: "host", index: 3 }],
});

function check({ policy = text }) {
  const diagnostics = policy.split("\n").flatMap((line, i) => {
    const at = line.indexOf("efect:");
    if (at >= 0 && line[at - 1] !== "f") return [{ file: "policy.yaml", line: i + 1, column: at + 1, message: 'rule "read-ok": unknown field efect (did you mean effect?)', warning: false }];
    const claims = line.indexOf("claims.");
    return claims < 0 ? [] : [{ file: "policy.yaml", line: i + 1, column: claims + 1, message: "this rule allows, and depends on what the agent says of itself", warning: true }];
  });
  const changes = policy.includes("dba: 2") ? [{ of: "rules sql-destructive", is: "require.quorum.dba: 1 -> 2" }] : [];
  return { ok: diagnostics.every((one) => one.warning), diagnostics, changes };
}

const explained = {
  ok: true, diagnostics: [],
  verdict: { effect: "require", decided_by: "sql-destructive", reasons: ["sql-destructive asks 1 of dba, in slack or web, within 1h: Dropping, truncating and changing every row needs a database person"] },
  rules: [
    { rule: "read-ok", effect: "allow", selected: false, not_selected_by: "operation" },
    { rule: "sql-destructive", effect: "require", selected: true, matched: true, description: "Dropping, truncating and changing every row needs a database person", contribution: "asks 1 of dba, in slack or web, within 1h",
      when: { source: 'facts.sql.statements.exists(s, s.verb in ["DROP", "TRUNCATE"])', value: true, reads: { "facts.sql.statements": [{ verb: "DROP", has_where: false }] } } },
    { rule: "night", effect: "require", selected: true, matched: false, when: { source: "variables.hour < 6", value: false, reads: { "variables.hour": 11 } } }],
  variables: { hour: 11 }, risk: { score: 20, why: ["text from the web (20)"] }, calendar: {}, standing: permissions,
};

const side = (effect, by, asks) => ({ effect, decided_by: by, rules: [by], reasons: [], ...(asks ? { asks } : {}) });
const example = (n, before, after) => ({ id: `act_01JD000${n}K7Q2`, time: ago(n), tool: "orders-sql", operation: "write", agent: "ops-bot", before, after });
const replay = {
  looked_at: 1284, repeated: 1281, unchanged: 1240, stricter: 38, looser: 2, other: 1, errors: 0, not_repeatable: 3, not_repeatable_because: { unknown_tool: 2, built_in: 1 }, oldest: ago(160), limited: false, ledger_size: 4000,
  flips: [
    { turn: "looser", from: "deny", to: "allow", count: 2, examples: [example(1, side("deny", "bulk"), side("allow", "small")), example(2, side("deny", "bulk"), side("allow", "small"))] },
    { turn: "stricter", from: "allow", to: "require", count: 38, examples: [example(3, side("allow", "read-ok"), side("require", "sql-destructive", "asks 1 of dba, within 1h"))] }],
  rules: [],
};

export function policy(path, body, mood) {
  switch (path) {
    case "/v1/policy": return inForce(mood);
    case "/v1/policy/check": return check(body);
    case "/v1/policy/explain": return explained;
    case "/v1/policy/replay": return { ...check(body), replay };
    case "/v1/policy/proposals": return { id: "act_01JD0001K7Q2" };
  }
  return undefined;
}
