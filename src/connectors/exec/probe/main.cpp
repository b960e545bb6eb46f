// A program for exec_test.cpp to run as a tool: tries what a tool must not get, and says what came
// of it.
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Call {
  const char* name;
  long number;
  std::vector<long> arguments;
};

long pointer_to(const void* at) {
  return reinterpret_cast<long>(at);
}

// Harmless if they were allowed: they work on nothing, or on this process itself.
std::vector<Call> calls() {
  static char path[] = "/tmp";
  const long self = ::getpid();
  return {{"ptrace", SYS_ptrace, {PTRACE_TRACEME, 0, 0, 0}},
          {"process_vm_readv", SYS_process_vm_readv, {self, 0, 0, 0, 0, 0}},
          {"process_vm_writev", SYS_process_vm_writev, {self, 0, 0, 0, 0, 0}},
          {"kcmp", SYS_kcmp, {self, self, 0, 0, 0}},
          {"pidfd_getfd", SYS_pidfd_getfd, {-1, 0, 0}},
          {"mount", SYS_mount, {0, pointer_to(path), 0, 0, 0}},
          {"umount2", SYS_umount2, {pointer_to(path), 0}},
          {"pivot_root", SYS_pivot_root, {pointer_to(path), pointer_to(path)}},
          {"chroot", SYS_chroot, {pointer_to(path)}},
          {"fsopen", SYS_fsopen, {0, 0}},
          {"open_tree", SYS_open_tree, {-1, 0, 0}},
          {"move_mount", SYS_move_mount, {-1, 0, -1, 0, 0}},
          {"mount_setattr", SYS_mount_setattr, {-1, 0, 0, 0, 0}},
          {"open_by_handle_at", SYS_open_by_handle_at, {-1, 0, 0}},
          {"swapon", SYS_swapon, {0, 0}},
          {"setns", SYS_setns, {-1, 0}},
          {"unshare user", SYS_unshare, {CLONE_NEWUSER}},
          {"unshare net", SYS_unshare, {CLONE_NEWNET}},
          {"unshare mount", SYS_unshare, {CLONE_NEWNS | CLONE_FS}},
          {"kexec_load", SYS_kexec_load, {0, 0, 0, 0}},
          {"kexec_file_load", SYS_kexec_file_load, {-1, -1, 0, 0, 0}},
          {"init_module", SYS_init_module, {0, 0, 0}},
          {"finit_module", SYS_finit_module, {-1, 0, 0}},
          {"delete_module", SYS_delete_module, {0, 0}},
          {"reboot", SYS_reboot, {0, 0, 0, 0}},
          {"bpf", SYS_bpf, {0, 0, 0}},
          {"perf_event_open", SYS_perf_event_open, {0, 0, -1, -1, 0}},
          {"userfaultfd", SYS_userfaultfd, {-1}},
          {"io_uring_setup", SYS_io_uring_setup, {0, 0}},
          {"io_uring_enter", SYS_io_uring_enter, {-1, 0, 0, 0, 0, 0}},
          {"io_uring_register", SYS_io_uring_register, {-1, 0, 0, 0}},
          {"add_key", SYS_add_key, {0, 0, 0, 0, 0}},
          {"request_key", SYS_request_key, {0, 0, 0, 0}},
          {"keyctl", SYS_keyctl, {0, -3, 0, 0, 0}},
          {"ioctl TIOCSTI", SYS_ioctl, {-1, TIOCSTI, 0}},
          {"clone user", SYS_clone, {CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0}},
          {"clone3", SYS_clone3, {0, 0}},
          {"socket vsock", SYS_socket, {AF_VSOCK, SOCK_STREAM, 0}},
          {"socket alg", SYS_socket, {AF_ALG, SOCK_SEQPACKET, 0}},
          {"socket packet", SYS_socket, {AF_PACKET, SOCK_RAW, 0}},
          // These are every program's daily bread.
          {"socket unix", SYS_socket, {AF_UNIX, SOCK_STREAM, 0}},
          {"socket inet", SYS_socket, {AF_INET, SOCK_STREAM, 0}},
          {"socket inet6", SYS_socket, {AF_INET6, SOCK_STREAM, 0}},
          {"socket netlink", SYS_socket, {AF_NETLINK, SOCK_RAW, 0}},
          {"unshare files", SYS_unshare, {CLONE_FILES}}};
}

void try_calls() {
  for (const Call& call : calls()) {
    std::vector<long> a = call.arguments;
    a.resize(6, 0);
    errno = 0;
    const long got = ::syscall(call.number, a[0], a[1], a[2], a[3], a[4], a[5]);
    const int error = errno;
    if (call.number == SYS_clone && got == 0) ::_exit(0);  // the child that should not be
    std::printf("%s: %s\n", call.name, got >= 0 ? "done" : ::strerrorname_np(error));
  }
}

// Children that wait, until one more is refused. They end with this process.
int fork_until(int most) {
  int count = 0;
  while (count < most) {
    const pid_t child = ::fork();
    if (child < 0) break;
    if (child == 0) {
      ::pause();
      ::_exit(0);
    }
    ++count;
  }
  return count;
}

int open_until(int most) {
  int count = 0;
  while (count < most && ::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) ++count;
  return count;
}

// In MiB.
int allocate_until(int most) {
  constexpr std::size_t block = 1 << 20;
  int count = 0;
  for (; count < most; ++count) {
    void* at = ::mmap(nullptr, block, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) break;
    std::memset(at, 1, block);
  }
  return count;
}

const char* connect_to(const char* path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, path, sizeof name.sun_path - 1);
  return ::connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0
             ? "connected"
             : ::strerrorname_np(errno);
}

void write_file(const char* path, int blocks) {
  const int fd = ::open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  const std::string block(4096, 'x');
  for (int i = 0; i < blocks && ::write(fd, block.data(), block.size()) > 0; ++i) {
  }
  std::puts("written");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  const int number = argc > 2 ? std::atoi(argv[2]) : 0;
  if (what == "calls") try_calls();
  if (what == "fork") std::printf("%d\n", fork_until(number));
  if (what == "open") std::printf("%d\n", open_until(number));
  if (what == "allocate") std::printf("%d\n", allocate_until(number));
  if (what == "connect") std::puts(connect_to(argv[2]));
  if (what == "write") write_file(argv[3], number);
  if (what == "abort") std::abort();
  if (what == "fork-and-wait") {  // says how many, and ends when it is told
    std::printf("%d\n", fork_until(number));
    std::fflush(stdout);
    const int said = ::open(argv[3], O_WRONLY), go = ::open(argv[4], O_RDONLY);
    char byte = 'x';
    if (::write(said, "up\n", 3) != 3 || ::read(go, &byte, 1) < 0) return 1;
  }
  std::fflush(stdout);
  // Children go with their process group: nobody waits for them.
  if (what.starts_with("fork")) {
    ::signal(SIGTERM, SIG_IGN);
    ::kill(0, SIGTERM);
  }
  return 0;
}
