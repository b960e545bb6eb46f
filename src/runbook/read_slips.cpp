// What a document would only fail at when a run comes to it.
#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "policy/document.h"
#include "policy/tests.h"
#include "runbook/reader.h"

namespace keyturn::runbook {
namespace {

// What there may be of an action that ended (model/action.h, Outcome).
constexpr std::array<std::string_view, 10> kResults{
    "outcome", "reason",    "exit_code", "stdout",    "stderr",
    "rows",    "row_count", "result",    "truncated", "duration_ms"};

std::string perhaps(std::string_view word, const std::vector<std::string_view>& names,
                    const std::string& before) {
  const std::string_view nearest = nearest_word(word, names.data(), names.size());
  return nearest.empty() ? "" : " (did you mean " + before + std::string(nearest) + "?)";
}

}  // namespace

void StepReader::warn(std::string code, std::string message, const doc::Value& at,
                      const std::string& pointer) {
  problems_.push_back({std::move(code), std::move(message), pointer, at.position(), true});
}

void StepReader::check_paths(const std::vector<std::string>& paths, const doc::Value& at,
                             const std::string& pointer) {
  for (const std::string& path : paths) {
    if (path.starts_with("result.")) check_result(path.substr(7), at, pointer);
    if (!path.starts_with("steps.")) continue;
    const std::string rest = path.substr(6);
    const std::string id = rest.substr(0, rest.find('.'));
    constexpr std::string_view kOutputs = ".outputs.";
    if (known_.contains(id)) {
      std::string_view what = std::string_view(rest).substr(id.size());
      if (!what.starts_with(kOutputs)) continue;
      what.remove_prefix(kOutputs.size());
      check_output(id, std::string(what.substr(0, what.find_first_of(".["))), at, pointer);
      continue;
    }
    std::vector<std::string_view> names(known_.begin(), known_.end());
    problems_.push_back(
        {"unknown_step",
         "steps." + id + " is no step that has ended here" + perhaps(id, names, "steps."), pointer,
         at.position()});
  }
}

// Each of a foreach has its own, as steps.ID.outputs.items[N].outputs; a group has none.
void StepReader::set_outputs_of(const Step& step) {
  std::set<std::string>& names = outputs_[step.id];
  if (step.foreach) names.insert("items");
  if (step.foreach || !step.branches.empty()) return;
  for (const auto& [name, expression] : step.outputs) names.insert(name);
}

void StepReader::check_output(const std::string& id, const std::string& name, const doc::Value& at,
                              const std::string& pointer) {
  const auto found = outputs_.find(id);
  if (found == outputs_.end() || found->second.contains(name)) return;
  const std::vector<std::string_view> names(found->second.begin(), found->second.end());
  warn("unknown_output",
       "step " + id + " has no output " + name + perhaps(name, names, "") +
           (names.empty() ? "; declare it there: outputs: {" + name + ": result.…}" : ""),
       at, pointer);
}

void StepReader::check_result(const std::string& field, const doc::Value& at,
                              const std::string& pointer) {
  const std::string name = field.substr(0, field.find_first_of(".["));
  if (std::ranges::find(kResults, name) != kResults.end()) return;
  warn("unknown_field",
       "result." + name + " is never there" +
           perhaps(name, {kResults.begin(), kResults.end()}, "result."),
       at, pointer);
}

void StepReader::check_texts(const Template& texts, const doc::Value& at,
                             const std::string& pointer) {
  if (beside_.inputs == nullptr) return;
  for (const std::string& inside : texts.inside_texts()) {
    if (!inside.starts_with("inputs.")) continue;
    const auto input = std::ranges::find(*beside_.inputs, inside.substr(7), &catalog::Param::name);
    if (input == beside_.inputs->end()) continue;
    const std::string_view type = input->schema.text("type");
    if (type == "array")
      warn("not_text",
           inside + " is a list, which cannot stand inside a longer text: write {{ " + inside +
               ".join(', ') }}",
           at, pointer);
    if (type == "object")
      warn("not_text",
           inside +
               " is an object, which cannot stand inside a longer text: write one of its fields",
           at, pointer);
  }
}

void StepReader::check_people(const Plan& plan, const doc::Value& at, const std::string& pointer) {
  if (beside_.known.roster == nullptr) return;
  const policy::Roster& roster = *beside_.known.roster;
  std::set<std::string> asked = groups_of(plan);
  asked.insert(plan.veto_groups.begin(), plan.veto_groups.end());
  if (!plan.escalate_to.empty()) asked.insert(plan.escalate_to);
  std::vector<std::string_view> names;
  for (const auto& [name, people] : roster.groups) names.push_back(name);
  bool all_known = true;
  for (const std::string& group : asked) {
    if (roster.groups.contains(group)) continue;
    all_known = false;
    warn("unknown_group",
         "nobody is in a group \"" + group + "\"" + perhaps(group, names, "") +
             "; put people into it, or name another",
         at, pointer);
  }
  std::string why;
  if (all_known && !policy::satisfiable(plan, roster, {}, &why))
    warn("unsatisfiable", "nobody could agree: " + why + "; add people, or ask for fewer", at,
         pointer);
}

}  // namespace keyturn::runbook
