#include "connectors/exec/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <tuple>

#include "connectors/exec/proc_text.h"

namespace keyturn::connectors::exec {
namespace {

constexpr std::string_view kOwnGroup = "keyturn";

std::unexpected<Refusal> no_cgroup(std::string why) {
  return refuse("no_cgroup", std::move(why));
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

// A control file takes a text in one write.
Result<void> write_control(const std::string& path, const std::string& text) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()))
    return {};
  return no_cgroup("cannot write " + text + " to " + path + ": " + errno_text(errno));
}

// What systemd writes on a group that it has given away.
bool is_delegated(const std::string& folder) {
  for (const char* name : {"user.delegate", "trusted.delegate"}) {
    char value = 0;
    if (::getxattr(folder.c_str(), name, &value, 1) == 1 && value == '1') return true;
  }
  return false;
}

// Groups of executions whose last process had not gone, or that left something running.
void remove_empty(const std::string& root) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("act_") || name.starts_with("child_")) ::rmdir(entry.path().c_str());
  }
}

}  // namespace

std::string cgroup_path(std::string_view proc_cgroup) {
  std::istringstream lines{std::string(proc_cgroup)};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("0::/")) return line.substr(3);
  }
  return {};
}

// "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw"
std::string cgroup_mount(std::string_view mountinfo) {
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" - cgroup2 ") == std::string::npos) continue;
    const std::vector<std::string> fields = words(line);
    if (fields.size() > 4 && fields[3] == "/") return fields[4];
  }
  return {};
}

Cgroup::Cgroup(std::string path, const catalog::Limits& limits, int more)
    : path_(std::move(path)),
      limits_(limits),
      more_(more),
      join_(::open((path_ + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC)) {}

Cgroup::~Cgroup() {
  join_.reset();
  ::rmdir(path_.c_str());
}

Result<void> Cgroup::limit() const {
  std::ignore = write_control(path_ + "/memory.oom.group", "1");
  std::ignore = write_control(path_ + "/memory.swap.max", "0");  // where there is swap
  if (auto done = write_control(path_ + "/memory.max", std::to_string(limits_.memory_bytes)); !done)
    return done;
  return write_control(path_ + "/pids.max", std::to_string(limits_.processes + more_));
}

void Cgroup::kill_all() const {
  std::ignore = write_control(path_ + "/cgroup.kill", "1");
}

bool Cgroup::ran_out_of_memory() const {
  const std::vector<std::string> events = words(proc_text(path_ + "/memory.events"));
  const auto at = std::ranges::find(events, "oom_kill");
  return at != events.end() && at + 1 != events.end() && *(at + 1) != "0";
}

Result<CgroupTree> CgroupTree::find() {
  const std::string mount = cgroup_mount(proc_text("/proc/self/mountinfo"));
  const std::string path = cgroup_path(proc_text("/proc/self/cgroup"));
  if (mount.empty() || path.empty())
    return no_cgroup("this machine has no control groups, version 2");
  std::string root = path == "/" ? mount : mount + path;
  if (root.ends_with("/" + std::string(kOwnGroup))) root.resize(root.size() - kOwnGroup.size() - 1);
  if (!is_delegated(root))
    return no_cgroup("the service has no control group of its own (systemd: Delegate=memory pids)");
  const std::vector<std::string> there = words(proc_text(root + "/cgroup.controllers"));
  for (const char* controller : {"memory", "pids"}) {
    if (std::ranges::find(there, controller) == there.end())
      return no_cgroup(root + " does not have the controller " + controller);
  }
  return CgroupTree(root, {"memory", "pids"});
}

Result<void> CgroupTree::enable(const std::vector<pid_t>& own) {
  const std::string group = root_ + "/" + std::string(kOwnGroup);
  if (::mkdir(group.c_str(), 0755) != 0 && errno != EEXIST)
    return no_cgroup("cannot make " + group + ": " + errno_text(errno));
  for (const std::string& word : words(proc_text(root_ + "/cgroup.procs"))) {
    const bool ours =
        std::ranges::any_of(own, [&](pid_t pid) { return word == std::to_string(pid); });
    if (!ours) return no_cgroup("process " + word + ", which is not Keyturn's, is in " + root_);
    if (auto moved = write_control(group + "/cgroup.procs", word); !moved) return moved;
  }
  for (const std::string& controller : controllers_) {
    if (auto on = write_control(root_ + "/cgroup.subtree_control", "+" + controller); !on) {
      disable();
      return on;
    }
  }
  enabled_ = true;
  return {};
}

void CgroupTree::disable() {
  enabled_ = false;
  for (const std::string& controller : controllers_)
    std::ignore = write_control(root_ + "/cgroup.subtree_control", "-" + controller);
}

Result<std::unique_ptr<Cgroup>> CgroupTree::make(const std::string& name,
                                                 const catalog::Limits& limits, int more) {
  remove_empty(root_);
  const std::string path = root_ + "/" + name;
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST)
    return no_cgroup("cannot make " + path + ": " + errno_text(errno));
  auto group = std::make_unique<Cgroup>(path, limits, more);
  if (group->join_fd() < 0) return no_cgroup("cannot use " + path);
  if (!controllers_.empty()) {
    if (auto limited = group->limit(); !limited) return std::unexpected(limited.error());
  }
  return group;
}

}  // namespace keyturn::connectors::exec
