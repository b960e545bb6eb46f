#include "cli/run_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/ascii.h"
#include "base/time.h"
#include "cli/action_text.h"
#include "cli/wait.h"
#include "doc/json.h"

namespace keyturn::cli {
namespace {

constexpr std::size_t kWhyColumns = 60, kLastWordsColumns = 200;

const doc::Value* step_at(const doc::Value& run, std::string_view path) {
  for (const doc::Value& step : run.list("steps")) {
    if (step.text("path") == path) return &step;
  }
  return nullptr;
}

std::string took(const doc::Value& step) {
  if (step.find("duration_ms") == nullptr) return "";
  return " in " + to_text(std::chrono::milliseconds(step.integer("duration_ms")));
}

void add(std::string& to, std::string_view separator, const std::string& words) {
  if (words.empty()) return;
  if (!to.empty()) to += separator;
  to += words;
}

// "for lock db/a, held by act_1", "its turn, behind act_1".
std::string turn_line(const doc::Value& waits_for) {
  std::string holders;
  for (const doc::Value& one : waits_for.list("held_by"))
    add(holders, " and ", one.is_string() ? one_line(one.as_string()) : "");
  std::string out = waits_for.text("lock").empty() ? "for its turn"
                                                   : "for lock " + one_line(waits_for.text("lock"));
  if (holders.empty()) return out;
  return out + (waits_for.text("lock").empty() ? ", behind " : ", held by ") + holders;
}

std::string paused_line(const doc::Value& run) {
  std::string out;
  if (!run.text("paused_by").empty()) out = "by " + one_line(run.text("paused_by"));
  if (!run.text("paused_with").empty()) add(out, ", ", "with " + one_line(run.text("paused_with")));
  return out;
}

std::string held_up_line(const doc::Value* held_up) {
  if (held_up == nullptr || !held_up->is_object()) return "";
  return fmt::format("{} cannot be asked for yet: {}", one_line(held_up->text("step")),
                     one_line(held_up->text("message")));
}

// As a shell takes it: a step's path may have brackets.
std::string shell_word(std::string_view word) {
  const bool plain = std::ranges::all_of(
      word, [](char c) { return is_alphanumeric(c) || c == '_' || c == '-' || c == '.'; });
  return plain ? std::string(word) : "'" + one_line(word) + "'";
}

std::string text_of(const doc::Value& value) {
  return one_line(value.is_string() ? value.as_string() : doc::write_json(value));
}

}  // namespace

std::string run_line(const doc::Value& run) {
  const std::string out = one_line(run.text("state"));
  std::string why = out == "paused" ? paused_line(run) : "";
  for (const doc::Value& path : run.list("waits")) {
    const doc::Value* step = step_at(run, path.as_string());
    const std::string asked = step == nullptr ? "" : who_is_asked(*step);
    add(why, ", ", one_line(path.as_string()) + (asked.empty() ? "" : " (" + asked + ")"));
  }
  for (const doc::Value& path : run.list("asks"))
    add(why, ", ", one_line(path.as_string()) + " (nobody knows how it ended)");
  for (const doc::Value& one : run.list("waits_for")) add(why, ", ", turn_line(one));
  add(why, ", ", held_up_line(run.find("held_up")));
  if (why.empty()) why = one_line(run.text("reason"));
  return why.empty() ? out : out + ": " + why;
}

std::string step_line(const doc::Value& step) {
  const std::string state(step.text("state"));
  std::string out = fmt::format("{:<10}{}", one_line(state), one_line(step.text("path")));
  if (step.integer("attempt", 1) > 1) out += fmt::format(" (try {})", step.integer("attempt"));
  const std::string show =
      step.text("action").empty() ? "" : "; keyturn show " + one_line(step.text("action"));
  if (state == "pending") {
    const std::string asked = who_is_asked(step);
    out += fmt::format(": needs {}{}", asked.empty() ? "people" : asked, show);
  } else if (!step.text("reason").empty()) {
    out += ": " + one_line(step.text("reason"));
    if (state == "failed" || state == "unknown") out += show;
  } else {
    out += took(step);
  }
  return out;
}

std::string how_to_settle(const doc::Value& run) {
  std::string out;
  for (const doc::Value& asks : run.list("asks")) {
    const std::string& path = asks.as_string();
    out += fmt::format(
        "Nobody knows how {} of {} ended. Look at what it was to change, then say what you saw\n"
        "(OUTCOME: succeeded, failed, or again to do it once more):\n"
        "  keyturn runbook resolve {} {} --outcome OUTCOME --note \"WHAT YOU SAW\"\n",
        one_line(path), one_line(run.text("runbook")), one_line(run.text("id")), shell_word(path));
    const doc::Value* step = step_at(run, path);
    if (step != nullptr && !step->text("action").empty())
      out += fmt::format("  keyturn show {}\n", one_line(step->text("action")));
  }
  return out;
}

std::string why_started(const doc::Value& run) {
  std::string out = one_line(run.text("asked_for"));
  std::string inputs;
  if (const doc::Value* given = run.find("inputs"); given != nullptr && given->is_object()) {
    for (const doc::Member& one : given->as_object())
      add(inputs, " ", one_line(one.key) + "=" + text_of(one.value));
  }
  add(out, "; ", inputs);
  std::string shortened = cut(out, kWhyColumns);
  return shortened.size() < out.size() ? shortened + "…" : out;
}

std::string last_words(const doc::Value& action) {
  const doc::Value* outcome = action.find("outcome");
  std::string_view said = outcome == nullptr ? std::string_view() : outcome->text("stderr");
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t end = said.find_last_not_of(kBlank);
  if (end == std::string_view::npos) return "";
  said = said.substr(0, end + 1);
  if (const std::size_t line = said.find_last_of("\r\n"); line != std::string_view::npos)
    said.remove_prefix(line + 1);
  return cut(one_line(said), kLastWordsColumns);
}

}  // namespace keyturn::cli
