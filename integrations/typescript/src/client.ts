import { Lost, Http, Patience, problem, type Call, type Operation } from "./http.js";
import { serverSent, until } from "./events.js";
import { Refused, ReleaseUncertain, Unreachable } from "./errors.js";
import { guarded, released, type Guard, type Release, type ReleaseOptions } from "./grants.js";
import { isFinal, isSettled, type Action, type ActionEvent, type Me, type State } from "./types.js";

const LEG_SECONDS = 50; // of one long poll; what lies between often cuts silent connections after a minute
const SILENCE_MS = 3_600_000; // of a stream, whose silence is broken by comments

export interface ClientOptions {
  /** Default: KEYTURN_URL, else http://localhost:7717. */
  url?: string;
  /** Default: KEYTURN_TOKEN. */
  token?: string;
  /** How long without any answer a lost server is tried again before Unreachable. Default 60,000. */
  patienceMs?: number;
}

export interface RequestOptions {
  reason?: string;
  /** At most so many milliseconds; 0 does not wait; undefined waits for as long as it takes. Then the action comes as it is. */
  waitMs?: number;
  /**
   * Names this wish. The same key with the same body is the same action, also in another process; made up where none is given. A connection that is lost
   * meanwhile is taken up with it: never is anything asked for twice.
   */
  idempotencyKey?: string;
  claims?: Record<string, unknown>;
  /** `operation`, `resource` and `mode` are Keyturn's own; sent, they must agree. */
  mode?: "execute" | "grant";
  operation?: string;
  resource?: Record<string, unknown>;
  traceparent?: string;
  signal?: AbortSignal;
}

export interface ListOptions {
  state?: State | State[];
  tool?: string;
  actor?: string;
  q?: string;
  from?: string;
  to?: string;
  for?: "me";
  /** Of a page. */
  limit?: number;
}

/** Speaks for whom the token is of: an agent, or a person in a terminal. */
export class Client {
  readonly url: string;
  readonly #http: Http;

  constructor(options: ClientOptions = {}) {
    const environment = (globalThis as { process?: { env: Record<string, string | undefined> } }).process?.env ?? {};
    this.url = (options.url ?? environment["KEYTURN_URL"] ?? "http://localhost:7717").replace(/\/+$/, "");
    const token = options.token ?? environment["KEYTURN_TOKEN"];
    if (!token) throw new TypeError("no token: give one, or set KEYTURN_TOKEN (`keyturn token create --agent NAME`)");
    if (!/^https?:$/.test(new URL(this.url).protocol)) throw new TypeError(`${this.url} is no address of a server: http://HOST:PORT or https://HOST`);
    this.#http = new Http(this.url, token, options.patienceMs ?? 60_000);
  }

  /**
   * Asks for an action and waits until it is settled: decided, and where Keyturn executes, done. A denial is an answer, too: look at `state`.
   * Throws Refused (the agent may not ask, the arguments are not the tool's) and Unreachable.
   */
  async request(tool: string, args: Record<string, unknown> = {}, options: RequestOptions = {}): Promise<Action> {
    const { reason, claims, mode, operation, resource, traceparent, signal } = options;
    const deadline = deadlineOf(options.waitMs);
    const body = { tool, args, idempotency_key: options.idempotencyKey ?? crypto.randomUUID(), reason, claims, mode, operation, resource };
    const action = await this.#call("requestAction", { body, headers: traceparent ? { traceparent } : {}, legSeconds: leg(deadline), signal });
    return this.#await(action, deadline, signal);
  }

  /** One action, as it is. */
  get(id: string): Promise<Action> {
    return this.#call("getAction", { id });
  }

  /** The action as soon as it is settled, or as it is after `waitMs` (undefined: for as long as it takes). */
  async wait(action: Action | string, waitMs?: number, signal?: AbortSignal): Promise<Action> {
    const deadline = deadlineOf(waitMs);
    return this.#await(typeof action === "string" ? await this.#call("getAction", { id: action, signal }) : action, deadline, signal);
  }

  /** Actions that the caller may read, newest first, page by page as they are taken. */
  async *list(options: ListOptions = {}): AsyncGenerator<Action> {
    const query: Record<string, string | number> = {};
    for (const [name, value] of Object.entries(options)) if (value !== undefined) query[name] = Array.isArray(value) ? value.join(",") : value;
    for (;;) {
      const page = await this.#http.call("listActions", { query });
      yield* page.items as Action[];
      if (page.next === null) return;
      query["after"] = page.next;
    }
  }

  /**
   * What happens to an action, as it happens; a snapshot first; ends when the action is final. A lost connection is taken up again: what happened meanwhile
   * comes as one more snapshot.
   */
  async *stream(id: string, signal?: AbortSignal): AsyncGenerator<ActionEvent> {
    const patience = new Patience(this.url, this.#http.patienceMs, signal);
    let seen = -1;
    for (;;) {
      try {
        for await (const event of this.#events(id, signal)) {
          patience.answered();
          if (event.version > seen || (event.version === seen && event.name !== "snapshot")) {
            seen = event.version;
            yield event;
          }
          if (isFinal(event.action)) return;
        }
        throw new Lost("the stream ended before the action did", true);
      } catch (lost) {
        if (!(lost instanceof Lost)) throw lost;
        await patience.lost(lost);
      }
    }
  }

  /** Calls it back: its requester, that one's owner, an administrator. Refused with `executing` once it runs. */
  cancel(id: string): Promise<Action> {
    return this.#call("cancelAction", { id, body: {}, doneBefore: ["closed"] });
  }

  /** Replaces it by one with other arguments, which is decided anew. Where the answer is lost (Unreachable), `amended_by` of the old one says. */
  amend(id: string, args: Record<string, unknown>, note?: string): Promise<Action> {
    return this.#call("amendAction", { id, body: { args, note }, once: true });
  }

  /** Whom the token is of. */
  me(): Promise<Me> {
    return this.#http.call("getMe");
  }

  /** For people's tokens: exactly the case that `action` is. Policies may ask for more than a token (assurance_too_low, passkey_required). */
  vote(action: Action, decision: "approve" | "deny", note?: string): Promise<Action> {
    return this.#call("vote", { id: action.id, body: { decision, digest: action.digest, note }, doneBefore: ["already_voted", "closed"] });
  }

  /** For people's tokens, while it is pending. */
  takeVoteBack(id: string): Promise<Action> {
    return this.#call("takeVoteBack", { id, doneBefore: ["no_vote", "closed"] });
  }

  /** Says something about it, to all who may read it. Never twice: where the answer is lost (Unreachable), it may be there. */
  comment(id: string, text: string): Promise<Action> {
    return this.#call("comment", { id, body: { text }, once: true });
  }

  /**
   * Uses a grant, once, as the enforcement point that the tool names. The action says what was released: run that, and only after this came back. An answer
   * that is lost is not asked for again: whether the grant was used nobody can tell (ReleaseUncertain).
   */
  async consume(grant: string, digest: string): Promise<Action> {
    try {
      return await this.#call("consumeGrant", { body: { grant, digest }, once: true });
    } catch (why) {
      if (!(why instanceof Unreachable)) throw why;
      throw new ReleaseUncertain(`not run: the answer to the grant's use was lost (${why.message})`, undefined, { cause: why });
    }
  }

  /** What came of a consumed grant, and a result that is JSON. */
  report(id: string, outcome: "succeeded" | "failed", result?: unknown): Promise<Action> {
    return this.#call("reportOutcome", { id, body: { outcome, result }, doneBefore: ["closed"] });
  }

  /** Runs `run` once, when Keyturn released these arguments, and reports how it ended. See Guard for what is thrown when it did not. */
  released<T>(tool: string, args: Record<string, unknown>, run: (release: Release) => T | Promise<T>, options: ReleaseOptions = {}): Promise<T> {
    return released(this, tool, args, run, options);
  }

  /** The same as a function to be called: `run` gets its arguments as they were released. */
  guarded<A extends Record<string, unknown>, T>(tool: string, run: (args: A, release: Release) => T | Promise<T>, options: ReleaseOptions = {}): Guard<A, T> {
    return guarded(this, tool, run, options);
  }

  async #await(action: Action, deadline: number, signal: AbortSignal | undefined): Promise<Action> {
    for (let legSeconds = leg(deadline); !isSettled(action) && legSeconds > 0; legSeconds = leg(deadline)) {
      // A held approval counts as settled to the server: wait for what comes after it.
      const query: Record<string, number> = action.state === "approved" ? { after_version: action.version } : {};
      action = await this.#call("getAction", { id: action.id, query, legSeconds, signal });
    }
    return action;
  }

  #call(operation: Operation, call: Call): Promise<Action> {
    return this.#http.call(operation, call);
  }

  async *#events(id: string, signal: AbortSignal | undefined): AsyncGenerator<ActionEvent> {
    const stops = signal ?? new AbortController().signal;
    try {
      const answer = await this.#http.open("streamAction", { id, headers: { accept: "text/event-stream" }, signal: stops }, SILENCE_MS);
      if (!answer.ok || answer.body === null) {
        const refused = new Refused(answer.status, problem(answer, await answer.text()));
        throw answer.status === 503 ? new Lost(refused, true) : refused;
      }
      for await (const fields of serverSent(until(stops, answer.body)))
        yield { name: fields["event"] as ActionEvent["name"], version: Number(fields["id"]), action: JSON.parse(fields["data"]!) as Action };
    } catch (why) {
      signal?.throwIfAborted();
      if (why instanceof Lost || why instanceof Refused) throw why;
      throw new Lost(why, true);
    }
  }
}

function deadlineOf(waitMs: number | undefined): number {
  return waitMs === undefined ? Infinity : performance.now() + waitMs;
}

/** Seconds of the next long poll; 0 when there is no time left. */
function leg(deadline: number): number {
  const left = Math.min(LEG_SECONDS, (deadline - performance.now()) / 1000);
  return left >= 1 ? Math.floor(left) : left > 0.01 ? 1 : 0;
}
