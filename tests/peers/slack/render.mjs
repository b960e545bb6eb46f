// What a person reads on a card: its words in order, and what in it links, mentions or can be pressed (docs.slack.dev/messaging/formatting-message-text).
import { elements } from "./normalise.mjs";

const CONTROL = /<([^<>]*)>/g,
  BARE = /\bhttps?:\/\/[^\s<>|]+/g;
const plain = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

class Page {
  constructor() {
    this.words = [];
    this.links = [];
    this.mentions = [];
  }

  /** mrkdwn: <@U…>, <#C…>, <!here>, <!date^…|…> and <url|label> are carried out, inside code too. */
  mrkdwn(text, verbatim) {
    const bare = text.replace(CONTROL, " ");
    if (!verbatim) for (const url of bare.match(BARE) ?? []) this.links.push({ url: plain(url), label: plain(url) });
    let read = "",
      from = 0;
    for (const found of text.matchAll(CONTROL)) {
      read += plain(text.slice(from, found.index)) + this.#control(found[1]);
      from = found.index + found[0].length;
    }
    this.words.push(read + plain(text.slice(from)));
  }

  #control(inner) {
    const bar = inner.indexOf("|"),
      what = bar < 0 ? inner : inner.slice(0, bar),
      label = bar < 0 ? null : plain(inner.slice(bar + 1));
    if (/^[@#!]/.test(what)) {
      if (what.startsWith("!date^")) return label ?? what;
      this.mentions.push(what);
      return label ?? what;
    }
    this.links.push({ url: plain(what), label: label ?? plain(what) });
    return label ?? plain(what);
  }

  text(object) {
    if (object?.type === "mrkdwn") this.mrkdwn(object.text, object.verbatim === true);
    else if (typeof object?.text === "string") this.words.push(plain(object.text));
  }

  rich(element) {
    if (Array.isArray(element.elements)) {
      const inner = new Page();
      for (const one of element.elements) inner.rich(one);
      this.words.push(element.type === "rich_text" || element.type === "rich_text_list" ? inner.words.join("\n") : inner.words.join(""));
      this.links.push(...inner.links);
      this.mentions.push(...inner.mentions);
      return;
    }
    const mention = {
      user: () => `@${element.user_id}`,
      channel: () => `#${element.channel_id}`,
      usergroup: () => `!subteam^${element.usergroup_id}`,
      broadcast: () => `!${element.range}`,
    }[element.type];
    if (mention) this.mentions.push(mention());
    if (element.type === "link") this.links.push({ url: element.url, label: element.text ?? element.url });
    this.words.push(mention?.() ?? element.text ?? element.url ?? element.fallback ?? (element.type === "emoji" ? `:${element.name}:` : ""));
  }

  /** Every text object of a block, in the order that it is shown in. */
  block(value) {
    if (Array.isArray(value)) {
      for (const one of value) this.block(one);
      return;
    }
    if (value === null || typeof value !== "object") return;
    if (value.type === "rich_text") {
      this.rich(value);
      return;
    }
    if (value.type === "markdown") {
      this.mrkdwn(value.text, false);
      return;
    }
    if ((value.type === "plain_text" || value.type === "mrkdwn" || value.type === "raw_text") && typeof value.text === "string") {
      this.text(value);
      return;
    }
    if (typeof value.alt_text === "string") this.words.push(plain(value.alt_text));
    for (const inner of Object.values(value)) this.block(inner);
  }
}

/** {text, links: [{url, label}], mentions: ["@U…", "!channel"], buttons: [{action_id, text, url, style, value}]} of a message or a view. */
export function shown({ text, blocks }) {
  const page = new Page();
  if (blocks?.length) page.block(blocks);
  else page.mrkdwn(text ?? "", false);
  const buttons = elements(blocks)
    .map(({ element }) => element)
    .filter((one) => one.type === "button")
    .map(({ action_id, text: label, url, style, value }) => ({ action_id, text: plain(label.text), url, style, value }));
  return { text: page.words.join("\n"), links: page.links, mentions: page.mentions, buttons };
}
