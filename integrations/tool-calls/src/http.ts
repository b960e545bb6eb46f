// The five calls of Keyturn's API that an adapter needs, and nothing that decides anything.

/** What the adapters read of an action (docs/openapi.json, Action). */
export interface Action {
  id: string;
  version: number;
  state: string;
  digest: string;
  tool: string;
  args: unknown;
  verdict: { effect: string; reasons?: string[] };
  needed: { group: string; count: number; have: number }[];
  votes: { reviewer: string; decision: string; note?: string }[];
  review_url?: string;
  grant: string | null;
  outcome: { outcome: string; result?: unknown } | null;
  awaiting_evidence?: string;
  amended_by?: string | null;
}

/** An answer of Keyturn that says no (RFC 9457); `code` is one of docs/errors.md. */
export class Problem extends Error {
  override name = "Problem";
  constructor(readonly status: number, readonly code: string, detail: string) {
    super(`${code}: ${detail}`);
  }
}

/** Keyturn gave no answer that counts: nothing is known, so nothing runs. */
export class Unreachable extends Error {
  override name = "Unreachable";
}

export interface Options {
  /** Default: the variable KEYTURN_URL, else http://localhost:7717. */
  url?: string;
  /** The token of the agent that the tools name as enforcement point. Default: KEYTURN_TOKEN. */
  token?: string;
  /** How long one answer may take, and how long a lost server is asked again. Default: 30 s. */
  patienceMs?: number;
}

/** Whether asking again later may help. */
export const passes = (error: unknown) => error instanceof Unreachable || (error instanceof Problem && (error.status === 429 || error.status === 503));

export const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

export class Http {
  readonly #url: string;
  readonly #token: string;
  readonly patienceMs: number;

  constructor(options: Options = {}) {
    this.#url = (options.url ?? process.env.KEYTURN_URL ?? "http://localhost:7717").replace(/\/+$/, "");
    this.#token = options.token ?? process.env.KEYTURN_TOKEN ?? "";
    if (!this.#token) throw new Error("no token: set KEYTURN_TOKEN, or give `token` (keyturn token create --agent NAME)");
    this.patienceMs = options.patienceMs ?? 30_000;
  }

  async #fetch(method: string, path: string, body: unknown, signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.#token}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    let answer: Response;
    try {
      answer = await fetch(this.#url + path, {
        method, headers, redirect: "error",
        body: body === undefined ? null : JSON.stringify(body),
        signal,
      });
    } catch (error) {
      throw new Unreachable(`no answer from ${this.#url}: ${said(error)}`);
    }
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => null) as { code?: string; detail?: string } | null;
    if (!problem?.code) throw new Unreachable(`${this.#url} answered ${answer.status}, and not as Keyturn does`);
    throw new Problem(answer.status, problem.code, problem.detail ?? "");
  }

  /** One request, once. For what must not be sent twice. */
  async once(method: string, path: string, body?: unknown): Promise<Action> {
    return within(this.patienceMs, async (signal) => {
      const answer = await this.#fetch(method, path, body, signal);
      return await answer.json().catch((error: unknown) => {
        throw new Unreachable(`the answer broke off: ${said(error)}`);
      }) as Action;
    });
  }

  /** Asked again while the server is lost or busy, for `patienceMs`. For what may be sent twice. */
  async patiently(method: string, path: string, body?: unknown): Promise<Action> {
    const until = Date.now() + this.patienceMs;
    for (let wait = 100; ; wait = Math.min(2 * wait, 2000)) {
      try {
        return await this.once(method, path, body);
      } catch (error) {
        if (!passes(error) || Date.now() + wait > until) throw error;
        await pause(wait);
      }
    }
  }

  /** The action as it changes, until the server ends it; Unreachable when `ms` are over. Unlike GET, it never hands out the grant. */
  async *changes(id: string, ms: number): AsyncGenerator<Action> {
    const until = Date.now() + ms;
    const answer = await within(ms, (signal) => this.#fetch("GET", `/v1/actions/${encodeURIComponent(id)}/stream`, undefined, signal));
    const reader = answer.body!.getReader();
    const decoder = new TextDecoder();
    let text = "";
    try {
      for (;;) {
        const { done, value } = await within(until - Date.now(), () => reader.read());
        if (done) return;
        const events = (text + decoder.decode(value, { stream: true })).split("\n\n");
        text = events.pop()!;
        for (const event of events) {
          const data = event.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5)).join("\n");
          if (data) yield JSON.parse(data) as Action;
        }
      }
    } catch (error) {
      throw error instanceof Unreachable ? error : new Unreachable(`the stream broke off: ${said(error)}`);
    } finally {
      reader.cancel().catch(() => undefined);
    }
  }
}

// A signal alone does not end it: fetch forgets the signal of an answer that was collected as garbage while its body is still read.
async function within<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, refuse) => {
    timer = setTimeout(() => {
      refuse(new Unreachable(`no answer within ${ms} ms`));
      controller.abort();
    }, ms);
  });
  try {
    return await Promise.race([work(controller.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}

function said(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return (error instanceof Error ? error.message : String(error)) + cause;
}
