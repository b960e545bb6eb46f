// What a run does next is worked out (runbook/walk.h), asked for, and taken down when it ended.
#include "runs/impl.h"
#include "runs/show.h"

namespace keyturn::runs {
namespace {

using runbook::StepKind;
using runbook::StepState;

bool has_settled(const gate::ActionRecord& record) {
  return is_final(record.state);
}

StepState state_of(State state) {
  if (state == State::kSucceeded) return StepState::kSucceeded;
  return state == State::kUnknown ? StepState::kUnknown : StepState::kFailed;
}

runbook::Behind behind(const gate::ActionRecord& record) {
  if (record.state == State::kDenied) return runbook::Behind::kRefused;
  return record.outcome && record.outcome->interrupted ? runbook::Behind::kInterrupted
                                                       : runbook::Behind::kNothingSaid;
}

std::string why(const gate::ActionRecord& record) {
  if (record.outcome && !record.outcome->reason.empty()) return record.outcome->reason;
  std::string out(to_text(record.state));
  if (record.state == State::kDenied && record.review && !record.review->closed_by.empty())
    out += " by " + record.review->closed_by;
  else if (record.state == State::kDenied)
    out += " by policy";  // why is for people: on the action's page
  if (record.outcome && record.outcome->exit_code && *record.outcome->exit_code != 0)
    out += " with exit code " + std::to_string(*record.outcome->exit_code);
  return out;
}

constexpr std::size_t kReasonOfRunMax = 2000;  // bytes

std::string cut(const std::string& text, std::size_t most) {
  std::size_t end = std::min(text.size(), most);
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80)
    --end;  // no half of a character
  return text.substr(0, end);
}

// Nothing is wrong with the step: it is asked for again, in a moment.
bool passes(const std::string& code) {
  return code == "overloaded" || code == "conflict" || code == "suspended" || code == "read_only";
}

}  // namespace

ActionRequest Runs::Impl::request_of(const One& one, const runbook::Begin& begin) const {
  ActionRequest out;
  out.tool = begin.kind == StepKind::kApprove ? kHold
             : begin.kind == StepKind::kPass  ? kPass
                                              : begin.tool;
  out.args = begin.args;
  if (begin.kind == StepKind::kApprove) out.args.set("plan", to_value(begin.step->plan));
  if (begin.kind == StepKind::kApprove) out.args.set("inputs", one.run.inputs);
  out.reason = "step " + begin.path + " of runbook " + one.run.runbook;
  const gate::RecordPtr run = ports.gate.find_open(ActionId(one.run.id));
  if (run && !run->reason.empty()) out.reason += ": " + cut(run->reason, kReasonOfRunMax);
  out.claims = run && run->claims.is_object() ? run->claims : doc::Value(doc::Object{});
  out.run = RunStep{one.run.id, one.run.runbook, begin.path, begin.attempt};
  return out;
}

void Runs::Impl::carry_on(std::shared_ptr<One> one) {
  one->walk_again = true;
  if (std::exchange(one->walking, true)) return;
  ports.spawn(walk(std::move(one)));
}

Task<void> Runs::Impl::walk(std::shared_ptr<One> one) {
  while (std::exchange(one->walk_again, false) && !one->run.end) {
    const bool again = co_await walk_once(one);
    one->walk_again = one->walk_again || again;
  }
  one->walking = false;
}

Task<bool> Runs::Impl::walk_once(std::shared_ptr<One> one) {
  runbook::Next next = runbook::next(*one->document, one->run, now());
  if (!next.settled.empty()) {
    std::vector<EventDraft> drafts;
    drafts.reserve(next.settled.size());
    for (const runbook::Settled& ended : next.settled)
      drafts.push_back(runbook::step_ended(one->run, ended.path, ended.record));
    const Result<void> done = co_await append(one, std::move(drafts));
    if (!done) one->look_again = now() + kTryAgain;
    co_return done.has_value();
  }
  if (one->looks_back && !next.unbegun.empty()) {
    const std::optional<bool> found = co_await look_back(one, std::move(next.unbegun));
    if (!found || *found) co_return found.has_value();
    one->looks_back = false;
  }
  one->asks = std::move(next.asks);
  if (next.look_again)
    one->look_again = std::min(one->look_again.value_or(*next.look_again), *next.look_again);
  if (one->stopping || (one->run.cancelled_by.empty() && pausing(*one) != nullptr))
    next.begins.clear();
  for (runbook::Begin& begin : next.begins) {
    const auto [flight, is_new] = one->flights.try_emplace(begin.path);
    if (!is_new) continue;
    flight->second.attempt = begin.attempt;
    flight->second.began = now();
    flight->second.undoes = begin.path.ends_with("~compensate");
    flight->second.timeout = flight->second.undoes ? Duration{} : begin.step->timeout;
    one->run.under_way.insert(begin.path);
    ports.spawn(ask_for(one, std::move(begin)));
  }
  if (next.end && one->flights.empty() && !one->stopping) {
    std::vector<EventDraft> drafts{
        runbook::run_ended(one->run, next.end->end, next.end->reason, next.end->outputs)};
    const Result<void> done = co_await append(one, std::move(drafts));
    if (done)
      co_await finish(one);
    else
      one->look_again = now() + kTryAgain;
  }
  co_return false;
}

// The same action however often it is asked for: a run that goes on after a crash finds it here.
Task<void> Runs::Impl::ask_for(std::shared_ptr<One> one, runbook::Begin begin) {
  const std::string path = begin.path;
  Result<gate::Submitted> asked = refuse("internal", "");
  try {
    asked = co_await ports.gate.submit(one->requester, request_of(*one, begin));
  } catch (const std::exception& error) {  // the other runs go on
    asked = refuse("internal", std::string("it cannot be asked for: ") + error.what());
  }
  const auto flight = one->flights.find(path);
  if (flight == one->flights.end()) co_return;
  if (!asked && asked.error().code == "run_cancelled") {
    one->flights.erase(flight);
    one->run.under_way.erase(path);
    carry_on(one);
    co_return;
  }
  if (!asked && passes(asked.error().code)) {
    one->flights.erase(flight);
    one->run.under_way.erase(path);
    one->look_again = now() + kTryAgain;
    one->held_up = doc::object(
        {{"step", path}, {"code", asked.error().code}, {"message", asked.error().message}});
    tell(one->run.id);
    co_return;
  }
  if (one->held_up && one->held_up->text("step") == path) one->held_up.reset();
  if (!asked) {
    runbook::StepRecord record;
    record.state = StepState::kFailed;
    record.attempt = begin.attempt;
    record.began = flight->second.began;
    record.reason = asked.error().message;
    std::vector<EventDraft> drafts{runbook::step_ended(one->run, path, record)};
    const Result<void> done = co_await append(one, std::move(drafts));
    one->flights.erase(path);
    one->run.under_way.erase(path);
    if (done)
      carry_on(one);
    else
      one->look_again = now() + kTryAgain;
    co_return;
  }
  flight->second.action = asked->record->id;
  flight->second.began = asked->record->created_at;
  if (has_settled(*asked->record))
    co_await land(one, path, asked->record);
  else if (flight->second.stops)
    co_await stop_flight(one, path);
}

// An attempt that does not begin any more may have begun, and ended, just before everything
// stopped, or before its end could be recorded.
Task<std::optional<bool>> Runs::Impl::look_back(std::shared_ptr<One> one,
                                                std::vector<runbook::Next::Unbegun> unbegun) {
  bool found = false;
  for (const runbook::Next::Unbegun& begun : unbegun) {
    if (one->flights.contains(begun.path)) continue;
    const std::optional<ActionId> action =
        co_await ports.gate.action_of({one->run.id, one->run.runbook, begun.path, begun.attempt});
    if (!action) continue;
    const gate::RecordPtr record = co_await ports.gate.find(one->requester, *action);
    if (!record) continue;
    found = true;
    fly(*one, begun.path, begun.attempt, record).stops = true;
    if (!has_settled(*record)) continue;
    co_await land(one, begun.path, record);
    const auto ended = one->run.steps.find(begun.path);
    const bool recorded = ended != one->run.steps.end() && ended->second.attempt >= begun.attempt;
    if (!recorded && !one->flights.contains(begun.path)) co_return std::nullopt;
  }
  co_return found;
}

// Of every action; those of steps under way are told by what they say of themselves.
void Runs::Impl::changed(const gate::RecordPtr& record) {
  if (record->tool.starts_with(catalog::kRunbookPrefix)) tell(record->id.str());
  if (record->run) tell(record->run->run);
  if (!record->run || !has_settled(*record)) return;
  const auto found = open.find(record->run->run);
  if (found == open.end()) return;
  const auto flight = found->second->flights.find(record->run->step);
  if (flight == found->second->flights.end() || flight->second.action != record->id) return;
  ports.spawn(land(found->second, record->run->step, record));
}

Task<void> Runs::Impl::land(std::shared_ptr<One> one, std::string path, gate::RecordPtr record) {
  const auto flight = one->flights.find(path);
  if (flight == one->flights.end() || flight->second.action != record->id) co_return;
  if (flight->second.lands) co_return;
  if (!record->amended_by.empty()) {  // people changed it: what took its place is the step now
    flight->second.action = ActionId(record->amended_by);
    gate::RecordPtr next = co_await ports.gate.find(one->requester, ActionId(record->amended_by));
    if (next && has_settled(*next)) co_await land(one, path, next);
    co_return;
  }
  const int attempt = flight->second.attempt;
  const doc::Value result =
      record->outcome ? to_value(*record->outcome) : doc::Value(doc::Object{});
  const StepState state = state_of(record->state);
  runbook::StepRecord ended =
      runbook::ended(*one->document, one->run, path, attempt, state, record->id.str(),
                     state == StepState::kSucceeded ? "" : why(*record), result);
  if (ended.behind == runbook::Behind::kNothingSaid) ended.behind = behind(*record);
  ended.began = flight->second.began;
  flight->second.lands = true;  // once
  std::vector<EventDraft> drafts{runbook::step_ended(one->run, path, ended)};
  const Result<void> done = co_await append(one, std::move(drafts));
  one->flights.erase(path);  // not before: nothing may begin it meanwhile
  one->run.under_way.erase(path);
  if (done) {
    carry_on(one);
  } else {  // asked for again, or looked for, it is the same action
    one->looks_back = true;
    one->look_again = now() + kTryAgain;
  }
}

Task<void> Runs::Impl::finish(std::shared_ptr<One> one) {
  Outcome outcome;
  outcome.kind =
      one->run.end == runbook::RunEnd::kSucceeded ? OutcomeKind::kSucceeded : OutcomeKind::kFailed;
  outcome.reason = one->run.end_reason;
  if (one->run.end == runbook::RunEnd::kCancelled) outcome.reason = cancelled_by(one->run);
  outcome.duration_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(one->run.ended - one->run.started)
          .count();
  outcome.result = one->run.outputs;
  open.erase(one->run.id);
  turns.leave(one->run.id);
  take_turns();  // what it held is free
  co_await ports.gate.conclude(ActionId(one->run.id), std::move(outcome));
}

// What runs already is not stopped by that: it is waited for. A run is: it undoes what it did.
Task<void> Runs::Impl::stop_flight(std::shared_ptr<One> one, std::string path) {
  const auto flight = one->flights.find(path);
  if (flight == one->flights.end() || flight->second.told || flight->second.action.str().empty())
    co_return;
  const ActionId action = flight->second.action;
  flight->second.told = true;
  std::string code, message;
  if (const auto inner = open.find(action.str()); inner != open.end()) {
    const bool all = !one->run.cancelled_by.empty();
    const Result<void> done =
        co_await stop(inner->second, all ? one->run.cancelled_by : "timeout",
                      all ? "run " + one->run.id + " is cancelled: " + one->run.cancel_reason
                          : "step " + path + " of " + one->run.id + " took longer than it may");
    if (!done) code = done.error().code;
  } else {
    // Not as whoever started it: who is gone by now cancels nothing.
    const Principal host{PrincipalKind::kHost, "run " + one->run.id, "", Assurance::kToken, "run"};
    const Result<gate::RecordPtr> done = co_await ports.gate.cancel(host, action);
    if (!done) {
      code = done.error().code;
      message = done.error().message;
    }
  }
  const gate::RecordPtr record = ports.gate.find_open(action);
  const bool begins =
      code == "executing" && record &&
      record->tool.starts_with(catalog::kRunbookPrefix);  // its run is not there yet
  const auto still = one->flights.find(path);
  if ((passes(code) || begins) && still != one->flights.end() && still->second.action == action)
    still->second.told = false;  // it is told again
  else if (code == "not_allowed" && ports.log)
    ports.log("step " + path + " of " + one->run.id + " is not cancelled: " + message);
}

}  // namespace keyturn::runs
