// conversations.*
import { Refused, required } from "../refuse.mjs";
import { conversation } from "./chat.mjs";

const kind = (world, named) => {
  const channel = world.workspace.conversation(named);
  return channel?.is_im ? "im" : channel?.is_private ? "groups" : "channels";
};

function told(channel) {
  const { id, name, created, is_private, is_archived, is_ext_shared, is_im, user, members } = channel;
  const common = { id, created, is_archived, is_im, is_org_shared: false, is_ext_shared, is_shared: is_ext_shared, context_team_id: undefined };
  if (is_im) return { ...common, user, is_user_deleted: false, latest: null, unread_count: 0, is_open: true, priority: 0 };
  return {
    ...common,
    name,
    name_normalized: name,
    is_channel: !is_private,
    is_group: is_private,
    is_mpim: false,
    is_private,
    is_general: false,
    is_member: true,
    creator: [...members][0],
    topic: { value: "", creator: "", last_set: 0 },
    purpose: { value: "", creator: "", last_set: 0 },
    previous_names: [],
  };
}

function open(world, { users, channel: named, return_im }) {
  if (!users && !named) throw new Refused("users_list_not_supplied");
  const list = users
    ? String(users)
        .split(",")
        .map((one) => one.trim())
    : [];
  if (list.length > 1) throw new Refused("method_not_supported_for_channel_type");
  const user = named ? null : world.workspace.users.get(list[0]);
  if (!named && !user) throw new Refused("user_not_found");
  if (user?.deleted) throw new Refused("user_disabled");
  if (user?.is_bot) throw new Refused("cannot_dm_bot");
  const channel = named ? conversation(world, named) : world.workspace.direct(user.id);
  return { channel: return_im ? { ...told(channel), user: channel.user } : { id: channel.id } };
}

function info(world, given) {
  required(given, "channel");
  const channel = conversation(world, given.channel);
  return {
    channel: {
      ...told(channel),
      ...(channel.is_im ? {} : { is_member: channel.members.has(world.workspace.app.bot_user) }),
      ...(given.include_num_members ? { num_members: channel.members.size } : {}),
    },
  };
}

function page(messages, { limit = 1000, cursor }) {
  const from = cursor
    ? Number(
        Buffer.from(cursor, "base64")
          .toString()
          .replace(/^next_ts:/, ""),
      )
    : 0;
  if (!Number.isInteger(from) || from < 0) throw new Refused("invalid_cursor");
  const most = Math.min(Math.max(Number(limit) || 1000, 1), 1000),
    next = from + most;
  const more = next < messages.length;
  return {
    messages: messages.slice(from, next),
    has_more: more,
    ...(more ? { response_metadata: { next_cursor: Buffer.from(`next_ts:${next}`).toString("base64") } } : {}),
  };
}

const within = (message, { oldest = "0", latest, inclusive }) => {
  const at = Number(message.ts),
    from = Number(oldest),
    to = latest === undefined ? Infinity : Number(latest);
  return inclusive ? at >= from && at <= to : at > from && at < to;
};

function member(world, channel) {
  if (!channel.members.has(world.workspace.app.bot_user)) throw new Refused("not_in_channel");
  return channel;
}

function replies(world, given) {
  required(given, "channel", "ts");
  const channel = member(world, conversation(world, given.channel)),
    parent = channel.messages.get(given.ts);
  if (!parent) throw new Refused("thread_not_found");
  const all = [...channel.messages.values()].filter((one) => one === parent || (one.thread_ts === given.ts && within(one, given)));
  return page(
    all.map((one) => world.workspace.seen(one)),
    given,
  );
}

function history(world, given) {
  required(given, "channel");
  const channel = member(world, conversation(world, given.channel));
  const all = [...channel.messages.values()].filter((one) => (!one.thread_ts || one.thread_ts === one.ts) && within(one, given)).reverse();
  return page(
    all.map((one) => world.workspace.seen(one)),
    given,
  );
}

const reading =
  (what) =>
  (world, { channel }) => [`${kind(world, channel)}:${what}`];

export const CONVERSATIONS = {
  "conversations.open": { scopes: ["im:write", "mpim:write"], run: open },
  "conversations.info": { scopes: reading("read"), run: info },
  "conversations.replies": { scopes: reading("history"), run: replies },
  "conversations.history": { scopes: reading("history"), run: history },
};
