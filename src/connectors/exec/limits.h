// What one execution may use of the machine, by the kernel's limits on processes (setrlimit).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "base/result.h"
#include "catalog/tool.h"
#include "doc/value.h"

namespace keyturn::connectors::exec {

using Rlimits = std::vector<std::pair<int, std::uint64_t>>;  // resource, most

// For the first process, before it runs anything. Memory is counted for each process alone. No core
// files: what a program knew stays with it. A user of its own is held to kProcessesOfUser.
Rlimits rlimits_of(const catalog::Limits& limits, bool own_user);
inline constexpr std::uint64_t kProcessesOfUser = 4096;

// Holds the sandbox whose first process is `pid` to so many processes at a time, that one not
// counted. The kernel counts by user namespace, so that one execution does not use up another's.
// `uid` and `gid` are whose the process is; ours may be root. Refuses limit_failed. Where the
// kernel counts otherwise (before 5.14) nothing happens.
[[nodiscard]] Result<void> limit_processes(pid_t pid, std::int64_t processes, uid_t uid, gid_t gid);

doc::Value to_value(const catalog::Limits& limits);
catalog::Limits limits_from_value(const doc::Value& value);
doc::Value describe(const catalog::Limits& limits);  // as people read it

}  // namespace keyturn::connectors::exec
