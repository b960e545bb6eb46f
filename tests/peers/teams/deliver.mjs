// Requests to the bot: signed as asked, and what it answered.
import http from "node:http";
import https from "node:https";
import { failure, parsed } from "./web.mjs";
import { FORGERIES, authorization } from "./tokens.mjs";
import { merged } from "./activities.mjs";

const ANSWER_BYTES_MAX = 1 << 20, ANSWER_MS_MAX = 60000, SENT_MAX = 2000;
const OTHER_TENANT = "bbbbbbbb-0000-4000-8000-000000000002";

export class Deliverer {
  sent = [];

  constructor(world) { this.world = world; }

  how(forge) {
    if (forge === undefined || forge === null) return {};
    if (typeof forge === "object") return forge;
    if (!(forge in FORGERIES)) throw failure(400, "BadArgument", `no such forgery: ${forge}; there are ${Object.keys(FORGERIES).join(", ")}`);
    return FORGERIES[forge];
  }

  // An activity, good or forged. {status, headers, body, ms, n}; status 0 and error where there was no answer.
  send(activity, forge) {
    const { world } = this, how = this.how(forge);
    const token = authorization(how, { keys: world.keys, bot: world.bot, serviceUrl: world.service_url, evil: `${world.control_url}/evil/keys`, other_tenant: OTHER_TENANT });
    return this.raw({ headers: { "Content-Type": "application/json; charset=utf-8", ...(token === null ? {} : { Authorization: token }) }, body: JSON.stringify(merged(activity, how.body ?? {})) });
  }

  // What another client (the playground) sends without Authorization goes on as Bot Framework would sign it.
  relay(method, headers, text) {
    const { world } = this, activity = text ? parsed(text) : null;
    if (!activity) return this.raw({ method, headers: {}, body: "" });
    const token = authorization({}, { keys: world.keys, bot: world.bot, serviceUrl: activity.serviceUrl });
    return this.raw({ method, headers: { "Content-Type": headers["content-type"] ?? "", Authorization: token }, body: text });
  }

  again(n) {
    const before = this.sent.find((one) => one.n === n);
    if (!before) throw failure(404, "NotFound", `nothing was sent as number ${n}`);
    return this.raw({ headers: before.headers, body: before.body });
  }

  async raw({ url = this.world.bot.url, method = "POST", headers = {}, body = "" }) {
    if (!url) throw failure(400, "BadArgument", "say first where the bot is: /control/bot {url}");
    const n = (this.sent.at(-1)?.n ?? 0) + 1, began = Date.now();
    const record = { n, method, url, headers, body };
    this.sent = [...this.sent.slice(1 - SENT_MAX), record];
    const answer = await this.exchange(url, method, headers, body).catch((error) => ({ status: 0, error: String(error.message || error.code) }));
    record.status = answer.status;
    return { n, ms: Date.now() - began, ...answer };
  }

  exchange(url, method, headers, body) {
    return new Promise((done, fail) => {
      const bytes = Buffer.from(body);
      const request = (url.startsWith("https:") ? https : http).request(url, { method, agent: false, rejectUnauthorized: false, headers: { ...headers, "Content-Length": bytes.length } }, async (response) => {
        let size = 0;
        const pieces = [];
        try {
          for await (const piece of response) {
            size += piece.length;
            if (size > ANSWER_BYTES_MAX) throw new Error("the answer is too long");
            pieces.push(piece);
          }
        } catch (error) {
          return fail(error);
        }
        const text = Buffer.concat(pieces).toString();
        let json;
        try { json = JSON.parse(text); } catch { json = undefined; }
        done({ status: response.statusCode, headers: response.headers, text, body: json });
      });
      request.setTimeout(ANSWER_MS_MAX, () => request.destroy(new Error("no answer in time")));
      request.on("error", fail);
      request.end(bytes);
    });
  }
}
