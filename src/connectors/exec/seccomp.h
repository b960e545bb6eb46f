// The system calls that a sandboxed program is refused, beyond what namespaces keep from it: what
// no tool needs and what kernels were broken with.
#pragma once

#include "base/result.h"
#include "connectors/fd.h"

namespace keyturn::connectors::exec {

// The filter as bubblewrap takes it (--seccomp FD): a BPF program for this machine's architecture,
// in a sealed memory file. Refused calls fail with EPERM, sockets of families other than Unix, IP
// and netlink with EAFNOSUPPORT (virtual sockets ignore network namespaces), clone3 with ENOSYS
// (its flags cannot be read here; the C library then uses clone). A program of another architecture
// (32-bit, x32) is killed. Refuses no_sandbox.
[[nodiscard]] Result<Fd> seccomp_filter();

}  // namespace keyturn::connectors::exec
