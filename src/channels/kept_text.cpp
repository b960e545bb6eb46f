#include "channels/kept_text.h"

#include "doc/json.h"

namespace keyturn::channels {

std::string text_of(const Kept& kept) {
  return doc::write_json(doc::object({{"word", kept.word},
                                      {"memo", kept.memo},
                                      {"dead", kept.dead},
                                      {"why", kept.why},
                                      {"at", to_rfc3339(kept.at)}}));
}

std::optional<Kept> kept_from_text(const std::string& text) {
  const Result<doc::Value> value = doc::parse_json(text);
  if (!value || !value->is_object()) return std::nullopt;
  const auto at = from_rfc3339(value->text("at"));
  if (!at) return std::nullopt;
  const doc::Value* memo = value->find("memo");
  return Kept{std::string(value->text("word")), memo == nullptr ? doc::Value(nullptr) : *memo,
              std::string(value->text("dead")), std::string(value->text("why")), *at};
}

}  // namespace keyturn::channels
