#include "connectors/exec/limits.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "catalog/size.h"
#include "connectors/fd.h"

namespace keyturn::connectors::exec {
namespace {

bool counts_by_namespace() {
  utsname name{};
  int major = 0, minor = 0;
  if (::uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return false;
  return major > 5 || (major == 5 && minor >= 14);
}

int set_from_here(pid_t pid, const rlimit& most) {
  return ::prlimit(pid, RLIMIT_NPROC, &most, nullptr) == 0 ? 0 : errno;
}

// Root without CAP_SYS_RESOURCE may not: a child that is of the process's own user may. It shares
// our memory, which no other user can look into (PR_SET_DUMPABLE); the user is its own.
int set_as_its_user(pid_t pid, const rlimit& most, uid_t uid, gid_t gid) {
  volatile int error = 0;
  const pid_t child = ::vfork();
  if (child == 0) {
    if (::syscall(SYS_setresgid, gid, gid, gid) != 0 ||
        ::syscall(SYS_setresuid, uid, uid, uid) != 0) {
      error = errno;
    } else {
      error = set_from_here(pid, most);
    }
    ::_exit(0);
  }
  if (child < 0) return errno;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? error : EINTR;
}

}  // namespace

Rlimits rlimits_of(const catalog::Limits& limits, bool own_user) {
  // Core files of one byte, not of none: the kernel then starts no crash handler either, which
  // would get all of the memory whatever this limit says (core(5), kernel/coredump.c).
  Rlimits out{{RLIMIT_CORE, 1},
              {RLIMIT_DATA, static_cast<std::uint64_t>(limits.memory_bytes)},
              {RLIMIT_FSIZE, static_cast<std::uint64_t>(limits.file_bytes)},
              {RLIMIT_NOFILE, static_cast<std::uint64_t>(limits.open_files)}};
  if (own_user) out.emplace_back(RLIMIT_NPROC, kProcessesOfUser);
  return out;
}

Result<void> limit_processes(pid_t pid, std::int64_t processes, uid_t uid, gid_t gid) {
  static const bool by_namespace = counts_by_namespace();
  if (!by_namespace) return {};
  const rlim_t count = static_cast<rlim_t>(processes) + 1;
  const rlimit most{count, count};
  const int error =
      uid == ::getuid() ? set_from_here(pid, most) : set_as_its_user(pid, most, uid, gid);
  // Gone: what made the sandbox fail is said elsewhere.
  if (error == 0 || error == ESRCH) return {};
  return refuse("limit_failed", "its processes cannot be limited: " + errno_text(error));
}

doc::Value to_value(const catalog::Limits& limits) {
  return doc::object({{"memory_bytes", limits.memory_bytes},
                      {"processes", limits.processes},
                      {"open_files", limits.open_files},
                      {"file_bytes", limits.file_bytes}});
}

catalog::Limits limits_from_value(const doc::Value& value) {
  return {.memory_bytes = value.integer("memory_bytes"),
          .processes = value.integer("processes"),
          .open_files = value.integer("open_files"),
          .file_bytes = value.integer("file_bytes")};
}

doc::Value describe(const catalog::Limits& limits) {
  return doc::object({{"memory", catalog::size_text(limits.memory_bytes)},
                      {"processes", limits.processes},
                      {"open_files", limits.open_files},
                      {"file_size", catalog::size_text(limits.file_bytes)}});
}

}  // namespace keyturn::connectors::exec
