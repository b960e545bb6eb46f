// People act on what they see. Each act answers what the app said to it, and throws where the person could not have done it.
import { id, ts } from "./clock.mjs";
import { action, state } from "./inputs.mjs";
import { elements } from "./normalise.mjs";
import { checked } from "./methods/views.mjs";
import { Refused } from "./refuse.mjs";

const LINK = /https?:\/\/[^\s<>|]+/g;

export class People {
  constructor(world) { this.world = world; }

  #user(key) {
    const user = this.world.workspace.users.get(key);
    if (!user) throw new Error(`there is no user ${key}`);
    return user;
  }

  #channel(named, user) {
    const channel = named === "dm" ? this.world.workspace.direct(user) : this.world.workspace.conversation(named);
    if (!channel) throw new Error(`there is no conversation ${named}`);
    return channel;
  }

  #common(user) {
    const { workspace: { team, app } } = this.world;
    return { team: { id: team.id, domain: team.domain }, user: { id: user.id, username: user.name, name: user.name, team_id: user.team_id }, api_app_id: app.id, token: app.verification_token,
      enterprise: null, is_enterprise_install: false };
  }

  /** The card that is clicked: {blocks, around}. A stale one is the version before the present one, or of that number. */
  #card(user, { channel: named, ts: at, view: view_id, home, stale }) {
    const { workspace, screens, responses } = this.world;
    if (named === undefined) {
      const view = home ? screens.home(user.id) : view_id ? workspace.views.get(view_id) : screens.top(user.id);
      if (!view) throw new Error(`${user.id} has no ${home ? "home view" : "modal"} open`);
      return { blocks: view.blocks, around: (values) => ({ container: { type: "view", view_id: view.id }, view: screens.seenView(view, values) }) };
    }
    const channel = this.#channel(named, user.id), whispered = workspace.ephemerals.all.find((one) => one.ts === at && one.user === user.id);
    const message = channel.messages.get(at) ?? whispered;
    if (!message) throw new Error(`${channel.id} has no message ${at} (any more)`);
    if (!channel.members.has(user.id)) throw new Error(`${user.id} does not see ${channel.id}`);
    const version = whispered ? null : stale === true ? message.versions.at(-2) : Number.isInteger(stale) ? message.versions.at(stale) : null;
    if (stale !== undefined && stale !== false && !version) throw new Error(`message ${at} has no older version`);
    const shown = version ? { ...workspace.seen(message), text: version.text, blocks: version.blocks } : workspace.seen(message);
    const container = { type: "message", message_ts: message.ts, channel_id: channel.id, is_ephemeral: Boolean(whispered), ...(message.thread_ts ? { thread_ts: message.thread_ts } : {}) };
    return { blocks: shown.blocks ?? [], around: (values) => ({ container, channel: { id: channel.id, name: this.#named(channel) }, ...(whispered ? {} : { message: structuredClone(shown) }), state: { values },
      response_url: responses.issue({ channel, user: user.id, message }) }) };
  }

  #named(channel) { return channel.is_im ? "directmessage" : channel.is_private ? "privategroup" : channel.name; }

  /** {user, channel, ts, action_id}, or in a modal {user, view}, or {user, home: true}; stale, value (of a menu), inputs of the card, forge. */
  async click({ user: key, action_id, block_id, value, inputs, forge, ...where }) {
    const user = this.#user(key), { blocks, around } = this.#card(user, where);
    const found = elements(blocks).find((one) => one.element.action_id === action_id && (block_id === undefined || one.block_id === block_id));
    if (!found) throw new Error(`there is no element ${action_id} there; there are ${elements(blocks).map((one) => one.element.action_id).join(", ") || "none"}`);
    const { values } = state(blocks, inputs);
    const payload = { type: "block_actions", ...this.#common(user), trigger_id: this.world.screens.triggers.issue(user.id), ...around(values),
      actions: [action(found.block_id, found.element, value, ts())] };
    const answer = await this.world.delivery.send("interactive", payload, forge);
    return { ...answer, trigger_id: payload.trigger_id, response_url: payload.response_url };
  }

  /** {user, values: {action_id or block_id: value}, view, forge}. `shown` says what the person sees then. */
  async submit({ user: key, values = {}, view: view_id, forge }) {
    const user = this.#user(key), { screens, workspace } = this.world;
    const view = view_id ? workspace.views.get(view_id) : screens.top(user.id);
    if (!view || view.type !== "modal") throw new Error(`${key} has no modal open`);
    if (!view.submit && view.blocks.some((one) => one.type === "input") === false) throw new Error("the modal has no submit button");
    const filled = state(view.blocks, values);
    if (Object.keys(filled.errors).length) return { ok: false, sent: false, shown: "errors", errors: filled.errors };
    const payload = { type: "view_submission", ...this.#common(user), trigger_id: screens.triggers.issue(user.id), view: screens.seenView(view, filled.values), response_urls: [] };
    const answer = await this.world.delivery.send("interactive", payload, forge);
    return { ...answer, sent: true, trigger_id: payload.trigger_id, ...(answer.ok && !forge ? this.#submitted(user, view, answer.body) : { shown: "trouble", errors: {} }) };
  }

  #submitted(user, view, said) {
    const { screens } = this.world, told = said && typeof said === "object" ? said : {};
    const still = this.world.workspace.views.has(view.id);
    try {
      switch (told.response_action) {
        case undefined: if (still) screens.closeModals(user.id, false); return { shown: "closed" };
        case "clear": screens.closeModals(user.id, true); return { shown: "closed" };
        case "update": screens.changeView(view, checked(told.view, "modal")); return { shown: "view", view: screens.seenView(view) };
        case "push": return { shown: "view", view: screens.seenView(screens.openModal(user.id, checked(told.view, "modal"), true)) };
        case "errors": {
          const inputs = new Set(view.blocks.filter((one) => one.type === "input").map((one) => one.block_id));
          const entries = Object.entries(told.errors ?? {});
          if (!entries.length || entries.some(([at, text]) => !inputs.has(at) || typeof text !== "string")) throw new Refused("invalid_errors: they name no input block of the modal");
          view.errors = told.errors;
          return { shown: "errors", errors: told.errors };
        }
        default: throw new Refused(`unknown response_action ${told.response_action}`);
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { shown: "trouble", problem: error.message, messages: error.more.response_metadata?.messages };
    }
  }

  /** Closes the modal on top, or all with the cross of a modal that clears. */
  async close({ user: key, all = false, forge }) {
    const user = this.#user(key), { screens } = this.world, view = screens.top(user.id);
    if (!view) throw new Error(`${key} has no modal open`);
    const is_cleared = all || view.clear_on_close, shown = screens.seenView(view);
    screens.closeModals(user.id, is_cleared);
    if (!view.notify_on_close) return { ok: true, sent: false };
    return { ...(await this.world.delivery.send("interactive", { type: "view_closed", ...this.#common(user), view: shown, is_cleared }, forge)), sent: true };
  }

  /** {user, command: "/keyturn", text, channel}. The answer is shown to the person, or to all of the conversation. */
  async command({ user: key, command, text = "", channel: named = "dm", forge }) {
    const user = this.#user(key), channel = this.#channel(named, key), { workspace: { app, team }, screens, responses } = this.world;
    const payload = { token: app.verification_token, team_id: team.id, team_domain: team.domain, channel_id: channel.id, channel_name: this.#named(channel), user_id: user.id, user_name: user.name, command, text,
      api_app_id: app.id, is_enterprise_install: "false", response_url: responses.issue({ channel, user: user.id }), trigger_id: screens.triggers.issue(user.id) };
    const answer = await this.world.delivery.send("slash_commands", payload, forge);
    const more = { trigger_id: payload.trigger_id, response_url: payload.response_url };
    if (!answer.ok || forge) return { ...answer, ...more, shown: null, failed: answer.failure?.includes("timeout") ? "operation_timeout" : "dispatch_failed" };
    try { return { ...answer, ...more, shown: responses.show(answer.body, { channel, user: user.id }) }; }
    catch (error) { if (!(error instanceof Refused)) throw error; return { ...answer, ...more, shown: null, failed: error.message, messages: error.more.response_metadata?.messages }; }
  }

  /** Events go where the app has said that it wants them. */
  #subscribed(kind) {
    const { app } = this.world.workspace;
    return app.events.includes(kind) && (app.mode === "socket" || app.events_url !== null);
  }

  #told(channel, event, forge) {
    const { app } = this.world.workspace, kind = channel.is_im ? "im" : channel.is_private ? "group" : "channel";
    const wanted = event.type === "message" ? { im: "message.im", group: "message.groups", channel: "message.channels" }[kind] : event.type;
    if (!this.#subscribed(wanted) || !channel.members.has(app.bot_user)) return null;
    return this.world.delivery.event({ ...event, channel: channel.id, ...(event.type === "message" ? { channel_type: kind } : {}), event_ts: event.event_ts ?? event.ts ?? ts() }, forge);
  }

  /** What Slack tells the app of every message that comes, changes or goes. Its last promise is what the person's act waits for. */
  follow(channel, event) {
    if (!this.world.workspace.settings.own_events && (event.bot_id ?? event.message?.bot_id ?? event.previous_message?.bot_id) === this.world.workspace.app.bot_id) return;
    const told = this.#told(channel, event, this.forge);
    this.last = told;
    told?.catch(() => {});
  }

  async #written(act, forge) {
    this.last = null;
    this.forge = forge;
    const message = act();
    const answer = this.last;
    this.forge = undefined;
    return { message: this.world.workspace.seen(message), ...(answer ? await answer : { ok: true, sent: false }) };
  }

  /** {user, channel, text, thread_ts}; links in it of unfurl_domains are shared, and a mention of the app is told. */
  async write({ user: key, channel: named, text, thread_ts, blocks, subtype, bot_id, forge }) {
    const user = this.#user(key), channel = this.#channel(named, key), { app } = this.world.workspace;
    if (!channel.members.has(user.id)) throw new Error(`${key} is not in ${channel.id}`);
    if (channel.is_archived) throw new Error(`${channel.id} is archived`);
    if (thread_ts !== undefined && !channel.messages.has(thread_ts)) throw new Error(`there is no thread ${thread_ts}`);
    const rich = [{ type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text }] }] }];
    const links = [...new Set(text.match(LINK) ?? [])];
    const written = await this.#written(() => this.world.workspace.post(channel, { user: bot_id ? undefined : user.id, bot_id, subtype, text, blocks: blocks ?? rich, thread_ts, links: links.length ? links : undefined,
      client_msg_id: `00000000-0000-4000-8000-${ts().replace(".", "").slice(4, 16)}` }), forge);
    const { message } = written, more = {};
    if (text.includes(`<@${app.bot_user}>`) && !channel.is_im) more.mention = await this.#told(channel, { type: "app_mention", user: user.id, text, ts: message.ts, thread_ts, blocks: message.blocks, team: user.team_id, client_msg_id: message.client_msg_id });
    const shared = links.filter((link) => app.unfurl_domains.some((domain) => new URL(link).hostname === domain || new URL(link).hostname.endsWith(`.${domain}`)));
    if (shared.length) {
      const unfurl_id = id("Uf");
      this.world.screens.share(unfurl_id, channel.id, message.ts);
      more.link = await this.#told(channel, { type: "link_shared", user: user.id, message_ts: message.ts, thread_ts, unfurl_id, source: "conversations_history", is_bot_user_member: channel.members.has(app.bot_user),
        links: shared.map((url) => ({ url, domain: new URL(url).hostname })), event_ts: message.ts });
    }
    return { ...written, ...more };
  }

  #own(key, named, at) {
    const channel = this.#channel(named, key), message = channel.messages.get(at);
    if (!message) throw new Error(`${channel.id} has no message ${at} (any more)`);
    if (message.user !== key) throw new Error(`message ${at} is not of ${key}`);
    return { channel, message };
  }

  async edit({ user, channel: named, ts: at, text, forge }) {
    const { channel, message } = this.#own(user, named, at);
    const blocks = [{ type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text }] }] }];
    return this.#written(() => this.world.workspace.edit(channel, message, { text, blocks }, user), forge);
  }

  async erase({ user, channel: named, ts: at, forge }) {
    const { channel, message } = this.#own(user, named, at);
    return this.#written(() => { this.world.workspace.remove(channel, message); return message; }, forge);
  }

  async openHome({ user: key, tab = "home", forge }) {
    const user = this.#user(key), { screens, workspace } = this.world, view = screens.home(user.id);
    const event = { type: "app_home_opened", user: user.id, channel: workspace.direct(user.id).id, tab, ...(view && tab === "home" ? { view: screens.seenView(view) } : {}), event_ts: ts() };
    const answer = this.#subscribed("app_home_opened") ? await this.world.delivery.event(event, forge) : { ok: true, sent: false };
    const home = screens.home(user.id);
    return { ...answer, view: home ? screens.seenView(home) : null };
  }

  /** tokens_revoked or app_uninstalled: the bot's token is good for nothing any more. */
  async revoke({ event = "tokens_revoked", forge }) {
    const { app } = this.world.workspace;
    app.token_revoked = true;
    if (!this.#subscribed(event)) return { ok: true, sent: false };
    return this.world.delivery.event(event === "tokens_revoked" ? { type: event, tokens: { oauth: [], bot: [app.bot_user] }, event_ts: ts() } : { type: event, event_ts: ts() }, forge);
  }
}

