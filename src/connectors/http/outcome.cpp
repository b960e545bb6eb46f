#include "connectors/http/outcome.h"

#include <algorithm>

#include "base/ascii.h"
#include "connectors/output.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::connectors::http {
namespace {

bool is_one_of(const std::vector<int>& list, int status) {
  return std::ranges::find(list, status) != list.end();
}

bool says_json(const net::Headers& headers) {
  std::string type(headers.find("content-type").value_or(""));
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.pop_back();
  for (char& c : type) c = to_lower(c);
  return type == "application/json" || type.ends_with("+json");
}

bool is_coded(const net::Headers& headers) {
  const auto coding = headers.find("content-encoding");
  return coding && !net::equal_ignoring_case(*coding, "identity");
}

struct Meaning {
  OutcomeKind kind = OutcomeKind::kFailed;
  std::string reason;
};

Meaning meaning_of(const catalog::HttpCall& call, int status) {
  const std::string phrase(net::reason_phrase(status));
  const std::string said =
      "it answered " + std::to_string(status) + (phrase.empty() ? "" : " " + phrase);
  const bool good = status >= 200 && status < 300;
  if (call.success.empty() ? good : is_one_of(call.success, status))
    return {OutcomeKind::kSucceeded, ""};
  const OutcomeKind doubt = call.is_safe() ? OutcomeKind::kFailed : OutcomeKind::kUnknown;
  const std::string look =
      call.is_safe() ? "" : "; whether it took effect is not known: look there to know";
  if (good) return {doubt, said + ", which this tool does not call success" + look};
  if (status >= 300 && status < 400) {
    const bool ambiguous = status <= 303;
    return {ambiguous ? doubt : OutcomeKind::kFailed,
            said + "; redirects are not followed" + (ambiguous ? look : "")};
  }
  if (status >= 500 && !is_one_of(call.failed_on, status)) return {doubt, said + look};
  return {OutcomeKind::kFailed, said};
}

Outcome without_answer(const catalog::HttpCall& call, const Called& called) {
  Outcome out;
  const bool doubt = called.sent && !call.is_safe();
  out.kind = doubt ? OutcomeKind::kUnknown : OutcomeKind::kFailed;
  out.reason = called.lost->message;
  if (!called.sent) out.reason += "; nothing was sent";
  if (doubt) out.reason += "; it was sent, and whether it took effect is not known";
  return out;
}

}  // namespace

doc::Value shown_body(const Answer& answer, const secrets::Redactor& redactor,
                      std::size_t bytes_max, bool& truncated) {
  if (is_coded(answer.headers))
    return doc::object({{"bytes", static_cast<std::int64_t>(answer.body.size())},
                        {"sha256", crypto::sha256_text(answer.body)},
                        {"encoding", answer.headers.find("content-encoding").value_or("")}});
  bool cut = answer.is_cut;
  std::string text = presentable(answer.body, redactor, bytes_max, cut,
                                 cut || answer.broke_off ? Missing::kBehind : Missing::kNothing);
  truncated = truncated || cut;
  if (cut || !says_json(answer.headers)) return text;
  const doc::ParseLimits limits{.bytes_max = text.size() + 1};
  auto tree = doc::parse_json(text, limits);
  if (!tree || !doc::canonical(*tree)) return text;
  redactor.redact(*tree);
  return std::move(*tree);
}

Outcome outcome_of(const catalog::HttpCall& call, const Called& called,
                   const secrets::Redactor& redactor, std::size_t bytes_max) {
  if (!called.answer) return without_answer(call, called);
  const Answer& answer = *called.answer;
  Outcome out;
  Meaning meaning = meaning_of(call, answer.status);
  if (called.lost && meaning.kind == OutcomeKind::kSucceeded) {
    meaning.kind = call.is_safe() ? OutcomeKind::kFailed : OutcomeKind::kUnknown;
    meaning.reason = "it answered " + std::to_string(answer.status) +
                     ", but not all of the answer came: " + called.lost->message;
  }
  out.kind = meaning.kind;
  out.reason = std::move(meaning.reason);
  out.truncated = called.lost.has_value();
  doc::Value headers{doc::Object{}};
  for (const std::string& name : call.response_headers) {
    const auto value = answer.headers.find(name);
    bool ignored = false;
    if (value) headers.set(name, presentable(*value, redactor, 4096, ignored));
  }
  doc::Value result = doc::object({{"status", answer.status}, {"headers", std::move(headers)}});
  if (!answer.body.empty())
    result.set("body", shown_body(answer, redactor, bytes_max, out.truncated));
  out.result = std::move(result);
  return out;
}

}  // namespace keyturn::connectors::http
