#include "connectors/exec/children.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <tuple>

namespace keyturn::connectors::exec {
namespace {

constexpr std::size_t kChildrenMax = 256;
constexpr std::size_t kKnownMax = 1024;  // with those that are over and nobody asked about

ActionId name_of(const doc::Value& request) {
  return ActionId(std::string(request.text("child")));
}

}  // namespace

Result<Job> child_job(const doc::Value& request, std::vector<Fd> descriptors,
                      const Isolation& isolation) {
  Job job{.action = name_of(request), .is_child = true};
  const doc::Value* plan = request.find("plan");
  if (!job.action.str().starts_with("child_") || plan == nullptr || descriptors.size() != 3) {
    return refuse("bad_request",
                  "the exec helper got an order for a child without name, plan or descriptors");
  }
  job.plan = plan_from_value(*plan);
  if (auto checked = check_sandbox(isolation, job.plan.sandbox); !checked)
    return std::unexpected(checked.error());
  auto image = child_image(job.plan, isolation);
  if (!image) return std::unexpected(image.error());
  job.image = std::move(*image);
  job.secrets = secrets_of(request.find("secrets"));
  job.redactor = redactor_for(job.secrets, {});
  job.in = std::move(descriptors[0]);
  job.out = std::move(descriptors[1]);
  job.life = std::move(descriptors[2]);
  return job;
}

Result<pid_t> Children::start(Job job, const Isolation& isolation, const Fd* filter,
                              std::unique_ptr<Cgroup> group) {
  const ActionId name = job.action;
  if (children_.contains(name)) return refuse("already_started", name.str() + " runs already");
  if (running() >= kChildrenMax)
    return refuse("overloaded", "too many programs run already; try again later");
  auto execution = std::make_unique<Execution>(std::move(job));
  auto started =
      execution->start(isolation, filter, std::move(group), std::chrono::steady_clock::now());
  if (!started) return std::unexpected(started.error());
  if (children_.size() >= kKnownMax) {
    std::erase_if(children_, [](const auto& child) { return child.second.execution == nullptr; });
  }
  const pid_t pid = execution->pid();
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  children_.emplace(name, Child{std::move(execution), std::move(pidfd), {}, {}});
  return pid;
}

std::optional<doc::Value> Children::await(const Asker& asker, const doc::Value& request) {
  const auto found = children_.find(name_of(request));
  if (found == children_.end()) return doc::object({{"state", "unknown"}});
  if (found->second.execution) {
    found->second.askers.push_back(asker);
    return std::nullopt;
  }
  doc::Value over = std::move(found->second.over);
  children_.erase(found);
  return over;
}

void Children::gather(std::vector<pollfd>& polled) const {
  for (const auto& [name, child] : children_) {
    if (!child.execution) continue;
    for (const int fd : child.execution->descriptors()) polled.push_back({fd, POLLIN, 0});
    if (const int fd = child.execution->lifeline(); fd >= 0) polled.push_back({fd, 0, 0});
    if (child.pidfd) polled.push_back({child.pidfd.get(), POLLIN, 0});
  }
}

std::optional<SteadyTime> Children::due() const {
  std::optional<SteadyTime> next;
  for (const auto& [name, child] : children_) {
    const auto due = child.execution ? child.execution->due() : std::nullopt;
    if (due && (!next || *due < *next)) next = due;
  }
  return next;
}

void Children::heard(const pollfd& entry, SteadyTime now) {
  for (auto& [name, child] : children_) {
    if (!child.execution) continue;
    if (entry.fd == child.execution->lifeline())
      child.execution->end(now);
    else
      child.execution->read(entry.fd);
  }
}

void Children::reaped(pid_t pid, int status, SteadyTime now) {
  for (auto& [name, child] : children_) {
    if (!child.execution || child.execution->pid() != pid) continue;
    child.pidfd.reset();
    child.execution->ended(status, now);
  }
}

std::vector<std::pair<Asker, doc::Value>> Children::finish(SteadyTime now) {
  std::vector<std::pair<Asker, doc::Value>> out;
  for (auto at = children_.begin(); at != children_.end();) {
    Child& child = at->second;
    if (child.execution) child.execution->tick(now);
    if (!child.execution || !child.execution->over()) {
      ++at;
      continue;
    }
    const auto outcome = child.execution->outcome(now);
    child.over =
        outcome ? doc::object({{"outcome", to_value(*outcome)}}) : refusal_value(outcome.error());
    child.execution.reset();
    for (const Asker& asker : child.askers) out.emplace_back(asker, child.over);
    at = child.askers.empty() ? std::next(at) : children_.erase(at);
  }
  return out;
}

void Children::limit_again() const {
  for (const auto& [name, child] : children_) {
    if (child.execution && child.execution->group() != nullptr)
      std::ignore = child.execution->group()->limit();
  }
}

std::size_t Children::running() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      children_, [](const auto& child) { return child.second.execution != nullptr; }));
}

}  // namespace keyturn::connectors::exec
