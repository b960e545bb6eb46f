// One exchange at a time with a server that may be lost meanwhile.
import { Refused, Unreachable } from "./errors.js";
import type { ProblemDocument } from "./types.js";

// What the client calls, by the operationId of docs/openapi.json: method and path.
export const OPERATIONS = {
  requestAction: ["POST", "/v1/actions"],
  listActions: ["GET", "/v1/actions"],
  getAction: ["GET", "/v1/actions/{id}"],
  streamAction: ["GET", "/v1/actions/{id}/stream"],
  cancelAction: ["POST", "/v1/actions/{id}/cancel"],
  amendAction: ["POST", "/v1/actions/{id}/amend"],
  vote: ["POST", "/v1/actions/{id}/votes"],
  takeVoteBack: ["DELETE", "/v1/actions/{id}/votes"],
  comment: ["POST", "/v1/actions/{id}/comments"],
  consumeGrant: ["POST", "/v1/grants/consume"],
  reportOutcome: ["POST", "/v1/actions/{id}/outcome"],
  getMe: ["GET", "/v1/me"],
} as const;

export type Operation = keyof typeof OPERATIONS;

const SLACK_MS = 15_000; // that an answer may take longer than it was asked to

export interface Call {
  id?: string;
  body?: unknown;
  query?: Record<string, string | number>;
  headers?: Record<string, string>;
  /** Of a long poll. */
  legSeconds?: number;
  /** Not tried again after something of it may have arrived. */
  once?: boolean;
  /** What it is refused with when the lost first time had arrived. */
  doneBefore?: readonly string[];
  signal?: AbortSignal | undefined;
}

/** The connection broke. `sent`: after something of the request may have arrived. */
export class Lost extends Error {
  constructor(
    readonly why: unknown,
    readonly sent: boolean,
    readonly timedOut = false,
  ) {
    super(String(why), { cause: why });
  }
}

export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const over = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", over);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", over, { once: true });
  });
}

/** How long without an answer a lost server is tried again, slower and slower. */
export class Patience {
  #since: number | undefined;
  #began = performance.now();

  constructor(
    readonly url: string,
    readonly milliseconds: number,
    readonly signal?: AbortSignal,
  ) {}

  answered(): void {
    this.#since = undefined;
  }

  /** Waits a little; throws Unreachable when patience is over. A long poll that was held, and then cut, shows that somebody was there. */
  async lost(lost: Lost): Promise<void> {
    const now = performance.now();
    const held = lost.sent && !lost.timedOut && now - this.#began > 5000;
    if (this.#since === undefined || held) this.#since = now;
    const gone = now - this.#since;
    if (gone >= this.milliseconds) throw new Unreachable(`${this.url} does not answer: ${describe(lost.why)}`, { cause: lost.why });
    await pause(Math.min(2000, 50 + gone / 4) * (0.5 + Math.random() / 2), this.signal);
    this.#began = performance.now();
  }
}

function describe(why: unknown): string {
  const cause = why instanceof Error && why.cause instanceof Error ? `: ${why.cause.message}` : "";
  return String(why) + cause;
}

// fetch says that the connection never was; everything else may have arrived.
function neverSent(why: unknown): boolean {
  const code = why instanceof Error ? (why.cause as { code?: string } | undefined)?.code : undefined;
  return code !== undefined && ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"].includes(code);
}

export class Http {
  constructor(
    readonly url: string,
    readonly token: string,
    readonly patienceMs: number,
  ) {}

  /** One exchange, tried again while the server is lost. Throws Refused and Unreachable, and the signal's reason. */
  async call(operation: Operation, call: Call = {}): Promise<any> {
    const patience = new Patience(this.url, this.patienceMs, call.signal);
    const began = performance.now();
    let arrived = false;
    for (;;) {
      let answer: Response, text: string;
      try {
        answer = await this.open(operation, call, (call.legSeconds ?? 0) * 1000 + SLACK_MS);
        text = await this.#text(answer, call.signal);
      } catch (lost) {
        if (!(lost instanceof Lost)) throw lost;
        arrived ||= lost.sent;
        if (call.once && arrived)
          throw new Unreachable(`${this.url}: the answer was lost, and ${operation} may have been done: ${describe(lost.why)}`, { cause: lost.why });
        await patience.lost(lost);
        continue;
      }
      if (answer.ok) return JSON.parse(text);
      const refused = new Refused(answer.status, problem(answer, text));
      if (arrived && call.doneBefore?.includes(refused.code)) return this.call("getAction", { id: call.id!, signal: call.signal });
      if ((refused.code === "rate_limited" || answer.status === 503) && performance.now() - began < this.patienceMs) {
        await pause(1000 * Math.min(30, Number(answer.headers.get("retry-after")) || 1), call.signal);
        continue;
      }
      throw refused;
    }
  }

  /** The answer's head; throws Lost. */
  async open(operation: Operation, call: Call, silenceMs: number): Promise<Response> {
    const [method, path] = OPERATIONS[operation];
    const query = call.query ? "?" + new URLSearchParams(Object.entries(call.query).map(([name, value]): [string, string] => [name, String(value)])) : "";
    const headers: Record<string, string> = { accept: "application/json", ...call.headers, authorization: `Bearer ${this.token}` };
    if (call.legSeconds) headers["prefer"] = `wait=${call.legSeconds}`;
    if (call.body !== undefined) headers["content-type"] = "application/json";
    const timeout = AbortSignal.timeout(silenceMs);
    try {
      return await fetch(this.url + path.replace("{id}", encodeURIComponent(call.id ?? "")) + query, {
        method,
        headers,
        redirect: "error",
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
        signal: call.signal ? AbortSignal.any([timeout, call.signal]) : timeout,
      });
    } catch (why) {
      call.signal?.throwIfAborted();
      throw new Lost(why, !neverSent(why), timeout.aborted);
    }
  }

  async #text(answer: Response, signal: AbortSignal | undefined): Promise<string> {
    try {
      return await answer.text();
    } catch (why) {
      signal?.throwIfAborted();
      throw new Lost(why, true);
    }
  }
}

/** What the answer says of what is wrong; something before Keyturn may have spoken. */
export function problem(answer: Response, text: string): Partial<ProblemDocument> {
  if (answer.headers.get("content-type")?.startsWith("application/problem+json")) {
    try {
      return JSON.parse(text) as ProblemDocument;
    } catch {
      // no JSON: as text
    }
  }
  return { title: text.slice(0, 200) };
}

