// Blocks as Slack keeps them: with the ids and the defaults that were left out.
import { word } from "./clock.mjs";

const ACTIVE = new Set([
  "button",
  "checkboxes",
  "datepicker",
  "datetimepicker",
  "email_text_input",
  "feedback_buttons",
  "file_input",
  "icon_button",
  "number_input",
  "overflow",
  "plain_text_input",
  "radio_buttons",
  "rich_text_input",
  "timepicker",
  "url_text_input",
  "workflow_button",
  "static_select",
  "external_select",
  "users_select",
  "conversations_select",
  "channels_select",
  "multi_static_select",
  "multi_external_select",
  "multi_users_select",
  "multi_conversations_select",
  "multi_channels_select",
]);

function filled(value) {
  if (Array.isArray(value)) return value.map(filled);
  if (value === null || typeof value !== "object") return value;
  const one = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, filled(inner)]));
  if (one.type === "plain_text" && typeof one.text === "string") one.emoji ??= true;
  if (one.type === "mrkdwn" && typeof one.text === "string") one.verbatim ??= false;
  if (ACTIVE.has(one.type)) one.action_id ??= word();
  return one;
}

export const normalise = (blocks) => blocks.map((block) => ({ ...filled(block), block_id: block.block_id || word() }));

/** Everything in a card that can be acted on: {block_id, element}. */
export function elements(blocks) {
  const found = [];
  const look = (block_id, value) => {
    if (Array.isArray(value)) {
      for (const one of value) look(block_id, one);
      return;
    }
    if (value === null || typeof value !== "object") return;
    if (ACTIVE.has(value.type) && value.action_id) found.push({ block_id, element: value });
    for (const [key, inner] of Object.entries(value)) look(key === "child_blocks" ? undefined : (value.block_id ?? block_id), inner);
  };
  for (const block of blocks ?? []) look(block.block_id, block);
  return found;
}
