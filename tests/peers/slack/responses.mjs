// response_url: five answers in thirty minutes, to the conversation or to the person alone.
import crypto from "node:crypto";
import { now } from "./clock.mjs";
import { author, composed } from "./methods/chat.mjs";
import { Refused } from "./refuse.mjs";
import { body } from "./requests.mjs";

const URLS_MAX = 2000;

export class Responses {
  constructor(world) {
    this.world = world;
    this.all = new Map();
  }

  issue(where) {
    const path = `/actions/${this.world.workspace.team.id}/${this.all.size + 1}/${crypto.randomBytes(12).toString("hex")}`;
    this.all.set(path, { ...where, at: now(), uses: 0 });
    if (this.all.size > URLS_MAX) this.all.delete(this.all.keys().next().value);
    return `http://127.0.0.1:${this.world.port}${path}`;
  }

  /** Shows an answer to a command or at a response_url: {text | blocks, response_type, replace_original, delete_original, thread_ts}. What was shown, or null for nothing. */
  show(said, { channel, user, message }) {
    const told = said !== null && typeof said === "object" ? said : { text: said ?? "" };
    const { workspace, screens } = this.world;
    const whispered = message && !channel.messages.has(message.ts),
      gone = message && whispered && !workspace.ephemerals.all.includes(message);
    if (told.delete_original === true && message) {
      if (gone) throw new Refused("message_not_found");
      if (whispered) workspace.ephemerals.all = workspace.ephemerals.all.filter((one) => one !== message);
      else workspace.remove(channel, message);
      return { deleted: message.ts };
    }
    if (told.text === "" && !told.blocks && !told.attachments) return null;
    if (Object.keys(told).length === 0) return null;
    const parts = composed(told);
    if (told.replace_original === true && message) {
      if (gone) throw new Refused("message_not_found");
      if (whispered) Object.assign(message, { text: parts.text, blocks: parts.blocks });
      else workspace.edit(channel, message, { ...parts, blocks: parts.blocks ?? [] }, parts.blocks?.length ? null : message.user);
      return { replaced: message.ts, text: parts.text };
    }
    if (told.response_type === "in_channel") {
      const posted = workspace.post(channel, { ...author(this.world), ...parts, thread_ts: told.thread_ts });
      return { response_type: "in_channel", ts: posted.ts, text: posted.text, blocks: posted.blocks };
    }
    const one = screens.whisper(user, channel, { ...parts, thread_ts: told.thread_ts });
    return { response_type: "ephemeral", ts: one.ts, text: one.text, blocks: one.blocks };
  }

  async serve(path, request, response) {
    const where = this.all.get(path),
      { settings } = this.world.workspace;
    const answer = (status, value) => {
      response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
      response.end(JSON.stringify(value));
    };
    const sent = await body(request);
    if (request.method !== "POST" || !where) return answer(404, { ok: false, error: "no_service" });
    if (now() - where.at > settings.response_url_ms) return answer(404, { ok: false, error: "expired_url" });
    if (where.uses >= settings.response_url_uses) return answer(404, { ok: false, error: "used_url" });
    let told;
    try {
      told = JSON.parse(sent);
    } catch {
      return answer(400, { ok: false, error: "invalid_payload" });
    }
    try {
      if (this.show(told, where) === null) throw new Refused("no_text");
      where.uses += 1;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return answer(error.message === "message_not_found" ? 404 : 400, { ok: false, error: error.message, ...error.more });
    }
    return answer(200, { ok: true });
  }
}
