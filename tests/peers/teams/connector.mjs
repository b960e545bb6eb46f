// The connector's REST API as a bot calls it: /v3/conversations… (learn.microsoft.com, "Bot Framework API reference").
import { CARD_TYPE, violations } from "./cards.mjs";
import { failure, parsed } from "./web.mjs";

const PAGE_MAX = 500, PAGE_MIN = 50;

// [operation, method, path]; {id} is the conversation's.
const ROUTES = [
  ["create", "POST", /^\/v3\/conversations\/?$/],
  ["send", "POST", /^\/v3\/conversations\/(?<id>[^/]+)\/activities\/?$/],
  ["reply", "POST", /^\/v3\/conversations\/(?<id>[^/]+)\/activities\/(?<activity>[^/]+)$/],
  ["update", "PUT", /^\/v3\/conversations\/(?<id>[^/]+)\/activities\/(?<activity>[^/]+)$/],
  ["delete", "DELETE", /^\/v3\/conversations\/(?<id>[^/]+)\/activities\/(?<activity>[^/]+)$/],
  ["members", "GET", /^\/v3\/conversations\/(?<id>[^/]+)\/members\/?$/],
  ["pagedmembers", "GET", /^\/v3\/conversations\/(?<id>[^/]+)\/pagedmembers\/?$/],
  ["member", "GET", /^\/v3\/conversations\/(?<id>[^/]+)\/members\/(?<user>[^/]+)$/],
];

export function route(method, path) {
  for (const [operation, verb, pattern] of ROUTES) {
    const match = verb === method && pattern.exec(path);
    if (match) return { operation, ...Object.fromEntries(Object.entries(match.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)])) };
  }
  return null;
}

export class Connector {
  constructor(world) { this.world = world; }

  // May the bot be here at all?
  admit(conversation) {
    const { world } = this;
    if (conversation.kind === "channel") {
      if (!world.teams.get(conversation.team).installed) throw failure(403, "BotNotInConversationRoster", "The bot is not part of the conversation roster.");
      return;
    }
    const { bot } = world.users.get(conversation.user);
    if (bot === "blocked") throw failure(403, "ConversationBlockedByUser", "User blocked the conversation with the bot.");
    if (bot !== "installed") throw failure(403, "BotNotInConversationRoster", "The bot is not part of the conversation roster.");
  }

  checked(activity, text, types = ["message", "typing"]) {
    const size = Buffer.byteLength(text);
    if (size > this.world.size_max) throw failure(413, "MessageSizeTooBig", `Message size too large: ${size} bytes, at most ${this.world.size_max}`);
    if (!types.includes(activity?.type)) throw failure(400, "BadSyntax", `an activity of type ${JSON.stringify(activity?.type)}`);
    if (activity.from?.id !== undefined && activity.from.id !== this.world.bot_id) throw failure(403, "NotEnoughPermissions", "from is another than the bot");
    if (activity.type === "typing") return;
    if (activity.attachments !== undefined && !Array.isArray(activity.attachments)) throw failure(400, "BadSyntax", "attachments: no list");
    if (!activity.text && !activity.attachments?.length) throw failure(400, "BadSyntax", "a message with neither text nor attachments");
    const found = (activity.attachments ?? []).flatMap((one) => (one?.contentType === CARD_TYPE ? violations(one.content) : []));
    if (found.length) throw failure(400, "BadSyntax", `a card that Teams does not show: ${found.join("; ")}`);
  }

  create(_, text) {
    const { world } = this, asked = parsed(text), tenant = asked.tenantId ?? asked.channelData?.tenant?.id;
    const channel = asked.channelData?.channel?.id;
    if (asked.bot?.id !== undefined && ![world.bot_id, world.bot.app_id].includes(asked.bot.id)) throw failure(403, "NotEnoughPermissions", "bot is another than who calls");
    if (channel) {
      const { conversation } = world.conversation(channel);
      if (conversation.kind !== "channel") throw failure(400, "BadArgument", "channelData.channel.id is no channel's");
      this.admit(conversation);
      if (!asked.activity) throw failure(400, "BadSyntax", "a conversation in a channel needs its first activity");
      this.checked(asked.activity, text, ["message"]);
      const { id } = world.post(conversation, "bot", asked.activity);
      return [201, { id: `${channel};messageid=${id}`, activityId: id }];
    }
    if (asked.members?.length !== 1) throw failure(400, "BadSyntax", "members: one, of a conversation one to one");
    if (!tenant) throw failure(400, "BadSyntax", "neither tenantId nor channelData.tenant.id");
    const user = this.person(asked.members[0].id);
    if (user.tenant !== tenant || tenant !== world.bot.tenant) throw failure(403, "ForbiddenOperationException", "the user is of another tenant");
    if (user.bot === "removed") throw failure(403, "ForbiddenOperationException", "Bot is not installed in user's personal scope");
    const conversation = world.personal(user);
    if (!asked.activity) return [201, { id: conversation.id }];
    this.admit(conversation);
    this.checked(asked.activity, text, ["message"]);
    return [201, { id: conversation.id, activityId: world.post(conversation, "bot", asked.activity).id }];
  }

  person(id) {
    const { world } = this;
    try {
      return world.user(id);
    } catch {
      throw failure(400, "BadArgument", `Unknown user: ${JSON.stringify(id)}`);
    }
  }

  send({ id }, text, thread) {
    const { conversation, thread: named } = this.world.conversation(id);
    const activity = parsed(text);
    this.admit(conversation);
    this.checked(activity, text);
    if (activity.type === "typing") {
      conversation.typing += 1;
      return [201, { id: this.world.next() }];
    }
    return [201, { id: this.world.post(conversation, "bot", activity, named ?? thread).id }];
  }

  reply({ id, activity }, text) {
    const { conversation } = this.world.conversation(id);
    const replied = conversation.messages.find((one) => one.id === activity);
    return this.send({ id }, text, replied?.thread ?? activity);
  }

  own(id, activity) {
    const { conversation } = this.world.conversation(id);
    this.admit(conversation);
    const message = this.world.message(conversation, activity);
    if (message.from !== "bot") throw failure(403, "NotEnoughPermissions", "the message is not the bot's");
    return message;
  }

  update({ id, activity }, text) {
    const message = this.own(id, activity), changed = parsed(text);
    this.checked(changed, text, ["message"]);
    this.world.next();
    this.world.edit(message, changed);
    return [200, { id: message.id }];
  }

  delete({ id, activity }) {
    this.own(id, activity).deleted = true;
    return [200];
  }

  listed(user) {
    const [given, ...rest] = user.name.split(" ");
    return { ...this.world.account(user), objectId: user.aad, givenName: given, surname: rest.join(" "), email: user.email, userPrincipalName: user.upn, tenantId: user.tenant,
      userRole: user.guest ? "guest" : "user" };
  }

  members({ id }) {
    const { conversation } = this.world.conversation(id);
    this.admit(conversation);
    return [200, this.world.members(conversation).map((one) => this.listed(one))];
  }

  pagedmembers({ id }, _, query) {
    const [, all] = this.members({ id });
    const size = Math.min(Math.max(Number(query.get("pageSize") ?? PAGE_MAX), PAGE_MIN), PAGE_MAX);
    const from = Number(Buffer.from(query.get("continuationToken") ?? "", "base64url").toString() || 0);
    const more = from + size < all.length ? { continuationToken: Buffer.from(String(from + size)).toString("base64url") } : {};
    return [200, { members: all.slice(from, from + size), ...more }];
  }

  member({ id, user }) {
    const [, all] = this.members({ id });
    const found = all.find((one) => [one.id, one.aadObjectId, one.userPrincipalName].includes(user));
    if (!found) throw failure(404, "MemberNotFoundInConversation", "The member is not found in the conversation.");
    return [200, found];
  }
}
