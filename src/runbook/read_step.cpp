// One step, of whatever kind.
#include <algorithm>

#include "base/ascii.h"
#include "base/bytes.h"
#include "policy/plan.h"
#include "runbook/reader.h"

namespace keyturn::runbook {
namespace {

using doc::ObjectReader;

constexpr std::int64_t kTriesMax = 20, kAtOnceMax = 100;

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= 60 && !(text[0] >= '0' && text[0] <= '9') &&
         std::ranges::all_of(text, [](char c) { return is_alphanumeric(c) || c == '_'; });
}

}  // namespace

Template StepReader::read_template(const doc::Value& value, const std::string& pointer) {
  Template out = expressions_.compile_template(value, pointer, problems_);
  check_paths(out.paths(), value, pointer);
  check_texts(out, value, pointer);
  return out;
}

std::vector<std::pair<std::string, Expression>> StepReader::read_outputs(
    const doc::Value& outputs, const std::string& pointer) {
  std::vector<std::pair<std::string, Expression>> out;
  for (const doc::Member& member : outputs.as_object()) {
    const std::string place = pointer + "/" + doc::pointer_escape(member.key);
    std::optional<Expression> one =
        expressions_.compile(member.value, place, cel::Type::dyn(), problems_);
    if (!one) continue;
    check_paths(one->paths(), member.value, place);
    out.emplace_back(member.key, std::move(*one));
  }
  return out;
}

std::vector<Step> StepReader::read_steps(const doc::Value& steps, const std::string& pointer) {
  std::vector<Step> out;
  if (++depth_ > kDepthMax) {
    problems_.push_back({"too_deep",
                         "steps are nested at most " + std::to_string(kDepthMax) + " deep", pointer,
                         steps.position()});
  } else {
    for (std::size_t i = 0; i < steps.as_array().size(); ++i)
      out.push_back(read_step(steps.as_array()[i], pointer + "/" + std::to_string(i)));
  }
  --depth_;
  return out;
}

std::string StepReader::read_id(ObjectReader& in) {
  std::string id = in.require_string("id");
  if (!id.empty() && !is_id(id))
    in.problem("invalid_name", "\"" + id + "\" is no id: letters, digits and \"_\", at most 60",
               "id");
  if (!id.empty() && !ids_.insert(id).second)
    in.problem("duplicate_name",
               "there is a step \"" + id + "\" already; ids are unique in the document", "id");
  if (ids_.size() == kStepsMax + 1)
    in.problem("too_many", "a runbook has at most " + std::to_string(kStepsMax) + " steps", "id");
  return id;
}

Step StepReader::read_step(const doc::Value& value, const std::string& pointer) {
  ObjectReader in(value, pointer, problems_);
  Step step;
  step.id = read_id(in);
  step.name = in.string("name").value_or(step.id);
  read_conditions(in, step);
  read_kind(in, step);
  read_retry(in, step);
  if (const auto timeout = in.duration("timeout")) step.timeout = *timeout;
  known_.insert(step.id);  // its own outputs, where they are made and for what undoes it
  if (const doc::Value* outputs = in.object("outputs"))
    step.outputs = read_outputs(*outputs, in.pointer_to("outputs"));
  set_outputs_of(step);
  check_effect(in, step);
  read_failure(in, step);
  in.finish();
  return step;
}

// Each step of a group is an action of its own, or none. A run that goes on keeps its document,
// whatever was allowed when it began.
void StepReader::check_effect(ObjectReader& in, const Step& step) {
  if (step.branches.empty() || beside_.tools == nullptr) return;
  for (const char* word : {"timeout", "outputs", "idempotent"}) {
    if (in.value().find(word) != nullptr)
      in.problem("without_effect",
                 std::string(word) + " is for a step that is done itself; say it of those inside",
                 word);
  }
}

void StepReader::read_conditions(ObjectReader& in, Step& step) {
  if (const doc::Value* when = in.any("when")) {
    step.when = expressions_.compile(*when, in.pointer_to("when"), cel::Type::boolean(), problems_);
    if (step.when) check_paths(step.when->paths(), *when, in.pointer_to("when"));
  }
  if (const doc::Value* list = in.any("foreach")) {
    step.foreach = expressions_.compile(*list, in.pointer_to("foreach"),
                                        cel::Type::list(cel::Type::dyn()), problems_);
    if (step.foreach) check_paths(step.foreach->paths(), *list, in.pointer_to("foreach"));
  }
  if (const auto at_once = in.integer("at_once", 1, kAtOnceMax)) {
    step.at_once = static_cast<int>(*at_once);
    if (!step.foreach)
      in.problem("without_effect", "at_once is for a foreach; remove it", "at_once");
  }
}

void StepReader::read_kind(ObjectReader& in, Step& step) {
  int kinds = 0;
  for (const std::string_view word : {"tool", "runbook", "approve", "pass", "steps", "branches"})
    kinds += in.value().find(word) != nullptr ? 1 : 0;
  if (kinds != 1) {
    in.problem("missing_field",
               "a step says one of tool, runbook, approve, pass, steps and branches" +
                   std::string(kinds > 1 ? ", not several" : ""));
  }
  if (const auto pass = in.boolean("pass"); pass && !*pass)
    in.problem("wrong_word", "write pass: true, or leave the step out", "pass");
  read_action(in, step);
  read_approve(in, step);
  read_branches(in, step);
}

void StepReader::read_action(ObjectReader& in, Step& step) {
  static const doc::Value kNothing = doc::Object{};
  const auto tool = in.string("tool");
  const auto runbook = in.string("runbook");
  const std::string_view key = tool ? "args" : "inputs";
  if (!tool && !runbook) return;
  step.kind = StepKind::kAction;
  step.tool = tool ? *tool : std::string(catalog::kRunbookPrefix) + *runbook;
  const doc::Value* args = in.object(key);
  step.args = read_template(args == nullptr ? kNothing : *args, in.pointer_to(key));
  check_tool(in, tool ? "tool" : "runbook", step.tool, step.args.source(), key);
}

// Only tools of documents are known early: those of MCP servers are when their definitions are.
void StepReader::check_tool(ObjectReader& in, std::string_view key, const std::string& name,
                            const doc::Value& args, std::string_view args_key) {
  if (beside_.tools == nullptr) return;
  const catalog::Tool* tool = beside_.tools->find(name);
  const std::string server = name.substr(0, name.find('.'));
  if (tool == nullptr && beside_.tools->upstream(server)) return;
  if (tool == nullptr) {
    std::vector<std::string_view> names;
    for (const catalog::Tool& one : beside_.tools->tools()) names.push_back(one.name);
    const std::string_view nearest = nearest_word(name, names.data(), names.size());
    in.problem("unknown_tool",
               "there is no tool \"" + name + "\"" +
                   (nearest.empty() ? "" : " (did you mean \"" + std::string(nearest) + "\"?)"),
               key);
    return;
  }
  if (tool->kind == catalog::ToolKind::kMcp) return;
  if (tool->mode == catalog::Mode::kGrant)
    in.problem("not_executable",
               "tool \"" + name + "\" only gives grants; a step is executed by Keyturn", key);
  for (const doc::Member& arg : args.as_object()) {
    if (std::ranges::find(tool->params, arg.key, &catalog::Param::name) == tool->params.end())
      in.problem("unknown_param", "tool \"" + name + "\" has no parameter \"" + arg.key + "\"",
                 args_key);
  }
  for (const catalog::Param& param : tool->params) {
    if (param.required && args.find(param.name) == nullptr)
      in.problem("missing_param",
                 "tool \"" + name + "\" needs the parameter \"" + param.name + "\"", args_key);
  }
}

void StepReader::read_approve(ObjectReader& in, Step& step) {
  const doc::Value* value = in.object("approve");
  if (value == nullptr) return;
  step.kind = StepKind::kApprove;
  ObjectReader approve(*value, in.pointer_to("approve"), problems_);
  if (const doc::Value* message = approve.any("message");
      message != nullptr && message->is_string())
    step.message = read_template(*message, approve.pointer_to("message"));
  else
    approve.problem("missing_field", "needs a message that says what people agree to", "message");
  if (const doc::Value* shows = approve.object("show"))
    step.shows = read_template(*shows, approve.pointer_to("show"));
  if (const doc::Value* plan = approve.object("require")) {
    step.plan = policy::read_plan(*plan, approve.pointer_to("require"), problems_);
    check_people(step.plan, *plan, approve.pointer_to("require"));
  } else {
    approve.problem("missing_field", "needs require: whom to ask, as a rule of policy.yaml says it",
                    "require");
  }
  approve.finish();
}

void StepReader::read_branches(ObjectReader& in, Step& step) {
  if (const doc::Value* steps = in.array("steps")) {
    step.kind = StepKind::kGroup;
    step.branches.push_back({"", read_steps(*steps, in.pointer_to("steps"))});
  }
  const doc::Value* branches = in.object("branches");
  if (branches == nullptr) return;
  step.kind = StepKind::kBranches;
  // Side by side: none reads what another does.
  const std::set<std::string> before = known_;
  std::set<std::string> after = known_;
  for (const doc::Member& branch : branches->as_object()) {
    const std::string pointer = in.pointer_to("branches") + "/" + doc::pointer_escape(branch.key);
    if (!branch.value.is_array()) {
      problems_.push_back(
          {"wrong_type", "a branch is a list of steps", pointer, branch.value.position()});
      continue;
    }
    known_ = before;
    step.branches.push_back({branch.key, read_steps(branch.value, pointer)});
    after.insert(known_.begin(), known_.end());
  }
  known_ = std::move(after);
}

void StepReader::read_retry(ObjectReader& in, Step& step) {
  step.idempotent = in.boolean("idempotent").value_or(false);
  const doc::Value* value = in.object("retry");
  if (value == nullptr) return;
  ObjectReader retry(*value, in.pointer_to("retry"), problems_);
  if (!step.idempotent)
    retry.problem(
        "not_idempotent",
        "only a step that may be done twice is tried again: say idempotent: true if it is");
  if (step.kind != StepKind::kAction)
    retry.problem("without_effect", "only an action is tried again");
  step.retry.tries = static_cast<int>(retry.integer("tries", 2, kTriesMax).value_or(3));
  step.retry.backoff = retry.duration("backoff").value_or(step.retry.backoff);
  step.retry.backoff_max =
      retry.duration("backoff_max").value_or(std::max(step.retry.backoff, step.retry.backoff_max));
  retry.finish();
}

void StepReader::read_failure(ObjectReader& in, Step& step) {
  if (const doc::Value* failure = in.any("on_failure")) {
    if (failure->is_array()) {
      step.on_failure = read_steps(*failure, in.pointer_to("on_failure"));
    } else if (failure->is_string() && failure->as_string() == "continue") {
      step.goes_on = true;
    } else if (!failure->is_string() || failure->as_string() != "stop") {
      in.problem("unknown_choice", "on_failure is stop, continue, or a list of steps",
                 "on_failure");
    }
  }
  const doc::Value* value = in.object("compensate");
  if (value == nullptr) return;
  ObjectReader compensate(*value, in.pointer_to("compensate"), problems_);
  if (step.kind != StepKind::kAction)
    compensate.problem("without_effect", "only what an action did is undone");
  Compensation out;
  out.tool = compensate.require_string("tool");
  const doc::Value* args = compensate.object("args");
  out.args = read_template(args == nullptr ? doc::Value(doc::Object{}) : *args,
                           compensate.pointer_to("args"));
  if (!out.tool.empty()) check_tool(compensate, "tool", out.tool, out.args.source(), "args");
  compensate.finish();
  step.compensate = std::move(out);
}

}  // namespace keyturn::runbook
