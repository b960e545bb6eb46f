// What a person put into the inputs of a card: `state.values`, and the action of one element.
import { elements } from "./normalise.mjs";

const BUTTONS = new Set(["button", "overflow", "icon_button", "feedback_buttons", "workflow_button"]);

const options = (element) => [...(element.options ?? []), ...(element.option_groups ?? []).flatMap((group) => group.options)];

function option(element, wanted) {
  const found = wanted && typeof wanted === "object" ? wanted : options(element).find((one) => one.value === wanted || one.text.text === wanted);
  if (!found)
    throw new Error(
      `${element.action_id}: there is no option ${JSON.stringify(wanted)}; there are ${options(element)
        .map((one) => one.value)
        .join(", ")}`,
    );
  return found;
}

const FIELDS = {
  static_select: ["selected_option", "initial_option", option],
  external_select: ["selected_option", "initial_option", option],
  radio_buttons: ["selected_option", "initial_option", option],
  users_select: ["selected_user", "initial_user"],
  conversations_select: ["selected_conversation", "initial_conversation"],
  channels_select: ["selected_channel", "initial_channel"],
  multi_users_select: ["selected_users", "initial_users"],
  multi_conversations_select: ["selected_conversations", "initial_conversations"],
  multi_channels_select: ["selected_channels", "initial_channels"],
  datepicker: ["selected_date", "initial_date"],
  timepicker: ["selected_time", "initial_time"],
  datetimepicker: ["selected_date_time", "initial_date_time"],
  rich_text_input: ["rich_text_value", "initial_value"],
};
const MANY = new Set(["checkboxes", "multi_static_select", "multi_external_select"]);

/** What an input holds, in the fields that Slack has for it. `wanted` undefined: what it began with. */
export function held(element, wanted) {
  const { type } = element;
  if (MANY.has(type)) return { type, selected_options: wanted === undefined ? (element.initial_options ?? []) : wanted.map((one) => option(element, one)) };
  const [field, initial, read = (_, value) => value] = FIELDS[type] ?? ["value", "initial_value"];
  const empty = field.endsWith("s") && type.startsWith("multi_") ? [] : null;
  return { type, [field]: wanted === undefined || wanted === null ? (wanted === null ? empty : (element[initial] ?? empty)) : read(element, wanted) };
}

const empty = ({ type, ...fields }) => Object.values(fields).every((value) => value === null || value === "" || (Array.isArray(value) && !value.length));

/** {values} for the app, and what the person's own client says is missing or of a wrong length. `given` is by action_id or block_id. */
export function state(blocks, given = {}) {
  const values = {},
    errors = {};
  const known = new Set();
  for (const { block_id, element } of elements(blocks)) {
    if (BUTTONS.has(element.type)) continue;
    for (const name of [element.action_id, block_id]) known.add(name);
    const wanted = Object.hasOwn(given, element.action_id) ? given[element.action_id] : given[block_id];
    const value = held(element, wanted);
    (values[block_id] ??= {})[element.action_id] = value;
    const block = blocks.find((one) => one.block_id === block_id);
    if (block?.type !== "input") continue;
    if (empty(value)) {
      if (!block.optional) errors[block_id] = "Please complete this required field.";
      continue;
    }
    const length = typeof value.value === "string" ? value.value.length : null;
    if (length !== null && element.min_length && length < element.min_length) errors[block_id] = `Please enter at least ${element.min_length} characters.`;
    if (length !== null && length > (element.max_length ?? 3000)) errors[block_id] = `Please enter no more than ${element.max_length ?? 3000} characters.`;
  }
  for (const name of Object.keys(given)) if (!known.has(name)) throw new Error(`there is no input ${name}; there are ${[...known].join(", ")}`);
  return { values, errors };
}

/** The one entry of `actions` for an element that a person used. */
export function action(block_id, element, wanted, action_ts) {
  const common = { action_id: element.action_id, block_id, type: element.type, action_ts };
  if (element.type === "button" || element.type === "icon_button") {
    const { text, value, style, url, confirm } = element;
    return JSON.parse(JSON.stringify({ ...common, text, value, style, url, confirm }));
  }
  if (element.type === "overflow") return { ...common, selected_option: option(element, wanted) };
  if (element.type === "feedback_buttons") return { ...common, value: wanted };
  return { ...common, ...held(element, wanted) };
}
