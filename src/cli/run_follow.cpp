#include "cli/run_follow.h"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <ostream>
#include <thread>

#include "base/percent.h"
#include "cli/action_text.h"
#include "cli/remote.h"
#include "cli/run_text.h"
#include "cli/wait.h"
#include "doc/json.h"

namespace keyturn::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::seconds kAgainAfter{2};
constexpr std::chrono::seconds kPatience{60};  // with a server that does not answer
constexpr int kUnavailable = 503;              // it starts, or stops

class Follower {
 public:
  Follower(Session& session, const Remote& remote, std::string id)
      : session_(session), remote_(remote), id_(std::move(id)) {}

  // Until the run is over. The failure: that of a server that does not answer, or refuses.
  Attempt<void> to_the_end() {
    for (;;) {
      const Attempt<bool> over =
          remote_.listen(fmt::format("/v1/runs/{}/stream", percent_encoded(id_)),
                         [&](const net::ServerEvent& event) { return hear(event); });
      if (over && *over) return {};
      if (!over) {
        if (!may_come_back(over.error())) return std::unexpected(over.error());
      }
      std::this_thread::sleep_for(kAgainAfter);
    }
  }

 private:
  bool hear(const net::ServerEvent& event) {
    const Result<doc::Value> run = doc::parse_json(event.data);
    if (event.event != "run" || !run) return true;
    heard_ = SteadyClock::now();
    is_gone_ = false;
    if (session_.json) {
      session_.console.out << doc::write_json(*run) << std::endl;
      return run->flag("open");
    }
    print_steps(*run);
    if (const std::string now = run_line(*run); std::exchange(line_, now) != now)
      session_.console.err << fmt::format("{}  {}", one_line(id_), now) << std::endl;
    if (const std::string now = how_to_settle(*run); std::exchange(settle_, now) != now)
      session_.console.err << now << std::flush;
    return run->flag("open");
  }

  // What is new since it was told (path -> state and attempt).
  void print_steps(const doc::Value& run) {
    const doc::Value* steps = run.find("steps");
    if (steps == nullptr || !steps->is_array()) return;
    for (const doc::Value& step : steps->as_array()) {
      const std::string state(step.text("state"));
      if (state == "asked") continue;
      const std::string now = fmt::format("{}#{}", state, step.integer("attempt", 1));
      if (std::exchange(told_[std::string(step.text("path"))], now) == now) continue;
      session_.console.err << on_err(session_.console, tone_of(state), step_line(step))
                           << std::endl;
      if (state == "failed") print_last_words(step);
    }
  }

  void print_last_words(const doc::Value& step) {
    if (step.text("action").empty()) return;
    const Attempt<doc::Value> action =
        remote_.get("/v1/actions/" + percent_encoded(step.text("action")));
    const std::string said = action ? last_words(*action) : "";
    if (!said.empty()) session_.console.err << fmt::format("{:<10}| {}", "", said) << std::endl;
  }

  // Of a server that was there: for a minute.
  bool may_come_back(const Failure& failure) {
    const bool is_away =
        failure.exit == Exit::kUnreachable || failure.problem.integer("status") == kUnavailable;
    if (!is_away || !heard_ || SteadyClock::now() - *heard_ > kPatience) return false;
    if (!std::exchange(is_gone_, true))
      session_.console.err << "the server does not answer, trying again for a minute" << std::endl;
    return true;
  }

  Session& session_;
  const Remote& remote_;
  const std::string id_;
  std::map<std::string, std::string> told_;
  std::string line_, settle_;
  std::optional<SteadyClock::time_point> heard_;
  bool is_gone_ = false;
};

}  // namespace

int follow_run(Session& session, const std::string& id) {
  const Remote remote(session.environment);
  const Farewell farewell(
      fmt::format("\n{0} goes on without you. Come back to it: keyturn runbook watch {0}\n"
                  "End it: keyturn runbook cancel {0} --reason …\n",
                  one_line(id)));
  const Attempt<void> over = Follower(session, remote, id).to_the_end();
  if (!over) {
    const int exit = complain(session, over.error());
    if (over.error().exit == Exit::kUnreachable && !session.json)
      session.console.err << fmt::format("  The run goes on: keyturn runbook watch {}\n",
                                         one_line(id));
    return exit;
  }
  const Attempt<doc::Value> run = remote.get("/v1/runs/" + percent_encoded(id));
  const Attempt<doc::Value> action = remote.get("/v1/actions/" + percent_encoded(id));
  if (!run) return complain(session, run.error());
  if (!action) return complain(session, action.error());
  const doc::Value* outputs = run->find("outputs");
  if (!session.json && outputs != nullptr && !outputs->as_object().empty())
    print_json(session.console, *outputs);
  // Of its action the end of a run that was cancelled is a failure.
  return code(run->text("state") == "cancelled" ? Exit::kCancelled : exit_of_action(*action));
}

}  // namespace keyturn::cli
