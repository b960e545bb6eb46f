// The service's control group, where it was given one of its own to divide (systemd:
// Delegate=memory pids): each execution then has a group that bounds the memory and the processes
// of all of it together. Without one, limits.h bounds each process.
//
// Layout below the service's group: keyturn/ holds the server and the helper, because a group that
// divides its controllers holds no process itself; ACTION/ each execution.
//
// Source: Linux, Documentation/admin-guide/cgroup-v2.rst; systemd, CGROUP_DELEGATION.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/tool.h"
#include "connectors/fd.h"

namespace keyturn::connectors::exec {

// One execution's group. Removed when it goes, unless something still runs in it.
class Cgroup {
 public:
  // `more` processes are not the program's own (bubblewrap's two).
  Cgroup(std::string path, const catalog::Limits& limits, int more);
  ~Cgroup();
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;

  // For the first process to write "0" to, before it runs anything.
  int join_fd() const { return join_.get(); }
  const std::string& path() const { return path_; }
  [[nodiscard]] Result<void> limit() const;  // again, after the controllers were turned off
  void kill_all() const;
  bool ran_out_of_memory() const;  // the kernel ended some of it for that

 private:
  std::string path_;
  catalog::Limits limits_;
  int more_;
  Fd join_;
};

class CgroupTree {
 public:
  // Looks where this process stands. Refuses no_cgroup, with the reason.
  static Result<CgroupTree> find();
  // A group that the caller knows to be its own; `controllers` turned on for what is below.
  CgroupTree(std::string root, std::vector<std::string> controllers)
      : root_(std::move(root)), controllers_(std::move(controllers)) {}

  // Moves these processes to keyturn/ and turns the controllers on. Refuses no_cgroup when others
  // are in the group, too.
  [[nodiscard]] Result<void> enable(const std::vector<pid_t>& own);
  // Off again: whoever restarts the service puts its first process into the group itself, which the
  // kernel refuses while it divides. What runs keeps the limits of limits.h.
  void disable();
  bool enabled() const { return enabled_; }

  [[nodiscard]] Result<std::unique_ptr<Cgroup>> make(const std::string& name,
                                                     const catalog::Limits& limits, int more);
  const std::string& root() const { return root_; }

 private:
  std::string root_;
  std::vector<std::string> controllers_;
  bool enabled_ = false;
};

// Pure, for CgroupTree::find(): the path of /proc/self/cgroup's line of version 2, and the mount
// point of /proc/self/mountinfo's; "" without one.
std::string cgroup_path(std::string_view proc_cgroup);
std::string cgroup_mount(std::string_view mountinfo);

}  // namespace keyturn::connectors::exec
