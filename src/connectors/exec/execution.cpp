#include "connectors/exec/execution.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <tuple>

#include "catalog/size.h"
#include "connectors/exec/launch.h"
#include "connectors/exec/strays.h"
#include "connectors/output.h"
#include "doc/json.h"

namespace keyturn::connectors::exec {
namespace {

constexpr const char* kPrlimit = "/usr/bin/prlimit";  // util-linux: on every Debian
constexpr SandboxFds kSandboxFds{.gate = 4};
constexpr int kFirstSecretFd = 10;
constexpr int kFirstSealedFd = 60;
constexpr auto kGoodbye = std::chrono::seconds(1);       // for a child, once its input has ended
constexpr auto kGrace = std::chrono::seconds(2);         // between SIGTERM and SIGKILL
constexpr auto kDrain = std::chrono::milliseconds(500);  // for output that a daemon keeps open
constexpr std::size_t kSecretFilesMax = 50;
constexpr std::size_t kFilesMax = 100;

Fd memory_file(std::string_view content) {
  Fd fd(::memfd_create("secret", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd || !write_all(fd.get(), content)) return {};
  ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return fd;
}

// Builds the launch of one job; keeps the descriptors it made until the process has them.
class Preparation {
 public:
  Preparation(const Job& job, const Isolation& isolation) : job_(job), isolation_(isolation) {}

  // `status`, `gate` and `filter` are for a sandbox only.
  Result<Launch> run(int out, int err, int status, int gate, const Fd* filter) {
    if (job_.image.files.size() > kFilesMax)
      return refuse("start_failed", "argv names too many files");
    launch_ = {.cwd = "/",
               .stdin_fd = job_.in.get(),
               .stdout_fd = job_.is_child ? job_.out.get() : out,
               .stderr_fd = err,
               .limits = rlimits_of(job_.plan.limits, isolation_.drops_user),
               .drop_user = isolation_.drops_user,
               .uid = isolation_.uid,
               .gid = isolation_.gid};
    if (auto done = environment(); !done) return std::unexpected(done.error());
    if (!job_.plan.sandbox.enabled) {
      bare();
    } else if (filter != nullptr) {
      sandboxed(status, gate, *filter);
    } else {
      return refuse("no_sandbox", "there is no system call filter");
    }
    return launch_;
  }

 private:
  void pass(Fd fd, int number) {
    launch_.descriptors.emplace_back(fd.get(), number);
    kept_.push_back(std::move(fd));
  }

  Result<void> environment() {
    std::vector<std::string>& env = launch_.env;
    env = {std::string("PATH=") + kSearchPath, "LANG=C.UTF-8", "HOME=/tmp", mark_of(job_)};
    for (const auto& [name, text] : job_.plan.env) env.push_back(name + "=" + text);
    int number = kFirstSecretFd;
    for (const SecretVariable& secret : job_.secrets) {
      if (!secret.as_file) {
        env.push_back(secret.name + "=" + std::string(secret.value.reveal()));
        continue;
      }
      Fd fd = memory_file(secret.value.reveal());
      if (!fd || number >= kFirstSecretFd + static_cast<int>(kSecretFilesMax)) {
        return refuse("no_secret", "cannot hand over the secret " + secret.name);
      }
      env.push_back(secret.name + "=/proc/self/fd/" + std::to_string(number));
      pass(reopen(fd), number++);
    }
    return {};
  }

  void sandboxed(int status, int gate, const Fd& filter) {
    const catalog::Sandbox& sandbox = job_.plan.sandbox;
    std::vector<Overlay> overlays;
    int number = kFirstSealedFd;
    for (const SealedFile& file : job_.image.files) {
      if (!file.substituted) continue;
      for (const std::string& path : mount_paths(file, sandbox)) {
        overlays.push_back({number, path, file.executable});
        pass(reopen(file.fd), number++);
      }
    }
    launch_.program_path = kBubblewrap;
    launch_.argv =
        bubblewrap_argv(sandbox, job_.plan.cwd, isolation_.data_folder, overlays, kSandboxFds);
    launch_.argv.emplace_back("--");
    limit_files_inside();
    const std::vector<std::string> argv = started_argv(job_.plan, job_.image, 0);
    launch_.argv.insert(launch_.argv.end(), argv.begin(), argv.end());
    launch_.descriptors.emplace_back(status, kSandboxFds.status);
    launch_.descriptors.emplace_back(gate, kSandboxFds.gate);
    pass(reopen(filter), kSandboxFds.filter);
  }

  // bubblewrap writes the sealed copies into the sandbox, and may not be held to less than the
  // largest; the program is, by one more program in between.
  void limit_files_inside() {
    const std::int64_t most = job_.plan.limits.file_bytes;
    const auto too_large = [&](const SealedFile& file) {
      return file.substituted && file.bytes > most;
    };
    if (std::ranges::none_of(job_.image.files, too_large)) return;
    const std::string bytes = std::to_string(most);
    launch_.argv.insert(launch_.argv.end(), {kPrlimit, "--fsize=" + bytes + ":" + bytes, "--"});
    std::erase_if(launch_.limits, [](const auto& limit) { return limit.first == RLIMIT_FSIZE; });
  }

  void bare() {
    const std::vector<SealedFile>& files = job_.image.files;
    std::size_t program = 0;
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (files[i].role == FileRole::kInterpreter) program = i;
    }
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (i == program || !files[i].substituted) continue;
      pass(reopen(files[i].fd), kFirstSealedFd + static_cast<int>(i));
    }
    launch_.cwd = job_.plan.cwd;
    launch_.argv = started_argv(job_.plan, job_.image, kFirstSealedFd);
    launch_.program_fd = files[program].fd.get();
    if (!files[program].fd) launch_.program_path = files[program].path;
  }

  const Job& job_;
  const Isolation& isolation_;
  Launch launch_;
  std::vector<Fd> kept_;
};

}  // namespace

std::string mark_of(const Job& job) {
  return (job.is_child ? "KEYTURN_CHILD=" : "KEYTURN_ACTION=") + job.action.str();
}

Result<void> Execution::start(const Isolation& isolation, const Fd* filter,
                              std::unique_ptr<Cgroup> group, SteadyTime now) {
  Pipe out = make_pipe(), err = make_pipe(), status = make_pipe(), gate = make_pipe();
  Preparation preparation(job_, isolation);
  auto prepared = preparation.run(out.write.get(), err.write.get(), status.write.get(),
                                  gate.read.get(), filter);
  if (!prepared) return std::unexpected(prepared.error());
  group_ = std::move(group);
  if (group_) prepared->cgroup_fd = group_->join_fd();
  auto pid = launch(*prepared);
  if (!pid) return std::unexpected(pid.error());
  pid_ = *pid;
  out_.fd = std::move(out.read);
  err_.fd = std::move(err.read);
  status_.fd = std::move(status.read);
  if (job_.plan.sandbox.enabled) gate_ = std::move(gate.write);
  uid_ = isolation.uid;
  gid_ = isolation.gid;
  for (const Stream* stream : {&out_, &err_, &status_}) set_nonblocking(stream->fd.get());
  job_.image.files.clear();  // the process has its own
  started_ = now;
  if (job_.is_child) {
    job_.in.reset();
    job_.out.reset();
    out_.fd.reset();
  } else {
    due_ = now + job_.plan.timeout;
  }
  return {};
}

int Execution::lifeline() const {
  return due_ ? -1 : job_.life.get();
}

std::vector<int> Execution::descriptors() const {
  std::vector<int> out;
  for (const Stream* stream : {&out_, &err_, &status_}) {
    if (stream->fd) out.push_back(stream->fd.get());
  }
  return out;
}

void Execution::read(int fd) {
  if (out_.fd && fd == out_.fd.get()) read_stream(out_);
  if (err_.fd && fd == err_.fd.get()) read_stream(err_);
  if (status_.fd && fd == status_.fd.get()) read_status();
}

// Reads on after the cap, so that the program is not stopped by a full pipe. Of a child the end is
// kept: what it said before it failed.
void Execution::read_stream(Stream& stream) {
  const std::size_t most =
      (job_.is_child ? kLastWordsMax : static_cast<std::size_t>(job_.plan.output_bytes_max)) +
      kRedactionSlack;
  std::array<char, 1 << 16> block;
  const ssize_t n = ::read(stream.fd.get(), block.data(), block.size());
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    stream.fd.reset();
    return;
  }
  if (job_.is_child && stream.bytes.size() + static_cast<std::size_t>(n) > most) {
    const std::size_t more = stream.bytes.size() + static_cast<std::size_t>(n) - most;
    stream.bytes.erase(0, std::min(more, stream.bytes.size()));
    stream.begins_late = true;
  }
  const std::size_t room = most - std::min(most, stream.bytes.size());
  stream.cut = stream.cut || static_cast<std::size_t>(n) > room;
  stream.bytes.append(block.data(), std::min(room, static_cast<std::size_t>(n)));
}

// bubblewrap writes {"child-pid": N} when the sandbox stands and {"exit-code": N} only if the
// program was run.
void Execution::read_status() {
  read_stream(status_);
  for (std::size_t eol; (eol = status_.bytes.find('\n')) != std::string::npos;) {
    const auto line = doc::parse_json(std::string_view(status_.bytes).substr(0, eol));
    status_.bytes.erase(0, eol + 1);
    if (!line) continue;
    if (line->find("child-pid") != nullptr) let_go(static_cast<pid_t>(line->integer("child-pid")));
    if (line->find("exit-code") != nullptr)
      inner_exit_ = static_cast<int>(line->integer("exit-code"));
  }
}

// The sandbox stands and waits at the gate: limits that only now can be set, and the program runs.
void Execution::let_go(pid_t inner_pid) {
  inner_pid_ = inner_pid;
  if (!gate_) return;
  auto limited = limit_processes(inner_pid, job_.plan.limits.processes, uid_, gid_);
  if (!limited) {
    limit_problem_ = limited.error().message;
    kill_all();
  } else {
    std::ignore = write_all(gate_.get(), "x");
  }
  gate_.reset();
}

void Execution::ended(int wait_status, SteadyTime now) {
  wait_status_ = wait_status;
  ended_ = now;
  due_ = now + kDrain;
  job_.life.reset();
  if (timed_out_ || job_.is_child) kill_strays();
}

void Execution::tick(SteadyTime now) {
  if (!due_ || now < *due_) return;
  if (wait_status_) {
    drained_ = true;
  } else if (!timed_out_) {
    terminate(now);
  } else {
    kill_all();
    due_.reset();
  }
}

std::optional<SteadyTime> Execution::due() const {
  return over() ? std::nullopt : due_;
}

void Execution::end(SteadyTime now) {
  if (!due_ && !wait_status_) due_ = now + kGoodbye;
}

void Execution::terminate(SteadyTime now) {
  timed_out_ = true;
  due_ = now + kGrace;
  // The sandbox's first process leads the group and ignores SIGTERM; what runs under it hears it.
  const pid_t group = job_.plan.sandbox.enabled ? inner_pid_ : pid_;
  if (group > 0)
    ::kill(-group, SIGTERM);
  else
    kill_all();
}

// A sandbox dies with its first process. Without one, everything that is in the session or carries
// our mark dies.
void Execution::kill_all() {
  if (group_) group_->kill_all();
  if (inner_pid_ > 0) ::kill(inner_pid_, SIGKILL);
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
  kill_strays();
}

void Execution::kill_strays() const {
  if (group_) group_->kill_all();
  if (!job_.plan.sandbox.enabled) kill_marked(mark_of(job_));
}

bool Execution::over() const {
  return wait_status_.has_value() && (drained_ || (!out_.fd && !err_.fd && !status_.fd));
}

bool Execution::never_ran() const {
  return job_.plan.sandbox.enabled && !timed_out_ && !inner_exit_ && WIFEXITED(*wait_status_) &&
         WEXITSTATUS(*wait_status_) != 0 && err_.bytes.starts_with("bwrap: ");
}

std::string Execution::present(const Stream& stream, bool& truncated) const {
  truncated = truncated || stream.cut;
  if (job_.is_child)
    return presentable_end(stream.bytes, job_.redactor, kLastWordsMax,
                           stream.begins_late ? Missing::kBefore : Missing::kNothing);
  // What was killed, or is not waited for, may have been in the middle of a word.
  const bool killed = timed_out_ || drained_ || !wait_status_ || WIFSIGNALED(*wait_status_) ||
                      inner_exit_.value_or(0) > 128;
  return presentable(stream.bytes, job_.redactor,
                     static_cast<std::size_t>(job_.plan.output_bytes_max), truncated,
                     stream.cut || killed ? Missing::kBehind : Missing::kNothing);
}

Outcome Execution::judge() const {
  Outcome outcome;
  outcome.kind = OutcomeKind::kFailed;
  const int status = *wait_status_;
  if (timed_out_ && job_.is_child) {
    outcome.reason = "did not end when its input did, and was killed";
  } else if (timed_out_) {
    outcome.reason = "timed out after " + to_text(job_.plan.timeout) + " and was killed";
  } else if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    outcome.reason =
        "killed by signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
  } else {
    const int code = inner_exit_.value_or(WEXITSTATUS(status));
    outcome.exit_code = code;
    outcome.kind = code == 0 ? OutcomeKind::kSucceeded : OutcomeKind::kFailed;
    if (code != 0) outcome.reason = "exited with code " + std::to_string(code);
    if (code > 128 && code < 128 + 65 && job_.plan.sandbox.enabled) {
      outcome.reason += std::string(", as after signal ") + std::to_string(code - 128) + " (" +
                        ::strsignal(code - 128) + ")";
    }
  }
  if (group_ && outcome.kind == OutcomeKind::kFailed && group_->ran_out_of_memory()) {
    outcome.reason += "; it needed more memory than its limit of " +
                      catalog::size_text(job_.plan.limits.memory_bytes);
  }
  return outcome;
}

Result<Outcome> Execution::outcome(SteadyTime now) const {
  bool truncated = false;
  if (!limit_problem_.empty())
    return refuse("no_sandbox", "the sandbox is not safe, nothing was run: " + limit_problem_);
  if (never_ran()) {
    return refuse("no_sandbox",
                  "the sandbox could not be made, nothing was run: " + present(err_, truncated));
  }
  Outcome outcome = judge();
  outcome.stdout_text = present(out_, truncated);
  outcome.stderr_text = present(err_, truncated);
  outcome.truncated = truncated;
  const auto spent = (wait_status_ ? ended_ : now) - started_;
  outcome.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(spent).count();
  return outcome;
}

}  // namespace keyturn::connectors::exec
