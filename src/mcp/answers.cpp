#include "mcp/answers.h"

#include <chrono>
#include <utility>

#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::mcp {
namespace {

constexpr std::string_view kSealed = "keyturn/v1/mcp-request-state";  // what the key is used for
constexpr std::size_t kMacBytes = 32;

std::int64_t milliseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

doc::Value result_of(const Told& told, std::string text, bool is_error) {
  doc::Value meta = doc::object({});
  if (!told.action.empty()) meta.set("keyturn/action", told.action);
  if (!told.state.empty()) meta.set("keyturn/state", told.state);
  if (!told.review_url.empty()) meta.set("keyturn/review_url", told.review_url);
  doc::Value content = doc::object({{"type", "text"}, {"text", std::move(text)}});
  doc::Value out = doc::object({{"content", doc::Array{std::move(content)}}});
  if (is_error) out.set("isError", true);
  if (told.modern) out.set("resultType", "complete");
  if (!meta.as_object().empty()) out.set("_meta", std::move(meta));
  return out;
}

// A sentence ends like one.
std::string sentence(std::string words) {
  if (!words.empty() && words.back() != '.' && words.back() != '!' && words.back() != '?')
    words += '.';
  return words;
}

Digest mac_of(std::string_view key, std::string_view json) {
  std::string told(kSealed);
  told += '\0';
  told += json;
  return crypto::hmac_sha256(key, told);
}

std::unexpected<Refusal> invalid(std::string message) {
  return refuse("invalid_state", std::move(message));
}

}  // namespace

doc::Value pending_result(const Told& told) {
  std::string text = "pending: this call has not run; people have to agree to it first.";
  if (!told.words.empty()) text += " " + sentence(told.words);
  if (!told.review_url.empty()) text += " They decide at " + told.review_url + " .";
  text +=
      " Do not do the same by another way. To wait for the decision, make exactly the same "
      "call again";
  if (!told.action.empty()) {
    text += ", or call the tool keyturn_wait of the MCP server keyturn with {\"action\": \"" +
            told.action + "\"} and then make the same call again";
  }
  text += ": nobody is asked twice, and it runs once.";
  return result_of(told, std::move(text), told.outputs);
}

doc::Value refused_result(const Told& told) {
  std::string text = sentence(told.words.empty() ? "This call was refused" : told.words);
  if (!told.action.empty()) {
    text += " (action " + told.action;
    if (!told.state.empty()) text += ", " + told.state;
    if (!told.review_url.empty()) text += ", see " + told.review_url + " ";
    text += ")";
  }
  return result_of(told, std::move(text), true);
}

std::string seal_state(const RequestState& state, std::string_view key) {
  std::string sealed =
      doc::write_json(doc::object({{"principal", state.principal},
                                   {"upstream", state.upstream},
                                   {"method", state.method},
                                   {"args", state.args_digest},
                                   {"action", state.action},
                                   {"expires_us", state.expires.time_since_epoch().count()},
                                   {"leg", state.leg}}));
  sealed += view(mac_of(key, sealed));
  return to_base64url(sealed);
}

Result<RequestState> open_state(std::string_view text, std::string_view key, Time now) {
  const auto sealed = from_base64url(text);
  if (!sealed || sealed->size() <= kMacBytes)
    return invalid("This requestState is none of Keyturn's: send it back exactly as it came");
  const std::string_view json = std::string_view(*sealed).substr(0, sealed->size() - kMacBytes);
  const std::string_view mac = std::string_view(*sealed).substr(json.size());
  if (!equal_constant_time(view(mac_of(key, json)), mac))
    return invalid(
        "This requestState was altered, or is none of Keyturn's: send it back as it came");
  const auto value = doc::parse_json(json);
  if (!value || !value->is_object())
    return invalid("This requestState is of another version of Keyturn: make the call again");
  RequestState state{.principal = std::string(value->text("principal")),
                     .upstream = std::string(value->text("upstream")),
                     .method = std::string(value->text("method")),
                     .args_digest = std::string(value->text("args")),
                     .action = std::string(value->text("action")),
                     .expires = Time(Duration(value->integer("expires_us"))),
                     .leg = static_cast<int>(value->integer("leg"))};
  if (state.expires <= now)
    return invalid("This requestState is over: make the call again, without it");
  return state;
}

doc::Value input_required_result(std::string_view request_state) {
  return doc::object({{"resultType", "input_required"}, {"requestState", request_state}});
}

doc::Value task_value(const Task& task, bool modern) {
  doc::Value out = doc::object({{"taskId", task.id}, {"status", task.status}});
  if (!task.words.empty()) out.set("statusMessage", task.words);
  out.set("createdAt", to_rfc3339(task.created));
  out.set("lastUpdatedAt", to_rfc3339(task.updated));
  out.set(modern ? "ttlMs" : "ttl",
          task.ttl > Duration::zero() ? doc::Value(milliseconds(task.ttl)) : doc::Value());
  if (task.poll > Duration::zero())
    out.set(modern ? "pollIntervalMs" : "pollInterval", milliseconds(task.poll));
  return out;
}

doc::Value create_task_result(const Task& task, bool modern) {
  doc::Value value = task_value(task, modern);
  if (!modern) return doc::object({{"task", std::move(value)}});
  value.set("resultType", "task");
  return value;
}

}  // namespace keyturn::mcp
