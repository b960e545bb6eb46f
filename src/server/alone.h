// What one command does with a Core while no server runs: one task at a time, to its end.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/task_impl.h"
#include "net/loop.h"
#include "server/core.h"
#include "server/settings.h"

namespace keyturn::server {

template <class T>
Task<void> stop_after(net::Loop& loop, Task<T> task, std::optional<T>& out) {
  out.emplace(co_await std::move(task));
  loop.stop();
}

// Runs the loop, which nobody else runs, until the task has ended; rethrows what it throws.
template <class T>
T run_alone(net::Loop& loop, Task<T> task) {
  std::optional<T> out;
  loop.spawn(stop_after(loop, std::move(task), out));
  loop.run();
  return *std::move(out);
}

// The checkpoint of the log as it is, signed with the key that there is. A log that is shorter
// than, or other than, what was signed is refused with the alarm: it must not grow.
[[nodiscard]] Result<std::string> signed_now(Core& core, const Settings& settings);

}  // namespace keyturn::server
