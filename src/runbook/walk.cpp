#include "runbook/walk.h"

#include <algorithm>

#include "doc/json.h"
#include "runbook/graph.h"

namespace keyturn::runbook {
namespace {

enum class Done { kNo, kGood, kFailed };

// What ended, as later steps read it.
struct Ended {
  Done done = Done::kNo;
  std::string outcome;  // of a step that ended
  doc::Value outputs = doc::Object{};
  std::string reason;  // why it failed
};

struct Undo {
  std::size_t order = 0;
  std::string path;
  const Step* step = nullptr;
  Scope scope;
};

Duration backoff_of(const Retry& retry, int failed) {
  Duration out = retry.backoff;
  for (int i = 1; i < failed && out < retry.backoff_max; ++i) out *= 2;
  return std::min(out, retry.backoff_max);
}

// A refusal says of which output, and why.
Result<doc::Value> made(const std::vector<std::pair<std::string, Expression>>& outputs,
                        const Scope& scope) {
  doc::Value out = doc::Object{};
  std::size_t bytes = 0;
  for (const auto& [name, expression] : outputs) {
    Result<doc::Value> value = expression.evaluate(scope);
    if (!value)
      return refuse(value.error().code, name + " cannot be made: " + value.error().message);
    bytes += doc::write_json(*value).size();
    if (bytes > kOutputsBytesMax)
      return refuse("too_large", name + " cannot be kept: outputs are more than " +
                                     std::to_string(kOutputsBytesMax >> 20) + " MiB");
    out.set(name, std::move(*value));
  }
  return out;
}

void show(Scope& scope, const std::string& id, const Ended& one) {
  scope.show(id, doc::object({{"outcome", one.outcome}, {"outputs", one.outputs}}));
}

// What was told since `until`, oldest first.
void show_all(Scope& scope, const Before* newest, const Before* until) {
  if (newest == until || newest == nullptr) return;
  show_all(scope, newest->rest.get(), until);
  scope.show(newest->id, newest->shown);
}

class Walk {
 public:
  // `target`: the step whose scope is wanted; "": none.
  Walk(const Document& document, const Run& run, Time now, std::string target = "")
      : document_(document), run_(run), now_(now), target_(std::move(target)) {}

  Next all();
  Next while_waiting() const;
  std::optional<Scope> scope_of_target() const { return found_; }
  const Step* target_step() const { return found_step_; }

 private:
  bool stopping() const { return !run_.cancelled_by.empty(); }
  // What has not begun does not, any more.
  bool begins_more() const { return !stopping() && !no_more_; }
  Ended sequence(const std::vector<Step>& steps, const std::string& prefix, Scope& scope);
  Ended step(const Step& one, const std::string& path, Scope& scope);
  Ended each(const Step& one, const std::string& path, const Scope& scope);
  Ended once(const Step& one, const std::string& path, Scope& scope);
  Ended group(const Step& one, const std::string& path, Scope& scope);
  Ended leaf(const Step& one, const std::string& path, const Scope& scope);
  Ended attempt(const Step& one, const std::string& path, int number, const Scope& scope);
  Ended handled(const Step& one, const std::string& path, Scope& scope, Ended failed);
  Ended settle(const std::string& path, StepState state, std::string reason);
  static Ended as_ended(const std::string& path, const StepRecord& record);
  Ended compensate();
  void finish(const Ended& steps, const Scope& scope);

  const Document& document_;
  const Run& run_;
  Time now_;
  std::string target_;
  std::optional<Scope> found_;
  const Step* found_step_ = nullptr;
  Next next_;
  std::vector<Undo> undo_;
  bool no_more_ = false;  // of a foreach, behind a failure
};

Ended Walk::settle(const std::string& path, StepState state, std::string reason) {
  StepRecord record;
  record.state = state;
  record.reason = std::move(reason);
  next_.settled.push_back({path, std::move(record)});
  return {};
}

// What fails a run says which step did.
Ended Walk::as_ended(const std::string& path, const StepRecord& record) {
  const bool good = record.state == StepState::kSucceeded || record.state == StepState::kSkipped;
  return {good ? Done::kGood : Done::kFailed, std::string(to_text(record.state)), record.outputs,
          good || record.reason.empty() ? path : path + ": " + record.reason};
}

Ended Walk::sequence(const std::vector<Step>& steps, const std::string& prefix, Scope& scope) {
  for (const Step& one : steps) {
    Ended ended = step(one, prefix + one.id, scope);
    if (ended.done != Done::kGood) return ended;
    show(scope, one.id, ended);
  }
  return {Done::kGood, "succeeded", doc::Object{}, ""};
}

// Skipped, done for each, or done; and what follows when it failed.
Ended Walk::step(const Step& one, const std::string& path, Scope& scope) {
  const auto record = run_.steps.find(path);
  if (record != run_.steps.end() && record->second.state == StepState::kSkipped)
    return as_ended(path, record->second);
  const bool composite = one.foreach || !one.branches.empty();
  const bool failed_early = record != run_.steps.end() && composite;  // its expressions did
  if (one.when && record == run_.steps.end()) {
    const Result<bool> when = one.when->holds(scope);
    if (!when) return settle(path, StepState::kFailed, when.error().message);
    if (!*when) return settle(path, StepState::kSkipped, "when: " + one.when->text());
  }
  Ended ended = failed_early  ? as_ended(path, record->second)
                : one.foreach ? each(one, path, scope)
                              : once(one, path, scope);
  return ended.done == Done::kFailed ? handled(one, path, scope, std::move(ended)) : ended;
}

Ended Walk::handled(const Step& one, const std::string& path, Scope& scope, Ended failed) {
  if (one.goes_on) {
    failed.done = Done::kGood;
    return failed;
  }
  if (one.on_failure.empty()) return failed;
  Scope inner = scope;
  show(inner, one.id, failed);
  const Ended handler = sequence(one.on_failure, path + "~on_failure.", inner);
  if (handler.done == Done::kNo) return {};
  return failed;
}

Ended Walk::each(const Step& one, const std::string& path, const Scope& scope) {
  const Result<doc::Array> items = one.foreach->items(scope);
  if (!items) return settle(path, StepState::kFailed, items.error().message);
  if (items->size() > kItemsMax)
    return settle(path, StepState::kFailed,
                  "foreach has " + std::to_string(items->size()) + " items; at most " +
                      std::to_string(kItemsMax) + " are done");
  Ended out{Done::kGood, "succeeded", doc::Object{}, ""};
  std::vector<Ended> all;
  int on_the_way = 0;
  const bool outer = no_more_;
  for (std::size_t i = 0; i < items->size(); ++i) {
    if (on_the_way >= one.at_once) break;
    no_more_ = no_more_ || out.done == Done::kFailed;
    Scope inner = scope;
    inner.item = (*items)[i];
    inner.index = static_cast<std::int64_t>(i);
    Ended ended = once(one, path + "[" + std::to_string(i) + "]", inner);
    if (ended.done == Done::kNo) ++on_the_way;
    if (ended.done == Done::kFailed && out.done != Done::kFailed) out = ended;
    all.push_back(std::move(ended));
  }
  no_more_ = outer;
  if (on_the_way > 0) return {};
  doc::Array shown;
  for (Ended& ended : all) {
    shown.push_back(doc::object(
        {{"outcome", std::move(ended.outcome)}, {"outputs", std::move(ended.outputs)}}));
  }
  out.outputs = doc::object({{"items", std::move(shown)}});
  return out;
}

Ended Walk::once(const Step& one, const std::string& path, Scope& scope) {
  return one.branches.empty() ? leaf(one, path, scope) : group(one, path, scope);
}

Ended Walk::group(const Step& one, const std::string& path, Scope& scope) {
  Ended out{Done::kGood, "succeeded", doc::Object{}, ""};
  bool going = false;
  Scope after = scope;
  for (const Branch& branch : one.branches) {
    Scope inner = scope;
    const std::string prefix = path + "." + (branch.name.empty() ? "" : branch.name + ".");
    Ended ended = sequence(branch.steps, prefix, inner);
    going = going || ended.done == Done::kNo;
    if (ended.done == Done::kFailed && out.done != Done::kFailed) out = std::move(ended);
    show_all(after, inner.steps.get(), scope.steps.get());
  }
  if (going) return {};
  if (!one.foreach) scope = std::move(after);
  out.outputs = doc::Object{};
  return out;
}

// What was denied is not asked for over and over, what took effect is not done twice.
bool is_tried_again(const Step& one, const StepRecord& record) {
  if (record.state != StepState::kFailed || !record.resolved_by.empty()) return false;
  if (record.behind == Behind::kInterrupted) return true;
  return record.behind == Behind::kNothingSaid && !record.action.empty() && one.idempotent &&
         record.attempt < one.retry.tries;
}

Ended Walk::leaf(const Step& one, const std::string& path, const Scope& scope) {
  if (path == target_) {
    found_ = scope;
    found_step_ = &one;
  }
  if (run_.under_way.contains(path)) return {};
  const auto found = run_.steps.find(path);
  if (found == run_.steps.end()) return attempt(one, path, 1, scope);
  const StepRecord& record = found->second;
  if (record.state == StepState::kUnknown) {
    if (!record.resolved_by.empty()) return attempt(one, path, record.attempt + 1, scope);
    next_.asks.push_back(path);
    return {};
  }
  if (is_tried_again(one, record)) {
    if (!begins_more()) {
      next_.unbegun.push_back({path, record.attempt + 1});
      return as_ended(path, record);
    }
    const Time due = record.behind == Behind::kInterrupted
                         ? record.ended
                         : record.ended + backoff_of(one.retry, record.attempt);
    if (now_ >= due) return attempt(one, path, record.attempt + 1, scope);
    next_.look_again = std::min(next_.look_again.value_or(due), due);
    return {};
  }
  const bool took_effect =
      record.state == StepState::kSucceeded || record.behind == Behind::kEffect;
  if (took_effect && one.compensate) undo_.push_back({record.order, path, &one, scope});
  return as_ended(path, record);
}

Ended Walk::attempt(const Step& one, const std::string& path, int number, const Scope& scope) {
  if (!begins_more()) {
    next_.unbegun.push_back({path, number});
    return {Done::kFailed, "skipped", doc::Object{}, "it had not begun"};
  }
  if (run_.steps.size() + run_.under_way.size() + next_.begins.size() >= kRunStepsMax &&
      !run_.steps.contains(path) && !path.contains("~on_failure."))
    return settle(path, StepState::kFailed,
                  "a run has at most " + std::to_string(kRunStepsMax) + " steps");
  Begin begin{path, number, &one, one.kind, one.tool, doc::Object{}};
  if (one.kind == StepKind::kAction) {
    Result<doc::Value> args = one.args.fill(scope);
    if (!args) return settle(path, StepState::kFailed, args.error().message);
    begin.args = std::move(*args);
  } else if (one.kind == StepKind::kApprove) {
    Result<doc::Value> message = one.message.fill(scope);
    Result<doc::Value> shows = one.shows.fill(scope);
    if (!message || !shows)
      return settle(path, StepState::kFailed,
                    message ? shows.error().message : message.error().message);
    begin.args = doc::object({{"message", std::move(*message)}, {"show", std::move(*shows)}});
  }
  next_.begins.push_back(std::move(begin));
  return {};
}

// What was done is undone in reverse, one after the other.
Ended Walk::compensate() {
  std::ranges::sort(undo_, std::greater{}, &Undo::order);
  Ended out{Done::kGood, "succeeded", doc::Object{}, ""};
  for (Undo& one : undo_) {
    const std::string path = one.path + "~compensate";
    if (const auto found = run_.steps.find(path); found != run_.steps.end()) {
      const StepRecord& record = found->second;
      if (record.state == StepState::kUnknown && record.resolved_by.empty()) {
        next_.asks.push_back(path);
        return {};
      }
      const bool anew =
          record.state == StepState::kUnknown || record.behind == Behind::kInterrupted;
      if (!anew) {
        if (record.state == StepState::kFailed && out.done == Done::kGood)
          out = {Done::kFailed, "failed", doc::Object{}, path + ": " + record.reason};
        continue;
      }
    }
    if (run_.under_way.contains(path)) return {};
    const auto found = run_.steps.find(path);
    show(one.scope, one.step->id, as_ended(one.path, run_.steps.at(one.path)));
    Result<doc::Value> args = one.step->compensate->args.fill(one.scope);
    if (!args) return settle(path, StepState::kFailed, args.error().message);
    next_.begins.push_back({path, found == run_.steps.end() ? 1 : found->second.attempt + 1,
                            one.step, StepKind::kAction, one.step->compensate->tool,
                            std::move(*args)});
    return {};
  }
  return out;
}

void Walk::finish(const Ended& steps, const Scope& scope) {
  if (steps.done == Done::kGood && !stopping()) {
    Result<doc::Value> outputs = made(document_.outputs, scope);
    next_.end = outputs ? Next::End{RunEnd::kSucceeded, "", std::move(*outputs)}
                        : Next::End{RunEnd::kFailed, "its output " + outputs.error().message,
                                    doc::Object{}};
    return;
  }
  const Ended undone = compensate();
  if (undone.done == Done::kNo) return;
  Next::End end;
  end.end = stopping() ? RunEnd::kCancelled : RunEnd::kFailed;
  end.reason = stopping() ? run_.cancel_reason : steps.reason;
  if (undone.done == Done::kFailed) end.reason += "; not undone: " + undone.reason;
  next_.end = std::move(end);
}

// It has begun nothing yet.
Next Walk::while_waiting() const {
  Next out;
  if (stopping()) out.end = Next::End{RunEnd::kCancelled, run_.cancel_reason, doc::Object{}};
  return out;
}

Next Walk::all() {
  if (document_.takes_turns() && !run_.holds) return while_waiting();
  Scope scope;
  scope.inputs = std::make_shared<const doc::Value>(run_.inputs);
  scope.run = std::make_shared<const doc::Value>(
      doc::object({{"id", run_.id}, {"runbook", run_.runbook}, {"started_by", run_.started_by}}));
  const Ended steps = sequence(document_.steps, "", scope);
  const bool over = steps.done != Done::kNo;
  if (over && next_.settled.empty()) finish(steps, scope);
  if (run_.paused && !stopping()) next_.begins.clear();
  return std::move(next_);
}

}  // namespace

Next next(const Document& document, const Run& run, Time now) {
  return Walk(document, run, now).all();
}

StepRecord ended(const Document& document, const Run& run, const std::string& path, int attempt,
                 StepState state, std::string action, std::string reason,
                 const doc::Value& result) {
  StepRecord out;
  out.state = state;
  out.attempt = attempt;
  out.action = std::move(action);
  out.reason = std::move(reason);
  if (state != StepState::kSucceeded || path.ends_with("~compensate")) return out;
  const Step* step = step_at(document, path);
  if (step == nullptr || step->outputs.empty()) return out;
  Walk walk(document, run, run.started, path);
  (void)walk.all();
  if (walk.target_step() == nullptr) return out;
  Scope scope = *walk.scope_of_target();
  scope.result = result;
  Result<doc::Value> outputs = made(walk.target_step()->outputs, scope);
  if (outputs) {
    out.outputs = std::move(*outputs);
    return out;
  }
  out.state = StepState::kFailed;
  out.behind = Behind::kEffect;
  out.reason = "it succeeded, but its output " + outputs.error().message;
  return out;
}

}  // namespace keyturn::runbook
