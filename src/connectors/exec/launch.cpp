#include "connectors/exec/launch.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "connectors/fd.h"

namespace keyturn::connectors::exec {
namespace {

constexpr int kParkedFrom = 512;  // descriptors are moved up here before they get their numbers

// What went wrong in the child, sent up the pipe.
struct Trouble {
  int step = 0;
  int error = 0;
};
constexpr std::array<const char*, 8> kSteps{"",
                                            "watch its parent",
                                            "limit it",
                                            "change the user",
                                            "pass descriptors",
                                            "enter its folder",
                                            "run it",
                                            "join its control group"};

struct Child {
  const Launch& what;
  char* const* argv;
  char* const* env;
  int trouble_fd;
  pid_t parent;

  [[noreturn]] void fail(int step) const {
    const Trouble trouble{step, errno};
    [[maybe_unused]] const ssize_t n = ::write(trouble_fd, &trouble, sizeof trouble);
    ::_exit(127);
  }

  [[noreturn]] void run() const {
    reset_signals();
    ::setsid();
    if (what.cgroup_fd >= 0 && ::write(what.cgroup_fd, "0", 1) != 1) fail(7);
    if (what.drop_user) become();
    // After the user changed: a change of user clears it.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) fail(1);
    ::umask(022);
    if (::chdir(what.cwd.c_str()) != 0) fail(5);
    arrange_descriptors();
  }

  static void reset_signals() {
    sigset_t none;
    ::sigemptyset(&none);
    for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
  }

  // After the descriptors have their numbers, some of which may be beyond a limit.
  void set_limits(int trouble) const {
    for (const auto& [resource, most] : what.limits) {
      const auto which = static_cast<__rlimit_resource>(resource);
      rlimit limit{};
      if (::getrlimit(which, &limit) != 0) finish_failing(trouble, 2);
      limit.rlim_max = std::min<rlim_t>(limit.rlim_max, most);
      limit.rlim_cur = limit.rlim_max;
      if (::setrlimit(which, &limit) != 0) finish_failing(trouble, 2);
    }
  }

  void become() const {
    if (::setgroups(0, nullptr) != 0 || ::setresgid(what.gid, what.gid, what.gid) != 0 ||
        ::setresuid(what.uid, what.uid, what.uid) != 0) {
      fail(3);
    }
  }

  int park(int fd) const {
    const int parked = ::fcntl(fd, F_DUPFD_CLOEXEC, kParkedFrom);
    if (parked < 0) fail(4);
    return parked;
  }

  static constexpr int kMost = 400;

  [[noreturn]] void arrange_descriptors() const {
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || what.descriptors.size() > kMost) fail(4);
    const int trouble = park(trouble_fd);
    const int program = what.program_fd < 0 ? -1 : park(what.program_fd);
    std::array<std::pair<int, int>, kMost + 3> moves;
    std::size_t count = 0;
    moves[count++] = {park(what.stdin_fd < 0 ? null : what.stdin_fd), 0};
    moves[count++] = {park(what.stdout_fd), 1};
    moves[count++] = {park(what.stderr_fd), 2};
    for (const auto& [ours, theirs] : what.descriptors) moves[count++] = {park(ours), theirs};
    ::close_range(0, kParkedFrom - 1, 0);
    for (std::size_t i = 0; i < count; ++i) {
      if (::dup2(moves[i].first, moves[i].second) < 0) finish_failing(trouble, 4);
    }
    set_limits(trouble);
    if (program >= 0) {
      ::execveat(program, "", argv, env, AT_EMPTY_PATH);
    } else {
      ::execve(what.program_path.c_str(), argv, env);
    }
    finish_failing(trouble, 6);
  }

  [[noreturn]] static void finish_failing(int fd, int step) {
    const Trouble trouble{step, errno};
    [[maybe_unused]] const ssize_t n = ::write(fd, &trouble, sizeof trouble);
    ::_exit(127);
  }
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

}  // namespace

Result<pid_t> launch(const Launch& what) {
  const std::vector<char*> argv = pointers(what.argv);
  const std::vector<char*> env = pointers(what.env);
  Pipe trouble_pipe = make_pipe();
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return refuse("start_failed", "cannot start a process: " + errno_text(errno));
  if (pid == 0) Child{what, argv.data(), env.data(), trouble_pipe.write.get(), parent}.run();
  trouble_pipe.write.reset();
  Trouble trouble;
  ssize_t n = 0;
  do {
    n = ::read(trouble_pipe.read.get(), &trouble, sizeof trouble);
  } while (n < 0 && errno == EINTR);
  if (n <= 0) return pid;  // closed by exec: it runs
  ::waitpid(pid, nullptr, 0);
  return refuse("start_failed", "cannot " +
                                    std::string(kSteps.at(static_cast<std::size_t>(trouble.step))) +
                                    " (" + what.argv.front() + "): " + errno_text(trouble.error));
}

}  // namespace keyturn::connectors::exec
