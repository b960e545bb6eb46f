#include "connectors/exec/helper.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <tuple>

#include "base/time.h"
#include "connectors/exec/cgroup.h"
#include "connectors/exec/children.h"
#include "connectors/exec/execution.h"
#include "connectors/exec/frame.h"
#include "connectors/exec/isolation.h"
#include "connectors/exec/requests.h"
#include "connectors/exec/seccomp.h"
#include "connectors/spool.h"

namespace keyturn::connectors::exec {
namespace {

constexpr std::size_t kClientsMax = 16;
constexpr std::size_t kRunningMax = 256;
constexpr std::size_t kLooksMax = 64;                 // of programs that only look, beside these
constexpr int kBubblewrapProcesses = 2;               // outside and inside
constexpr auto kSpoolWait = std::chrono::seconds(5);  // for a helper that is just ending

struct Client {
  std::int64_t number = 0;
  pid_t pid = 0;
  Fd fd;
  std::string in, out;
  std::deque<Fd> descriptors;  // that came, for frames to come
};

struct Run {
  std::unique_ptr<Execution> execution;
  Fd pidfd;
  std::vector<Asker> askers;
  bool recorded = true;  // false: it is no action, and only looks
};

Outcome failed_outcome(std::string reason) {
  return {.kind = OutcomeKind::kFailed, .reason = std::move(reason)};
}

class Helper {
 public:
  Helper(HelperOptions options, std::unique_ptr<Spool> spool, Fd listener)
      : options_(std::move(options)),
        spool_(std::move(spool)),
        listener_(std::move(listener)),
        filter_(seccomp_filter()),
        isolation_(find_isolation(options_.data_folder, filter_)),
        idle_since_(std::chrono::steady_clock::now()) {
    if (auto found = CgroupTree::find())
      cgroups_ = std::move(*found);
    else
      isolation_.cgroup_problem = found.error().message;
  }

  void adopt(Fd client) {
    set_nonblocking(client.get());
    const pid_t pid = peer_pid(client.get());
    clients_.push_back({++last_client_, pid, std::move(client), {}, {}});
  }

  int run() {
    while (!idle_too_long() && !may_retire()) {
      gather();
      const int ready = ::poll(polled_.data(), polled_.size(), wait_ms());
      if (ready < 0 && errno != EINTR) return 1;
      if (ready > 0) dispatch();
      reap();
      finish_runs();
      flush_clients();
    }
    return 0;
  }

 private:
  // ---- polling
  void gather() {
    polled_.clear();
    polled_.push_back({listener_.get(), POLLIN, 0});
    for (const Client& client : clients_) {
      polled_.push_back(
          {client.fd.get(), static_cast<short>(client.out.empty() ? POLLIN : POLLIN | POLLOUT), 0});
    }
    for (const auto& [action, run] : runs_) {
      if (run.pidfd) polled_.push_back({run.pidfd.get(), POLLIN, 0});
      for (const int fd : run.execution->descriptors()) polled_.push_back({fd, POLLIN, 0});
    }
    children_.gather(polled_);
  }

  int wait_ms() const {
    const SteadyTime now = std::chrono::steady_clock::now();
    std::optional<SteadyTime> next;
    if (clients_.empty() && runs_.empty() && children_.empty())
      next = idle_since_ + std::chrono::milliseconds(options_.linger_ms);
    const auto look = [&](std::optional<SteadyTime> due) {
      if (due && (!next || *due < *next)) next = due;
    };
    for (const auto& [action, run] : runs_) look(run.execution->due());
    look(children_.due());
    if (!next) return -1;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(*next - now).count() + 1;
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }

  void dispatch() {
    for (const pollfd& entry : polled_) {
      if (entry.revents == 0) continue;
      if (entry.fd == listener_.get()) accept_client();
      for (Client& client : clients_) {
        if (client.fd && client.fd.get() == entry.fd) read_client(client);
      }
      for (auto& [action, run] : runs_) run.execution->read(entry.fd);
      children_.heard(entry, std::chrono::steady_clock::now());
    }
  }

  bool idle_too_long() {
    const SteadyTime now = std::chrono::steady_clock::now();
    if (!clients_.empty() || !runs_.empty() || !children_.empty()) {
      idle_since_ = now;
      return false;
    }
    return now - idle_since_ >= std::chrono::milliseconds(options_.linger_ms);
  }

  bool may_retire() const {
    const auto is_silent = [](const Client& client) { return client.out.empty(); };
    return retiring_ && runs_.empty() && children_.empty() &&
           std::ranges::all_of(clients_, is_silent);
  }

  // ---- clients
  void accept_client() {
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (fd && peer_is_trusted(fd.get()) && clients_.size() < kClientsMax) adopt(std::move(fd));
  }

  void read_client(Client& client) {
    std::array<char, 1 << 16> block;
    const ssize_t n = receive(client.fd.get(), block.data(), block.size(), client.descriptors);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
      client.fd.reset();
      return;
    }
    client.in.append(block.data(), static_cast<std::size_t>(n));
    while (client.fd) {
      auto frame = take_frame(client.in);
      if (!frame) client.fd.reset();
      if (!frame || !*frame) return;
      std::vector<Fd> descriptors;
      for (auto left = (*frame)->integer("descriptors"); left > 0; --left) {
        if (client.descriptors.empty()) break;
        descriptors.push_back(std::move(client.descriptors.front()));
        client.descriptors.pop_front();
      }
      answer({client.number, (*frame)->integer("id")}, **frame, std::move(descriptors));
    }
  }

  void send(const Asker& asker, doc::Value message) {
    message.set("id", asker.request);
    for (Client& client : clients_) {
      if (client.number == asker.client) client.out += frame_of(message);
    }
  }

  void flush_clients() {
    for (Client& client : clients_) {
      while (client.fd && !client.out.empty()) {
        const ssize_t n = ::send(client.fd.get(), client.out.data(), client.out.size(),
                                 MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno != EAGAIN) client.fd.reset();
        if (n < 0) break;
        client.out.erase(0, static_cast<std::size_t>(n));
      }
    }
    clients_.remove_if([](const Client& client) { return !client.fd; });
    if (clients_.empty() && cgroups_ && cgroups_->enabled()) cgroups_->disable();
  }

  // ---- requests
  void answer(const Asker& asker, const doc::Value& request, std::vector<Fd> descriptors) {
    const std::string_view op = request.text("op");
    if (op == "hello") {
      divide_group();
      retiring_ = retiring_ || request.text("program") != program_;
      send(asker, doc::object({{"isolation", to_value(isolation_)},
                               {"pid", static_cast<std::int64_t>(::getpid())},
                               {"retiring", retiring_},
                               {"running",
                                static_cast<std::int64_t>(runs_.size() + children_.running())}}));
    } else if (op == "start") {
      if (auto started = start(asker, request); !started)
        send(asker, refusal_value(started.error()));
    } else if (op == "look") {
      if (auto started = look(asker, request); !started)
        send(asker, refusal_value(started.error()));
    } else if (op == "ask") {
      ask(asker, ActionId(std::string(request.text("action"))));
    } else if (op == "child") {
      if (auto started = start_child(asker, request, std::move(descriptors)); !started)
        send(asker, refusal_value(started.error()));
    } else if (op == "await_child") {
      if (auto over = children_.await(asker, request)) send(asker, std::move(*over));
    } else if (op == "forget") {
      const Result<void> done = forget(request);
      send(asker, done ? doc::object({{"forgotten", true}}) : refusal_value(done.error()));
    } else {
      send(asker, refusal_value({"bad_request", "the exec helper knows no such request", ""}));
    }
  }

  // With the server here: it must leave the group that is to be divided.
  void divide_group() {
    if (!cgroups_ || cgroups_->enabled()) return;
    std::vector<pid_t> own{::getpid()};
    for (const Client& client : clients_) own.push_back(client.pid);
    if (auto done = cgroups_->enable(own); !done) {
      isolation_.cgroup_problem = done.error().message;
      return;
    }
    isolation_.cgroup = cgroups_->root();
    for (const auto& [action, run] : runs_) {
      if (run.execution->group() != nullptr) std::ignore = run.execution->group()->limit();
    }
    children_.limit_again();
  }

  std::unique_ptr<Cgroup> group_for(const Job& job) {
    if (!cgroups_ || !cgroups_->enabled()) return nullptr;
    auto group = cgroups_->make(job.action.str(), job.plan.limits,
                                job.plan.sandbox.enabled ? kBubblewrapProcesses : 0);
    if (group) return std::move(*group);
    std::fprintf(stderr, "keyturn exec-helper: %s\n", group.error().message.c_str());
    return nullptr;
  }

  // Everything that can be refused is refused before the spool says "started".
  Result<void> start(const Asker& asker, const doc::Value& request) {
    Job job{.action = ActionId(std::string(request.text("action")))};
    const doc::Value* plan = request.find("plan");
    const doc::Value* description = request.find("description");
    if (job.action.empty() || plan == nullptr || description == nullptr) {
      return refuse("bad_request",
                    "the exec helper got an order without action, plan or description");
    }
    if (retiring_)
      return refuse("helper_retiring", "the exec helper of another version starts nothing more");
    if (runs_.contains(job.action))
      return refuse("already_started", job.action.str() + " runs already");
    if (runs_.size() - looks_under_way() >= kRunningMax)
      return refuse("overloaded", "too many programs run already; try again later");
    job.plan = plan_from_value(*plan);
    if (auto checked = check_sandbox(isolation_, job.plan.sandbox); !checked) return checked;
    auto image = seal_image(job.plan, isolation_);
    if (!image)
      return refuse("drift", image.error().message + " (it was there when it was reviewed)");
    if (std::string what = drift(*description, describe(job.plan, *image, isolation_));
        !what.empty()) {
      return refuse("drift", what + "; ask for it anew");
    }
    job.image = std::move(*image);
    job.secrets = secrets_of(request.find("secrets"));
    job.redactor = redactor_for(job.secrets, secrets_of(request.find("hide")));
    if (auto begun = spool_->begin(job.action, clock_.now()); !begun) return begun;
    return launch_job(asker, std::move(job), true);
  }

  // From the files as they stand: nobody has reviewed them, and nothing is to come of it.
  Result<void> look(const Asker& asker, const doc::Value& request) {
    const doc::Value* plan = request.find("plan");
    if (plan == nullptr) return refuse("bad_request", "the exec helper got a look without a plan");
    if (retiring_)
      return refuse("helper_retiring", "the exec helper of another version starts nothing more");
    if (looks_under_way() >= kLooksMax)
      return refuse("overloaded", "too many previews run already; try again later");
    Job job{.action = ActionId("look_" + std::to_string(::getpid()) + "_" +
                               std::to_string(++last_look_))};
    job.plan = plan_from_value(*plan);
    if (auto checked = check_sandbox(isolation_, job.plan.sandbox); !checked) return checked;
    auto image = seal_image(job.plan, isolation_);
    if (!image) return std::unexpected(image.error());
    job.image = std::move(*image);
    job.secrets = secrets_of(request.find("secrets"));
    job.redactor = redactor_for(job.secrets, secrets_of(request.find("hide")));
    return launch_job(asker, std::move(job), false);
  }

  std::size_t looks_under_way() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(runs_, [](const auto& one) { return !one.second.recorded; }));
  }

  Result<void> launch_job(const Asker& asker, Job job, bool recorded) {
    const ActionId action = job.action;
    auto group = group_for(job);
    auto execution = std::make_unique<Execution>(std::move(job));
    if (auto started = execution->start(isolation_, filter_ ? &*filter_ : nullptr, std::move(group),
                                        std::chrono::steady_clock::now());
        !started) {
      if (recorded) record(action, failed_outcome(started.error().message));
      return started;
    }
    Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, execution->pid(), 0)));
    runs_.emplace(action, Run{std::move(execution), std::move(pidfd), {asker}, recorded});
    return {};
  }

  Result<void> start_child(const Asker& asker, const doc::Value& request,
                           std::vector<Fd> descriptors) {
    if (retiring_)
      return refuse("helper_retiring", "the exec helper of another version starts nothing more");
    auto job = child_job(request, std::move(descriptors), isolation_);
    if (!job) return std::unexpected(job.error());
    auto group = group_for(*job);
    auto pid = children_.start(std::move(*job), isolation_, filter_ ? &*filter_ : nullptr,
                               std::move(group));
    if (!pid) return std::unexpected(pid.error());
    send(asker, doc::object({{"started", static_cast<std::int64_t>(*pid)}}));
    return {};
  }

  void ask(const Asker& asker, const ActionId& action) {
    if (const auto running = runs_.find(action); running != runs_.end()) {
      running->second.askers.push_back(asker);
      return;
    }
    const auto entry = spool_->settle(action, clock_.now());
    std::string_view state = "unknown";
    if (entry && entry->outcome) {
      send(asker, doc::object({{"outcome", to_value(*entry->outcome)}}));
      return;
    }
    if (entry && entry->state == Spool::State::kFenced) state = "not_started";
    send(asker, doc::object({{"state", state}}));
  }

  Result<void> forget(const doc::Value& request) {
    std::set<ActionId> actions;
    if (const doc::Value* list = request.find("actions"); list != nullptr && list->is_array()) {
      for (const doc::Value& action : list->as_array())
        if (action.is_string()) actions.insert(ActionId(action.as_string()));
    }
    return spool_->forget_output(actions);
  }

  // ---- runs
  // Orphans of programs without a sandbox are adopted and reaped here too.
  void reap() {
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      for (auto& [action, run] : runs_) {
        if (run.execution->pid() != pid) continue;
        run.pidfd.reset();
        run.execution->ended(status, std::chrono::steady_clock::now());
      }
      children_.reaped(pid, status, std::chrono::steady_clock::now());
    }
  }

  void finish_runs() {
    const SteadyTime now = std::chrono::steady_clock::now();
    for (auto at = runs_.begin(); at != runs_.end();) {
      at->second.execution->tick(now);
      if (!at->second.execution->over()) {
        ++at;
        continue;
      }
      const auto outcome = at->second.execution->outcome(now);
      if (at->second.recorded)
        record(at->first, outcome ? *outcome : failed_outcome(outcome.error().message));
      const doc::Value message =
          outcome ? doc::object({{"outcome", to_value(*outcome)}}) : refusal_value(outcome.error());
      for (const Asker& asker : at->second.askers) send(asker, message);
      at = runs_.erase(at);
    }
    for (auto& [asker, message] : children_.finish(now)) send(asker, std::move(message));
  }

  // A result that cannot be kept is still told to who waits; after a crash it would be unknown.
  void record(const ActionId& action, const Outcome& outcome) {
    if (auto kept = spool_->finish(action, outcome, clock_.now()); !kept) {
      std::fprintf(stderr, "keyturn exec-helper: %s\n", kept.error().message.c_str());
    }
  }

  HelperOptions options_;
  std::unique_ptr<Spool> spool_;
  Fd listener_;
  Result<Fd> filter_;
  Isolation isolation_;
  std::optional<CgroupTree> cgroups_;
  SystemClock clock_;
  const std::string program_ = program_identity("/proc/self/exe");
  bool retiring_ = false;
  SteadyTime idle_since_;
  std::int64_t last_client_ = 0, last_look_ = 0;
  std::list<Client> clients_;
  std::map<ActionId, Run> runs_;
  Children children_;
  std::vector<pollfd> polled_;
};

void harden_process() {
  ::signal(SIGPIPE, SIG_IGN);
  for (const int signal : {SIGINT, SIGHUP})
    ::signal(signal, SIG_IGN);  // meant for the server in the terminal
  ::prctl(PR_SET_DUMPABLE,
          0);  // secrets pass through here: no core file, no debugger of the same user
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_NAME, "keyturn-exec");
  std::ignore = ::chdir("/");
}

}  // namespace

int run_exec_helper(int socket_fd, HelperOptions options) {
  harden_process();  // the data folder's path is absolute
  Fd client(socket_fd);
  if (client) ::fcntl(client.get(), F_SETFD, FD_CLOEXEC);
  const std::string folder = options.data_folder + "/spool";
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return 1;
  auto spool = Spool::open(folder + "/exec", SystemClock().now(), {}, kSpoolWait);
  if (!spool) {
    std::fprintf(stderr, "keyturn exec-helper: %s\n", spool.error().message.c_str());
    return 1;
  }
  auto listener = listen_at(options.data_folder);
  if (!listener) {
    std::fprintf(stderr, "keyturn exec-helper: %s\n", listener.error().message.c_str());
    return 1;
  }
  Helper helper(std::move(options), std::move(*spool), std::move(*listener));
  if (client) helper.adopt(std::move(client));
  return helper.run();
}

int exec_helper_main(int argc, char** argv) {
  HelperOptions options;
  int fd = -1;
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--data") options.data_folder = argv[i + 1];
    if (name == "--fd") fd = std::stoi(argv[i + 1]);
    if (name == "--linger-ms") options.linger_ms = std::stoi(argv[i + 1]);
  }
  if (options.data_folder.empty() || options.data_folder.front() != '/') return 2;
  if (fd >= 0) ::close_range(static_cast<unsigned>(fd) + 1, ~0U, 0);
  return run_exec_helper(fd, std::move(options));
}

}  // namespace keyturn::connectors::exec
