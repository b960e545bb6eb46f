// Sample data for the fixture: what administrators see.
const at = (minutes) => new Date(Date.now() + minutes * 60_000).toISOString();
const person = (id, more = {}) => ({ id, name: `${id[0].toUpperCase()}${id.slice(1)} Moreau`, email: `${id}@example.com`, groups: ["dba"], active: true, admin: false, auditor: false, simulated: false, service_of: "", ...more });
const people = [
  person("alice", { groups: ["administrators", "dba", "sre"], admin: true }), person("bob"), person("carol", { groups: ["sre"], auditor: true }),
  person("dan", { active: false, groups: [] }), person("deploy-service", { service_of: "bob", groups: [] }),
  person("very-long-identifier-of-somebody-at-a-provider-that-makes-them-0001", { name: "", groups: ["security-operations-europe", "security-operations-americas", "dba"] }),
];
const lists = {
  "/v1/people": people,
  "/v1/admin/groups": [
    { name: "administrators", asked_by_policy: false, members: [{ id: "alice", name: "Alice Moreau", active: true, sources: ["here"] }] },
    { name: "dba", asked_by_policy: true, members: [{ id: "alice", name: "Alice Moreau", active: true, sources: ["here", "scim:okta"] }, { id: "bob", name: "Bob Moreau", active: true, sources: ["scim:okta"] }] },
    { name: "sre", asked_by_policy: true, members: [{ id: "carol", name: "Carol Moreau", active: true, sources: [] }, { id: "dan", name: "Dan Moreau", active: false, sources: ["here"] }] },
    { name: "security", asked_by_policy: true, members: [] },
  ],
  "/v1/admin/tokens": [
    { id: "tok_01", kind: "agent", holder: "ops-bot", name: "production", created_at: at(-90_000), expires_at: at(40_000), last_used_at: at(-2) },
    { id: "tok_02", kind: "person", holder: "alice", name: "laptop", created_at: at(-4_000), expires_at: null, last_used_at: null },
  ],
  "/v1/admin/sessions": [
    { id: "ses_1", person: "alice", how: "passkey", created_at: at(-130), last_seen_at: at(0), expires_at: at(600), agent: "Firefox 145 on Linux", current: true },
    { id: "ses_2", person: "bob", how: "oidc:okta", created_at: at(-1_300), last_seen_at: at(-300), expires_at: at(60), agent: null, current: false },
  ],
  "/v1/admin/channels": [
    { name: "web", kind: "inbox", state: "ok", detail: "3 pages are open", since: null }, { name: "oidc:okta", kind: "oidc", state: "idle", detail: "nobody has signed in there since the start", since: null },
    { name: "scim:okta", kind: "scim", state: "ok", detail: "last heard of at 2026-11-21T17:00:00Z", since: at(-70) }, { name: "export:siem", kind: "export", state: "down", detail: "412 entries behind: connection refused", since: at(-70) },
    { name: "witness:sigsum.example", kind: "witness", state: "warning", detail: "it cosigns late", since: null },
  ],
};

export const adminAnswer = (method, path) => (method === "GET" && lists[path] ? { items: lists[path], next: null } : /^\/v1\/(admin|people)\//.test(path) ? {} : null);
