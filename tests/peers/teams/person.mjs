// A person in Teams: writes, presses buttons of the card that is in front of them, and sees what comes of it.
import { activity, invoke, merged, said } from "./activities.mjs";
import { cardOf } from "./world.mjs";
import { parts, violations } from "./cards.mjs";
import { failure } from "./web.mjs";

const ANSWERS = { card: "application/vnd.microsoft.card.adaptive", message: "application/vnd.microsoft.activity.message", error: "application/vnd.microsoft.error" };
const INPUT_DEFAULTS = { "Input.Toggle": (one) => one.value ?? one.valueOff ?? "false" };

const actionsOf = (card) => [...parts(card)].filter(([kind, , path]) => kind === "action" && !path.includes(".refresh.")).map(([, part]) => part);
const meant = (action, wanted) => ["verb", "title", "id"].every((name) => wanted[name] === undefined || action[name] === wanted[name]);
const describe = (action) => action.title ?? action.verb ?? action.id ?? action.type;

export class Person {
  constructor(world, deliverer) {
    this.world = world;
    this.deliverer = deliverer;
  }

  place(asked) {
    const user = this.world.user(asked.user);
    const { conversation, thread } = asked.conversation ? this.world.conversation(asked.conversation) : { conversation: this.world.personal(user), thread: null };
    if (!asked.uninvited && !this.world.members(conversation).includes(user)) throw failure(403, "Forbidden", `${user.name} is not in the conversation: "uninvited": true acts all the same`);
    return { user, conversation, thread: asked.thread ?? thread };
  }

  deliver(asked, user, conversation, thread, more) {
    return this.deliverer.send(merged(activity(this.world, user, conversation, thread, more), asked.activity ?? {}), asked.forge);
  }

  // {user, text, conversation?, thread?, mention?}; in a channel a bot is told what mentions it.
  async say(asked) {
    const { user, conversation, thread } = this.place(asked);
    const { mentions, ...message } = said(this.world, asked.text ?? "", asked.mention ?? conversation.kind === "channel");
    const posted = this.world.post(conversation, user.aad, message, thread);
    const base = activity(this.world, user, conversation, posted.thread, message);
    const answer = await this.deliverer.send(merged({ ...base, id: posted.id, entities: [...mentions, ...base.entities] }, asked.activity ?? {}), asked.forge);
    return { ...answer, id: posted.id };
  }

  // {user, message, text}: one's own message is edited; {delete: true}: deleted, {restore: true}: as it was again.
  async change(asked) {
    const { user, conversation, thread } = this.place(asked);
    const message = conversation.messages.find((one) => one.id === asked.message && one.from === user.aad);
    if (!message) throw failure(404, "NotFound", `no message ${asked.message} of ${user.name}`);
    const kind = asked.delete ? ["messageDelete", "softDeleteMessage"] : ["messageUpdate", asked.restore ? "undeleteMessage" : "editMessage"];
    message.deleted = Boolean(asked.delete);
    if (!asked.delete && !asked.restore) {
      const { mentions: _, ...words } = said(this.world, asked.text, false);
      this.world.edit(message, words);
    }
    const base = activity(this.world, user, conversation, message.thread ?? thread, {});
    const words = asked.delete ? {} : { text: message.versions.at(-1).activity.text, textFormat: "plain" };
    return this.deliverer.send(merged({ ...base, ...words, id: message.id, type: kind[0], channelData: { ...base.channelData, eventType: kind[1] } }, asked.activity ?? {}), asked.forge);
  }

  // The bot's message that is meant, or the last one with a card that this person sees.
  message(asked, conversation) {
    if (asked.message) return this.world.message(conversation, asked.message);
    const found = conversation.messages.findLast((one) => !one.deleted && one.from === "bot" && cardOf(one.versions.at(-1).activity));
    if (!found) throw failure(404, "NotFound", "no message with a card");
    return found;
  }

  action(asked, message, user) {
    const now = this.world.card(message, user);
    const here = now ? actionsOf(now) : [];
    const found = here.filter((one) => meant(one, asked));
    if (!asked.stale) {
      if (found.length !== 1) throw failure(409, "NoSuchAction", `${found.length} such actions on the card; there are: ${here.map(describe).join(", ") || "none"}`);
      if (found[0].isEnabled === false) throw failure(409, "NoSuchAction", `${describe(found[0])} cannot be pressed`);
      return { card: now, action: found[0] };
    }
    const all = [...message.versions.map((one) => cardOf(one.activity)), ...(message.views[user.aad] ?? []).map((one) => one.card)];
    for (const card of all.slice(0, -1).filter(Boolean).reverse()) {
      const action = actionsOf(card).find((one) => meant(one, asked));
      if (action) return { card, action };
    }
    throw failure(409, "NoSuchAction", "no older version of the card has it");
  }

  // What the client sends of the card's inputs; it lets nobody send what the card does not allow.
  inputs(card, action, given, force) {
    const inputs = [...parts(card)].map(([, part]) => part).filter((part) => part?.type?.startsWith("Input."));
    if (String(action.associatedInputs).toLowerCase() === "none") return {};
    const unknown = Object.keys(given).filter((id) => !inputs.some((one) => one.id === id));
    if (unknown.length && !force) throw failure(409, "NoSuchInput", `the card has no input ${unknown.join(", ")}; it has: ${inputs.map((one) => one.id).join(", ") || "none"}`);
    const out = force ? { ...given } : {};
    for (const input of inputs) {
      const value = given[input.id] ?? INPUT_DEFAULTS[input.type]?.(input) ?? input.value;
      if (!force) this.allowed(input, value);
      if (value !== undefined) out[input.id] = value;
    }
    return out;
  }

  allowed(input, value) {
    const refuse = (why) => { throw failure(409, "InputNotAllowed", `${input.id}: ${why}`); };
    if (input.isRequired && (value === undefined || value === "")) refuse(input.errorMessage ?? "required");
    if (value === undefined || value === "") return;
    if (input.maxLength && value.length > input.maxLength) refuse(`more than ${input.maxLength} characters`);
    if (input.regex && !new RegExp(input.regex).test(value)) refuse(input.errorMessage ?? "does not match");
    if (input.type === "Input.ChoiceSet") {
      const allowed = input.choices.map((one) => one.value);
      const chosen = input.isMultiSelect ? value.split(",") : [value];
      if (!chosen.every((one) => allowed.includes(one))) refuse(`no such choice; there are: ${allowed.join(", ")}`);
    }
  }

  // {user, message?, verb | title | id, inputs, stale, force, forge, activity}
  async execute(asked) {
    const { user, conversation } = this.place(asked), message = this.message(asked, conversation);
    const { card, action } = this.action(asked, message, user);
    if (action.type === "Action.OpenUrl") return { opened: action.url };
    const data = { ...action.data, ...this.inputs(card, action, asked.inputs ?? {}, asked.force) };
    if (action.type === "Action.Submit") return this.deliver(asked, user, conversation, message.thread, { type: "message", replyToId: message.id, value: data });
    if (action.type !== "Action.Execute") throw failure(409, "NoSuchAction", `${action.type} goes to no bot`);
    const answer = await this.deliver(asked, user, conversation, message.thread, invoke(message, action, data, "manual"));
    return this.seen(answer, message, user, "manual");
  }

  // The card comes into view of a user whom its refresh names (or of anybody, where it names nobody).
  async refresh(asked) {
    const { user, conversation } = this.place(asked), message = this.message(asked, conversation);
    const refresh = cardOf(message.versions.at(-1).activity)?.refresh;
    if (!refresh) throw failure(409, "NoRefresh", "the card has no refresh");
    if (refresh.userIds && !refresh.userIds.includes(user.id) && !asked.force) throw failure(409, "NoRefresh", `the card's refresh does not name ${user.name}`);
    const answer = await this.deliver(asked, user, conversation, message.thread, invoke(message, refresh.action, refresh.action.data ?? {}, asked.trigger ?? "automatic"));
    return this.seen(answer, message, user, "refresh");
  }

  // What Teams makes of the answer to an invoke: the card in place of the former, for this person; a line of text; an error; or "failed".
  seen(answer, message, user, how) {
    const said_ = answer.body;
    if (answer.status !== 200 || !said_ || typeof said_.statusCode !== "number") return { ...answer, shown: "failed", why: "no invoke response: {statusCode, type, value}" };
    const shown = Object.entries(ANSWERS).find(([, type]) => type === said_.type)?.[0] ?? "failed";
    if (shown === "card") {
      const found = said_.statusCode === 200 ? violations(said_.value) : ["a card with another statusCode than 200"];
      if (found.length) return { ...answer, shown: "failed", why: found.join("; ") };
      this.world.show(message, user, said_.value, how);
      return { ...answer, shown, card: said_.value };
    }
    if (shown === "message" && (said_.statusCode !== 200 || typeof said_.value !== "string")) return { ...answer, shown: "failed", why: "a message is statusCode 200 and a text" };
    if (shown === "error" && (said_.statusCode < 400 || typeof said_.value?.code !== "string" || typeof said_.value?.message !== "string")) return { ...answer, shown: "failed", why: "an error is statusCode 4xx or 5xx, and {code, message}" };
    return { ...answer, shown, said: said_.value };
  }

  // {user, action: "add" | "remove"} of the bot, in personal scope: two activities, as Teams sends them.
  async install(asked) {
    const user = this.world.user(asked.user), conversation = this.world.personal(user), adding = asked.action !== "remove";
    user.bot = adding ? "installed" : "removed";
    const bot = { id: this.world.bot_id };
    const first = await this.deliver(asked, user, conversation, null, { type: "installationUpdate", action: adding ? "add" : "remove" });
    const second = adding ? await this.deliver(asked, user, conversation, null, { type: "conversationUpdate", membersAdded: [{ id: user.id, aadObjectId: user.aad }, bot] }) : null;
    return { answers: [first, second].filter(Boolean), conversation: conversation.id };
  }

  // {user, team, add: [users], remove: [users], bot: "add" | "remove"}: the team's roster changes, and the bot hears of it.
  async roster(asked) {
    const { world } = this, team = world.teams.get(asked.team), actor = world.user(asked.user);
    if (!team) throw failure(404, "NotFound", `no such team ${asked.team}`);
    const list = (words) => (words ?? []).map((one) => world.user(one));
    const added = list(asked.add), removed = list(asked.remove);
    team.members = [...new Set([...team.members, ...added.map((one) => one.aad)])].filter((aad) => !removed.some((one) => one.aad === aad));
    if (asked.bot) team.installed = asked.bot === "add";
    const told = (users, bot) => [...users.map((one) => ({ id: one.id, aadObjectId: one.aad })), ...(bot ? [{ id: world.bot_id }] : [])];
    const joined = told(added, asked.bot === "add"), left = told(removed, asked.bot === "remove");
    const answers = [];
    for (const [members, name, event] of [[joined, "membersAdded", "teamMemberAdded"], [left, "membersRemoved", "teamMemberRemoved"]]) {
      if (!members.length) continue;
      const conversation = world.conversations.get(team.id);
      const base = activity(world, actor, conversation, null, { type: "conversationUpdate", [name]: members });
      answers.push(await this.deliverer.send({ ...base, channelData: { ...base.channelData, team: { id: team.id, aadGroupId: team.aad_group, name: team.name }, eventType: event } }, asked.forge));
    }
    return { answers };
  }
}
