#include "connectors/exec/seccomp.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

namespace keyturn::connectors::exec {
namespace {

// Numbers below zero are calls that this architecture does not have.
constexpr std::array kRefused{
    // other processes' memory and descriptors
    SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise), SCMP_SYS(kcmp), SCMP_SYS(pidfd_getfd),
    // mounts and file systems
    SCMP_SYS(mount), SCMP_SYS(umount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot),
    SCMP_SYS(fsopen), SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(fspick), SCMP_SYS(move_mount),
    SCMP_SYS(open_tree), SCMP_SYS(mount_setattr), SCMP_SYS(open_by_handle_at),
    SCMP_SYS(fanotify_init), SCMP_SYS(quotactl), SCMP_SYS(swapon), SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    // namespaces
    SCMP_SYS(setns),
    // the kernel itself
    SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(init_module), SCMP_SYS(finit_module),
    SCMP_SYS(delete_module), SCMP_SYS(reboot), SCMP_SYS(bpf), SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register), SCMP_SYS(syslog), SCMP_SYS(iopl), SCMP_SYS(ioperm),
    SCMP_SYS(modify_ldt), SCMP_SYS(vm86), SCMP_SYS(vm86old), SCMP_SYS(uselib), SCMP_SYS(nfsservctl),
    SCMP_SYS(lookup_dcookie), SCMP_SYS(vhangup),
    // keyrings, which are not in any namespace
    SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl),
    // the machine's clock and name
    SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(stime), SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname)};

constexpr std::array<unsigned long, 8> kNamespaces{CLONE_NEWUSER,   CLONE_NEWNS,  CLONE_NEWPID,
                                                   CLONE_NEWNET,    CLONE_NEWIPC, CLONE_NEWUTS,
                                                   CLONE_NEWCGROUP, CLONE_NEWTIME};

struct Release {
  void operator()(void* filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

bool refuse_calls(scmp_filter_ctx filter) {
  for (const int call : kRefused) {
    // What does not exist here cannot be called.
    if (call >= 0 && ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0) != 0) return false;
  }
  return ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
}

bool refuse_namespaces(scmp_filter_ctx filter) {
  for (const unsigned long flag : kNamespaces) {
    const scmp_arg_cmp has_flag{0, SCMP_CMP_MASKED_EQ, flag, flag};
    // In clone() the bit of CLONE_NEWTIME is part of a signal's number.
    const bool clones = flag != CLONE_NEWTIME;
    if (::seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 1, has_flag) != 0 ||
        (clones &&
         ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, has_flag) != 0)) {
      return false;
    }
  }
  return true;
}

// Text pushed into a terminal is run by whoever sits there.
bool refuse_terminal_input(scmp_filter_ctx filter) {
  constexpr unsigned kLinuxConsole = 0x541C;  // TIOCLINUX
  for (const unsigned long request : {static_cast<unsigned long>(TIOCSTI), 0ul + kLinuxConsole}) {
    if (::seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                           scmp_arg_cmp{1, SCMP_CMP_MASKED_EQ, 0xFFFFFFFFu, request}) != 0) {
      return false;
    }
  }
  return true;
}

bool refuse_socket_families(scmp_filter_ctx filter) {
  const auto rule = [&](scmp_arg_cmp which) {
    return ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1, which) ==
           0;
  };
  for (int family = 0; family < AF_NETLINK; ++family) {
    if (family == AF_UNSPEC || family == AF_UNIX || family == AF_INET || family == AF_INET6)
      continue;
    if (!rule({0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(family), 0})) return false;
  }
  // Bits that the kernel would cut off make a number larger, too.
  return rule({0, SCMP_CMP_GT, AF_NETLINK, 0});
}

}  // namespace

Result<Fd> seccomp_filter() {
  const auto failed = [](const char* step) {
    return refuse("no_sandbox", std::string("the system call filter cannot be made: ") + step);
  };
  const Filter filter(::seccomp_init(SCMP_ACT_ALLOW));
  if (!filter) return failed("libseccomp does not know this machine");
  ::seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a tree: some 6 steps a call
  if (!refuse_calls(filter.get()) || !refuse_namespaces(filter.get()) ||
      !refuse_terminal_input(filter.get()) || !refuse_socket_families(filter.get())) {
    return failed("libseccomp refuses a rule");
  }
  Fd program(::memfd_create("seccomp", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!program || ::seccomp_export_bpf(filter.get(), program.get()) != 0)
    return failed("no memory file");
  ::fcntl(program.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return program;
}

}  // namespace keyturn::connectors::exec
