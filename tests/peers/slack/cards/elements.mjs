// Elements of blocks and the composition objects in them: docs.slack.dev/reference/block-kit, as @slack/types tells of it.
import { boolean, integer, list, matching, object, oneOf, plain, string, text, typed, url, word } from "./shapes.mjs";
import { richText } from "./rich_text.mjs";

const id = string(255);
const confirm = object({ text: text(300) }, { title: plain(100), confirm: plain(30), deny: plain(30), style: word("primary", "danger") });
const option = (label) => object({ text: label, value: string(150) }, { description: text(75), url: url() });
const plainOption = option(plain(75)),
  anyOption = option(text(75));
const groups = list(object({ label: plain(75), options: list(plainOption, 100) }), 100);
const dispatch = object({}, { trigger_actions_on: list(word("on_enter_pressed", "on_character_entered"), 2) });
const filter = object({}, { include: list(word("im", "mpim", "private", "public"), 4), exclude_external_shared_channels: boolean, exclude_bot_users: boolean });

const active = (required = {}, optional = {}, more) => object({ type: true, ...required }, { action_id: id, confirm, focus_on_load: boolean, ...optional }, more);
const placed = (required, optional, more) => active(required, { placeholder: plain(150), ...optional }, more);
const typedIn = (required, optional) => placed(required, { dispatch_action_config: dispatch, ...optional });
const several = { max_selected_items: integer(1, 100) };
const single = { response_url_enabled: boolean };
const choice = oneOf("options", "option_groups");
const file = object({}, { url: url(), id }, oneOf("url", "id"));

const button = { action_id: id, value: string(2000), url: url(), style: word("primary", "danger"), confirm, accessibility_label: string(75) };
const feedback = object({ text: plain(75), value: string(2000) }, { accessibility_label: string(75) });
export const image = object({ type: true, alt_text: string(2000) }, { image_url: url(), slack_file: file }, oneOf("image_url", "slack_file"));

export const ELEMENTS = {
  button: object({ type: true, text: plain(75) }, button),
  checkboxes: active({ options: list(anyOption, 10) }, { initial_options: list(anyOption, 10) }),
  datepicker: placed({}, { initial_date: matching(/^\d{4}-\d{2}-\d{2}$/, "a date as YYYY-MM-DD") }),
  datetimepicker: active({}, { initial_date_time: integer(1e9, 1e10 - 1) }),
  email_text_input: typedIn({}, { initial_value: string(3000) }),
  feedback_buttons: object({ type: true, positive_button: feedback, negative_button: feedback }, { action_id: id }),
  file_input: active({}, { filetypes: list(string(255), 100), max_files: integer(1, 10) }),
  icon_button: object(
    { type: true, icon: string(255), text: plain(75) },
    { action_id: id, confirm, value: string(2000), accessibility_label: string(75), visible_to_user_ids: list(id, 100, 0) },
  ),
  image,
  number_input: typedIn({ is_decimal_allowed: boolean }, { initial_value: string(255), min_value: string(255), max_value: string(255) }),
  overflow: object({ type: true, options: list(plainOption, 5) }, { action_id: id, confirm }),
  plain_text_input: typedIn({}, { initial_value: string(3000, 0), multiline: boolean, min_length: integer(0, 3000), max_length: integer(1, 3000) }),
  radio_buttons: active({ options: list(anyOption, 10) }, { initial_option: anyOption }),
  rich_text_input: typedIn({}, { initial_value: richText, min_lines: integer(1, 100), max_lines: integer(1, 100) }),
  timepicker: placed({}, { initial_time: matching(/^([01]\d|2[0-3]):[0-5]\d$/, "a time as HH:mm"), timezone: string(255) }),
  url_text_input: typedIn({}, { initial_value: string(3000) }),
  workflow_button: object({ type: true, text: plain(75), workflow: true }, { action_id: id, style: word("primary", "danger"), accessibility_label: string(75) }),
  static_select: placed({}, { options: list(plainOption, 100), option_groups: groups, initial_option: plainOption }, choice),
  external_select: placed({}, { initial_option: plainOption, min_query_length: integer(0, 100) }),
  users_select: placed({}, { initial_user: id }),
  conversations_select: placed({}, { initial_conversation: id, default_to_current_conversation: boolean, filter, ...single }),
  channels_select: placed({}, { initial_channel: id, ...single }),
  multi_static_select: placed({}, { options: list(plainOption, 100), option_groups: groups, initial_options: list(plainOption, 100), ...several }, choice),
  multi_external_select: placed({}, { initial_options: list(plainOption, 100), min_query_length: integer(0, 100), ...several }),
  multi_users_select: placed({}, { initial_users: list(id, 100), ...several }),
  multi_conversations_select: placed({}, { initial_conversations: list(id, 100), default_to_current_conversation: boolean, filter, ...several }),
  multi_channels_select: placed({}, { initial_channels: list(id, 100), ...several }),
};

const SELECTS = ["static_select", "external_select", "users_select", "conversations_select", "channels_select"];
const MULTI = SELECTS.map((name) => `multi_${name}`);
const CHOICES = ["checkboxes", "datepicker", "radio_buttons", "timepicker", ...SELECTS, ...MULTI];
export const inActions = typed(ELEMENTS, [...CHOICES, "button", "datetimepicker", "overflow", "rich_text_input", "workflow_button"]);
export const inSection = typed(ELEMENTS, [...CHOICES, "button", "image", "overflow", "workflow_button"]);
export const inInput = typed(ELEMENTS, [
  ...CHOICES,
  "datetimepicker",
  "email_text_input",
  "file_input",
  "number_input",
  "plain_text_input",
  "rich_text_input",
  "url_text_input",
]);
export const inContextActions = typed(ELEMENTS, ["feedback_buttons", "icon_button"]);
export const inContext = (say, value, at) => (value?.type === "image" ? image(say, value, at) : text(3000)(say, value, at));
export const file_ = file;
