// Programs that live as long as the server wants to speak with them (MCP servers). Internal to the
// helper.
#pragma once

#include <poll.h>

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "connectors/exec/execution.h"
#include "connectors/exec/requests.h"

namespace keyturn::connectors::exec {

// What `child` asks for. Refuses bad_request, no_program, unreadable, too_large, no_sandbox.
[[nodiscard]] Result<Job> child_job(const doc::Value& request, std::vector<Fd> descriptors,
                                    const Isolation& isolation);

class Children {
 public:
  // Refuses overloaded, already_started, and like Execution::start().
  [[nodiscard]] Result<pid_t> start(Job job, const Isolation& isolation, const Fd* filter,
                                    std::unique_ptr<Cgroup> group);
  // The answer to await_child; nothing: it comes from finish().
  std::optional<doc::Value> await(const Asker& asker, const doc::Value& request);

  // ---- of the helper's poll loop
  void gather(std::vector<pollfd>& polled) const;
  std::optional<SteadyTime> due() const;
  void heard(const pollfd& entry, SteadyTime now);
  void reaped(pid_t pid, int status, SteadyTime now);
  // Those that are over, with who waits for that.
  std::vector<std::pair<Asker, doc::Value>> finish(SteadyTime now);

  void limit_again() const;
  bool empty() const { return running() == 0; }
  std::size_t running() const;

 private:
  struct Child {
    std::unique_ptr<Execution> execution;  // null: it is over
    Fd pidfd;
    std::vector<Asker> askers;
    doc::Value over;  // what is told of it
  };
  std::map<ActionId, Child> children_;
};

}  // namespace keyturn::connectors::exec
