// Activities as Teams makes them for a bot.
import crypto from "node:crypto";

const LOCALE = "en-US", ZONE = "Europe/Berlin";

// conversation: as World has it; thread: of a channel; user: who acts.
export function activity(world, user, conversation, thread, more) {
  const team = conversation.kind === "channel" ? world.teams.get(conversation.team) : null;
  const now = new Date().toISOString();
  return {
    timestamp: now, localTimestamp: now, id: world.next(), channelId: "msteams", serviceUrl: world.service_url,
    from: world.account(user), recipient: { id: world.bot_id, name: world.bot.name },
    conversation: { ...(team ? { isGroup: true } : {}), conversationType: conversation.kind, tenantId: user.tenant, id: thread ? `${conversation.id};messageid=${thread}` : conversation.id },
    entities: [{ locale: LOCALE, country: "DE", platform: "Web", timezone: ZONE, type: "clientInfo" }],
    channelData: { ...(team ? { teamsChannelId: conversation.id, teamsTeamId: team.id, channel: { id: conversation.id }, team: { id: team.id } } : {}), tenant: { id: user.tenant } },
    locale: LOCALE, localTimezone: ZONE, ...more,
  };
}

export function merged(base, more) {
  if (more === null || typeof more !== "object" || Array.isArray(more) || base === null || typeof base !== "object" || Array.isArray(base)) return more;
  const out = { ...base };
  for (const [name, value] of Object.entries(more)) {
    if (value === null) delete out[name];
    else out[name] = merged(base[name] ?? {}, value);
  }
  return out;
}

export function said(world, text, mention) {
  const at = `<at>${world.bot.name}</at>`;
  const words = mention ? `${at} ${text}` : text;
  const mentions = mention ? [{ mentioned: { id: world.bot_id, name: world.bot.name }, text: at, type: "mention" }] : [];
  const escaped = words.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  return { type: "message", text: words, textFormat: "plain", attachments: [{ contentType: "text/html", content: `<p>${escaped}</p>` }], mentions };
}

export function invoke(message, action, data, trigger) {
  const { type, title, id, verb } = action;
  return { type: "invoke", name: "adaptiveCard/action", id: `f:${crypto.randomUUID()}`, replyToId: message.id,
    value: { action: { type, ...(title === undefined ? {} : { title }), ...(id === undefined ? {} : { id }), ...(verb === undefined ? {} : { verb }), data }, trigger } };
}
