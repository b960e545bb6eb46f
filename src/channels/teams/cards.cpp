#include "channels/teams/cards.h"

#include "doc/json.h"

namespace keyturn::channels::teams {
namespace {

constexpr std::string_view kCard = "application/vnd.microsoft.card.adaptive",
                           kText = "application/vnd.microsoft.activity.message";
constexpr std::size_t kWordsMax = 1000;

std::string answer(std::string_view type, doc::Value value) {
  return doc::write_json(
      doc::object({{"statusCode", 200}, {"type", type}, {"value", std::move(value)}}));
}

// A line that Teams may read as Markdown: nothing in it can be a link, a tag or a macro.
std::string harmless(std::string_view words) {
  std::string out;
  for (const char c :
       render::to_plain_text(render::render_text(words, render::Style::kProse).runs)) {
    if (out.size() >= kWordsMax && (static_cast<unsigned char>(c) & 0xC0) != 0x80) break;
    constexpr std::string_view kActive = "<>[]{}`*#|\\~";
    out += kActive.contains(c) || c == '\n' ? ' ' : c;
  }
  return out;
}

}  // namespace

doc::Value message_of(doc::Value card, std::string_view summary) {
  doc::Array attachments;
  attachments.push_back(doc::object({{"contentType", kCard}, {"content", std::move(card)}}));
  return doc::object(
      {{"type", "message"}, {"summary", summary}, {"attachments", std::move(attachments)}});
}

std::string card_answer(doc::Value card) {
  return answer(kCard, std::move(card));
}

std::string words_answer(std::string_view words) {
  return answer(kText, harmless(words));
}

doc::Value card_of(Words words) {
  doc::Array body = render::adaptive_lines(words.heading, {.bold = true, .large = true});
  const auto add = [&](doc::Array lines) {
    if (!lines.empty()) lines.front().set("spacing", "Default");
    for (doc::Value& line : lines) body.push_back(std::move(line));
  };
  for (const std::string& line : words.lines) add(render::adaptive_lines(line));
  for (const render::Field& field : words.fields)
    add(render::adaptive_field(field, {.bold = true}));
  return render::adaptive_document(std::move(body), std::move(words.actions));
}

doc::Value open_page(std::string title, const std::string& url) {
  return doc::object({{"type", "Action.OpenUrl"}, {"title", std::move(title)}, {"url", url}});
}

}  // namespace keyturn::channels::teams
