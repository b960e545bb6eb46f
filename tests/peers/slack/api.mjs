// The Web API's frame: who calls, with which scopes, what goes wrong on purpose, and the log of it all. The methods are in methods/.
import { now, number, Ring, sleep } from "./clock.mjs";
import { bearer, body, read } from "./requests.mjs";
import { METHODS } from "./methods/all.mjs";
import { Refused } from "./refuse.mjs";

const CALLS_MAX = 5000,
  LOGGED_MAX = 100_000;

export class Api {
  constructor(world) {
    this.world = world;
    this.calls = new Ring(CALLS_MAX);
    this.counts = {};
    this.hanging = new Set();
  }

  /** {kind, scopes} of a token, or an error word. */
  #caller(token) {
    const { app } = this.world.workspace;
    if (!token) return "not_authed";
    if (token === app.bot_token) return app.token_revoked ? "token_revoked" : { kind: "bot", scopes: app.scopes };
    if (token === app.app_token) return { kind: "app", scopes: app.app_scopes };
    if (token === app.config_token) return { kind: "config", scopes: ["app_configurations:write"] };
    return "invalid_auth";
  }

  async #run(name, method, token, given) {
    const caller = this.#caller(token);
    if (typeof caller === "string") throw new Refused(caller);
    if (method === undefined) throw new Refused("unknown_method", { req_method: name });
    if (caller.kind !== (method.token ?? "bot")) throw new Refused("not_allowed_token_type");
    const needed = typeof method.scopes === "function" ? method.scopes(this.world, given) : (method.scopes ?? []);
    if (needed.length && !needed.some((scope) => caller.scopes.includes(scope)))
      throw new Refused("missing_scope", { needed: needed.join(","), provided: caller.scopes.join(",") });
    return method.run(this.world, given, caller);
  }

  async #answer(name, request, sent) {
    const url = new URL(request.url, "http://slack.test");
    const told = sent === null ? { error: "request_too_large", warnings: [] } : read(request.headers["content-type"], sent, url.searchParams);
    const token = bearer(request, told.arguments),
      { token: _, ...given } = told.arguments ?? {};
    const entry = this.calls.push({
      n: number(),
      at: now(),
      method: name,
      arguments: (sent?.length ?? 0) > LOGGED_MAX ? { left_out: sent.length } : given,
      token,
      type: request.headers["content-type"] ?? "",
      ok: null,
      error: null,
    });
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    const method = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
    let answer;
    const fault = this.world.faults.take(name);
    const delay = this.world.faults.delayOf(name);
    if (delay) await sleep(delay);
    if (fault && !fault.after) answer = null;
    else {
      try {
        if (told.error) throw new Refused(told.error, told.messages ? { response_metadata: { messages: told.messages } } : {});
        answer = { ok: true, ...(await this.#run(name, method, token, given)) };
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        answer = { ok: false, error: error.message, ...error.more };
      }
      if (told.warnings.length)
        answer = { ...answer, warning: told.warnings.join(","), response_metadata: { ...answer.response_metadata, warnings: told.warnings } };
      Object.assign(entry, { ok: answer.ok, error: answer.error ?? null });
    }
    const caller = this.#caller(token);
    return {
      answer,
      fault,
      entry,
      scopes: typeof caller === "string" ? null : caller.scopes,
      accepted: typeof method?.scopes === "function" ? method.scopes(this.world, given) : method?.scopes,
    };
  }

  async serve(name, request, response) {
    const { answer, fault, entry, scopes, accepted } = await this.#answer(name, request, await body(request));
    const headers = {
      "content-type": "application/json; charset=utf-8",
      "x-slack-req-id": `req${entry.n}`,
      "cache-control": "private, no-cache, no-store, must-revalidate",
    };
    if (scopes) headers["x-oauth-scopes"] = scopes.join(",");
    if (accepted?.length) headers["x-accepted-oauth-scopes"] = accepted.join(",");
    if (fault) {
      const { status, retry_after, error, hang, reset } = fault;
      entry.fault = hang ? "hang" : reset ? "reset" : (status ?? error);
      if (hang) {
        this.hanging.add(response);
        response.on("close", () => this.hanging.delete(response));
        return;
      }
      if (reset) {
        request.socket.resetAndDestroy();
        return;
      }
      if (retry_after !== undefined) headers["retry-after"] = String(retry_after);
      if (status === 429) headers["content-type"] = "application/json; charset=utf-8";
      response.writeHead(status ?? 200, headers);
      response.end(fault.body ?? JSON.stringify({ ok: false, error: error ?? (status === 429 ? "ratelimited" : "internal_error") }));
      return;
    }
    if (answer.error === "ratelimited") headers["retry-after"] = "1";
    response.writeHead(answer.error === "ratelimited" ? 429 : answer.error === "request_too_large" ? 413 : 200, headers);
    response.end(JSON.stringify(answer));
  }

  release() {
    for (const response of this.hanging) response.destroy();
  }
}
