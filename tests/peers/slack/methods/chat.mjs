// chat.*, reactions.add.
import { checkBlocks, checkMessage, MESSAGE_TEXT_MAX, UPDATE_TEXT_MAX } from "../cards/blocks.mjs";
import { now } from "../clock.mjs";
import { invalid, Refused, required } from "../refuse.mjs";

const filled = (value) => typeof value === "string" && value.trim() !== "";

/** The message's parts as they are to be kept. Throws what Slack would answer. */
export function composed({ text, blocks, attachments, metadata }, text_max = MESSAGE_TEXT_MAX) {
  if (blocks !== undefined && blocks !== null && !Array.isArray(blocks)) throw new Refused("invalid_blocks_format");
  if (!filled(text) && !blocks?.length && !attachments?.length) throw new Refused("no_text");
  const wrong = checkMessage({ text, blocks }, text_max);
  if (wrong) throw invalid(wrong.error, wrong.errors);
  for (const [index, one] of (attachments ?? []).entries()) {
    const errors = one?.blocks ? checkBlocks(one.blocks, `/attachments/${index}/blocks`) : [];
    if (errors.length) throw invalid("invalid_attachments", errors);
  }
  return { text: text ?? "", blocks, attachments, metadata };
}

/** A conversation of that id. Only chat.postMessage takes a person's id for the conversation with them. */
export function conversation(world, named, person = false) {
  const channel = named && (person ? world.workspace.conversation(named) : world.workspace.channels.get(named));
  const user = channel?.is_im && world.workspace.users.get(channel.user);
  if (!channel || user?.deleted || (!channel.members.has(world.workspace.app.bot_user) && channel.is_private)) throw new Refused("channel_not_found");
  return channel;
}

function writable(world, named, person) {
  const { app } = world.workspace,
    channel = conversation(world, named, person);
  if (channel.is_archived) throw new Refused("is_archived");
  if (!channel.members.has(app.bot_user) && !app.scopes.includes("chat:write.public")) throw new Refused("not_in_channel");
  return channel;
}

export const author = ({ workspace: { app, team } }) => ({
  user: app.bot_user,
  bot_id: app.bot_id,
  app_id: app.id,
  bot_profile: { id: app.bot_id, app_id: app.id, user_id: app.bot_user, name: app.name, deleted: false, updated: 1_700_000_000, team_id: team.id },
});

function own(world, channel, ts, word) {
  const message = channel.messages.get(ts);
  if (!message) throw new Refused("message_not_found");
  if (message.bot_id !== world.workspace.app.bot_id) throw new Refused(word);
  return message;
}

function postMessage(world, { channel: named, thread_ts, reply_broadcast, text, ...given }) {
  const channel = writable(world, named, true),
    parts = composed({ text, ...given });
  const gap = world.workspace.settings.post_gap_ms;
  if (gap && now() - channel.last_post < gap) throw new Refused("ratelimited");
  // A reply to what is deleted is no error: it stands in the channel, and the answer has no thread_ts (github.com/slack-go/slack/issues/1571).
  const parent = channel.messages.get(String(thread_ts));
  channel.last_post = now();
  const message = world.workspace.post(channel, {
    ...author(world),
    ...parts,
    thread_ts: parent?.thread_ts ?? parent?.ts,
    subtype: reply_broadcast && parent ? "thread_broadcast" : undefined,
  });
  return { channel: channel.id, ts: message.ts, message: world.workspace.seen(message) };
}

function update(world, given) {
  required(given, "channel", "ts");
  const channel = conversation(world, given.channel),
    message = own(world, channel, given.ts, "cant_update_message");
  const { text, blocks, attachments, metadata } = given;
  if (channel.is_archived) throw new Refused("is_inactive");
  const parts = composed({ text, blocks, attachments, metadata }, UPDATE_TEXT_MAX);
  // Without blocks the former ones stay only where there is no text either; "edited" is shown only of a message of text.
  world.workspace.edit(
    channel,
    message,
    { ...parts, text: text ?? message.text, blocks: blocks ?? (filled(text) ? [] : undefined) },
    blocks?.length ? null : message.user,
  );
  return { channel: channel.id, ts: message.ts, text: message.text, message: world.workspace.seen(message) };
}

function postEphemeral(world, given) {
  required(given, "channel", "user");
  const channel = writable(world, given.channel),
    parts = composed(given);
  if (!channel.members.has(given.user)) throw new Refused("user_not_in_channel");
  return { message_ts: world.screens.whisper(given.user, channel, { ...parts, thread_ts: given.thread_ts }).ts };
}

function remove(world, given) {
  required(given, "channel", "ts");
  const channel = conversation(world, given.channel);
  world.workspace.remove(channel, own(world, channel, given.ts, "cant_delete_message"));
  return { channel: channel.id, ts: given.ts };
}

function unfurl(world, { channel: named, ts, unfurls, unfurl_id, source }) {
  if (unfurls === undefined || typeof unfurls !== "object" || unfurls === null || !Object.keys(unfurls).length) throw new Refused("missing_unfurls");
  const by_id = unfurl_id !== undefined || source !== undefined;
  const missing = Object.entries(by_id ? { unfurl_id, source } : { channel: named, ts }).find(([, value]) => !value);
  if (missing) throw new Refused(`missing_${missing[0]}`);
  if (by_id && !["composer", "conversations_history"].includes(source)) throw new Refused("invalid_source");
  const share = by_id ? world.screens.shares.get(unfurl_id) : { channel: named, ts };
  if (!share) throw new Refused("invalid_unfurl_id");
  const channel = world.workspace.channels.get(share.channel),
    message = channel?.messages.get(share.ts);
  if (!channel) throw new Refused("cannot_find_channel");
  if (!message) throw new Refused("cannot_find_message");
  for (const [url, card] of Object.entries(unfurls)) {
    if (!(message.links ?? []).includes(url)) throw new Refused("cannot_unfurl_url");
    const errors = card?.blocks ? checkBlocks(card.blocks, `/unfurls/${url}/blocks`) : [];
    if (errors.length) throw invalid("invalid_blocks", errors);
  }
  message.unfurls = { ...message.unfurls, ...unfurls };
  return {};
}

function getPermalink(world, { channel: named, message_ts }) {
  const channel = conversation(world, named);
  if (!channel.messages.has(message_ts)) throw new Refused("message_not_found");
  return { channel: channel.id, permalink: `${world.workspace.team.url}archives/${channel.id}/p${message_ts.replace(".", "")}` };
}

function react(world, { channel: named, timestamp, name }) {
  if (!named || !timestamp) throw new Refused("no_item_specified");
  if (!/^[a-z0-9_+'-]+(::skin-tone-[2-6])?$/.test(name ?? "")) throw new Refused("invalid_name");
  const message = conversation(world, named).messages.get(timestamp),
    by = world.workspace.app.bot_user;
  if (!message) throw new Refused("message_not_found");
  const all = (message.reactions ??= []),
    one = all.find((other) => other.name === name);
  if (one?.users.includes(by)) throw new Refused("already_reacted");
  if (one) {
    one.users.push(by);
    one.count += 1;
  } else all.push({ name, users: [by], count: 1 });
  return {};
}

export const CHAT = {
  "chat.postMessage": { scopes: ["chat:write"], run: postMessage },
  "chat.update": { scopes: ["chat:write"], run: update },
  "chat.postEphemeral": { scopes: ["chat:write"], run: postEphemeral },
  "chat.delete": { scopes: ["chat:write"], run: remove },
  "chat.unfurl": { scopes: ["links:write"], run: unfurl },
  "chat.getPermalink": { run: getPermalink },
  "reactions.add": { scopes: ["reactions:write"], run: react },
};
