// Who and what there is: people, teams, conversations, and their messages as they were and are. Bounded: what is over a limit is refused.
import crypto from "node:crypto";
import { CARD_TYPE } from "./cards.mjs";
import { failure } from "./web.mjs";

const USERS_MAX = 5000, CONVERSATIONS_MAX = 5000, MESSAGES_MAX = 5000, VERSIONS_MAX = 500;
const opaque = (text, size) => crypto.createHash("sha512").update(text).digest("base64url").slice(0, size);
const missing = (what) => failure(404, "NotFound", `no such ${what}`);

export const cardOf = (activity) => activity?.attachments?.find((one) => one.contentType === CARD_TYPE)?.content ?? null;

export class World {
  users = new Map(); // by aadObjectId
  teams = new Map();
  conversations = new Map();
  last_ms = 1700000000000;
  bot = { app_id: "11111111-2222-3333-4444-555555555555", secret: "bot-secret", tenant: "aaaaaaaa-0000-4000-8000-000000000001", name: "Keyturn", url: "", multi_tenant: false };
  size_max = 28 * 1024; // bytes of an activity as UTF-8 JSON
  service_path = "/teams/";

  constructor(keys) { this.keys = keys; }

  get bot_id() { return `28:${this.bot.app_id}`; }
  get service_url() { return this.url + this.service_path; }

  // Ids of messages are milliseconds, each once.
  next() {
    this.last_ms = Math.max(this.last_ms + 1, Date.now());
    return String(this.last_ms);
  }

  addUser({ aad = crypto.randomUUID(), name = "Someone", email = "", tenant = this.bot.tenant, guest = false, bot = "installed", upn = email }) {
    if (this.users.size >= USERS_MAX) throw failure(400, "BadArgument", `at most ${USERS_MAX} users`);
    const user = { aad, id: `29:1${opaque(this.bot.app_id + aad, 62)}`, name, email, upn, tenant, guest, bot };
    this.users.set(aad, user);
    return user;
  }

  user(id) {
    const found = this.users.get(id) ?? [...this.users.values()].find((one) => one.id === id || (one.email && one.email === id));
    if (!found) throw missing(`user ${id}`);
    return found;
  }

  account(user) { return { id: user.id, name: user.name, aadObjectId: user.aad }; }

  addTeam({ name = "Team", channels = ["General"], members = [], installed = true }) {
    const team = { id: `19:${opaque(name + this.teams.size, 32)}@thread.tacv2`, aad_group: crypto.randomUUID(), name, channels: {}, members: members.map((one) => this.user(one).aad), installed };
    for (const channel of channels) {
      const id = channel === "General" ? team.id : `19:${opaque(team.id + channel, 32)}@thread.tacv2`;
      team.channels[channel] = id;
      this.addConversation({ id, kind: "channel", team: team.id, name: channel, tenant: this.bot.tenant });
    }
    this.teams.set(team.id, team);
    return team;
  }

  addConversation(conversation) {
    if (this.conversations.size >= CONVERSATIONS_MAX) throw failure(400, "BadArgument", `at most ${CONVERSATIONS_MAX} conversations`);
    this.conversations.set(conversation.id, { messages: [], typing: 0, ...conversation });
    return this.conversations.get(conversation.id);
  }

  personal(user) {
    const id = `a:1${opaque(`${this.bot.app_id} ${user.aad}`, 84)}`;
    return this.conversations.get(id) ?? this.addConversation({ id, kind: "personal", user: user.aad, tenant: user.tenant });
  }

  // "19:…;messageid=…" is a thread of the channel.
  conversation(id) {
    const [base, thread] = id.split(";messageid=");
    const found = this.conversations.get(base);
    if (!found) throw failure(404, "ConversationNotFound", "Conversation not found.");
    return { conversation: found, thread: thread ?? null };
  }

  members(conversation) {
    return (conversation.kind === "personal" ? [conversation.user] : this.teams.get(conversation.team).members).map((aad) => this.users.get(aad));
  }

  post(conversation, from, activity, thread) {
    if (conversation.messages.length >= MESSAGES_MAX) throw failure(400, "BadArgument", `at most ${MESSAGES_MAX} messages`);
    const id = this.next();
    const message = { id, from, thread: conversation.kind === "channel" ? (thread ?? id) : null, deleted: false, versions: [{ at_ms: this.last_ms, activity: { ...activity, id } }], views: {} };
    conversation.messages.push(message);
    return message;
  }

  message(conversation, id) {
    const found = conversation.messages.find((one) => one.id === id && !one.deleted);
    if (!found) throw failure(404, "ActivityNotFoundInConversation", "The message does not exist in the conversation.");
    return found;
  }

  edit(message, activity) {
    if (message.versions.length >= VERSIONS_MAX) throw failure(400, "BadArgument", `at most ${VERSIONS_MAX} versions`);
    message.versions.push({ at_ms: this.last_ms, activity: { ...activity, id: message.id } });
    message.views = {}; // what one person was shown in place of it is gone with the next version
  }

  show(message, user, card, how) {
    const seen = message.views[user.aad] ??= [];
    if (seen.length >= VERSIONS_MAX) throw failure(400, "BadArgument", `at most ${VERSIONS_MAX} views`);
    seen.push({ at_version: message.versions.length - 1, card, how });
  }

  // The card as this person sees it now.
  card(message, user) {
    return message.views[user.aad]?.at(-1)?.card ?? cardOf(message.versions.at(-1).activity);
  }

  // A message for whoever reads the conversation: what stands, and how it came to it.
  shown(message, conversation) {
    const activity = message.versions.at(-1).activity;
    return { conversation: conversation.id, id: message.id, from: message.from, thread: message.thread, deleted: message.deleted, text: activity.text ?? "", card: cardOf(activity), activity,
      edits: message.versions.length - 1, versions: message.versions, views: message.views };
  }
}
