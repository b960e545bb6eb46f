// How interactions, commands and events reach the app: over HTTP, signed (docs.slack.dev/authentication/verifying-requests-from-slack), or over Socket Mode.
import crypto from "node:crypto";
import http from "node:http";
import { id, now, Ring, seconds, sleep } from "./clock.mjs";

const DELIVERIES_MAX = 2000,
  ANSWER_MAX = 1_000_000,
  HOLD_MS = 60_000;

export const sign = (secret, timestamp, body) => `v0=${crypto.createHmac("sha256", secret).update(`v0:${timestamp}:${body}`).digest("hex")}`;

/** One POST. {status, headers, body, ms}, or {failure: "http_timeout" | "connection_failed", ms}. */
export function post(url, headers, body, deadline_ms) {
  const began = performance.now(),
    ms = () => Math.round(performance.now() - began);
  return new Promise((done) => {
    const request = http.request(url, { method: "POST", agent: false, headers: { ...headers, "content-length": Buffer.byteLength(body) } }, (response) => {
      const pieces = [];
      let size = 0;
      response.on("data", (piece) => {
        size += piece.length;
        if (size <= ANSWER_MAX) pieces.push(piece);
      });
      response.on("end", () => done({ status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces).toString(), ms: ms() }));
      response.on("error", () => done({ failure: "connection_failed", ms: ms() }));
    });
    const late = setTimeout(() => {
      done({ failure: "http_timeout", ms: ms() });
      request.destroy();
    }, deadline_ms);
    request.on("close", () => clearTimeout(late));
    request.on("error", (error) => done({ failure: "connection_failed", error: error.code ?? String(error), ms: ms() }));
    request.end(body);
  });
}

/** What an answer says: JSON is read where its type says so, as Slack does it; everything else is text. */
function told({ headers, body }) {
  if (!/^application\/json\b/i.test(headers["content-type"] ?? "")) return body;
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

const merge = (into, from) => {
  for (const [key, value] of Object.entries(from)) {
    if (value !== null && typeof value === "object" && !Array.isArray(value) && into[key] !== null && typeof into[key] === "object") merge(into[key], value);
    else if (value === null) delete into[key];
    else into[key] = value;
  }
  return into;
};

export class Delivery {
  constructor(world) {
    this.world = world;
    this.sent = new Ring(DELIVERIES_MAX);
  }

  #url(kind) {
    const { app } = this.world.workspace;
    const url = { interactive: app.interactivity_url, events_api: app.events_url, slash_commands: app.commands_url }[kind];
    if (!url) throw new Error(`no request URL is set for ${kind}: POST /control/app {"request_url": "http://127.0.0.1:PORT/PATH"}`);
    return url;
  }

  /** A request's headers and body as Slack makes them, but for what `forge` says:
   *  secret, timestamp, age (seconds ago), unsigned, merge (into the payload; null takes away), tamper (text put for the body after it is signed), headers (null takes away). */
  request(kind, payload, forge = {}) {
    const made = forge.merge ? merge(structuredClone(payload), forge.merge) : payload;
    const body =
      forge.body ??
      (kind === "events_api" ? JSON.stringify(made) : new URLSearchParams(kind === "interactive" ? { payload: JSON.stringify(made) } : made).toString());
    const timestamp = forge.timestamp ?? String(seconds() - (forge.age ?? 0));
    const headers = {
      "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
      accept: "application/json,*/*",
      "accept-encoding": "gzip,deflate",
      "content-type": kind === "events_api" ? "application/json" : "application/x-www-form-urlencoded",
    };
    if (!forge.unsigned) {
      headers["x-slack-request-timestamp"] = timestamp;
      headers["x-slack-signature"] = sign(forge.secret ?? this.world.workspace.app.signing_secret, timestamp, body);
    }
    for (const [name, value] of Object.entries(forge.headers ?? {}))
      if (value === null) delete headers[name.toLowerCase()];
      else headers[name.toLowerCase()] = value;
    return { headers, body: forge.tamper ?? body };
  }

  async #overHttp(kind, payload, forge = {}, extra = {}) {
    const { headers, body } = this.request(kind, payload, forge);
    const answer = await post(forge.url ?? this.#url(kind), { ...headers, ...extra }, body, this.world.workspace.settings.ack_ms);
    const all = [answer];
    for (let again = 0; again < Math.min(forge.replays ?? 0, 20); again += 1)
      all.push(await post(forge.url ?? this.#url(kind), { ...headers, ...extra }, body, this.world.workspace.settings.ack_ms));
    const last = all.at(-1);
    return {
      ok: last.status === 200,
      status: last.status,
      body: last.body === undefined ? undefined : told(last),
      failure: last.failure,
      headers: last.headers,
      ms: last.ms,
      answers: forge.replays ? all : undefined,
    };
  }

  /** Whether it goes over Socket Mode; of a forgery, only what is changed in the payload can. */
  #bySocket(forge) {
    return this.world.workspace.app.mode === "socket" && Object.keys(forge ?? {}).every((key) => key === "merge");
  }

  /** Over Socket Mode or HTTP, as the app is set. {ok, status, body, ms, failure}: `body` is what the app said in its answer. */
  async send(kind, payload, forge) {
    const socket = this.#bySocket(forge);
    const entry = this.sent.push({ at: now(), kind, over: socket ? "socket" : "http", payload, attempts: [] });
    const answer = socket ? await this.world.sockets.send(kind, merge(structuredClone(payload), forge?.merge ?? {})) : await this.#overHttp(kind, payload, forge);
    entry.attempts.push({ status: answer.status, failure: answer.failure, ms: answer.ms });
    return answer;
  }

  /** An event, again where it is not acknowledged: x-slack-retry-num 1 to 3. */
  async event(event, forge) {
    const {
      workspace: { app, team, settings },
    } = this.world;
    const payload = {
      token: app.verification_token,
      team_id: team.id,
      context_team_id: team.id,
      context_enterprise_id: null,
      api_app_id: app.id,
      event,
      type: "event_callback",
      event_id: id("Ev"),
      event_time: seconds(),
      authorizations: [{ enterprise_id: null, team_id: team.id, user_id: app.bot_user, is_bot: true, is_enterprise_install: false }],
      is_ext_shared_channel: false,
      event_context: "4-loopback",
    };
    const socket = this.#bySocket(forge);
    const entry = this.sent.push({ at: now(), kind: "events_api", over: socket ? "socket" : "http", payload, attempts: [] });
    let answer, reason;
    const rounds = forge ? 0 : settings.retry_ms.length;
    for (let retry = 0; retry <= rounds; retry += 1) {
      if (retry) await sleep(Math.min(settings.retry_ms[retry - 1], HOLD_MS * 5));
      answer = socket
        ? await this.world.sockets.send(
            "events_api",
            merge(structuredClone(payload), forge?.merge ?? {}),
            retry ? { retry_attempt: retry, retry_reason: reason } : { retry_attempt: 0, retry_reason: "" },
          )
        : await this.#overHttp("events_api", payload, forge, retry ? { "x-slack-retry-num": String(retry), "x-slack-retry-reason": reason } : {});
      entry.attempts.push({ status: answer.status, failure: answer.failure, ms: answer.ms });
      if (answer.ok || answer.headers?.["x-slack-no-retry"] === "1") break;
      reason = socket ? "timeout" : (answer.failure ?? "http_error");
    }
    return { ...answer, event_id: payload.event_id, attempts: entry.attempts };
  }

  /** {"type": "url_verification"}: right where the challenge comes back. */
  async verify() {
    const challenge = crypto.randomBytes(20).toString("hex");
    const answer = await this.#overHttp("events_api", { token: this.world.workspace.app.verification_token, challenge, type: "url_verification" });
    const said = answer.body !== null && typeof answer.body === "object" ? answer.body.challenge : answer.body;
    return { ...answer, verified: answer.ok && (said === challenge || said === `challenge=${challenge}`), challenge };
  }
}
