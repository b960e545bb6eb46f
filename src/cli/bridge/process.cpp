#include "cli/bridge/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace keyturn::cli::bridge {
namespace {

constexpr std::size_t kLineBytesMax = 16 << 20;
constexpr int kLook = 100;  // ms between two looks at whether it is time to end

struct Pipes {
  std::array<int, 2> in{-1, -1}, out{-1, -1}, told{-1, -1};
  Pipes() = default;
  Pipes(const Pipes&) = delete;
  Pipes& operator=(const Pipes&) = delete;
  ~Pipes() {
    for (const auto& pair : {in, out, told}) {
      for (const int fd : pair) {
        if (fd >= 0) ::close(fd);
      }
    }
  }
  bool open() {
    return ::pipe2(in.data(), O_CLOEXEC) == 0 && ::pipe2(out.data(), O_CLOEXEC) == 0 &&
           ::pipe2(told.data(), O_CLOEXEC) == 0;
  }
};

// In the child, between fork and exec: only what is safe there.
[[noreturn]] void become(const Pipes& pipes, char* const* argv, char* const* environment,
                         pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  int error = 0;
  if (::getppid() == parent && ::dup2(pipes.in[0], 0) >= 0 && ::dup2(pipes.out[1], 1) >= 0)
    ::execvpe(argv[0], argv, environment);
  error = errno;
  [[maybe_unused]] const ssize_t wrote = ::write(pipes.told[1], &error, sizeof error);
  ::_exit(127);
}

std::vector<char*> environment_for_child() {
  std::vector<char*> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with("KEYTURN_TOKEN=")) out.push_back(*entry);
  }
  out.push_back(nullptr);
  return out;
}

int code_of(int status) {
  constexpr int kSignalled = 128;  // what shells say
  return WIFEXITED(status) ? WEXITSTATUS(status) : kSignalled + WTERMSIG(status);
}

}  // namespace

Result<std::unique_ptr<Process>> Process::start(const std::vector<std::string>& command) {
  Pipes pipes;
  if (!pipes.open())
    return refuse("cannot_start", std::string("no pipes: ") + std::strerror(errno));
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const std::vector<char*> environment = environment_for_child();
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become(pipes, argv.data(), environment.data(), parent);
  if (pid < 0) return refuse("cannot_start", std::string("cannot fork: ") + std::strerror(errno));
  ::setpgid(pid, pid);
  ::close(std::exchange(pipes.told[1], -1));
  int error = 0;
  if (::read(pipes.told[0], &error, sizeof error) == static_cast<ssize_t>(sizeof error)) {
    ::waitpid(pid, nullptr, 0);
    return refuse(error == ENOENT ? "no_program" : "cannot_start",
                  "cannot run " + command.front() + ": " + std::strerror(error));
  }
  std::unique_ptr<Process> out(new Process);
  out->pid_ = pid;
  out->pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  out->in_ = std::exchange(pipes.in[1], -1);
  out->out_ = std::exchange(pipes.out[0], -1);
  ::fcntl(out->in_, F_SETFL, O_NONBLOCK);
  if (out->pidfd_ < 0)
    return refuse("cannot_start", std::string("pidfd_open: ") + std::strerror(errno));
  return out;
}

Process::~Process() {
  if (pidfd_ >= 0) (void)end(std::chrono::seconds(0), std::chrono::seconds(1));
  for (const int fd : {pidfd_, in_, out_}) {
    if (fd >= 0) ::close(fd);
  }
}

bool Process::write(std::string_view line) {
  std::string bytes(line);
  bytes += '\n';
  std::string_view left = bytes;
  const std::scoped_lock lock(in_mutex_);
  while (!left.empty() && in_ >= 0) {
    const ssize_t wrote = ::write(in_, left.data(), left.size());
    if (wrote >= 0) {
      left.remove_prefix(static_cast<std::size_t>(wrote));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN || ending_) return false;
    pollfd room{.fd = in_, .events = POLLOUT};
    ::poll(&room, 1, kLook);
  }
  return left.empty();
}

std::optional<std::string> Process::read() {
  std::array<char, 64 * 1024> bytes{};
  for (;;) {
    if (const std::size_t end = pending_.find('\n'); end != std::string::npos) {
      std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    if (pending_.size() > kLineBytesMax) pending_.clear();  // no message is so large
    // Somebody who left the group may hold the pipe open for ever.
    pollfd said{.fd = out_, .events = POLLIN};
    if (::poll(&said, 1, kLook) == 0) {
      if (gone_) return std::nullopt;
      continue;
    }
    const ssize_t got = ::read(out_, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    pending_.append(bytes.data(), static_cast<std::size_t>(got));
  }
}

bool Process::has_ended(std::chrono::milliseconds within) const {
  pollfd ended{.fd = pidfd_, .events = POLLIN};
  return ::poll(&ended, 1, static_cast<int>(within.count())) == 1;
}

void Process::close_stdin() {
  ending_ = true;
  const std::scoped_lock lock(in_mutex_);
  if (in_ >= 0) ::close(std::exchange(in_, -1));
}

int Process::end(std::chrono::milliseconds term, std::chrono::milliseconds kill) {
  close_stdin();
  if (code_) return *code_;
  if (!has_ended(term)) ::kill(-pid_, SIGTERM);
  if (!has_ended(kill - term)) ::kill(-pid_, SIGKILL);
  while (!has_ended(std::chrono::seconds(1))) {
  }
  ::kill(-pid_, SIGKILL);  // what it started goes with it; the group is ours until it is reaped
  int status = 0;
  ::waitpid(pid_, &status, 0);
  code_ = code_of(status);
  gone_ = true;
  return *code_;
}

}  // namespace keyturn::cli::bridge
