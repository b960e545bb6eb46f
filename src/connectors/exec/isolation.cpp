#include "connectors/exec/isolation.h"

#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "connectors/exec/launch.h"
#include "connectors/fd.h"

namespace keyturn::connectors::exec {
namespace {

constexpr const char* kOwnUser = "keyturn-exec";

constexpr std::array<const char*, 9> kRootFolders{"/usr",   "/bin",    "/sbin", "/lib", "/lib32",
                                                  "/lib64", "/libx32", "/nix",  "/gnu"};
constexpr std::array<const char*, 12> kEtc{
    "/etc/ssl",           "/etc/ca-certificates", "/etc/pki",          "/etc/ld.so.cache",
    "/etc/ld.so.conf",    "/etc/ld.so.conf.d",    "/etc/alternatives", "/etc/localtime",
    "/etc/nsswitch.conf", "/etc/passwd",          "/etc/group",        "/etc/services"};
constexpr std::array<const char*, 3> kEtcNetwork{"/etc/resolv.conf", "/etc/hosts", "/etc/gai.conf"};

std::string user_name(uid_t uid) {
  const passwd* entry = ::getpwuid(uid);
  return entry == nullptr ? std::to_string(uid) : entry->pw_name;
}

void choose_user(Isolation& isolation) {
  isolation.uid = ::geteuid();
  isolation.gid = ::getegid();
  isolation.user = user_name(isolation.uid);
  if (isolation.uid != 0) return;
  const passwd* entry = ::getpwnam(kOwnUser);
  if (entry == nullptr || entry->pw_uid == 0) entry = ::getpwnam("nobody");
  isolation.user = entry == nullptr ? "65534" : entry->pw_name;
  isolation.uid = entry == nullptr ? 65534 : entry->pw_uid;
  isolation.gid = entry == nullptr ? 65534 : entry->pw_gid;
  isolation.drops_user = true;
}

// To its end: bubblewrap writes a line in pieces.
std::string read_all(int fd) {
  std::string text;
  std::array<char, 1024> block;
  for (ssize_t n; (n = ::read(fd, block.data(), block.size())) != 0;) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    if (text.size() < 4096) text.append(block.data(), static_cast<std::size_t>(n));
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

void try_sandbox(Isolation& isolation, const Result<Fd>& filter) {
  if (!filter) {
    isolation.sandbox_problem = filter.error().message;
    return;
  }
  if (::access(kBubblewrap, X_OK) != 0) {
    isolation.sandbox_problem = std::string(kBubblewrap) + " is not installed";
    return;
  }
  Pipe output = make_pipe(), status = make_pipe();
  const Fd own_filter = reopen(*filter);
  const SandboxFds fds;
  Launch launch_plan{
      .program_path = kBubblewrap,
      .argv = bubblewrap_argv({}, "/", isolation.data_folder, {}, fds),
      .env = {std::string("PATH=") + kSearchPath, "LANG=C.UTF-8"},
      .stdout_fd = output.write.get(),
      .stderr_fd = output.write.get(),
      .descriptors = {{status.write.get(), fds.status}, {own_filter.get(), fds.filter}},
      .limits = rlimits_of({}, isolation.drops_user),
      .drop_user = isolation.drops_user,
      .uid = isolation.uid,
      .gid = isolation.gid};
  launch_plan.argv.insert(launch_plan.argv.end(), {"--", "/usr/bin/true"});
  const auto pid = launch(launch_plan);
  output.write.reset();
  if (!pid) {
    isolation.sandbox_problem = pid.error().message;
    return;
  }
  const std::string said = read_all(output.read.get());
  int code = 0;
  ::waitpid(*pid, &code, 0);
  isolation.sandbox_works = WIFEXITED(code) && WEXITSTATUS(code) == 0;
  if (!isolation.sandbox_works)
    isolation.sandbox_problem = said.empty() ? "bubblewrap failed" : said;
}

// /bin is a symbolic link on merged systems, and a folder on others.
void add_root_folders(std::vector<std::string>& argv) {
  for (const char* folder : kRootFolders) {
    std::error_code error;
    if (std::filesystem::is_symlink(folder, error)) {
      argv.insert(argv.end(),
                  {"--symlink", std::filesystem::read_symlink(folder, error).string(), folder});
    } else if (std::filesystem::is_directory(folder, error)) {
      argv.insert(argv.end(), {"--ro-bind", folder, folder});
    }
  }
}

}  // namespace

bool is_below(const std::string& path, const std::string& folder) {
  if (folder == "/") return true;
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

bool is_system_path(const std::string& path) {
  return std::ranges::any_of(kRootFolders,
                             [&](const char* folder) { return is_below(path, folder); });
}

bool is_shown(const std::string& path, const catalog::Sandbox& sandbox) {
  const auto holds = [&](const std::string& folder) { return is_below(path, folder); };
  return is_system_path(path) || std::ranges::any_of(sandbox.read_only, holds) ||
         std::ranges::any_of(sandbox.read_write, holds);
}

// Raw system calls: glibc's wrappers would change every thread of the process.
AsExecutionUser::AsExecutionUser(const Isolation& isolation) : active_(isolation.drops_user) {
  if (!active_) return;
  groups_.resize(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
  if (::getgroups(static_cast<int>(groups_.size()), groups_.data()) < 0) std::abort();
  if (::syscall(SYS_setgroups, 0, nullptr) != 0) std::abort();
  gid_ = static_cast<gid_t>(::syscall(SYS_setfsgid, isolation.gid));
  uid_ = static_cast<uid_t>(::syscall(SYS_setfsuid, isolation.uid));
  if (static_cast<uid_t>(::syscall(SYS_setfsuid, -1)) != isolation.uid) std::abort();
}

AsExecutionUser::~AsExecutionUser() {
  if (!active_) return;
  ::syscall(SYS_setfsuid, uid_);
  ::syscall(SYS_setfsgid, gid_);
  if (::syscall(SYS_setgroups, groups_.size(), groups_.data()) != 0) std::abort();
}

std::vector<std::string> bubblewrap_argv(const catalog::Sandbox& sandbox, const std::string& cwd,
                                         const std::string& data_folder,
                                         const std::vector<Overlay>& overlays,
                                         const SandboxFds& fds) {
  std::vector<std::string> argv{"bwrap",
                                "--unshare-all",
                                "--unshare-user",
                                "--disable-userns",
                                "--die-with-parent",
                                "--new-session",
                                "--cap-drop",
                                "ALL",
                                "--json-status-fd",
                                std::to_string(fds.status),
                                "--seccomp",
                                std::to_string(fds.filter)};
  if (fds.gate >= 0) argv.insert(argv.end(), {"--block-fd", std::to_string(fds.gate)});
  if (sandbox.network) argv.push_back("--share-net");
  add_root_folders(argv);
  for (const char* path : kEtc) argv.insert(argv.end(), {"--ro-bind-try", path, path});
  if (sandbox.network) {
    for (const char* path : kEtcNetwork) argv.insert(argv.end(), {"--ro-bind-try", path, path});
  }
  argv.insert(argv.end(), {"--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--size",
                           "268435456", "--tmpfs", "/tmp"});
  for (const std::string& path : sandbox.read_only)
    argv.insert(argv.end(), {"--ro-bind", path, path});
  for (const std::string& path : sandbox.read_write)
    argv.insert(argv.end(), {"--bind", path, path});
  // A tool may bind a folder around the data; the data stay hidden.
  if (!data_folder.empty() && is_shown(data_folder, sandbox)) {
    argv.insert(argv.end(), {"--perms", "0000", "--tmpfs", data_folder});
  }
  for (const Overlay& overlay : overlays) {
    argv.insert(argv.end(), {"--perms", overlay.executable ? "0555" : "0444", "--ro-bind-data",
                             std::to_string(overlay.fd), overlay.path});
  }
  if (cwd != "/" && cwd != "/tmp" && !is_shown(cwd, sandbox))
    argv.insert(argv.end(), {"--dir", cwd});
  argv.insert(argv.end(), {"--remount-ro", "/", "--chdir", cwd});
  return argv;
}

Isolation find_isolation(const std::string& data_folder, const Result<Fd>& filter) {
  Isolation isolation;
  isolation.data_folder = data_folder;
  choose_user(isolation);
  try_sandbox(isolation, filter);
  return isolation;
}

doc::Value to_value(const Isolation& isolation) {
  return doc::object({{"user", isolation.user},
                      {"uid", static_cast<std::int64_t>(isolation.uid)},
                      {"gid", static_cast<std::int64_t>(isolation.gid)},
                      {"drops_user", isolation.drops_user},
                      {"sandbox_works", isolation.sandbox_works},
                      {"sandbox_problem", isolation.sandbox_problem},
                      {"data_folder", isolation.data_folder},
                      {"cgroup", isolation.cgroup},
                      {"cgroup_problem", isolation.cgroup_problem}});
}

Isolation isolation_from_value(const doc::Value& value) {
  return {.user = std::string(value.text("user")),
          .uid = static_cast<uid_t>(value.integer("uid")),
          .gid = static_cast<gid_t>(value.integer("gid")),
          .drops_user = value.flag("drops_user"),
          .sandbox_works = value.flag("sandbox_works"),
          .sandbox_problem = std::string(value.text("sandbox_problem")),
          .data_folder = std::string(value.text("data_folder")),
          .cgroup = std::string(value.text("cgroup")),
          .cgroup_problem = std::string(value.text("cgroup_problem"))};
}

std::vector<std::string> notes(const Isolation& isolation) {
  std::vector<std::string> out;
  if (!isolation.sandbox_works)
    out.push_back("programs cannot run in a sandbox on this machine: " + isolation.sandbox_problem);
  if (!isolation.drops_user)
    out.push_back("programs run as Keyturn's own user, because it does not run as root");
  out.push_back(isolation.cgroup.empty()
                    ? "memory is limited for each process of a program alone, not for all of them "
                      "together: " +
                          isolation.cgroup_problem
                    : "memory and processes of each execution are limited in " + isolation.cgroup);
  return out;
}

doc::Value describe(const Isolation& isolation, const catalog::Sandbox& sandbox) {
  std::string note;
  if (sandbox.enabled) {
    note =
        "runs in bubblewrap: own namespaces, fewer system calls, the system's folders read-only, ";
    note += sandbox.network ? "the host's network" : "no network";
    if (!isolation.drops_user) note += "; as the server's own user, whose data folder is not there";
  } else if (isolation.drops_user) {
    note = "runs without a sandbox, as another user than the server's";
  } else {
    note =
        "WARNING: runs without a sandbox as the server's own user: it can read Keyturn's keys and "
        "data";
  }
  return doc::object({{"sandbox", sandbox.enabled ? "bubblewrap" : "none"},
                      {"separate_user", isolation.drops_user},
                      {"note", note}});
}

Result<void> check_sandbox(const Isolation& isolation, const catalog::Sandbox& sandbox) {
  if (!sandbox.enabled || isolation.sandbox_works) return {};
  return refuse(
      "no_sandbox",
      "this machine does not let Keyturn make a sandbox (" + isolation.sandbox_problem +
          "). Install bubblewrap and allow unprivileged user namespaces "
          "(sysctl kernel.unprivileged_userns_clone=1 or "
          "kernel.apparmor_restrict_unprivileged_userns=0; in a container, a seccomp profile that "
          "allows them), then restart; or say " +
          std::string(isolation.drops_user ? "`sandbox: none`"
                                           : "`sandbox: {disabled: true, exposes_keyturn: true}`") +
          " in this tool, and reviewers are told");
}

}  // namespace keyturn::connectors::exec
