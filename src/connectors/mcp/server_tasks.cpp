#include "connectors/mcp/server_tasks.h"

#include <algorithm>

#include "base/task_impl.h"
#include "connectors/mcp/outcome.h"
#include "connectors/mcp/pieces.h"

namespace keyturn::connectors::mcp {
namespace {

constexpr Duration kPollMin = std::chrono::milliseconds(250), kPollMax = std::chrono::seconds(30);
constexpr Duration kPollUsual = std::chrono::seconds(2);  // where the server does not say
constexpr int kSilentMax = 3;                             // looks in a row that came to nothing

std::optional<Duration> milliseconds_of(const doc::Value& value, std::string_view legacy,
                                        std::string_view modern) {
  for (const std::string_view key : {legacy, modern}) {
    const doc::Value* said = value.find(key);
    const std::optional<std::int64_t> count = said == nullptr ? std::nullopt : said->as_int64();
    if (count && *count >= 0)
      return std::min<Duration>(
          std::chrono::milliseconds(std::min<std::int64_t>(*count, std::int64_t{1} << 40)),
          std::chrono::hours(24 * 365));
  }
  return std::nullopt;
}

// The same session and era, another method.
Forward asking(const Forward& like, std::string_view method, const std::string& task) {
  Forward out;
  out.session = like.session;
  out.attachment = like.attachment;
  out.who = like.who;
  bool is_modern = false;
  for (const net::Header& header : like.headers.all()) {
    is_modern = is_modern || net::equal_ignoring_case(header.name, "mcp-method");
    if (net::equal_ignoring_case(header.name, "accept") ||
        net::equal_ignoring_case(header.name, "mcp-protocol-version"))
      out.headers.add(header.name, header.value);
  }
  if (is_modern) {
    out.headers.add("Mcp-Method", std::string(method));
    out.headers.add("Mcp-Name", task);
  }
  return out;
}

// The result of one look; null: there was none.
Task<doc::Value> look(std::shared_ptr<Backend> backend, Forward forward, doc::Value id,
                      doc::Value params) {
  Result<rpc::Message> message = rpc::read(rpc::request(id, "tasks/get", std::move(params)));
  if (!message) co_return doc::Value();
  forward.message = std::move(*message);
  Result<std::shared_ptr<Answer>> answer = co_await backend->send(std::move(forward));
  if (!answer) co_return doc::Value();
  for (;;) {
    Result<std::optional<Piece>> piece = co_await (*answer)->next();
    if (!piece || !*piece) co_return doc::Value();
    redact(**piece, backend->redactor());
    if (!(*piece)->message || (*piece)->message->kind != rpc::Kind::kResponse ||
        (*piece)->message->id != id)
      continue;
    const doc::Value* result = (*piece)->message->value.find("result");
    co_return result == nullptr ? doc::Value() : *result;
  }
}

Outcome ended(const ServerTask& task, const doc::Value& said, std::int64_t bytes_max) {
  const doc::Value* error = said.find("error");  // both: 2026-07-28
  const doc::Value* result = said.find("result");
  Outcome out =
      outcome_of(error != nullptr ? doc::object({{"error", *error}})
                                  : doc::object({{"result", result == nullptr ? said : *result}}),
                 bytes_max);
  if (task.status == "completed") return out;
  out.kind = OutcomeKind::kFailed;
  if (out.reason.empty())
    out.reason = "the server's task ended as " + task.status +
                 (task.words.empty() ? "" : ": " + beginning(task.words, 500));
  return out;
}

}  // namespace

bool ServerTask::is_over() const {
  return status == "completed" || status == "failed" || status == "cancelled";
}

std::optional<ServerTask> read_task(const doc::Value& value) {
  if (!value.is_object() || value.text("taskId").empty()) return std::nullopt;
  ServerTask task;
  task.id = value.text("taskId");
  task.status = value.text("status");
  task.words = value.text("statusMessage");
  task.poll = milliseconds_of(value, "pollInterval", "pollIntervalMs").value_or(Duration{});
  task.ttl = milliseconds_of(value, "ttl", "ttlMs");
  return task;
}

std::optional<ServerTask> made_task(const doc::Value& result) {
  if (result.text("resultType") == "task") return read_task(result);
  const doc::Value* task = result.find("task");
  return task == nullptr || result.find("content") != nullptr ? std::nullopt : read_task(*task);
}

void TaskOwners::made(const std::string& upstream, const std::string& task,
                      const std::string& who) {
  const auto [place, is_new] = owners_.try_emplace({upstream, task});
  place->second.insert(who);
  if (!is_new) return;
  oldest_.push_back(place->first);
  if (oldest_.size() <= kTasksMax) return;
  owners_.erase(oldest_.front());
  oldest_.pop_front();
}

TaskOwners::Whose TaskOwners::whose(const std::string& upstream, const std::string& task,
                                    const std::string& who) const {
  const auto found = owners_.find({upstream, task});
  if (found == owners_.end()) return Whose::kUnknown;
  return found->second.contains(who) ? Whose::kOwn : Whose::kAnothers;
}

Task<Outcome> follow_task(net::Loop& loop, std::shared_ptr<Backend> backend, Forward like,
                          doc::Value meta, doc::Value made, Duration most,
                          std::int64_t result_bytes_max) {
  ServerTask task = made_task(made).value_or(ServerTask{});
  const auto deadline = std::chrono::steady_clock::now() + most;
  const std::string id = task.id;
  const Forward forward = asking(like, "tasks/get", id);
  doc::Value params = doc::object({{"taskId", id}});
  if (meta.is_object()) params.set("_meta", std::move(meta));
  const doc::Value* inner = made.find("task");
  doc::Value said = inner == nullptr ? made : *inner;
  int silent = 0;
  for (int number = 0; !task.is_over(); ++number) {
    if (silent == kSilentMax || std::chrono::steady_clock::now() >= deadline) {
      co_return unknown("the server took it on as the task " + beginning(id, 100) +
                        ", whose end was not seen; whether it took effect is not known");
    }
    co_await loop.sleep(task.poll > Duration{} ? std::clamp(task.poll, kPollMin, kPollMax)
                                               : kPollUsual);
    doc::Value seen = co_await look(backend, forward,
                                    doc::Value("keyturn-task-" + std::to_string(number)), params);
    std::optional<ServerTask> now = read_task(seen);
    const bool is_it = now && now->id == id;
    silent = is_it ? 0 : silent + 1;
    if (!is_it) continue;
    task = std::move(*now);
    said = std::move(seen);
  }
  co_return ended(task, said, result_bytes_max);
}

}  // namespace keyturn::connectors::mcp
