// An app manifest against docs.slack.dev/reference/app-manifest: limits, the names of scopes and events, https.
import { boolean, integer, list, matching, object, string, url, word } from "./shapes.mjs";

const BOT_SCOPES = `
  app_mentions:read assistant:write bookmarks:read bookmarks:write calls:read calls:write canvases:read canvases:write channels:history channels:join
  channels:manage channels:read channels:write.invites channels:write.topic chat:write chat:write.customize chat:write.public commands
  conversations.connect:manage conversations.connect:read conversations.connect:write datastore:read datastore:write dnd:read emoji:read files:read
  files:write groups:history groups:read groups:write groups:write.invites groups:write.topic im:history im:read im:write incoming-webhook
  links.embed:write links:read links:write lists:read lists:write metadata.message:read mpim:history mpim:read mpim:write mpim:write.invites
  mpim:write.topic pins:read pins:write reactions:read reactions:write reminders:read reminders:write remote_files:read remote_files:share
  remote_files:write search:read.public team.billing:read team.preferences:read team:read triggers:read triggers:write usergroups:read
  usergroups:write users.profile:read users:read users:read.email users:write workflow.steps:execute`
  .trim()
  .split(/\s+/);
const BOT_EVENTS = `
  app_context_changed app_home_opened app_mention app_rate_limited app_uninstalled assistant_thread_context_changed assistant_thread_started
  channel_archive channel_created channel_deleted channel_history_changed channel_id_changed channel_left channel_rename channel_shared
  channel_unarchive channel_unshared dnd_updated_user email_domain_changed emoji_changed file_change file_created file_deleted file_public file_shared
  file_unshared function_executed group_archive group_close group_deleted group_history_changed group_left group_open group_rename group_unarchive
  im_history_changed link_shared member_joined_channel member_left_channel message.channels message.groups message.im message.mpim
  message_metadata_deleted message_metadata_posted message_metadata_updated pin_added pin_removed reaction_added reaction_removed
  shared_channel_invite_accepted shared_channel_invite_approved shared_channel_invite_declined shared_channel_invite_received star_added star_removed
  subteam_created subteam_members_changed subteam_updated team_access_granted team_access_revoked team_domain_change team_join team_rename
  tokens_revoked user_change user_huddle_changed user_profile_changed user_status_changed workflow_deleted workflow_published`
  .trim()
  .split(/\s+/);
// The scope without which an event is not sent.
export const EVENT_NEEDS = {
  app_mention: "app_mentions:read",
  link_shared: "links:read",
  "message.channels": "channels:history",
  "message.groups": "groups:history",
  "message.im": "im:history",
  "message.mpim": "mpim:history",
  reaction_added: "reactions:read",
  reaction_removed: "reactions:read",
  user_change: "users:read",
  team_join: "users:read",
};

const https = (say, value, at) => {
  url()(say, value, at);
  if (typeof value === "string" && !value.startsWith("https://")) say(at, "must be an https url");
};
const command = object(
  { command: matching(/^\/\S{1,31}$/, "a command of at most 32 characters that begins with /"), description: string(2000) },
  { url: https, usage_hint: string(1000), should_escape: boolean },
);
const shortcut = object({ type: word("global", "message"), name: string(24), callback_id: string(255), description: string(150) });
const agent = object(
  {},
  {
    agent_description: string(300),
    assistant_description: string(300),
    suggested_prompts: list(object({ title: string(255), message: string(3000) }), 4, 0),
    actions: true,
  },
);

const MANIFEST = object(
  {
    display_information: object(
      { name: string(35) },
      { description: string(140), long_description: string(4000), background_color: matching(/^#([0-9a-fA-F]{3}){1,2}$/, "a colour as #000 or #000000") },
    ),
  },
  {
    _metadata: object({}, { major_version: integer(1, 2), minor_version: integer(0, 100) }),
    features: object(
      {},
      {
        agent_view: agent,
        assistant_view: agent,
        app_home: object({}, { home_tab_enabled: boolean, messages_tab_enabled: boolean, messages_tab_read_only_enabled: boolean }),
        bot_user: object({ display_name: matching(/^[\p{L}\p{N} _.-]{1,80}$/u, "a name of at most 80 characters") }, { always_online: boolean }),
        shortcuts: list(shortcut, 10, 0),
        slash_commands: list(command, 50, 0),
        unfurl_domains: list(matching(/^[a-z0-9.-]+\.[a-z]{2,}$/i, "a domain"), 5, 0),
      },
    ),
    oauth_config: object(
      {},
      {
        redirect_urls: list(https, 1000, 0),
        token_management_enabled: boolean,
        scopes: object(
          {},
          {
            bot: list(word(...BOT_SCOPES), 255, 0),
            user: list(string(255), 255, 0),
            bot_optional: list(word(...BOT_SCOPES), 255, 0),
            user_optional: list(string(255), 255, 0),
          },
        ),
      },
    ),
    settings: object(
      {},
      {
        allowed_ip_address_ranges: list(string(64), 50, 0),
        event_subscriptions: object(
          {},
          { request_url: https, bot_events: list(word(...BOT_EVENTS), 100, 0), user_events: list(string(255), 100, 0), metadata_subscriptions: true },
        ),
        incoming_webhooks: object({}, { incoming_webhooks_enabled: boolean }),
        interactivity: object({ is_enabled: boolean }, { request_url: https, message_menu_options_url: https }),
        org_deploy_enabled: boolean,
        socket_mode_enabled: boolean,
        token_rotation_enabled: boolean,
        function_runtime: word("local", "slack", "remote"),
        is_hosted: boolean,
        hermes_app_type: string(255),
      },
    ),
    functions: true,
    outgoing_domains: list(string(255), 10, 0),
  },
);

/** [{message, pointer}]; none: []. */
export function checkManifest(manifest) {
  const found = [],
    say = (pointer, message) => {
      if (found.length < 100) found.push({ message, pointer: pointer || "/" });
    };
  MANIFEST(say, manifest, "");
  if (found.length) return found;
  const { settings = {}, features = {}, oauth_config = {} } = manifest,
    socket = settings.socket_mode_enabled === true,
    scopes = oauth_config.scopes?.bot ?? [];
  const events = settings.event_subscriptions;
  if (events?.bot_events?.length && !socket && !events.request_url)
    say("/settings/event_subscriptions", "Event Subscription requires either Request URL or Socket Mode Enabled");
  if (settings.interactivity?.is_enabled && !socket && !settings.interactivity.request_url) say("/settings/interactivity", "Interactivity requires a Request URL");
  for (const [index, one] of (features.slash_commands ?? []).entries())
    if (!socket && !one.url) say(`/features/slash_commands/${index}`, "Slash command requires a url");
  for (const [index, event] of (events?.bot_events ?? []).entries()) {
    if (EVENT_NEEDS[event] && !scopes.includes(EVENT_NEEDS[event]))
      say(`/settings/event_subscriptions/bot_events/${index}`, `Event ${event} requires the scope ${EVENT_NEEDS[event]}`);
  }
  if (features.slash_commands?.length && !scopes.includes("commands")) say("/oauth_config/scopes/bot", "Slash commands require the scope commands");
  if (scopes.length && !features.bot_user) say("/features", "Bot scopes require a bot user");
  if (events?.bot_events?.includes("link_shared") && !features.unfurl_domains?.length) say("/features", "link_shared requires unfurl_domains");
  return found;
}
