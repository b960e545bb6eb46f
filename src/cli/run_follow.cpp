#include "cli/run_follow.h"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <ostream>
#include <thread>

#include "cli/action_text.h"
#include "cli/remote.h"
#include "cli/wait.h"
#include "doc/json.h"

namespace keyturn::cli {
namespace {

constexpr std::chrono::seconds kAgainAfter{2};

const doc::Array& list_of(const doc::Value& value, std::string_view name) {
  static const doc::Array kNone;
  const doc::Value* found = value.find(name);
  return found != nullptr && found->is_array() ? found->as_array() : kNone;
}

const doc::Value* step_at(const doc::Value& run, std::string_view path) {
  for (const doc::Value& step : list_of(run, "steps")) {
    if (step.text("path") == path) return &step;
  }
  return nullptr;
}

std::string took(const doc::Value& step) {
  if (step.find("duration_ms") == nullptr) return "";
  return " in " + to_text(std::chrono::milliseconds(step.integer("duration_ms")));
}

std::string step_line(const doc::Value& step) {
  const std::string state(step.text("state"));
  std::string out = fmt::format("{:<10}{}", one_line(state), one_line(step.text("path")));
  if (step.integer("attempt", 1) > 1) out += fmt::format(" (try {})", step.integer("attempt"));
  if (state == "pending") {
    const std::string asked = who_is_asked(step);
    out += fmt::format(": needs {}; keyturn show {}", asked.empty() ? "people" : asked,
                       one_line(step.text("action")));
  } else if (!step.text("reason").empty()) {
    out += ": " + one_line(step.text("reason"));
  } else {
    out += took(step);
  }
  return out;
}

// What is new since `told` (path -> state and attempt).
void print_steps(Session& session, const doc::Value& run,
                 std::map<std::string, std::string>& told) {
  for (const doc::Value& step : list_of(run, "steps")) {
    const std::string state(step.text("state"));
    if (state == "asked") continue;
    const std::string now = fmt::format("{}#{}", state, step.integer("attempt", 1));
    if (std::exchange(told[std::string(step.text("path"))], now) == now) continue;
    session.console.err << on_err(session.console, tone_of(state), step_line(step)) << std::endl;
  }
}

}  // namespace

std::string run_line(const doc::Value& run) {
  std::string out = one_line(run.text("state"));
  std::string why;
  for (const doc::Value& path : list_of(run, "waits")) {
    const doc::Value* step = step_at(run, path.as_string());
    const std::string asked = step == nullptr ? "" : who_is_asked(*step);
    why += (why.empty() ? "" : ", ") + one_line(path.as_string());
    if (!asked.empty()) why += " (" + asked + ")";
  }
  for (const doc::Value& path : list_of(run, "asks"))
    why += (why.empty() ? "" : ", ") + one_line(path.as_string()) + " (nobody knows how it ended)";
  if (why.empty()) why = one_line(run.text("reason"));
  return why.empty() ? out : out + ": " + why;
}

int follow_run(Session& session, const std::string& id) {
  const Remote remote(session.environment);
  const Farewell farewell(
      fmt::format("\n{0} goes on without you. Come back to it: keyturn runbook watch {0}\n"
                  "End it: keyturn runbook cancel {0} --reason …\n",
                  one_line(id)));
  std::map<std::string, std::string> told;
  std::string line;
  for (;;) {
    Attempt<bool> over = remote.listen(
        fmt::format("/v1/runs/{}/stream", percent_encoded(id)), [&](const net::ServerEvent& event) {
          const Result<doc::Value> run = doc::parse_json(event.data);
          if (event.event != "run" || !run) return true;
          if (session.json) {
            session.console.out << doc::write_json(*run) << std::endl;
          } else {
            print_steps(session, *run, told);
            if (const std::string now = run_line(*run); std::exchange(line, now) != now)
              session.console.err << fmt::format("{}  {}", one_line(id), now) << std::endl;
          }
          return run->flag("open");
        });
    if (!over) return complain(session, over.error());
    if (*over) break;
    std::this_thread::sleep_for(kAgainAfter);
  }
  const Attempt<doc::Value> run = remote.get("/v1/runs/" + percent_encoded(id));
  const Attempt<doc::Value> action = remote.get("/v1/actions/" + percent_encoded(id));
  if (!run) return complain(session, run.error());
  if (!action) return complain(session, action.error());
  const doc::Value* outputs = run->find("outputs");
  if (!session.json && outputs != nullptr && !outputs->as_object().empty())
    print_json(session.console, *outputs);
  return code(exit_of_action(*action));
}

}  // namespace keyturn::cli
