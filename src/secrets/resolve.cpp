#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "secrets/reference.h"

namespace keyturn::secrets {
namespace {

using Steady = std::chrono::steady_clock;

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  ~Fd() { close(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

std::unexpected<Refusal> cannot(const SecretReference& reference, std::string code,
                                std::string_view why) {
  return refuse(std::move(code), "secret " + to_text(reference) + ": " + std::string(why));
}

Result<Secret> finish(const SecretReference& reference, std::string value) {
  if (value.ends_with('\n')) value.pop_back();
  if (value.ends_with('\r')) value.pop_back();
  if (value.empty()) return cannot(reference, "secret_missing", "is empty; store a value there");
  return Secret(std::move(value));
}

Result<Secret> resolve_env(const SecretReference& reference, const ResolveLimits& limits) {
  const char* value = std::getenv(reference.name.c_str());
  if (value == nullptr) {
    return cannot(reference, "secret_missing",
                  "the server's environment has no such variable; set it and restart");
  }
  if (std::strlen(value) > limits.bytes_max)
    return cannot(reference, "secret_too_large", "is too large");
  return finish(reference, value);
}

// Reads at most `bytes_max` + 1 bytes.
bool read_up_to(int fd, std::size_t bytes_max, std::string& out) {
  std::array<char, 4096> buffer{};
  while (out.size() <= bytes_max) {
    const ssize_t n =
        ::read(fd, buffer.data(), std::min(buffer.size(), bytes_max + 1 - out.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) break;
    out.append(buffer.data(), static_cast<std::size_t>(n));
  }
  explicit_bzero(buffer.data(), buffer.size());
  return true;
}

Result<Secret> resolve_file(const SecretReference& reference, const ResolveLimits& limits) {
  // Not blocking: somebody may have put a FIFO there.
  const Fd file(::open(reference.name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0)
    return cannot(reference, "secret_missing",
                  std::string("cannot open it: ") + std::strerror(errno));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return cannot(reference, "secret_failed", "is not a regular file");
  }
  if ((status.st_mode & 0007) != 0) {
    return cannot(
        reference, "secret_readable_by_others",
        "every user of this machine has access to the file; run: chmod o-rwx " + reference.name);
  }
  std::string value;
  if (!read_up_to(file.get(), limits.bytes_max, value)) {
    return cannot(reference, "secret_failed",
                  std::string("cannot read it: ") + std::strerror(errno));
  }
  if (value.size() > limits.bytes_max) return cannot(reference, "secret_too_large", "is too large");
  return finish(reference, std::move(value));
}

// A child in its own process group; ended and reaped when this goes.
class Child {
 public:
  Child(const std::vector<std::string>& argv, int out);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  int error() const { return error_; }
  int pidfd() const { return pidfd_.get(); }
  int wait_status();  // blocks; after pidfd() is readable it returns at once

 private:
  int error_ = 0;  // before pid_: spawn() sets it
  pid_t pid_ = -1;
  Fd pidfd_;
};

std::vector<std::string> clean_environment() {
  static constexpr std::array<const char*, 8> kPassed = {
      "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "XDG_RUNTIME_DIR"};
  std::vector<std::string> environment;
  for (const char* name : kPassed) {
    if (const char* value = std::getenv(name))
      environment.push_back(std::string(name) + "=" + value);
  }
  return environment;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

pid_t spawn(std::vector<std::string> argv, int out, int& error) {
  std::vector<std::string> environment = clean_environment();
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, out, 1);
  posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addclosefrom_np(&files, 3);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = -1;
  error = ::posix_spawn(&pid, argv[0].c_str(), &files, &attributes, pointers(argv).data(),
                        pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return error == 0 ? pid : -1;
}

Child::Child(const std::vector<std::string>& argv, int out)
    : pid_(spawn(argv, out, error_)),
      pidfd_(pid_ > 0 ? static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)) : -1) {}

Child::~Child() {
  if (pid_ <= 0) return;
  ::kill(-pid_, SIGKILL);
  wait_status();
}

int Child::wait_status() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return status;
}

// True when `fd` has something to say before the deadline.
bool poll_until(int fd, Steady::time_point deadline) {
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now()).count();
    if (left <= 0) return false;
    pollfd item{fd, POLLIN, 0};
    const int n = ::poll(&item, 1, static_cast<int>(std::min<std::int64_t>(left, 3'600'000)));
    if (n > 0) return true;
    if (n < 0 && errno != EINTR) return false;
  }
}

enum class Drained { kEnd, kTimeout, kTooLarge };

Drained drain(int fd, Steady::time_point deadline, std::size_t bytes_max, std::string& value) {
  std::array<char, 4096> buffer{};
  while (value.size() <= bytes_max) {
    if (!poll_until(fd, deadline)) return Drained::kTimeout;
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    value.append(buffer.data(), static_cast<std::size_t>(n));
  }
  explicit_bzero(buffer.data(), buffer.size());
  return value.size() > bytes_max ? Drained::kTooLarge : Drained::kEnd;
}

Result<Secret> resolve_exec(const SecretReference& reference, const ResolveLimits& limits) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return cannot(reference, "secret_failed", std::strerror(errno));
  const Fd out(ends[0]);
  Fd in(ends[1]);
  const auto deadline = Steady::now() + limits.exec_timeout;
  Child child(reference.argv, in.get());
  in.close();
  if (child.error() != 0) {
    return cannot(reference, "secret_failed",
                  std::string("cannot run it: ") + std::strerror(child.error()));
  }
  const std::string late =
      "did not end within " + keyturn::to_text(limits.exec_timeout) + "; it was stopped";
  std::string value;
  switch (drain(out.get(), deadline, limits.bytes_max, value)) {
    case Drained::kTimeout:
      return cannot(reference, "secret_timeout", late);
    case Drained::kTooLarge:
      return cannot(reference, "secret_too_large", "its output is too large");
    case Drained::kEnd:
      break;
  }
  if (!poll_until(child.pidfd(), deadline)) return cannot(reference, "secret_timeout", late);
  const int status = child.wait_status();
  if (!WIFEXITED(status))
    return cannot(reference, "secret_failed", "the program was ended by a signal");
  if (WEXITSTATUS(status) != 0) {
    return cannot(reference, "secret_failed",
                  "the program ended with exit status " + std::to_string(WEXITSTATUS(status)) +
                      "; run it by hand to see why");
  }
  return finish(reference, std::move(value));
}

}  // namespace

Result<Secret> resolve(const SecretReference& reference, const ResolveLimits& limits) {
  switch (reference.source) {
    case Source::kEnv:
      return resolve_env(reference, limits);
    case Source::kFile:
      return resolve_file(reference, limits);
    case Source::kExec:
      return resolve_exec(reference, limits);
  }
  return cannot(reference, "secret_failed", "is of no known kind");
}

}  // namespace keyturn::secrets
