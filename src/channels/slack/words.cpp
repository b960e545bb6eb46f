#include "channels/slack/words.h"

#include <algorithm>

#include "base/bytes.h"
#include "doc/json.h"
#include "render/runs.h"

namespace keyturn::channels::slack {
namespace {

using render::RichText;
using render::Runs;
using render::Style;

constexpr std::size_t kInputMax = 3000;    // Slack's own limit of an input
constexpr std::size_t kCommentMax = 2500;  // characters that are shown of one

Runs prose(std::string_view text) {
  return render::render_text(text, Style::kProse).runs;
}

// Of a text, as much as is shown of a comment. True: there is more.
std::pair<Runs, bool> beginning_of(std::string_view text) {
  std::size_t most = kCommentMax;
  while (true) {
    std::size_t end = 0;
    for (std::size_t n = 0; n < most && end < text.size(); ++n) next_code_point(text, end);
    Runs runs = prose(text.substr(0, end));
    const std::size_t shown = render::characters(render::to_plain_text(runs));
    if (shown <= kCommentMax || most <= 1) return {std::move(runs), end < text.size()};
    most = std::min(most - 1, most * kCommentMax / shown);  // marked characters take more
  }
}

doc::Value dialog(std::string_view kind, std::string_view title, std::string_view submit,
                  const doc::Value& back, RichText& above, doc::Value input,
                  std::string_view label) {
  doc::Array blocks;
  blocks.push_back(above.block());
  blocks.push_back(doc::object({{"type", "input"},
                                {"block_id", "text"},
                                {"label", render::slack_plain(label)},
                                {"element", std::move(input)}}));
  return doc::object({{"type", "modal"},
                      {"callback_id", kind},
                      {"private_metadata", doc::write_json(back)},
                      {"title", render::slack_plain(title, 24)},
                      {"submit", render::slack_plain(submit, 24)},
                      {"close", render::slack_plain("Cancel", 24)},
                      {"blocks", std::move(blocks)}});
}

doc::Value text_input() {
  return doc::object({{"type", "plain_text_input"},
                      {"action_id", "text"},
                      {"multiline", true},
                      {"max_length", static_cast<std::uint64_t>(kInputMax)}});
}

}  // namespace

doc::Value message_of(RichText& text, std::string_view fallback) {
  doc::Array blocks;
  blocks.push_back(text.block());
  return doc::object({{"blocks", std::move(blocks)}, {"text", render::slack_escaped(fallback)}});
}

doc::Value words_of(std::string_view words) {
  RichText text;
  text.literal(prose(words), false);
  return message_of(text, "Keyturn answers.");
}

Form arguments_of(const doc::Value& message) {
  return {{"text", std::string(message.text("text"))},
          {"blocks", doc::write_json(*message.find("blocks"))},
          {"unfurl_links", "false"},
          {"unfurl_media", "false"}};
}

std::string error_text(std::string_view words) {
  std::string out = render::to_plain_text(prose(words));
  std::ranges::replace(out, '\n', ' ');
  return out.substr(0, 1000);
}

void say_what(RichText& to, const render::Card& card) {
  if (card.status.empty())
    to.own(card.action);
  else
    to.literal_line(card.status.front().value);
}

render::Card empty_card(const render::Card& card, std::string remark) {
  render::Card out;
  out.action = card.action;
  out.digest = card.digest;
  out.heading = card.heading;
  out.page = card.page;
  out.remarks = {std::move(remark)};
  out.buttons = {{render::CardButton::Kind::kOpen, "Open"}};
  return out;
}

render::Card short_card(render::Card card) {
  card.shown.clear();
  if (card.status.size() > 1) card.status.resize(1);
  card.whole = false;
  return card;
}

doc::Value reminder_of(const render::Card& card, const std::vector<std::string>& mentions,
                       bool escalated) {
  RichText text;
  for (const std::string& user : mentions) text.mention(user).own(" ");
  const std::string words =
      escalated ? "Escalated: it still waits for people" : "Reminder: it still waits for people";
  text.own(words + ": ", true);
  say_what(text, card);
  text.own(" ").link(card.page, "Open");
  return message_of(text, words + " (" + card.action + ")");
}

RichText comment_of(const gate::Comment& comment) {
  const auto [runs, is_cut] = beginning_of(comment.text);
  RichText text;
  text.literal_line(render::render_text(comment.by).runs, false).own(" comments:");
  text.preformatted(runs);
  if (is_cut) text.own("(cut: open the page to see all of it)", false, true);
  return text;
}

doc::Value comments_of(const gate::ActionRecord& record, const std::vector<std::size_t>& which) {
  doc::Array blocks;
  for (const std::size_t one : which) blocks.push_back(comment_of(record.comments[one]).block());
  const std::string fallback =
      which.size() == 1 ? "A comment" : std::to_string(which.size()) + " comments";
  return doc::object({{"blocks", std::move(blocks)}, {"text", fallback}});
}

doc::Value comment_left_out(const gate::Comment& comment, std::string_view page) {
  RichText text;
  text.literal_line(render::render_text(comment.by).runs, false)
      .own(" comments what Slack does not take: ")
      .link(page, "open the page to see it");
  return message_of(text, "A comment");
}

doc::Value unfurl_of(const render::Card& card) {
  RichText text;
  text.own(card.heading + ": ", true);
  say_what(text, card);
  doc::Array blocks;
  blocks.push_back(text.block());
  return doc::object({{"blocks", std::move(blocks)}});
}

doc::Value deny_dialog(const render::Card& card, const doc::Value& back) {
  RichText above;
  above.own("Deny ", true);
  say_what(above, card);
  return dialog("deny", "Deny", "Deny", back, above, text_input(), "Why? Others see it");
}

doc::Value comment_dialog(const render::Card& card, const doc::Value& back) {
  RichText above;
  above.own("Comment on ", true);
  say_what(above, card);
  return dialog("comment", "Comment", "Comment", back, above, text_input(), "What others see");
}

doc::Value link_question(const Links::Attempt& attempt, std::string_view name) {
  RichText text;
  text.own("Are you ").literal_line(render::render_text(attempt.person).runs);
  if (!name.empty() && name != attempt.person)
    text.own(", ").literal_line(render::render_text(name).runs);
  text.own(
      " in Keyturn? Say yes only if you made this code yourself, signed in to Keyturn. From "
      "then on your clicks here count as that person's.");
  const auto button = [&](std::string_view id, std::string_view label) {
    return doc::object({{"type", "button"},
                        {"action_id", id},
                        {"text", render::slack_plain(label, 75)},
                        {"value", attempt.id}});
  };
  doc::Array buttons;
  buttons.push_back(button("link_yes", "Yes, that is me"));
  buttons.push_back(button("link_no", "No"));
  doc::Value out = message_of(text, "Is that you in Keyturn?");
  out.find("blocks");
  doc::Array blocks = out.find("blocks")->as_array();
  blocks.push_back(doc::object({{"type", "actions"}, {"elements", std::move(buttons)}}));
  out.set("blocks", std::move(blocks));
  return out;
}

doc::Value help() {
  RichText text;
  text.own("/keyturn list", true).own("  what waits for you").line();
  text.own("/keyturn show ACTION", true).own("  the whole picture of one action").line();
  text.own("/keyturn link CODE", true)
      .own("  link this Slack account to you; your account page in Keyturn makes the code")
      .line();
  text.own("/keyturn unlink", true).own("  how to end that");
  return message_of(text, "What Keyturn can do here");
}

}  // namespace keyturn::channels::slack
