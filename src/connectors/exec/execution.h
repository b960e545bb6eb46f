// One program that runs, from start to outcome, inside the helper's poll loop.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/exec/cgroup.h"
#include "connectors/exec/image.h"
#include "connectors/exec/isolation.h"
#include "connectors/exec/plan.h"
#include "connectors/fd.h"
#include "model/principal.h"
#include "secrets/redact.h"

namespace keyturn::connectors::exec {

using SteadyTime = std::chrono::steady_clock::time_point;

struct Job {
  ActionId action;
  Plan plan;
  std::vector<SecretVariable> secrets;
  secrets::Redactor redactor;  // what must not appear in the output
  Image image;
  // A child lives as long as somebody speaks with it. It gets `in` and `out`, its ends of pipes;
  // `life` is one of a pipe whose other end goes with whoever wants it. An execution has neither.
  bool is_child = false;
  Fd in, out, life;
};

// What every process of the job carries in its environment.
std::string mark_of(const Job& job);

inline constexpr std::size_t kLastWordsMax = 4096;  // of a child's standard error

class Execution {
 public:
  explicit Execution(Job job) : job_(std::move(job)) {}

  // `filter` is of seccomp_filter(); null where there is none, and then no sandbox. `group` may be
  // null. Refuses start_failed, no_secret, no_sandbox: nothing ran.
  [[nodiscard]] Result<void> start(const Isolation& isolation, const Fd* filter,
                                   std::unique_ptr<Cgroup> group, SteadyTime now);

  // Descriptors that are worth polling for input; read() after one became readable.
  std::vector<int> descriptors() const;
  void read(int fd);
  void ended(int wait_status, SteadyTime now);  // the process was reaped
  void tick(SteadyTime now);                    // acts on what is due
  std::optional<SteadyTime> due() const;
  // A child's input has ended: it has a moment to end by itself.
  void end(SteadyTime now);
  // poll() tells of its end (POLLHUP) when nobody wants the child any more: then end(). -1: that
  // was told, or there is none.
  int lifeline() const;

  bool over() const;
  // Once over: how it went. A Refusal means that the sandbox could not be made, and the program
  // never ran.
  Result<Outcome> outcome(SteadyTime now) const;

  pid_t pid() const { return pid_; }
  const Cgroup* group() const { return group_.get(); }
  const ActionId& action() const { return job_.action; }

 private:
  struct Stream {
    Fd fd;
    std::string bytes;
    bool cut = false;          // there was more behind it
    bool begins_late = false;  // or before it
  };

  void read_stream(Stream& stream);
  void read_status();
  void let_go(pid_t inner_pid);
  void terminate(SteadyTime now);
  void kill_all();
  void kill_strays() const;
  std::string present(const Stream& stream, bool& truncated) const;
  Outcome judge() const;
  bool never_ran() const;

  Job job_;
  pid_t pid_ = -1;
  pid_t inner_pid_ = -1;  // the sandbox's first process, as seen from here
  std::unique_ptr<Cgroup> group_;
  uid_t uid_ = 0;  // whose the processes are
  gid_t gid_ = 0;
  Fd gate_;                    // a sandboxed program waits for a byte
  std::string limit_problem_;  // why it got none
  std::optional<int> inner_exit_;
  std::optional<int> wait_status_;
  bool timed_out_ = false;
  SteadyTime started_, ended_;
  std::optional<SteadyTime> due_;  // terminate, then kill; after the end: stop reading
  bool drained_ = false;
  Stream out_, err_, status_;
};

}  // namespace keyturn::connectors::exec
