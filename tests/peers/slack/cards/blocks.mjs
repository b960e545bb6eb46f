// Says every violation of Block Kit's published limits and shapes, as Slack words them: "must be less than 151 characters [json-pointer:/blocks/0/text/text]".
// Sources: docs.slack.dev/reference/block-kit, @slack/types; the sum over a message's blocks is not published: github.com/slackapi/bolt-js/issues/2867, 2509.
import { elements } from "../normalise.mjs";
import { ELEMENTS, file_, image, inActions, inContext, inContextActions, inInput, inSection } from "./elements.mjs";
import { richText } from "./rich_text.mjs";
import { boolean, integer, list, object, oneOf, plain, string, text, typed, url, word } from "./shapes.mjs";

export const MESSAGE_TEXT_MAX = 40_000,
  UPDATE_TEXT_MAX = 4000,
  MESSAGE_BLOCKS_MAX = 50,
  VIEW_BLOCKS_MAX = 100,
  BLOCKS_TEXT_MAX = 13_000,
  BLOCK_COSTS = 50,
  VIEW_BYTES_MAX = 250_000;

const block = (required, optional = {}, more) => object({ type: true, ...required }, { block_id: string(255), ...optional }, more);
const button = (say, value, at) => typed(ELEMENTS, ["button"])(say, value, at);
const mrkdwn = (max) => text(max, ["mrkdwn"]);
const cell = typed({
  rich_text: richText,
  raw_text: object({ type: true, text: string(Infinity) }),
  raw_number: object({ type: true, value: true, text: string(Infinity) }),
});
const task = { task_id: string(255), title: string(3000), status: word("pending", "in_progress", "complete", "error") };

const card = block(
  {},
  { hero_image: image, icon: image, title: mrkdwn(150), subtitle: mrkdwn(150), body: mrkdwn(200), actions: list(button, 5) },
  (say, value, at) => {
    if (!["hero_image", "title", "actions", "body"].some((key) => value[key] !== undefined)) say(at, "must have at least one of hero_image, title, actions, body");
  },
);

const BLOCKS = {
  actions: block({ elements: list(inActions, 25) }),
  alert: block({ text: text(3000) }, { level: word("default", "info", "warning", "error", "success") }),
  card,
  carousel: block({ elements: list(typed({ card }), 10) }),
  container: (say, value, at) =>
    block(
      { child_blocks: list(typed(BLOCKS, INSIDE), 10) },
      {
        title: plain(150),
        rich_text_title: richText,
        subtitle: text(150),
        width: word("narrow", "standard", "wide", "full"),
        icon: image,
        is_collapsible: boolean,
        default_collapsed: boolean,
        has_header_divider: boolean,
      },
    )(say, value, at),
  context: block({ elements: list(inContext, 10) }),
  context_actions: block({ elements: list(inContextActions, 5) }),
  data_table: block({ rows: list(list(cell, 20), 200), caption: string(3000) }, { page_size: integer(1, 100), row_header_column_index: integer(0, 19) }),
  divider: block({}),
  file: block({ source: word("remote"), external_id: string(255) }),
  header: block({ text: plain(150) }, { level: integer(1, 4) }),
  image: block({ alt_text: string(2000) }, { image_url: url(), slack_file: file_, title: plain(2000) }, oneOf("image_url", "slack_file")),
  input: block({ label: plain(2000), element: inInput }, { hint: plain(2000), optional: boolean, dispatch_action: boolean }),
  markdown: block({ text: string(12_000) }),
  plan: block({ title: string(3000) }, { tasks: true }),
  rich_text: richText,
  section: block({}, { text: text(3000), fields: list(text(2000), 10), accessory: inSection, expand: boolean }, (say, value, at) => {
    if (value.text === undefined && value.fields === undefined) say(at, "missing required field: text");
  }),
  table: block(
    { rows: list(list(cell, 20), 100) },
    {
      column_settings: list(
        (say, value, at) => {
          if (value !== null) object({}, { align: word("left", "center", "right"), is_wrapped: boolean })(say, value, at);
        },
        20,
        0,
      ),
    },
  ),
  task_card: block(task, { details: richText, output: richText, sources: list(object({ type: word("url"), url: url(), text: string(3000) }), 100, 0) }),
  video: block(
    { video_url: url(), thumbnail_url: url(), alt_text: string(2000), title: plain(199) },
    { title_url: url(), author_name: string(49), provider_name: string(255), provider_icon_url: url(), description: plain(3000) },
  ),
};
const INSIDE = ["actions", "context", "divider", "file", "header", "image", "input", "rich_text", "section", "table", "video"];
const IN_MESSAGES = Object.keys(BLOCKS).filter((name) => name !== "file");
const IN_MODALS = ["actions", "alert", "context", "divider", "header", "image", "input", "rich_text", "section", "table", "video"];

/** Ids that are there twice: a block_id in one surface, an action_id in one block. */
function doubled(say, blocks, at) {
  const seen = new Set();
  blocks.forEach((one, index) => {
    if (typeof one?.block_id === "string") {
      if (seen.has(one.block_id)) say(`${at}/${index}/block_id`, `\`block_id\` already exists: ${one.block_id}`);
      seen.add(one.block_id);
    }
    const actions = new Set();
    for (const { element } of elements([one])) {
      if (actions.has(element.action_id)) say(`${at}/${index}/elements`, `\`action_id\` already exists: ${element.action_id}`);
      actions.add(element.action_id);
    }
  });
}

function findings(run) {
  const all = [];
  run((at, what) => {
    if (all.length < 100) all.push(`${what} [json-pointer:${at}]`);
  });
  return all;
}

/** Every violation in a message's blocks; none: []. */
export function checkBlocks(blocks, at = "/blocks", max = MESSAGE_BLOCKS_MAX, allowed = IN_MESSAGES) {
  return findings((say) => {
    list(typed(BLOCKS, allowed), max, 0)(say, blocks, at);
    if (Array.isArray(blocks)) doubled(say, blocks, at);
  });
}

/** Every violation in a modal or home view; none: []. */
export function checkView(view) {
  const home = view?.type === "home",
    common = { private_metadata: string(3000, 0), callback_id: string(255, 0), external_id: string(255, 0) };
  const inner = Array.isArray(view?.blocks) ? checkBlocks(view.blocks, "/view/blocks", VIEW_BLOCKS_MAX, IN_MODALS) : [];
  const outer = findings((say) =>
    typed({
      home: object({ type: true, blocks: list(() => {}, Infinity, 0) }, common),
      modal: object(
        { type: true, title: plain(24), blocks: list(() => {}, Infinity, 0) },
        { ...common, close: plain(24), submit: plain(24), clear_on_close: boolean, notify_on_close: boolean, submit_disabled: boolean },
        (tell, value, at) => {
          if (Array.isArray(value.blocks) && value.blocks.some((one) => one?.type === "input") && value.submit === undefined)
            tell(at, "missing required field: submit");
        },
      ),
    })(say, view, "/view"),
  );
  return [...outer, ...inner];
}

/** What the text of all blocks comes to against BLOCKS_TEXT_MAX: its characters, and a share for each block. */
export function weight(blocks) {
  let sum = blocks.length * BLOCK_COSTS;
  const add = (value) => {
    if (Array.isArray(value)) value.forEach(add);
    else if (value !== null && typeof value === "object")
      for (const [key, inner] of Object.entries(value))
        if (key === "text" && typeof inner === "string") sum += [...inner].length;
        else add(inner);
  };
  add(blocks);
  return sum;
}

/** A message's error word as Slack's Web API has it, with what is wrong: null where nothing is. */
export function checkMessage({ text: fallback, blocks }, text_max = MESSAGE_TEXT_MAX) {
  const given = blocks !== undefined && blocks !== null ? checkBlocks(blocks) : [];
  if (given.length) return { error: "invalid_blocks", errors: given };
  if (fallback !== undefined && [...fallback].length > text_max) return { error: "msg_too_long", errors: [] };
  if (blocks?.length && weight(blocks) > BLOCKS_TEXT_MAX) return { error: "msg_blocks_too_long", errors: [] };
  return null;
}
