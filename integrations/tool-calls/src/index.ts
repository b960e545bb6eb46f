// What the adapters of agent frameworks share: a tool call becomes one action of Keyturn in grant mode, and runs once,
// when that action was released, with the arguments that were released and no others.
import { createHash } from "node:crypto";
import { Client, Refused, Unreachable, type Action } from "../../typescript/src/index.js";
export { Refused, Unreachable, type Action } from "../../typescript/src/index.js";

export interface Options {
  /** Default: the variable KEYTURN_URL, else http://localhost:7717. */
  url?: string;
  /** The token of the agent that the tools name as enforcement point. Default: KEYTURN_TOKEN. */
  token?: string;
  /** How long a lost server is asked again. Default: 30 s. */
  patienceMs?: number;
}

/** One call of a tool, as a framework names it. */
export interface Call {
  /** What tells this run, thread or chat from every other, and is the same when it is resumed elsewhere. */
  run: string;
  /** The call's own id in that run. `run` and `id` are the idempotency key: a retry attaches, with other arguments it is refused. */
  id: string;
  /** The tool's name in tools.yaml. */
  tool: string;
  /** Plain JSON: what the tool would get. */
  args: unknown;
  /** Why, for reviewers. Must be the same each time this call is asked for. */
  reason?: string;
}

export type Decision =
  | { kind: "released"; action: Action }
  /** Released with other arguments (a reviewer amended it, or policy modified it): `action.args`. */
  | { kind: "changed"; action: Action; words: string }
  | { kind: "refused"; action?: Action; words: string }
  | { kind: "waiting"; action: Action; words: string };

/** What Keyturn is told of a run; `result` is kept with the action, up to 64 KiB. */
export interface Told { outcome: "succeeded" | "failed"; result: unknown }

export type Ran<T> = { ran: true; value: T } | { ran: false; words: string };

export class ToolCalls {
  readonly #client: Client;
  readonly #patienceMs: number;
  readonly #grants = new Map<string, string>();   // action → the grant, from the one answer that carries it
  readonly #unused = new Map<string, string[]>(); // run, tool, arguments → released actions that no call has used
  readonly #taken = new Map<string, string>();    // a call's key → the action that stands for it, where that is not the one it asked for

  constructor(options: Options = {}) {
    this.#patienceMs = options.patienceMs ?? 30_000;
    this.#client = new Client({ ...options, patienceMs: this.#patienceMs });
  }

  /**
   * Asks for the call, or attaches to what was asked, and waits up to `waitMs` for it to settle. An approval that comes while it
   * waits leaves the grant for whoever runs the call. Throws Unreachable, and Refused for what is no answer to this call (a bad token).
   */
  async decide(call: Call, waitMs = 0): Promise<Decision> {
    try {
      return this.#told(call, await this.#settled(await this.#attach(call), Date.now() + waitMs));
    } catch (error) {
      if (error instanceof Refused && isAboutCall(error)) return { kind: "refused", words: `Not run: Keyturn refused it (${error.code}: ${error.detail}).` };
      throw error;
    }
  }

  /**
   * Runs `execute` with the released arguments, after it used the action's grant, and reports what came of it (`told` of the value).
   * In every other case it runs nothing and says why in words for the model. What `execute` throws is reported and thrown on.
   */
  async run<T>(call: Call, execute: (args: unknown) => T | Promise<T>, told: (value: Awaited<T>) => Told = (value) => ({ outcome: "succeeded", result: value })): Promise<Ran<Awaited<T>>> {
    let action: Action;
    try {
      action = await this.#consume(call);
    } catch (error) {
      const words = error instanceof Refused ? `${error.code}: ${error.detail}` : error instanceof Error ? error.message : String(error);
      return { ran: false, words: error instanceof NotRun ? words : `Not run: ${words.replace(/^not run: /, "")}.` };
    }
    let value: Awaited<T>;
    try {
      value = await execute(action.args);
    } catch (error) {
      await this.#report(action, () => ({ outcome: "failed", result: error instanceof Error ? error.message : String(error) }));
      throw error;
    }
    await this.#report(action, () => told(value));
    return { ran: true, value };
  }

  /** A released call that its framework dropped: a later one of this run with the same tool and arguments takes it up. */
  setAside(call: Call, action: Action): void {
    this.#taken.set(keyOf(call), action.id);
    const name = nameOf({ ...call, args: action.args });
    const known = this.#unused.get(name) ?? [];
    if (!known.includes(action.id)) this.#unused.set(name, [...known, action.id]);
  }

  async #attach(call: Call): Promise<Action> {
    const key = keyOf(call);
    const taken = this.#taken.get(key);
    if (taken) return this.#now(taken);
    for (const id of this.#unused.get(nameOf(call)) ?? []) {
      const action = await this.#now(id);
      this.#use(call, id);
      if (action.state !== "approved") continue;
      this.#taken.set(key, id);
      return action;
    }
    const asked = { mode: "grant" as const, idempotencyKey: key, claims: { session: call.run }, waitMs: 0 };
    return this.#keep(await this.#client.request(call.tool, call.args as Record<string, unknown>, call.reason ? { ...asked, reason: call.reason } : asked));
  }

  #use(call: Call, id: string): void {
    this.#unused.set(nameOf(call), (this.#unused.get(nameOf(call)) ?? []).filter((other) => other !== id));
  }

  async #now(id: string): Promise<Action> {
    for await (const action of this.#changes(id, this.#patienceMs)) return action;
    throw new Unreachable(`nothing was said about ${id}`);
  }

  #keep(action: Action): Action {
    if (action.grant) this.#grants.set(action.id, action.grant);
    return action;
  }

  // As it changes, for so long. Unlike asking for the action it never takes the grant.
  async *#changes(id: string, ms: number): AsyncGenerator<Action> {
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), Math.min(ms, 2 ** 31 - 1));
    try {
      for await (const event of this.#client.stream(id, over.signal)) yield event.action;
    } catch (error) {
      if (!over.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #settled(action: Action, until: number): Promise<Action> {
    for (;;) {
      while (action.amended_by) action = await this.#now(action.amended_by);
      if (isSettled(action) || Date.now() >= until) return action;
      for await (const next of this.#changes(action.id, until - Date.now())) {
        action = next;
        if (isSettled(action)) break;
      }
    }
  }

  #told(call: Call, action: Action): Decision {
    if (!isSettled(action)) return { kind: "waiting", action, words: `It waits in Keyturn for ${people(action)}: ${action.review_url ?? action.id}` };
    if (action.state !== "approved") return { kind: "refused", action, words: refusal(action) };
    if (action.tool !== call.tool) return { kind: "refused", action, words: `Not run: ${action.id} released ${action.tool}, which is another tool.` };
    if (canonical(action.args) === canonical(call.args)) return { kind: "released", action };
    this.setAside(call, action);
    return {
      kind: "changed", action,
      words: `Not run with these arguments: ${action.id} was released as ${canonical(action.args)} and nothing else. Call ${call.tool} again with exactly those arguments to run it.`,
    };
  }

  async #consume(call: Call): Promise<Action> {
    const decision = this.#told(call, await this.#settled(await this.#attach(call), 0));
    if (decision.kind === "waiting") throw new NotRun(`Not run: ${decision.words}`);
    if (decision.kind !== "released") throw new NotRun(decision.words);
    const { id, digest } = decision.action;
    if (!this.#grants.has(id)) this.#keep(await this.#client.get(id));
    const grant = this.#grants.get(id);
    if (!grant) throw new NotRun(`Not run: the grant of ${id} was handed out before, to another process or in an answer that was lost. Ask again.`);
    this.#grants.delete(id);
    const action = await this.#client.consume(grant, digest);
    this.#use(call, id);
    if (action.id === id && action.tool === call.tool && canonical(action.args) === canonical(call.args)) return action;
    await this.#report(action, () => ({ outcome: "failed", result: "not run: the arguments are not those that were released" }));
    throw new NotRun(`Not run: what ${action.id} released is not this call.`);
  }

  // Never throws: it ran, and that is what the agent must know. Without a report its outcome becomes "unknown" in Keyturn.
  async #report(action: Action, told: () => Told): Promise<void> {
    try {
      const { outcome, result } = told();
      const text = JSON.stringify(result) ?? "null";
      const kept = text.length <= 65_536 ? JSON.parse(text) : { left_out: `${text.length} characters` };
      await this.#client.report(action.id, outcome, kept);
    } catch (error) {
      console.warn(`keyturn: what came of ${action.id} could not be reported: ${error instanceof Error ? error.message : error}`);
    }
  }
}

/** RFC 8785 for what both sides took from JSON: two arguments are the same exactly when these texts are. Throws on anything that is not plain JSON. */
export function canonical(value: unknown): string {
  if (value === null || typeof value === "boolean" || typeof value === "string" || (typeof value === "number" && Number.isFinite(value))) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object" && [Object.prototype, null].includes(Object.getPrototypeOf(value))) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(",")}}`;
  }
  throw new Error(`arguments must be plain JSON, and ${typeof value} is not`);
}

class NotRun extends Error {}

const keyOf = (call: Call) => createHash("sha256").update(canonical([call.run, call.id])).digest("base64url");

const nameOf = (call: Call) => canonical([call.run, call.tool, call.args]);

// Nothing that people do changes it any more: it was released, or never will be.
const isSettled = (action: Action) => !["deferred", "pending"].includes(action.state) && !action.awaiting_evidence && !action.amended_by;

// Of one call, and to be told to its model; the rest is of the set-up or of the moment.
const isAboutCall = (refused: Refused) => [400, 409, 413].includes(refused.status);

const people = (action: Action) =>
  action.needed.flatMap(({ group, count = 1, have = 0 }) => (have < count ? [`${count - have} of ${group ?? "those who are asked"}`] : [])).join(" and ") || "a decision";

function refusal(action: Action): string {
  const notes = action.votes.filter((vote) => vote.decision === "deny").map((vote) => `${vote.reviewer ?? "a reviewer"}${vote.note ? ` says: ${vote.note}` : ""}`);
  const why = [...(action.state === "denied" ? notes : []), ...(action.votes.length ? [] : action.verdict.reasons ?? [])].join("; ");
  if (action.state === "executing") return `Not run again: ${action.id} was released once already, and what came of it is not known yet.`;
  const ran = action.outcome ? ` It ran once already and does not run again; its outcome: ${JSON.stringify(action.outcome)}.` : "";
  return `Not run: ${action.id} is ${action.state} in Keyturn${why ? ` (${why})` : ""}.${ran}`;
}
