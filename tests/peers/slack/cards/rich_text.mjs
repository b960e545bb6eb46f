// rich_text: sections, lists, quotes and preformatted text, of known elements only.
import { boolean, integer, list, object, string, typed, url, word } from "./shapes.mjs";

const STYLE = object(
  {},
  { bold: boolean, italic: boolean, strike: boolean, code: boolean, underline: boolean, highlight: boolean, client_highlight: boolean, unlink: boolean },
);
const id = string(255);
const styled = (required, optional = {}) => object({ type: true, ...required }, { style: STYLE, ...optional });

const INLINE = {
  broadcast: styled({ range: word("here", "channel", "everyone") }),
  color: styled({ value: string(255) }),
  channel: styled({ channel_id: id }),
  date: styled({ timestamp: integer(0, 2 ** 40), format: string(3000) }, { url: url(), fallback: string(3000) }),
  emoji: styled({ name: id }, { unicode: id, url: url() }),
  link: styled({ url: url() }, { text: string(3000, 0), unsafe: boolean }),
  team: styled({ team_id: id }),
  text: styled({ text: string(Infinity) }),
  user: styled({ user_id: id }),
  usergroup: styled({ usergroup_id: id }),
};
const border = word(0, 1);
const section = object({ type: true, elements: list(typed(INLINE), Infinity, 0) });
const PARTS = {
  rich_text_section: section,
  rich_text_list: object(
    { type: true, style: word("bullet", "ordered"), elements: list(typed({ rich_text_section: section }), Infinity, 0) },
    { indent: integer(0, 8), offset: integer(0, 2 ** 31), border },
  ),
  rich_text_quote: object({ type: true, elements: list(typed(INLINE), Infinity, 0) }, { border }),
  rich_text_preformatted: object({ type: true, elements: list(typed(INLINE, ["text", "link"]), Infinity, 0) }, { border, language: string(255) }),
};
export const richText = object({ type: true, elements: list(typed(PARTS), Infinity, 0) }, { block_id: string(255) });
