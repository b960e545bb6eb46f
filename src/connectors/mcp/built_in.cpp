#include "connectors/mcp/built_in.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/task_impl.h"
#include "connectors/mcp/body_answer.h"
#include "connectors/mcp/built_in_wait.h"
#include "connectors/mcp/outcome.h"
#include "connectors/mcp/tool_listing.h"
#include "connectors/mcp/words.h"
#include "doc/json.h"
#include "doc/read.h"
#include "mcp/answers.h"

namespace keyturn::connectors::mcp {
namespace {

using Sent = Result<std::shared_ptr<Answer>>;

constexpr std::int64_t kUnsupportedVersion = -32022;  // 2026-07-28
constexpr std::string_view kServerInfoKey = "io.modelcontextprotocol/serverInfo";
constexpr std::string_view kInstructions =
    "Keyturn runs privileged tools once people or policy agreed to it. A call may wait for people; "
    "when a result says pending, nothing has run yet: wait with keyturn_wait, and do not do the "
    "same by another way.";
constexpr std::string_view kVia = "keyturn_request";  // what its actions claim

doc::Value server_info() {
  return doc::object({{"name", "keyturn"}, {"title", "Keyturn"}, {"version", "1"}});
}

doc::Value capabilities() {
  return doc::object({{"tools", doc::Object{}}});
}

// Revisions that initialize agrees on; of others the latest.
std::string_view agreed_version(std::string_view wanted) {
  for (const std::string_view known : {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"}) {
    if (wanted == known) return known;
  }
  return rpc::kLegacyVersion;
}

// What one request of a client is answered from.
struct Question {
  rpc::Message message;
  Principal who;
  std::string session, traceparent;
  bool modern = false, streams = false;

  const doc::Value& id() const { return message.id; }
  std::string wait_key() const { return who.id + "\n" + session + "\n" + rpc::id_text(id()); }
  std::shared_ptr<Answer> result(doc::Value value) const {
    if (modern && value.find("resultType") == nullptr) value.set("resultType", "complete");
    return json_answer(rpc::result(id(), std::move(value)));
  }
  std::shared_ptr<Answer> error(std::int64_t code, std::string_view words, int status = 200,
                                doc::Value data = {}) const {
    return json_answer(rpc::error(id(), code, words, std::move(data)), status);
  }
  // A list or description that may be kept for no time, and by nobody else.
  std::shared_ptr<Answer> cacheable(doc::Value value) const {
    if (modern) {
      value.set("ttlMs", 0);
      value.set("cacheScope", "private");
      value.set("_meta", doc::object({{kServerInfoKey, server_info()}}));
    }
    return result(std::move(value));
  }
};

// A CallToolResult that refuses, for people's and models' eyes.
doc::Value refusal_result(const Refusal& why, bool modern) {
  std::string words = "Keyturn refused this: " + why.message;
  if (!why.where.empty()) words += " (" + why.where + ")";
  doc::Value out = rpc::refused_result({.state = "refused", .words = std::move(words)});
  if (modern) out.set("resultType", "complete");
  doc::Value told = doc::object({{"code", why.code}, {"message", why.message}});
  if (!why.where.empty()) told.set("where", why.where);
  out.set("structuredContent", std::move(told));
  return out;
}

enum class Purpose { kRequest, kWait, kStatus };

std::string text_of(const gate::ActionRecord& record, Purpose purpose) {
  if (record.outcome && is_final(record.state)) {
    const doc::Value said = result_of(*record.outcome, false);
    return std::string(said.find("content")->as_array().at(0).text("text"));
  }
  std::string words = words_of(record);
  if (record.attended && record.state == State::kApproved && !record.held_at)
    return "People agreed. Make exactly the same call again now: it runs then.";
  if (is_final(record.state)) return words;
  const bool runs = record.state == State::kExecuting &&
                    record.tool.starts_with(catalog::kRunbookPrefix);  // a run, step by step
  if (!is_settled(record.state))
    words = (runs ? "pending: some of its steps may be done, not all. "
                  : "pending: it has not been done. ") +
            words;
  if (purpose == Purpose::kStatus || is_settled_for(record)) return words;
  if (!record.attended) words += " It goes ahead by itself once they agree: do not ask again.";
  return words + " To wait, call keyturn_wait with {\"action\": \"" + record.id.str() + "\"}.";
}

}  // namespace

struct BuiltInBackend::Impl {
  BuiltInPorts ports;
  BuiltInLimits limits;
  std::set<std::string> waited_for;                          // actions that somebody waits for
  std::map<std::string, std::weak_ptr<ActionAnswer>> waits;  // by who waits, to be cancelled

  static Task<Sent> answer(std::shared_ptr<Impl> self, Question question);
  static Task<Sent> call(std::shared_ptr<Impl> self, Question question);
  static Task<Sent> request(std::shared_ptr<Impl> self, Question question, doc::Value args);
  static Task<Sent> look(std::shared_ptr<Impl> self, Question question, doc::Value args,
                         Purpose purpose);
  std::shared_ptr<Answer> list_tools(const Question& question) const;
  std::optional<ActionId> same_open(const Principal& who, const ActionRequest& wanted) const;
  std::shared_ptr<Answer> wait(std::shared_ptr<Impl> self, const Question& question,
                               const ActionId& action, Duration most, Purpose purpose);
  doc::Value told(const Principal& who, const gate::ActionRecord& record, bool modern,
                  Purpose purpose) const;
  void cancel(const Forward& forward);
};

doc::Value BuiltInBackend::Impl::told(const Principal& who, const gate::ActionRecord& record,
                                      bool modern, Purpose purpose) const {
  const std::string url = ports.public_url + "/a/" + record.id.str();
  doc::Value said = doc::object({{"action", record.id.str()},
                                 {"state", to_text(record.state)},
                                 {"tool", record.tool},
                                 {"review_url", url}});
  if (record.outcome) said.set("outcome", to_value(*record.outcome));
  std::string text = text_of(record, purpose);
  if (purpose != Purpose::kStatus) {
    if (const auto grant = ports.gate.take_grant(who, record)) {
      said.set("grant", *grant);
      text += " The grant for " + record.id.str() + ": " + *grant;
    }
  }
  const doc::Value* content = nullptr;  // of an MCP server behind Keyturn
  if (record.outcome && record.outcome->result) content = record.outcome->result->find("content");
  doc::Value out = doc::Object{};
  if (content != nullptr && content->is_array()) {
    out.set("content", *content);
  } else {
    out.set("content", doc::Array{doc::object({{"type", "text"}, {"text", std::move(text)}})});
  }
  const bool is_bad = is_final(record.state) && record.state != State::kSucceeded;
  if (is_bad && purpose != Purpose::kStatus) out.set("isError", true);
  out.set("structuredContent", std::move(said));
  if (modern) out.set("resultType", "complete");
  out.set("_meta", doc::object({{"keyturn/action", record.id.str()},
                                {"keyturn/state", to_text(record.state)},
                                {"keyturn/review_url", url}}));
  return out;
}

std::shared_ptr<Answer> BuiltInBackend::Impl::list_tools(const Question& question) const {
  doc::Array tools = own_tools();
  const auto& configured = ports.gate.world().configuration->tools;
  if (configured) {
    for (const catalog::Tool& tool : configured->tools()) {
      if (is_listed(tool)) tools.push_back(listed(tool));
    }
  }
  return question.cacheable(doc::object({{"tools", std::move(tools)}}));
}

// What the same agent asked for in the same words, and nobody waits for.
std::optional<ActionId> BuiltInBackend::Impl::same_open(const Principal& who,
                                                        const ActionRequest& wanted) const {
  const auto& tools = ports.gate.world().configuration->tools;
  const catalog::Tool* tool = tools ? tools->find(wanted.tool) : nullptr;
  if (tool == nullptr) return std::nullopt;
  const auto args = catalog::check_args(*tool, wanted.args);
  if (!args) return std::nullopt;
  for (const gate::RecordPtr& record : ports.gate.open_records()) {
    const bool is_ours = record->requester.kind == who.kind && record->requester.id == who.id &&
                         record->tool == wanted.tool && record->claims.text("via") == kVia &&
                         !is_final(record->state) && !waited_for.contains(record->id.str());
    if (!is_ours) continue;
    const doc::Value& asked =
        record->original_args.is_null() ? record->args : record->original_args;
    if (asked == *args) return record->id;
  }
  return std::nullopt;
}

std::shared_ptr<Answer> BuiltInBackend::Impl::wait(std::shared_ptr<Impl> self,
                                                   const Question& question, const ActionId& action,
                                                   Duration most, Purpose purpose) {
  const doc::Value* meta = question.message.meta();
  const doc::Value* token = meta == nullptr ? nullptr : meta->find("progressToken");
  ActionAnswer::Wanted wanted{.who = question.who,
                              .action = action,
                              .most = std::min(most, limits.leg),
                              .heartbeat = limits.heartbeat,
                              .token = token == nullptr ? doc::Value() : *token,
                              .streams = question.streams};
  wanted.answer = [self, question, purpose](const gate::RecordPtr& record) {
    const doc::Value result =
        record ? self->told(question.who, *record, question.modern, purpose)
               : refusal_result({.code = "not_found", .message = "there is no such action for you"},
                                question.modern);
    return rpc::result(question.id(), result);
  };
  const std::string key = question.wait_key();
  const bool is_first = purpose == Purpose::kRequest && waited_for.insert(action.str()).second;
  wanted.left = [weak = std::weak_ptr(self), key, id = action.str(), is_first] {
    const auto here = weak.lock();
    if (!here) return;
    if (is_first) here->waited_for.erase(id);
    const auto found = here->waits.find(key);
    if (found != here->waits.end() && found->second.expired()) here->waits.erase(found);
  };
  auto answer = std::make_shared<ActionAnswer>(ports.gate, ports.loop, std::move(wanted));
  if (!question.modern) waits[key] = answer;
  return answer;
}

Task<Sent> BuiltInBackend::Impl::request(std::shared_ptr<Impl> self, Question question,
                                         doc::Value args) {
  doc::Problems problems;
  doc::ObjectReader fields(args, "", problems);
  ActionRequest wanted;
  wanted.tool = fields.require_string("tool");
  if (const doc::Value* inner = fields.object("args")) wanted.args = *inner;
  if (wanted.args.is_null()) wanted.args = doc::Object{};
  wanted.reason = fields.string("reason").value_or("");
  const auto seconds = fields.integer("wait_s", 0, 3600);
  fields.finish();
  if (doc::has_errors(problems)) {
    co_return question.result(refusal_result(
        {.code = problems[0].code, .message = problems[0].message, .where = problems[0].pointer},
        question.modern));
  }
  wanted.claims = doc::object({{"via", kVia}});
  wanted.traceparent = question.traceparent;
  const Duration most = seconds ? std::chrono::seconds(*seconds) : self->limits.leg;
  if (const auto open = self->same_open(question.who, wanted))
    co_return self->wait(self, question, *open, most, Purpose::kRequest);
  const std::string tool = wanted.tool;
  auto submitted = co_await self->ports.gate.submit(question.who, std::move(wanted));
  if (!submitted) co_return question.result(refusal_result(submitted.error(), question.modern));
  const gate::RecordPtr record = submitted->record;
  if (is_settled_for(*record))
    co_return question.result(
        self->told(question.who, *record, question.modern, Purpose::kRequest));
  co_return self->wait(self, question, record->id, most, Purpose::kRequest);
}

Task<Sent> BuiltInBackend::Impl::look(std::shared_ptr<Impl> self, Question question,
                                      doc::Value args, Purpose purpose) {
  doc::Problems problems;
  doc::ObjectReader fields(args, "", problems);
  const ActionId action(fields.require_string("action"));
  std::optional<std::int64_t> seconds = 0;
  if (purpose == Purpose::kWait) seconds = fields.integer("timeout_s", 0, 3600);
  fields.finish();
  if (doc::has_errors(problems)) {
    co_return question.result(refusal_result(
        {.code = problems[0].code, .message = problems[0].message, .where = problems[0].pointer},
        question.modern));
  }
  const gate::RecordPtr record = co_await self->ports.gate.find(question.who, action);
  if (!record) {
    co_return question.result(refusal_result(
        {.code = "not_found", .message = "there is no such action for you: " + action.str()},
        question.modern));
  }
  if (purpose == Purpose::kStatus || is_settled_for(*record))
    co_return question.result(self->told(question.who, *record, question.modern, purpose));
  const Duration most = seconds ? std::chrono::seconds(*seconds) : self->limits.leg;
  co_return self->wait(self, question, action, most, purpose);
}

Task<Sent> BuiltInBackend::Impl::call(std::shared_ptr<Impl> self, Question question) {
  const doc::Value* params = question.message.params();
  const std::string name(params == nullptr ? "" : params->text("name"));
  const doc::Value* found = params == nullptr ? nullptr : params->find("arguments");
  doc::Value args = found == nullptr || found->is_null() ? doc::Value(doc::Object{}) : *found;
  if (!args.is_object())
    co_return question.error(rpc::kInvalidParams, "The arguments of a call are an object");
  if (name == "keyturn_request")
    co_return co_await request(self, std::move(question), std::move(args));
  if (name == "keyturn_wait")
    co_return co_await look(self, std::move(question), std::move(args), Purpose::kWait);
  if (name == "keyturn_status")
    co_return co_await look(self, std::move(question), std::move(args), Purpose::kStatus);
  co_return question.error(rpc::kInvalidParams, "Unknown tool: " + name);
}

Task<Sent> BuiltInBackend::Impl::answer(std::shared_ptr<Impl> self, Question question) {
  const std::string& method = question.message.method;
  if (question.modern) {
    const doc::Value* meta = question.message.meta();
    const doc::Value* version = meta == nullptr ? nullptr : meta->find(rpc::kVersionKey);
    const doc::Value* can = meta == nullptr ? nullptr : meta->find(rpc::kCapabilitiesKey);
    if (version == nullptr || !version->is_string() || can == nullptr || !can->is_object()) {
      co_return question.error(rpc::kInvalidParams,
                               "Invalid _meta: a request of revision 2026-07-28 says its "
                               "protocolVersion and clientCapabilities there",
                               400);
    }
    if (version->as_string() != rpc::kModernVersion) {
      co_return question.error(
          kUnsupportedVersion, "Unsupported protocol version", 400,
          doc::object({{"supported", doc::Array{rpc::kModernVersion}}, {"requested", *version}}));
    }
    if (method == "server/discover") {
      co_return question.cacheable(
          doc::object({{"supportedVersions", doc::Array{rpc::kModernVersion}},
                       {"capabilities", capabilities()},
                       {"instructions", kInstructions}}));
    }
  } else {
    if (method == "ping") co_return question.result(doc::Object{});
    if (method == "initialize") {
      const doc::Value* params = question.message.params();
      auto hello = question.result(
          doc::object({{"protocolVersion",
                        agreed_version(params == nullptr ? "" : params->text("protocolVersion"))},
                       {"capabilities", capabilities()},
                       {"serverInfo", server_info()},
                       {"instructions", kInstructions}}));
      hello->headers.set("Mcp-Session-Id", to_hex(self->ports.random.bytes(16)));
      co_return hello;
    }
  }
  if (method == "tools/list") co_return self->list_tools(question);
  if (method == "tools/call") co_return co_await call(self, std::move(question));
  co_return question.error(rpc::kMethodNotFound, "Method not found: " + method,
                           question.modern ? 404 : 200);
}

// A legacy client's notifications/cancelled: nobody waits any more. What was asked for stays asked.
void BuiltInBackend::Impl::cancel(const Forward& forward) {
  const doc::Value* params = forward.message->params();
  const doc::Value* id = params == nullptr ? nullptr : params->find("requestId");
  if (forward.message->method != "notifications/cancelled" || id == nullptr) return;
  const auto found = waits.find(forward.who.id + "\n" + forward.session + "\n" + rpc::id_text(*id));
  if (found == waits.end()) return;
  const auto answer = found->second.lock();
  waits.erase(found);
  if (answer) answer->cut();
}

BuiltInBackend::BuiltInBackend(BuiltInPorts ports, BuiltInLimits limits)
    : impl_(std::make_shared<Impl>(std::move(ports), limits)) {}

BuiltInBackend::~BuiltInBackend() = default;

Task<Sent> BuiltInBackend::send(Forward forward) {
  const auto impl = impl_;
  if (!forward.message) {
    if (forward.method == "DELETE" && !forward.session.empty())
      co_return std::make_shared<BodyAnswer>(200);
    auto refused = json_answer(rpc::error({}, -32000, "Method not allowed."), 405);
    refused->headers.set("Allow", "POST");
    co_return refused;
  }
  if (forward.message->kind != rpc::Kind::kRequest) {
    impl->cancel(forward);
    co_return std::make_shared<BodyAnswer>(202);
  }
  const std::string_view accept = forward.header("Accept");
  Question question{.message = {},
                    .who = forward.who,
                    .session = forward.session,
                    .traceparent = std::string(forward.header("traceparent")),
                    .streams = accept.contains("text/event-stream") || accept.contains("*/*")};
  // It becomes public, so no free text gets in there (W3C Trace Context).
  const auto strange = question.traceparent.find_first_not_of("0123456789abcdef-");
  if (question.traceparent.size() != 55 || strange != std::string::npos)
    question.traceparent.clear();
  const auto era = rpc::era_of(*forward.message, forward.header("MCP-Protocol-Version"));
  question.modern = era == rpc::Era::kModern;
  question.message = *std::move(forward.message);
  co_return co_await Impl::answer(impl, std::move(question));
}

}  // namespace keyturn::connectors::mcp
