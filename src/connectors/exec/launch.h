// Starts one process from a sealed copy or a path, with exactly the descriptors, environment, user
// and limits that are named here. For single-threaded callers (the helper): it forks.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "connectors/exec/limits.h"

namespace keyturn::connectors::exec {

struct Launch {
  int program_fd = -1;       // a sealed copy to run (execveat); or
  std::string program_path;  // a path
  std::vector<std::string> argv;
  std::vector<std::string> env;  // "NAME=value", the whole environment
  std::string cwd = "/";
  int stdin_fd = -1;  // -1: /dev/null
  int stdout_fd = -1, stderr_fd = -1;
  std::vector<std::pair<int, int>> descriptors;  // (ours, its number there); all others are closed
  Rlimits limits;
  int cgroup_fd = -1;  // cgroup.procs of the group to join; -1: ours
  bool drop_user = false;
  uid_t uid = 0;
  gid_t gid = 0;
};

// The process is the leader of its own session and process group, and is killed when the caller
// ends. Refuses start_failed when it could not be started (the program file was not run at all).
[[nodiscard]] Result<pid_t> launch(const Launch& what);

}  // namespace keyturn::connectors::exec
