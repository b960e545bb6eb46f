// Sample data for the fixture: runbooks, and runs of them in every state that a run can be in.
const at = (seconds) => new Date(Date.now() + seconds * 1_000).toISOString();
const digest = "sha256:" + "7c".repeat(32);

const graph = [
  { id: "look", name: "How full is it?", kind: "action", tool: "disk.free" },
  { id: "sure", name: "Go on?", kind: "approve", when: "steps.look.outputs.free < 10", timeout: "1h" },
  {
    id: "sides", name: "Both sides", kind: "branches", branches: [
      { name: "database", steps: [
        { id: "snapshot", name: "Take a snapshot", kind: "action", tool: "orders.snapshot", compensate: "orders.snapshot_drop", tries: 3 },
        { id: "vacuum", name: "Vacuum", kind: "action", tool: "orders.vacuum", on_failure: [{ id: "tell", name: "Tell the owners", kind: "action", tool: "chat.say" }] },
      ] },
      { name: "hosts", steps: [{ id: "patch", name: "Patch", kind: "action", tool: "host.patch", foreach: "inputs.hosts", compensate: "host.unpatch" }] },
    ],
  },
  { id: "close", name: "Close the window", kind: "group", steps: [
    { id: "check", name: "Check that it answers", kind: "action", tool: "http.get" }, { id: "mark", name: "Maintenance is over", kind: "pass" },
  ] },
];
const small = [{ id: "stop", name: "Stop\u202e \u200bthe service with a name that is much longer than any box", kind: "action", tool: "svc.stop" }, { id: "start", name: "Start", kind: "action", tool: "svc.start", tries: 2 }];
const inputs = {
  type: "object", required: ["hosts", "window", "depth"],
  properties: {
    hosts: { type: "array", items: { type: "string", pattern: "^[a-z0-9-]+$" }, minItems: 1, maxItems: 20, description: "Which hosts are patched" },
    window: { type: "string", enum: ["night", "weekend"], description: "When it may happen" },
    depth: { type: "integer", minimum: 1, maximum: 9, default: 3 },
    dry: { type: "boolean", default: false },
    note: { type: "string", maxLength: 2000 },
    contact: { type: "object", required: ["name"], properties: { name: { type: "string", minLength: 2 }, phone: { type: "string" } } },
    labels: { type: "object" },
  },
};
const book = (name, more) => ({ name, tool: `runbook.${name}`, description: "", digest, revision: 4, review: "steps", inputs: { type: "object", properties: {} }, steps: 2, open: 0, ...more });
const books = [
  book("maintenance", { description: "Patches hosts and cleans up the database, in a window", inputs, steps: 8, open: 3, triggers: [{ schedule: "0 2 * * 1-5", time_zone: "Europe/Berlin", as: "ops-bot", next: at(40_000) }] }),
  book("restart-service", { description: "Restarts one service", review: "plan", triggers: [{ webhook: "alerts", kind: "alertmanager", as: "ops-bot" }] }),
];

const step = (path, name, state, more = {}) => ({ path, step: path.replace(/~compensate$/, "").split(".").at(-1).replace(/\[\d+\]$/, ""), name, kind: "action", state, attempt: 1, ...more });
const did = (from, seconds, more = {}) => ({ began_at: at(from), ended_at: at(from + seconds), duration_ms: seconds * 1_000, action: "act_01JD0006K7Q2", ...more });
const first = [
  step("look", "How full is it?", "succeeded", did(-620, 2.4, { outputs: { free: 7 } })),
  step("sure", "Go on?", "succeeded", { ...did(-617, 300, { action: "act_01JD0004K7Q2" }), kind: "approve" }),
];
const inTheMiddle = [
  ...first,
  step("sides.database.snapshot", "Take a snapshot", "succeeded", did(-316, 41, { attempt: 2 })),
  step("sides.database.vacuum", "Vacuum", "running", { began_at: at(-275), action: "act_01JD0006K7Q2" }),
  ...[0, 1, 2].map((i) => step(`sides.hosts.patch[${i}]`, "Patch", i < 2 ? "succeeded" : "pending",
    i < 2 ? did(-316 + 60 * i, 58) : { began_at: at(-196), action: "act_01JD0001K7Q2", needed: [{ group: "sre", count: 2, have: 1 }] } )),
];
const failed = [
  ...first,
  step("sides.database.snapshot", "Take a snapshot", "succeeded", did(-316, 41)),
  step("sides.database.snapshot~compensate", "Take a snapshot", "succeeded", did(-120, 9)),
  step("sides.database.vacuum", "Vacuum", "failed", did(-275, 100, { reason: "vacuum ended with exit code 3", action: "act_01JD0007K7Q2" })),
  step("sides.database.vacuum~on_failure.tell", "Tell the owners", "succeeded", did(-175, 1)),
  step("sides.hosts.patch[0]", "Patch", "succeeded", did(-316, 58)), step("sides.hosts.patch[0]~compensate", "Patch", "failed", did(-111, 20, { reason: "the host does not answer" })),
  step("sides.hosts.patch[1]", "Patch", "skipped", { reason: "it had not begun" }),
];
const unknown = [...first, step("sides.database.snapshot", "Take a snapshot", "unknown", { began_at: at(-200), ended_at: at(-150), action: "act_01JD0009K7Q2", reason: "Keyturn stopped while it ran" }), step("sides.hosts.patch[0]", "Patch", "succeeded", did(-316, 58))];
const hostile = [step("stop", "Stop\u202e \u200bthe service with a name that is much longer than any box", "succeeded", did(-60, 3)), step("start", "Start", "asked", { began_at: at(-1) })];

const run = (n, runbook, state, steps, more = {}) => ({
  id: `act_01JR000${n}K7Q2`, runbook, state, asked_for: n === 3 ? undefined : "CHG-1882: kernels are two months behind", requester: { kind: "agent", id: "ops-bot", name: "ops-bot" }, asked_at: at(-622 - n), started_at: at(-620 - n),
  open: !more.ended_at, digest, inputs: { hosts: ["web-1", "web-2", "web-3"], window: "night" }, paused: state === "paused", graph: runbook === "maintenance" ? graph : small, may: {}, steps, ...more,
});
const all = [
  run(1, "maintenance", "held", inTheMiddle, { waits: ["sides.hosts.patch[2]"], may: { pause: true, cancel: true } }),
  run(2, "maintenance", "stopped", unknown, { asks: ["sides.database.snapshot"], may: { pause: true, cancel: true, resolve: true },
    resolutions: [{ step: "sides.hosts.patch[0]", attempt: 1, outcome: "succeeded", by: "alice", note: "the host shows the new kernel", at: at(-60) }],
    held_up: { step: "sides.database.vacuum", code: "too_many_open", message: "the agent has as many requests open as it may" } }),
  run(3, "restart-service", "running", hostile, { may: { pause: true, cancel: true } }),
  run(4, "maintenance", "paused", inTheMiddle.slice(0, 3), { may: { resume: true, cancel: true } }),
  run(5, "maintenance", "failed", failed, { ended_at: at(-90), reason: "vacuum ended with exit code 3; not undone: sides.hosts.patch[0]~compensate: the host does not answer" }),
  run(6, "maintenance", "succeeded", inTheMiddle.map((one, i) => ({ ...one, state: "succeeded", began_at: one.began_at ?? at(-190 + i), ended_at: at(-150 + i), duration_ms: 2_000 + i })), { ended_at: at(-100), outputs: { freed: "41 GB" } }),
  run(7, "restart-service", "cancelled", [], { ended_at: at(-500), cancelled_by: "bob", cancel_reason: "not now" }),
  run(9, "maintenance", "waiting", [], { waits_for: [{ lock: "host/web-1", held_by: ["act_01JR0001K7Q2"] }, { held_by: ["act_01JR0002K7Q2", "act_01JR0004K7Q2"] }], may: { pause: true, cancel: true } }),
  run(8, "restart-service", "pending", [], { requester: { kind: "person", id: "erin", name: "Erin Moreau" }, started_at: undefined, graph: undefined, steps: undefined, digest: undefined, inputs: undefined }),
];
const old = Array.from({ length: 60 }, (_, i) => ({ ...all[4 + (i % 3)], id: `act_01JQ${String(i).padStart(4, "0")}K7Q2`, started_at: at(-90_000 - 5_000 * i), ended_at: at(-89_000 - 5_000 * i) }));
const summary = ({ graph: _g, steps: _s, may: _m, digest: _d, resolutions: _r, ...rest }) => rest;

const plan = {
  runbook: "maintenance", digest, review: "steps", steps: [
    { path: "look", name: "How full is it?", kind: "action", tries: 1, tool: "disk.free", args: { host: "web-1" }, verdict: { effect: "allow", decided_by: "read-ok" }, covered: true },
    { path: "sure", name: "Go on?", kind: "approve", tries: 1, when: "steps.look.outputs.free < 10", asks: { quorum: { sre: 1 } }, waits_for: "steps.look.outputs.free" },
    { path: "sides.database.snapshot", name: "Take a snapshot", kind: "action", tries: 3, tool: "orders.snapshot", args: { database: "orders", keep: 3 }, verdict: { effect: "require", plan: { quorum: { dba: 1 }, any: [[{ sre: 1 }, { lead: 1 }]] }, reasons: ["snapshots are written to production"] }, covered: true },
    { path: "sides.database.vacuum", name: "Vacuum", kind: "action", tries: 1, tool: "orders.vacuum", args: { database: "orders" }, verdict: { effect: "deny", reasons: ["no vacuum before ten"] }, covered: false },
    { path: "sides.hosts.patch", name: "Patch", kind: "action", tries: 1, tool: "host.patch", waits_for: "steps.look.outputs.hosts" },
    { path: "close.mark", name: "Maintenance is over", kind: "pass", tries: 1 },
    { path: "sides.database.snapshot", name: "Take a snapshot", kind: "action", tries: 1, tool: "orders.snapshot_drop", undoes: true, waits_for: "steps.snapshot.outputs.id" },
  ],
};

const problem = (status, code, detail, pointer) => ({ status, type: "application/problem+json", body: { type: `about:${code}`, title: "Bad Request", status, detail, code, pointer } });

export function runsAnswer(method, url, body, mood) {
  const path = url.pathname;
  if (path === "/v1/runbooks") return { body: { items: mood === "empty" ? [] : books } };
  const named = /^\/v1\/runbooks\/([^/]+)(\/plan)?$/.exec(path);
  if (named) {
    const one = books.find((found) => found.name === decodeURIComponent(named[1]));
    if (!one) return problem(404, "not_found", "There is no such runbook.");
    if (!named[2]) return { body: { ...one, graph: one.name === "maintenance" ? graph : small } };
    return body.inputs.hosts?.includes("web-9") ? problem(400, "invalid_args", "web-9 is no host of ours", "/inputs/hosts/0") : { body: plan };
  }
  if (path === "/v1/runs") {
    const [book_of, state] = [url.searchParams.get("runbook"), url.searchParams.get("state")];
    const items = mood === "empty" ? [] : [...all, ...old].filter((one) => (!book_of || one.runbook === book_of) && (!state || one.open === (state === "open")));
    const from = Number(url.searchParams.get("after") ?? 0);
    const to = from + Number(url.searchParams.get("limit") ?? 25);
    return { body: { items: items.slice(from, to).map(summary), ...(to < items.length ? { next: String(to) } : {}) } };
  }
  const one = all.find((found) => path.startsWith(`/v1/runs/${found.id}`));
  if (!one) return path.startsWith("/v1/runs/") ? problem(404, "not_found", "There is no such run.") : null;
  if (method === "POST") {
    const act = path.split("/").at(-1);
    if (act === "pause") Object.assign(one, { state: "paused", may: { resume: true, cancel: true } });
    if (act === "resume") Object.assign(one, { state: "running", may: { pause: true, cancel: true } });
    if (act === "cancel") Object.assign(one, { state: "cancelling", cancelled_by: "alice", cancel_reason: body.reason, may: {} });
  }
  return { body: one };
}

export const runOf = (id) => all.find((one) => one.id === id);
export const stepsOfRuns = [{
  id: "act_01JDHELDK7Q2", tool: "keyturn.hold", operation: "read", resource: { kind: "keyturn", name: "runbook" }, args: { message: "Patch web-1, web-2 and web-3 now?", show: null }, reason: "step sure of runbook maintenance: CHG-1882: kernels are two months behind",
  run: { id: "act_01JR0001K7Q2", runbook: "maintenance", step: "sure", attempt: 1 },
}, { id: "act_01JDSTEPK7Q2", run: { id: "act_01JR0001K7Q2", runbook: "maintenance", step: "sides.hosts.patch[2]", attempt: 2 } }];
