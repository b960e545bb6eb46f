#include "connectors/mcp/outcome.h"

#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::connectors::mcp {
namespace {

constexpr std::size_t kSaidBytesMax = 500;
constexpr std::size_t kBeginningBytes = 16 * 1024;

// The first text of a tool's result.
std::string first_text(const doc::Value& result) {
  const doc::Value* content = result.find("content");
  if (content == nullptr || !content->is_array()) return "";
  for (const doc::Value& block : content->as_array()) {
    if (block.text("type") == "text") return std::string(block.text("text"));
  }
  return "";
}

// What of it the record can keep: all of it, or what tells it again.
void keep(Outcome& outcome, const doc::Value& said, std::int64_t bytes_max) {
  const std::string text = doc::write_json(said);
  const bool fits = text.size() <= static_cast<std::size_t>(bytes_max);
  if (fits && doc::canonical(said)) {
    outcome.result = said;
    return;
  }
  outcome.truncated = !fits;
  outcome.result =
      doc::object({{"bytes", static_cast<std::int64_t>(text.size())},
                   {"digest", crypto::sha256_text(text)},
                   {"beginning", beginning(text, fits ? text.size() : kBeginningBytes)}});
}

}  // namespace

std::string beginning(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

Outcome failed(std::string why) {
  Outcome out;
  out.kind = OutcomeKind::kFailed;
  out.reason = std::move(why);
  return out;
}

Outcome unknown(std::string why) {
  Outcome out;
  out.kind = OutcomeKind::kUnknown;
  out.reason = std::move(why);
  return out;
}

Outcome outcome_of(const doc::Value& response, std::int64_t bytes_max) {
  Outcome out;
  if (const doc::Value* error = response.find("error")) {
    out.kind = OutcomeKind::kFailed;
    out.reason = beginning(error->text("message"), kSaidBytesMax);
    keep(out, doc::object({{"error", *error}}), bytes_max);
    return out;
  }
  static const doc::Value kNothing = doc::Object{};
  const doc::Value* result = response.find("result");
  if (result == nullptr) result = &kNothing;
  out.kind = result->flag("isError") ? OutcomeKind::kFailed : OutcomeKind::kSucceeded;
  if (out.kind == OutcomeKind::kFailed) out.reason = beginning(first_text(*result), kSaidBytesMax);
  keep(out, *result, bytes_max);
  return out;
}

doc::Value result_of(const Outcome& outcome, bool modern) {
  doc::Value said = to_value(outcome);
  std::string text = outcome.stdout_text;
  if (outcome.rows) text = doc::write_json(*outcome.rows);
  // Of a run: what its runbook gives. Many a client shows its model the text alone.
  const bool gives = outcome.result && outcome.result->is_object() && text.empty() &&
                     outcome.kind == OutcomeKind::kSucceeded;
  if (gives && !outcome.result->as_object().empty()) text = doc::write_json(*outcome.result);
  if (!outcome.stderr_text.empty())
    text += (text.empty() || text.ends_with('\n') ? "" : "\n") + ("stderr: " + outcome.stderr_text);
  if (text.empty() && !outcome.reason.empty()) text = outcome.reason;
  if (text.empty()) text = std::string(to_text(outcome.kind));
  doc::Value result = doc::Object{};
  if (modern) result.set("resultType", "complete");
  result.set("content", doc::Array{doc::object({{"type", "text"}, {"text", std::move(text)}})});
  result.set("structuredContent", std::move(said));
  result.set("isError", outcome.kind != OutcomeKind::kSucceeded);
  return result;
}

}  // namespace keyturn::connectors::mcp
