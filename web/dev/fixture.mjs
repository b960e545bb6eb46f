// A server for looking at the inbox without Keyturn: answers its routes with sample data from memory. It checks
// nothing and protects nothing; it exists for development on 127.0.0.1.
//   node dev/fixture.mjs [port]      the cookie fixture=empty|sealed|observe|emergency|chatsaid|chatagreed|signedout|broken|forbidden picks a mood
import { createServer } from "node:http";
import { existsSync, readFileSync } from "node:fs";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { actions, timelineOf } from "./samples.mjs";
import { adminAnswer } from "./admin.mjs";
import { chatsAct, chatsAnswer } from "./chats.mjs";
import { emergenciesAnswer, inForce, toLook } from "./emergencies.mjs";
import { insightsAnswer, noInsights } from "./insights.mjs";
import { policy as policyAnswer } from "./policy.mjs";
import { runOf, runsAnswer, stepsOfRuns } from "./runs.mjs";
import { standingAct, standingAnswer, stoodAndTold } from "./standing.mjs";
import * as tree from "./tree.mjs";

const port = Number(process.argv[2] ?? 7718);
const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const origin = "localhost/keyturn";
const key = tree.signer(origin);
const streams = new Set();
const comments = new Map();

const kinds = ["action.requested", "action.decided", "review.opened", "review.voted", "execution.intended", "execution.finished"];
const leaves = Array.from({ length: 83 }, (_, i) => Buffer.from(JSON.stringify({
  action: { operation: "execute", tool: "orders-sql" }, node: "n1", position: i % 6,
  stream: `action/${actions[Math.floor(i / 6) % actions.length].id}`, time: new Date(Date.now() - (83 - i) * 71_000).toISOString(),
  type: kinds[i % 6], v: 1,
})));
const hashes = leaves.map(tree.leafHash);

const json = (value) => JSON.stringify(value, (_, v) => (typeof v === "bigint" ? `@big${v}` : v)).replace(/"@big(\d+)"/g, "$1");
const problem = (status, code, title, detail) => ({ status, type: "application/problem+json", body: { type: `about:${code}`, title, status, detail, code } });
const ofRuns = stepsOfRuns.map((one) => ({ ...actions[0], ...one, owner: { id: "erin" } }));
const find = (id) => [...actions, ...toLook, ...stoodAndTold, ...ofRuns].find((item) => item.id === id);
const summary = ({ display, facts, ...rest }) => ({ ...rest, waits_for_you: waits(rest) });
const waits = (item) => item.state === "pending" && item.owner?.id !== "alice" && !item.votes.some((given) => given.reviewer === "alice");

function changed(item) {
  item.version += 1;
  for (const stream of streams) {
    if (stream.id && stream.id !== item.id) continue;
    stream.response.write(`event: ${stream.id ? "state" : "action"}\nid: ${item.version}\ndata: ${json(summary(item))}\n\n`);
    if (stream.path === "/v1/inbox/stream") stream.response.write(`event: waiting\ndata: ${json({ total: inbox(new URLSearchParams("for=me")).body.total })}\n\n`);
  }
}

function vote(item, reviewer, { decision, digest, note }, simulated = false) {
  if (item.state !== "pending") return problem(409, "closed", "The review is closed", `It is ${item.state}.`);
  if (digest !== undefined && digest !== item.digest) return problem(409, "digest_mismatch", "The case changed", "Look at it again; the vote named another digest.");
  if (item.votes.some((given) => given.reviewer === reviewer)) return problem(409, "already_voted", "You voted already", "Take your vote back first.");
  item.votes.push({ reviewer, decision, at: new Date().toISOString(), assurance: "session", channel: simulated ? "demo" : "web", simulated, ...(note ? { note } : {}) });
  if (decision === "deny") item.state = "denied";
  else {
    const open = item.needed.find((need) => need.have < need.count);
    if (open) open.have += 1;
    if (item.needed.every((need) => need.have >= need.count)) {
      item.state = "succeeded";
      item.outcome = { outcome: "succeeded", exit_code: 0, stdout: "done\n", duration_ms: 9 };
    }
  }
  changed(item);
  return { body: item };
}

function me(mood) {
  return { kind: "person", id: "alice", name: "Alice Moreau", groups: ["dba", "sre", "admins"], assurance: "session", csrf: "fixture-csrf", sealed: mood === "sealed", mode: mood === "observe" ? "observe" : "enforce", demo: true, admin: mood !== "auditor", auditor: mood === "auditor", emergencies: inForce(mood), away_until: mood === "emergency" ? daysFromNow(3) : null };
}

function onAction(method, item, rest, body) {
  if (!item) return problem(404, "not_found", "No such action", "There is no such action.");
  switch (`${method} ${rest}`) {
    case "GET ": return { body: { ...item, waits_for_you: waits(item) } };
    case "GET /timeline": return { body: { items: [...timelineOf(item), ...(comments.get(item.id) ?? [])] } };
    case "POST /votes":
      if (item.verdict.plan?.assurance === "passkey" && !body.assertion) return problem(403, "passkey_required", "A passkey is needed", "Policy asks for a vote signed with a passkey.");
      return vote(item, "alice", body);
    case "DELETE /votes": {
      item.votes = item.votes.filter((given) => given.reviewer !== "alice");
      changed(item);
      return { body: item };
    }
    case "POST /votes/challenge": return { body: { ceremony: "c-1", options: { challenge: "AAAA", rpId: "localhost", userVerification: "required" } } };
    case "POST /comments": {
      comments.set(item.id, [...(comments.get(item.id) ?? []), { at: new Date().toISOString(), type: "comment", by: "alice", text: body.text, index: null }]);
      changed(item);
      return { body: {} };
    }
    case "POST /cancel": item.state = "cancelled"; changed(item); return { body: item };
    case "POST /amend": {
      item.state = "cancelled";
      const next = { ...item, id: `${item.id}A`, state: "pending", version: 1, args: body.args, amends: item.id, votes: [] };
      actions.unshift(next);
      changed(item);
      return { status: 201, body: next };
    }
  }
  return problem(404, "not_found", "No such route", "");
}

const people = (item) => item.needed.reduce((sum, need) => sum + need.count, 0);
const ranks = { oldest: () => 0, risk: (item) => -people(item), expiry: (item) => Date.parse(item.expires_at) };

// Mood "many": as many as a list has to bear.
const copies = Array.from({ length: 10_000 }, (_, i) => {
  const one = actions.filter((item) => item.state === "pending")[i % 4];
  return { ...one, id: `act_01JE${String(i).padStart(6, "0")}`, created_at: new Date(Date.now() - (10_000 - i) * 9_000).toISOString(), votes: [] };
});

function inbox(query, mood) {
  const voted = (item) => item.votes.some((given) => given.reviewer === "alice");
  const rank = ranks[query.get("order") ?? "oldest"];
  const items = (mood === "many" ? copies : mood === "runs" ? [...ofRuns, ...actions] : actions)
    .filter((item) => item.state === "pending" && (query.get("for") === "voted") === voted(item))
    .sort((a, b) => rank(a) - rank(b) || a.created_at.localeCompare(b.created_at));
  const from = query.get("after") ? items.findIndex((item) => item.id === query.get("after")) + 1 : 0;
  const to = from + Number(query.get("limit") ?? 50);
  return { body: { items: items.slice(from, to).map(summary), next: to < items.length ? items[to - 1].id : null, total: items.length } };
}

function list(query, mood) {
  if (mood === "empty") return { body: { items: [], next: null, total: 0 } };
  if (query.get("for") === "review") return { body: { items: mood === "emergency" ? toLook.slice(0, 1).map(summary) : [], next: null, total: 1 } };
  if (query.get("for")) return inbox(query, mood);
  const q = (query.get("q") ?? "").toLowerCase();
  let items = actions.filter((item) =>
    (!query.get("state") || item.state === query.get("state")) && (!query.get("tool") || item.tool === query.get("tool")) &&
    (!q || json(item).toLowerCase().includes(q)));
  items = [...items].sort((a, b) => b.created_at.localeCompare(a.created_at));
  const from = query.get("after") ? items.findIndex((item) => item.id === query.get("after")) + 1 : 0;
  const page = items.slice(from, from + 8);
  return { body: { items: page.map(summary), next: from + 8 < items.length ? page.at(-1).id : null } };
}

function ledger(path, query) {
  const n = Number(query.get("size") ?? query.get("to") ?? leaves.length);
  const head = key.checkpoint(n, tree.root(hashes.slice(0, n)));
  switch (path) {
    case "/v1/ledger": return { body: { origin, vkey: key.vkey, size: n, checkpoint: head, entries_public: false } };
    case "/v1/ledger/entries": {
      const from = Number(query.get("from"));
      const part = leaves.slice(from, from + Number(query.get("limit") ?? 50));
      return { body: { size: leaves.length, items: part.map((leaf, i) => ({ index: from + i, leaf: leaf.toString("base64"), hash: hashes[from + i].toString("hex") })) } };
    }
    case "/v1/ledger/proof": {
      const index = Number(query.get("index"));
      if (!(index < n)) return problem(404, "not_found", "No such entry", `The ledger has ${n} entries.`);
      const part = hashes.slice(0, n);
      return { body: { index, size: n, leaf_hash: hashes[index].toString("hex"), root: tree.root(part).toString("hex"), proof: tree.path(index, part).map((hash) => hash.toString("hex")), checkpoint: head } };
    }
    case "/v1/ledger/consistency":
      return { body: { proof: tree.consistency(Number(query.get("from")), hashes.slice(0, n)).map((hash) => hash.toString("hex")) } };
  }
  return problem(404, "not_found", "No such route", "");
}

const scenarios = [
  { id: "select", title: "Read a few orders", text: "A SELECT. Policy allows it; it runs at once." },
  { id: "drop", title: "Drop a table", text: "DROP TABLE orders_2019. It needs you and a colleague." },
  { id: "delete", title: "Delete without WHERE", text: "The policy denies it, whoever asks." },
  { id: "lie", title: "Lie about being a read", text: "An UPDATE that calls itself a read. Keyturn classifies it itself, and catches it." },
];
const daysFromNow = (days) => new Date(Date.now() + days * 86_400_000).toISOString();
const tokens = [
  { id: "tok_1", label: "laptop", person: "alice", created_at: daysFromNow(-3), expires_at: daysFromNow(27) },
  { id: "tok_2", label: "nightly job", agent: "ops-bot", created_at: daysFromNow(-40), expires_at: daysFromNow(-10) },
];
const passkeys = [
  { id: "AAAA", label: "Linux computer", created_at: daysFromNow(-90), backed_up: false, current: true },
  { id: "BBBB", label: "iPhone", created_at: daysFromNow(-5), backed_up: true, current: false },
];
function makeToken({ label, agent }) {
  const token = { id: `tok_${tokens.length + 1}`, label, ...(agent ? { agent } : { person: "alice" }), created_at: daysFromNow(0), expires_at: daysFromNow(30) };
  tokens.push(token);
  return { status: 201, body: { id: token.id, token: "kt_fixture_0123456789abcdefghijklmnopqrstuvwxyzABCDEF", expires_at: token.expires_at } };
}

const colleagues = () => ["bo", "cy"].map((id) => ({
  id: `${id}-simulated`, name: id === "bo" ? "Bo (simulated)" : "Cy (simulated)", simulated: true,
  pending: actions.filter((item) => item.state === "pending" && !item.votes.some((given) => given.reviewer === `${id}-simulated`)).slice(0, 2).map((item) => item.id),
}));

function answer(method, url, body, mood) {
  const path = url.pathname;
  if (path.startsWith("/auth/")) {
    if (path === "/auth/enrol/begin") {
      return body.token === "GOOD"
        ? { body: { person: "alice", ceremony: "e-1", options: { challenge: "AAAA", rp: { id: "localhost", name: "Keyturn" }, user: { id: "YWxpY2U", name: "alice", displayName: "Alice" }, pubKeyCredParams: [{ type: "public-key", alg: -7 }] } } }
        : problem(401, "enrolment_expired", "This link does not work any more", "It was used, or it is too old. Ask for a new one.");
    }
    if (path === "/auth/providers") return { body: { providers: [] } };
    if (path === "/auth/login/begin") return { body: { ceremony: "l-1", options: { challenge: "AAAA", rpId: "localhost" } } };
    return { body: {} };
  }
  if (mood === "signedout") return problem(401, "unauthenticated", "Not signed in", "Sign in first.");
  if (path === "/v1/me") return { body: me(mood) };
  if (mood === "broken") return problem(503, "read_only", "Keyturn cannot answer now", "Its store is read-only: the disk is full.");
  if (path === "/v1/actions") return list(url.searchParams, mood);
  const onOne = /^\/v1\/actions\/([^/]+)(\/.*)?$/.exec(path);
  if (onOne) return onAction(method, find(decodeURIComponent(onOne[1])), onOne[2] ?? "", body);
  if (path.startsWith("/v1/ledger")) return ledger(path, url.searchParams);
  if (path === "/demo/state") return { body: { colleagues: colleagues() } };
  if (path === "/v1/tokens") return method === "POST" ? makeToken(body) : { body: { items: mood === "empty" ? [] : tokens, next: null } };
  if (path.startsWith("/v1/tokens/") && method === "DELETE") {
    tokens.splice(tokens.findIndex((token) => path.endsWith(token.id)), 1);
    return { body: {} };
  }
  if (path === "/v1/agents") return { body: { items: [{ name: "ops-bot", owner: { id: "alice" }, suspended: false }], next: null } };
  if (path === "/v1/accounts") return { body: { items: [], next: null } };
  if (path === "/v1/passkeys") return method === "POST" ? { status: 201, body: { token: "GOOD", url: `http://localhost:${port}/enrol#GOOD` } } : { body: { items: passkeys, next: null } };
  if (path === "/v1/passkeys/challenge") return { body: { ceremony: "p-1", options: { challenge: "AAAA", rpId: "localhost" } } };
  if (path.startsWith("/v1/me/links")) return method === "GET" ? { body: chatsAnswer(mood) } : chatsAct(method, path, body);
  if (adminAnswer(method, path)) return { body: adminAnswer(method, path) };
  if (method === "POST" && path.startsWith("/v1/standing")) return standingAct(path, body);
  if (standingAnswer(path, mood)) return { body: standingAnswer(path, mood) };
  const ofRun = /^\/v1\/(runs|runbooks)/.test(path) && runsAnswer(method, url, body, mood);
  if (ofRun) return ofRun;
  if (path === "/v1/insights") return { body: (mood === "empty" ? noInsights : insightsAnswer)(url.searchParams) };
  if (path.startsWith("/v1/policy")) return { body: policyAnswer(path, body, mood) };
  if (emergenciesAnswer(path)) return { body: emergenciesAnswer(path) };
  if (path === "/demo/scenarios") return { body: { items: scenarios } };
  if (path === "/demo/run") return body.scenario === "lie" ? problem(400, "operation_mismatch", "Bad Request", "the request says read, and the statement is a write") : { body: { id: actions[0].id } };
  if (path === "/demo/vote") return vote(find(body.action), body.colleague, { decision: body.decision }, true);
  return problem(404, "not_found", "No such route", "");
}

const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

function file(path, response) {
  const wanted = normalize(join(dist, path));
  const found = wanted.startsWith(dist) && extname(wanted) && existsSync(wanted) ? wanted : join(dist, "index.html");
  response.writeHead(200, { "Content-Type": types[extname(found)] ?? "application/octet-stream", "Content-Security-Policy": policy });
  response.end(readFileSync(found));
}

createServer((request, response) => {
  const url = new URL(request.url, "http://localhost");
  const path = url.pathname;
  const mood = /fixture=(\w+)/.exec(request.headers.cookie ?? "")?.[1] ?? "";
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    if (path.endsWith("/stream")) {
      if (mood === "signedout") { response.writeHead(401).end(); return; }
      const id = /^\/v1\/actions\/([^/]+)\/stream$/.exec(path)?.[1];
      const stream = { response, id, path };
      streams.add(stream);
      response.on("close", () => streams.delete(stream));
      response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
      const run = runOf(/^\/v1\/runs\/([^/]+)\/stream$/.exec(path)?.[1]);
      if (run) { response.write(`event: run\ndata: ${json(run)}\n\n`); return; }
      response.write(id && find(id) ? `event: snapshot\ndata: ${json(find(id))}\n\n` : "event: ping\ndata: {}\n\n");
      if (path === "/v1/inbox/stream" && mood !== "empty") response.write(`event: waiting\ndata: ${json({ total: inbox(new URLSearchParams("for=me"), mood).body.total })}\n\n`);
      return;
    }
    if (!/^\/(v1|auth)\/|^\/demo\//.test(path)) { file(path, response); return; }
    const body = chunks.length ? JSON.parse(Buffer.concat(chunks).toString()) : {};
    if (request.method !== "GET" && !path.startsWith("/auth/") && request.headers["x-keyturn-csrf"] !== "fixture-csrf") {
      response.writeHead(403).end();
      return;
    }
    const said = answer(request.method, url, body, mood);
    response.writeHead(said.status ?? 200, { "Content-Type": said.type ?? "application/json" });
    response.end(json(said.body));
  });
}).listen(port, "127.0.0.1", () => console.log(`fixture on http://localhost:${port}`));
