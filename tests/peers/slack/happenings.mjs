// What people write, change, share and open, and the events that tell the app of it. Each act answers what the app said to it.
import { EVENT_NEEDS } from "./cards/manifest.mjs";
import { id, ts } from "./clock.mjs";

const LINK = /https?:\/\/[^\s<>|]+/g;

export class Happenings {
  constructor(world) {
    this.world = world;
  }

  /** Events go where the app has said that it wants them, if its scopes let it have them. */
  #subscribed(kind) {
    const { app } = this.world.workspace;
    return (
      app.events.includes(kind) && (EVENT_NEEDS[kind] === undefined || app.scopes.includes(EVENT_NEEDS[kind])) && (app.mode === "socket" || app.events_url !== null)
    );
  }

  #told(channel, event, forge) {
    const { app } = this.world.workspace,
      kind = channel.is_im ? "im" : channel.is_private ? "group" : "channel";
    const wanted = event.type === "message" ? { im: "message.im", group: "message.groups", channel: "message.channels" }[kind] : event.type;
    if (!this.#subscribed(wanted) || !channel.members.has(app.bot_user)) return null;
    return this.world.delivery.event(
      { ...event, channel: channel.id, ...(event.type === "message" ? { channel_type: kind } : {}), event_ts: event.event_ts ?? event.ts ?? ts() },
      forge,
    );
  }

  /** What Slack tells the app of every message that comes, changes or goes. Its last promise is what the person's act waits for. */
  follow(channel, event) {
    if (!this.world.workspace.settings.own_events && (event.bot_id ?? event.message?.bot_id ?? event.previous_message?.bot_id) === this.world.workspace.app.bot_id)
      return;
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
    const user = this.world.workspace.person(key),
      channel = this.world.workspace.place(named, key),
      { app } = this.world.workspace;
    if (!channel.members.has(user.id)) throw new Error(`${key} is not in ${channel.id}`);
    if (channel.is_archived) throw new Error(`${channel.id} is archived`);
    if (thread_ts !== undefined && !channel.messages.has(thread_ts)) throw new Error(`there is no thread ${thread_ts}`);
    const rich = [{ type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text }] }] }];
    const links = [...new Set(text.match(LINK) ?? [])];
    const written = await this.#written(
      () =>
        this.world.workspace.post(channel, {
          user: bot_id ? undefined : user.id,
          bot_id,
          subtype,
          text,
          blocks: blocks ?? rich,
          thread_ts,
          links: links.length ? links : undefined,
          client_msg_id: `00000000-0000-4000-8000-${ts().replace(".", "").slice(4, 16)}`,
        }),
      forge,
    );
    const { message } = written,
      more = {};
    if (text.includes(`<@${app.bot_user}>`) && !channel.is_im)
      more.mention = await this.#told(channel, {
        type: "app_mention",
        user: user.id,
        text,
        ts: message.ts,
        thread_ts,
        blocks: message.blocks,
        team: user.team_id,
        client_msg_id: message.client_msg_id,
      });
    const shared = links.filter((link) => app.unfurl_domains.some((domain) => new URL(link).hostname === domain || new URL(link).hostname.endsWith(`.${domain}`)));
    if (shared.length) {
      const unfurl_id = id("Uf");
      this.world.screens.share(unfurl_id, channel.id, message.ts);
      more.link = await this.#told(channel, {
        type: "link_shared",
        user: user.id,
        message_ts: message.ts,
        thread_ts,
        unfurl_id,
        source: "conversations_history",
        is_bot_user_member: channel.members.has(app.bot_user),
        links: shared.map((url) => ({ url, domain: new URL(url).hostname })),
        event_ts: message.ts,
      });
    }
    return { ...written, ...more };
  }

  #own(key, named, at) {
    const channel = this.world.workspace.place(named, key),
      message = channel.messages.get(at);
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
    return this.#written(() => {
      this.world.workspace.remove(channel, message);
      return message;
    }, forge);
  }

  async openHome({ user: key, tab = "home", forge }) {
    const user = this.world.workspace.person(key),
      { screens, workspace } = this.world,
      view = screens.home(user.id);
    const event = {
      type: "app_home_opened",
      user: user.id,
      channel: workspace.direct(user.id).id,
      tab,
      ...(view && tab === "home" ? { view: screens.seenView(view) } : {}),
      event_ts: ts(),
    };
    const answer = this.#subscribed("app_home_opened") ? await this.world.delivery.event(event, forge) : { ok: true, sent: false };
    const home = screens.home(user.id);
    return { ...answer, view: home ? screens.seenView(home) : null };
  }

  /** tokens_revoked or app_uninstalled: the bot's token is good for nothing any more. */
  async revoke({ event = "tokens_revoked", forge }) {
    const { app } = this.world.workspace;
    app.token_revoked = true;
    if (!this.#subscribed(event)) return { ok: true, sent: false };
    return this.world.delivery.event(
      event === "tokens_revoked" ? { type: event, tokens: { oauth: [], bot: [app.bot_user] }, event_ts: ts() } : { type: event, event_ts: ts() },
      forge,
    );
  }
}
