// One workspace with one app: its people, conversations, messages with every version, modals and home views.
import { id, now, Ring, seconds, ts } from "./clock.mjs";
import { normalise } from "./normalise.mjs";

const MESSAGES_MAX = 5000,
  VERSIONS_MAX = 200,
  EPHEMERAL_MAX = 1000,
  USERS_MAX = 10_000,
  CHANNELS_MAX = 10_000;
export const SCOPES = [
  "app_mentions:read",
  "channels:history",
  "channels:read",
  "chat:write",
  "commands",
  "groups:history",
  "groups:read",
  "im:history",
  "im:read",
  "im:write",
  "links:read",
  "links:write",
  "reactions:write",
  "team:read",
  "users:read",
  "users:read.email",
];
export const EVENTS = ["app_home_opened", "app_mention", "app_uninstalled", "link_shared", "message.channels", "message.groups", "message.im", "tokens_revoked"];

const defined = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

export class Workspace {
  constructor() {
    this.team = { id: "T0KT0000000", name: "Keyturn Test", domain: "keyturn-test", email_domain: "example.com", url: "https://keyturn-test.slack.com/" };
    this.app = {
      id: "A0KT0000000",
      name: "keyturn",
      bot_id: "B0KT0000000",
      bot_user: "U0KTBOT0000",
      signing_secret: "8f742231b10e8888abcd99yyyzzz85a5",
      bot_token: "xoxb-1111111111-2222222222-keyturnkeyturnkeyturnkey",
      app_token: "xapp-1-A0KT0000000-3333333333-keyturn",
      verification_token: "verification-of-the-loopback",
      scopes: [...SCOPES],
      app_scopes: ["connections:write"],
      events: [...EVENTS],
      mode: "http",
      interactivity_url: null,
      events_url: null,
      commands_url: null,
      token_revoked: false,
      socket_mode: true,
      home_enabled: true,
      unfurl_domains: [],
      config_token: "xoxe.xoxp-1-keyturn",
    };
    // Durations as Slack has them. retry_ms: before the second, third and fourth time that an event is sent.
    this.settings = {
      trigger_ms: 3000,
      ack_ms: 3000,
      retry_ms: [0, 60_000, 300_000],
      ping_ms: 5000,
      response_url_ms: 1_800_000,
      response_url_uses: 5,
      post_gap_ms: 0,
      own_events: true,
    };
    this.users = new Map();
    this.channels = new Map();
    this.ephemerals = new Ring(EPHEMERAL_MAX);
    this.views = new Map(); // id: view that is open or published
    this.modals = new Map(); // user: ids of the modals that lie on each other
    this.homes = new Map(); // user: id of the home view
    this.unfurls = new Ring(EPHEMERAL_MAX);
    this.listeners = []; // told of every message event
    this.addUser({ id: this.app.bot_user, name: this.app.name, is_bot: true, bot_id: this.app.bot_id, email: null });
  }

  addUser({
    id: given,
    name,
    email,
    real_name,
    deleted = false,
    is_restricted = false,
    is_ultra_restricted = false,
    is_stranger,
    is_bot = false,
    bot_id,
    is_email_confirmed = true,
    team_id = this.team.id,
    tz = "Europe/Berlin",
    tz_label = "Central European Time",
    tz_offset = 3600,
    enterprise_user,
    locale = "en-US",
    ...more
  }) {
    if (this.users.size >= USERS_MAX) throw new Error(`there are ${USERS_MAX} users already`);
    const key = given ?? id("U");
    const called = name ?? key.toLowerCase();
    const shown = real_name ?? called[0].toUpperCase() + called.slice(1);
    const user = defined({
      id: key,
      team_id,
      name: called,
      deleted,
      color: "9f69e7",
      real_name: shown,
      tz,
      tz_label,
      tz_offset,
      is_admin: false,
      is_owner: false,
      is_primary_owner: false,
      is_restricted,
      is_ultra_restricted,
      is_bot,
      is_app_user: false,
      is_stranger,
      updated: seconds(),
      is_email_confirmed,
      who_can_share_contact_card: "EVERYONE",
      locale,
      enterprise_user,
      profile: defined({
        real_name: shown,
        real_name_normalized: shown,
        display_name: called,
        display_name_normalized: called,
        team: team_id,
        bot_id,
        api_app_id: is_bot && key === this.app.bot_user ? this.app.id : undefined,
        email: is_bot || email === null ? undefined : (email ?? `${called}@example.com`),
      }),
      ...more,
    });
    this.users.set(key, user);
    return user;
  }

  addChannel({ id: given, name = "general", members = [], bot = true, is_private = false, is_archived = false, is_ext_shared = false, is_im = false, user }) {
    if (this.channels.size >= CHANNELS_MAX) throw new Error(`there are ${CHANNELS_MAX} conversations already`);
    const key = given ?? id(is_im ? "D" : "C");
    const channel = {
      id: key,
      name,
      is_private,
      is_archived,
      is_ext_shared,
      is_im,
      user,
      created: seconds(),
      members: new Set([...members, ...(bot ? [this.app.bot_user] : [])]),
      messages: new Map(),
      last_post: 0,
    };
    this.channels.set(key, channel);
    return channel;
  }

  /** The conversation of the app with a person, opened if need be. */
  direct(user) {
    for (const channel of this.channels.values()) if (channel.is_im && channel.user === user) return channel;
    return this.addChannel({ is_im: true, user, members: [user], name: undefined });
  }

  /** The conversation that a person's or a channel's id names. */
  conversation(named) {
    return this.users.has(named) ? this.direct(named) : this.channels.get(named);
  }

  /** The person of that id; throws without. */
  person(key) {
    const user = this.users.get(key);
    if (!user) throw new Error(`there is no user ${key}`);
    return user;
  }

  /** The conversation that a person means: "dm" is theirs with the app. */
  place(named, user) {
    const channel = named === "dm" ? this.direct(user) : this.conversation(named);
    if (!channel) throw new Error(`there is no conversation ${named}`);
    return channel;
  }

  /** What a message is to the API: without what only tests see. */
  seen({ versions, links, unfurls, ...message }) {
    return message;
  }

  post(channel, { thread_ts, blocks, ...message }) {
    const key = ts();
    const kept = defined({
      type: "message",
      ts: key,
      ...message,
      blocks: blocks?.length ? normalise(blocks) : undefined,
      thread_ts: thread_ts && thread_ts !== key ? thread_ts : undefined,
      team: this.team.id,
      versions: [],
    });
    channel.messages.set(key, kept);
    if (channel.messages.size > MESSAGES_MAX) channel.messages.delete(channel.messages.keys().next().value);
    this.#count(channel, thread_ts);
    this.#version(kept);
    this.#tell(channel, this.seen(kept));
    return kept;
  }

  /** `by`: who is shown to have edited it; null: nobody is. */
  edit(channel, message, { text, blocks, attachments, metadata }, by) {
    const before = structuredClone(this.seen(message));
    Object.assign(message, defined({ text, attachments, metadata }), by ? { edited: { user: by, ts: ts() } } : {});
    if (blocks !== undefined) {
      if (blocks?.length) message.blocks = normalise(blocks);
      else delete message.blocks;
    }
    this.#version(message);
    this.#tell(channel, { type: "message", subtype: "message_changed", hidden: true, ts: ts(), message: this.seen(message), previous_message: before });
    return message;
  }

  remove(channel, message) {
    channel.messages.delete(message.ts);
    this.#count(channel, message.thread_ts);
    this.#tell(channel, { type: "message", subtype: "message_deleted", hidden: true, ts: ts(), deleted_ts: message.ts, previous_message: this.seen(message) });
  }

  #count(channel, thread) {
    const parent = thread && channel.messages.get(thread);
    if (!parent) return;
    const replies = [...channel.messages.values()].filter((one) => one.thread_ts === thread && one.ts !== thread);
    Object.assign(parent, {
      thread_ts: thread,
      reply_count: replies.length,
      reply_users: [...new Set(replies.map((one) => one.user))],
      latest_reply: replies.at(-1)?.ts,
    });
  }

  #version(message) {
    const { text, blocks, attachments } = message;
    message.versions.push(structuredClone(defined({ text, blocks, attachments, at: now() })));
    if (message.versions.length > VERSIONS_MAX) message.versions.splice(1, 1);
  }

  #tell(channel, event) {
    for (const listener of this.listeners) listener(channel, structuredClone(event));
  }
}
