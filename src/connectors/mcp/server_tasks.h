// Tasks that servers make of released calls (2025-11-25 `tasks`; 2026-07-28 the tasks extension):
// whose they are, and how they end.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "connectors/mcp/backend.h"
#include "net/loop.h"

namespace keyturn::connectors::mcp {

struct ServerTask {
  std::string id;
  std::string status;           // working, input_required, completed, failed, cancelled
  std::string words;            // statusMessage
  Duration poll{};              // how often it may be looked at; zero: not said
  std::optional<Duration> ttl;  // how long it is kept; none: not said, or for ever
  bool is_over() const;
};
// What a server says of a task: `value` is a result that is one ("resultType": "task"), or a task
// itself. `made_task`: of the result of a call; nothing when it is a plain result.
std::optional<ServerTask> read_task(const doc::Value& value);
std::optional<ServerTask> made_task(const doc::Value& result);

// Who was told a task's id. In memory: a server whose sessions do not tell its clients apart has
// them made anew after a restart of Keyturn.
class TaskOwners {
 public:
  enum class Whose { kOwn, kAnothers, kUnknown };
  void made(const std::string& upstream, const std::string& task, const std::string& who);
  Whose whose(const std::string& upstream, const std::string& task, const std::string& who) const;

 private:
  static constexpr std::size_t kTasksMax = 50'000;  // the oldest make room
  using Key = std::pair<std::string, std::string>;  // upstream and task
  std::map<Key, std::set<std::string>> owners_;     // servers behind pipes: the same id for several
  std::deque<Key> oldest_;
};

// Looks at the task until it is over, in the session that `like` is of (the call's own request),
// and no longer than `most`. The outcome is what it ended as; unknown when that was not seen.
// `made`: the result that made_task() read. `meta`: of the call.
Task<Outcome> follow_task(net::Loop& loop, std::shared_ptr<Backend> backend, Forward like,
                          doc::Value meta, doc::Value made, Duration most,
                          std::int64_t result_bytes_max);

}  // namespace keyturn::connectors::mcp
