// How executions are kept apart from Keyturn itself on this machine: as which user, in which
// sandbox.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "connectors/exec/plan.h"
#include "connectors/fd.h"

namespace keyturn::connectors::exec {

struct Isolation {
  std::string user;  // as whom programs run
  uid_t uid = 0;
  gid_t gid = 0;
  bool drops_user = false;  // a user other than the server's own
  bool sandbox_works = false;
  std::string sandbox_problem;  // when not: what bubblewrap said
  std::string data_folder;      // what no program may see
  std::string cgroup;           // the group that is divided among executions; "" without one
  std::string cgroup_problem;   // when not: why
};

// Looks once: root becomes keyturn-exec, or nobody where that user is missing; the sandbox is tried
// out by running one program in it. `filter` is seccomp_filter()'s answer.
Isolation find_isolation(const std::string& data_folder, const Result<Fd>& filter);

doc::Value to_value(const Isolation& isolation);
Isolation isolation_from_value(const doc::Value& value);

// The part of a description that says so, with a warning where the promise is weaker.
doc::Value describe(const Isolation& isolation, const catalog::Sandbox& sandbox);

// What whoever runs the server should know of this machine, a line each.
std::vector<std::string> notes(const Isolation& isolation);

// Refuses no_sandbox when the plan wants a sandbox and the host forbids it.
[[nodiscard]] Result<void> check_sandbox(const Isolation& isolation,
                                         const catalog::Sandbox& sandbox);

// True when `path` is, or is below, `folder`.
bool is_below(const std::string& path, const std::string& folder);
// Folders of the system that every sandbox sees read-only.
bool is_system_path(const std::string& path);

// True when the sandbox shows this place: the system's folders and those that the tool binds.
bool is_shown(const std::string& path, const catalog::Sandbox& sandbox);

// While it lives, this thread opens files with the rights of the user that programs run as (fsuid,
// fsgid, no supplementary groups). Nothing happens where programs run as the server's own user.
class AsExecutionUser {
 public:
  explicit AsExecutionUser(const Isolation& isolation);
  ~AsExecutionUser();
  AsExecutionUser(const AsExecutionUser&) = delete;
  AsExecutionUser& operator=(const AsExecutionUser&) = delete;

 private:
  bool active_;
  std::vector<gid_t> groups_;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
};

// A sealed copy that takes the place of `path` inside.
struct Overlay {
  int fd = -1;  // the descriptor's number in bubblewrap's process
  std::string path;
  bool executable = false;
};

// Numbers of descriptors in bubblewrap's process, none of which the program gets.
struct SandboxFds {
  int status = 3;  // receives bubblewrap's JSON status
  int filter = 5;  // the system call filter
  int gate = -1;   // the program starts when something can be read here; -1: at once
};

// bubblewrap's argument vector (argv[0] included) up to "--".
std::vector<std::string> bubblewrap_argv(const catalog::Sandbox& sandbox, const std::string& cwd,
                                         const std::string& data_folder,
                                         const std::vector<Overlay>& overlays,
                                         const SandboxFds& fds);

inline constexpr const char* kBubblewrap = "/usr/bin/bwrap";
inline constexpr const char* kSearchPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

}  // namespace keyturn::connectors::exec
