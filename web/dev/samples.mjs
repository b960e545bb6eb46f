// Sample actions for the fixture: the ordinary, the hostile, the long, and one of each end.
const minute = 60_000;
const now = Date.now();
const at = (minutes) => new Date(now + minutes * minute).toISOString();
const digest = (n) => "sha256:" + n.toString(16).padStart(2, "0").repeat(32);
const policy = digest(171);

const text = (t) => ({ t });
const fields = (title, object, warnings) => ({
  title, kind: "fields", warnings,
  fields: Object.entries(object).map(([name, value]) => ({
    name: [text(name)], value: Array.isArray(value) ? value : [text(String(value))],
  })),
});
const code = (title, runs, warnings = []) => ({
  title, kind: "code", runs, warnings, bytes: runs.reduce((sum, run) => sum + run.t.length, 0),
});

let serial = 0;
function action(overrides) {
  serial += 1;
  const id = `act_01JD${String(serial).padStart(4, "0")}K7Q2`;
  return {
    id, version: 1, state: "pending", digest: digest(serial), created_at: at(-6), expires_at: at(54),
    requester: { kind: "agent", id: "ops-bot", name: "ops-bot" }, owner: { id: "alice", name: "Alice Moreau" },
    tool: "orders-sql", operation: "execute",
    resource: { kind: "database", name: "orders", env: "prod", labels: { sensitivity: "pii" } },
    args: {}, reason: "", claims: {}, facts: {},
    verdict: { effect: "require", rules: ["prod-ddl"], policy, reasons: [], plan: { assurance: "session", channels: ["web", "cli"] } },
    needed: [], votes: [], review_url: `/a/${id}`, grant: null, outcome: null, amends: null,
    ledger: { origin: "localhost/keyturn", index: serial * 3 }, display: [], display_complete: true,
    ...overrides,
  };
}

const longSql = Array.from({ length: 180 }, (_, i) =>
  `UPDATE customers SET segment = 'S${i % 7}' WHERE id BETWEEN ${i * 1000} AND ${i * 1000 + 999};`).join("\n");

export const actions = [
  action({
    reason: "free space, ticket OPS-812", args: { sql: "DROP TABLE orders_2019" },
    claims: { session: "s-42", model: "example-large-3", on_behalf_of: "dana@example.com" },
    facts: { sql: { statements: [{ verb: "DROP", relations: ["orders_2019"], has_where: false }] }, uninspectable: false },
    verdict: {
      effect: "require", rules: ["prod-ddl", "pii-owner"], policy,
      reasons: ["DROP in production needs a database administrator and an operator", "orders holds personal data"],
      plan: { assurance: "session", channels: ["web", "cli"], veto: "any" },
    },
    needed: [{ group: "dba", count: 1, have: 1 }, { group: "sre", count: 1, have: 0 }],
    votes: [{ reviewer: "carol", decision: "approve", at: at(-2), assurance: "passkey", channel: "web", note: "Checked the backup of last night: it restores." }],
    display: [
      code("SQL statement", [text("DROP TABLE orders_2019")], ["Drops a table. This cannot be undone by Keyturn."]),
      fields("What it does", { "statements": 1, "verb": "DROP", "relation": "orders_2019", "rows today": "1,284,091", "operation": "execute (Keyturn's own classification)" }),
      fields("Where it runs", { tool: "orders-sql", database: "orders on 127.0.0.1", "as user": "keyturn", "statement timeout": "60 s", password: [{ t: "orders.pw · 20 to 40 characters · fingerprint 8c1f", mark: "secret" }] }),
    ],
  }),
  action({
    created_at: at(-38), expires_at: at(7), tool: "restart-web", operation: "execute",
    owner: { id: "erin" }, requester: { kind: "agent", id: "deploy-bot", name: "dep\u202Eloy-bot" },
    resource: { kind: "service", name: "web", env: "prod" }, reason: "memory is at 96 %\u200b, restart before the peak",
    args: { unit: "web-7" }, claims: { session: "s-43", model: "example-small-1" },
    verdict: { effect: "require", rules: ["prod-exec"], policy, reasons: ["A command in production needs an operator who signs with a passkey"], plan: { assurance: "passkey", channels: ["web"] } },
    needed: [{ group: "sre", count: 2, have: 0 }],
    display: [
      code("Command", [
        text("/usr/local/bin/svc\nrestart\nweb-7"), { t: "U+202E RIGHT-TO-LEFT OVERRIDE", mark: "bidi" }, text("fdp.exe"), { t: "U+200B ZERO WIDTH SPACE", mark: "invisible" },
        text(" --pay"), { t: "а (U+0430 CYRILLIC SMALL LETTER A)", mark: "lookalike" }, text("l "), { t: "U+001B", mark: "control" }, text("[2J"),
        { t: "[4000 spaces]", mark: "whitespace" }, text("; rm -rf /srv"),
      ], ["Holds characters that change how text is drawn", "Holds 4,000 blanks in a row, and more after them", "Mixes Latin and Cyrillic letters in one word"]),
      fields("Arguments", { unit: "web-7" }),
      { title: "Environment", kind: "diff", bytes: 61, runs: [text("  PATH=/usr/bin\n- SVC_REGION=eu-1\n+ SVC_REGION=eu-2\n  LANG=C.UTF-8")] },
    ],
  }),
  action({
    created_at: at(-190), expires_at: at(900), operation: "write", escalated: true, escalated_to: "leads", reminders: 2, reason: "weekly re-segmentation of customers",
    owner: { id: "erin" }, requester: { kind: "agent", id: "crm-agent" },
    resource: { kind: "database", name: "customers", env: "staging" }, args: { sql: longSql, batch: 12345678901234567890n },
    claims: { model: "example-large-3" },
    needed: [{ group: "dba", count: 1, have: 0 }],
    verdict: { effect: "require", rules: ["bulk-update"], policy, reasons: ["180 statements change rows"], plan: { assurance: "session" } },
    display: [code("SQL statements", [text(longSql)]), fields("What it does", { statements: 180, verb: "UPDATE", relation: "customers" })],
  }),
  action({
    created_at: at(-3), expires_at: at(240), tool: "warehouse.export", operation: "export",
    resource: { kind: "bucket", name: "finance-exports", env: "prod" }, owner: { id: "erin" },
    reason: "quarter end report", needed: [{ group: "finance", count: 2, have: 1 }, { group: "dba", count: 1, have: 0 }],
    votes: [{ reviewer: "alice", decision: "approve", at: at(-1), assurance: "session", channel: "web" }],
    verdict: { effect: "require", rules: ["export-bulk"], policy, reasons: ["More than 100,000 rows leave the warehouse"], plan: { assurance: "session" } },
    display: [fields("Export", { rows: "402,117", table: "ledger_2025_q4", format: "parquet" })],
  }),
  action({
    created_at: at(-22), expires_at: at(38), reason: "the file is too large to render", owner: { id: "erin" }, display_complete: false,
    needed: [{ group: "dba", count: 1, have: 0 }], verdict: { effect: "require", rules: ["uninspectable"], policy, reasons: ["Keyturn cannot tell what this does"], plan: { assurance: "session" } },
    display: [code("SQL statement", [text("DO $$ BEGIN EXECUTE ")], ["Shown in part: the server could not send all of it"])],
  }),
  action({ state: "succeeded", version: 6, operation: "read", created_at: at(-61), reason: "count the open orders", needed: [], owner: { id: "alice" },
    args: { sql: "SELECT status, count(*) FROM orders GROUP BY 1" },
    verdict: { effect: "allow", rules: ["read-ok"], policy, reasons: ["Reading is allowed"] },
    outcome: { outcome: "succeeded", row_count: 3, duration_ms: 12, truncated: false, rows: [{ status: "open", count: 412 }, { status: "shipped", count: 90817 }, { status: "returned", count: 33 }] },
    display: [code("SQL statement", [text("SELECT status, count(*) FROM orders GROUP BY 1")])] }),
  action({ state: "failed", version: 8, tool: "restart-web", created_at: at(-130), resource: { kind: "service", name: "web", env: "prod" }, reason: "rolling restart",
    needed: [{ group: "sre", count: 1, have: 1 }], votes: [{ reviewer: "bo-simulated", decision: "approve", at: at(-128), assurance: "session", channel: "demo", simulated: true }],
    outcome: { outcome: "failed", exit_code: 3, stdout: "stopping web-7\n", stderr: "svc: web-7: \u001b[31mtimed out\u001b[0m\n", duration_ms: 30012 },
    display: [code("Command", [text("/usr/local/bin/svc\nrestart\nweb-7")])] }),
  action({ state: "denied", version: 2, operation: "write", created_at: at(-200), reason: "clean up test orders", verdict: { effect: "deny", rules: ["no-delete-without-where"], policy, reasons: ["DELETE without WHERE is never allowed in production"] }, display: [code("SQL statement", [text("DELETE FROM orders")])] }),
  action({ state: "unknown", version: 7, created_at: at(-400), reason: "vacuum", outcome: { outcome: "unknown" } }),
  action({ state: "expired", version: 3, created_at: at(-1500), reason: "nobody answered this one", needed: [{ group: "sre", count: 1, have: 0 }] }),
  action({ state: "cancelled", version: 3, created_at: at(-1600), reason: "withdrawn by its owner" }),
];

export const timelineOf = (item) => [
  { at: item.created_at, type: "action.requested", by: "ops-bot", text: item.reason, index: item.ledger.index },
  { at: item.created_at, type: "action.decided", text: `${item.verdict.effect}: ${item.verdict.rules.join(", ")}`, index: item.ledger.index },
  ...item.votes.map((vote) => ({ at: vote.at, type: "review.voted", by: vote.reviewer, text: vote.note ?? vote.decision, index: item.ledger.index + 1 })),
  { at: at(-1), type: "comment", by: "carol", text: "Is orders_2018 kept?\nThe auditors asked for seven years.", index: item.ledger.index + 2 },
];
