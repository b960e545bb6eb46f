// Runs and runbooks as people and programs are shown them.
#include "runs/show.h"

#include <algorithm>

#include "doc/json.h"
#include "runs/impl.h"

namespace keyturn::runs {
namespace {

using runbook::StepRecord;

constexpr std::size_t kHoldersNamed = 5;  // in a list
constexpr std::string_view kCancelledBy = "cancelled by ";
constexpr std::size_t kInputsBytesMax = 2000;  // as JSON, in a list; a run by itself has them all

doc::Value party_of(const Principal& who) {
  return doc::object({{"kind", to_text(who.kind)}, {"id", who.id}});
}

std::int64_t milliseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::string runbook_of(const gate::ActionRecord& record) {
  return record.tool.substr(catalog::kRunbookPrefix.size());
}

// What is there of a run before it begins, and of its action afterwards.
doc::Value as_action(const gate::ActionRecord& record) {
  doc::Value out = doc::object({{"id", record.id.str()},
                                {"runbook", runbook_of(record)},
                                {"state", to_text(record.state)},
                                {"open", !is_final(record.state)},
                                {"requester", party_of(record.requester)},
                                {"asked_at", to_rfc3339(record.created_at)}});
  if (!record.reason.empty()) out.set("asked_for", record.reason);
  if (record.args.is_object() && doc::write_json(record.args).size() <= kInputsBytesMax)
    out.set("inputs", record.args);
  if (record.run)
    out.set("part_of", doc::object({{"run", record.run->run}, {"step", record.run->step}}));
  return out;
}

void set_outcome(doc::Value& out, const gate::ActionRecord& record) {
  if (!record.outcome) return;
  if (record.outcome->reason.starts_with(kCancelledBy)) out.set("state", "cancelled");
  if (!record.outcome->reason.empty()) out.set("reason", record.outcome->reason);
  if (!record.settled_at) return;
  const Duration took = std::chrono::milliseconds(record.outcome->duration_ms);
  out.set("started_at", to_rfc3339(*record.settled_at - took));
  out.set("ended_at", to_rfc3339(*record.settled_at));
}

void set_name(doc::Value& out, const runbook::Document* document, std::string_view path) {
  const runbook::Step* step = document == nullptr ? nullptr : runbook::step_at(*document, path);
  if (step == nullptr) return;
  out.set("step", step->id);
  out.set("name", step->name);
  out.set("kind", runbook::to_text(step->kind));
}

doc::Value ended_step(const std::string& path, const StepRecord& record,
                      const runbook::Document* document) {
  doc::Value out = doc::object({{"path", path}});
  set_name(out, document, path);
  out.set("state", runbook::to_text(record.state));
  out.set("attempt", record.attempt);
  if (!record.action.empty()) out.set("action", record.action);
  if (record.began) {
    out.set("began_at", to_rfc3339(*record.began));
    out.set("duration_ms", milliseconds(record.ended - *record.began));
  }
  out.set("ended_at", to_rfc3339(record.ended));
  if (!record.reason.empty()) out.set("reason", record.reason);
  if (!record.outputs.as_object().empty()) out.set("outputs", record.outputs);
  if (!record.resolved_by.empty()) out.set("resolved_by", record.resolved_by);
  return out;
}

bool waits_for_people(const gate::RecordPtr& record) {
  return record && record->state == State::kPending;
}

std::string_view step_word(const gate::RecordPtr& record) {
  if (!record) return "asked";
  return waits_for_people(record) || record->state == State::kDeferred ? to_text(record->state)
                                                                       : "running";
}

}  // namespace

std::string cancelled_by(const runbook::Run& run) {
  return std::string(kCancelledBy) + run.cancelled_by +
         (run.end_reason.empty() ? "" : ": " + run.end_reason);
}

doc::Value Runs::Impl::step_under_way(const One& one, const std::string& path,
                                      const Flight& flight) const {
  doc::Value out = doc::object({{"path", path}});
  set_name(out, one.document.get(), path);
  const gate::RecordPtr record =
      flight.action.str().empty() ? nullptr : ports.gate.find_open(flight.action);
  out.set("state", step_word(record));
  out.set("attempt", flight.attempt);
  out.set("began_at", to_rfc3339(flight.began));
  if (!flight.action.str().empty()) out.set("action", flight.action.str());
  if (waits_for_people(record) && record->review) {
    const review::Tally tally = review::tally_of(*record->review, ports.gate.world().directory);
    out.set("needed", review::to_value(tally.needed));
  }
  return out;
}

// The steps that wait for people, and in one word how it goes.
std::string_view Runs::Impl::word_for(const One& one, std::vector<std::string>& waits) const {
  std::string_view inner = "running";
  for (const auto& [path, flight] : one.flights) {
    if (flight.action.str().empty()) continue;
    if (waits_for_people(ports.gate.find_open(flight.action))) waits.push_back(path);
    const auto run = open.find(flight.action.str());
    if (run == open.end()) continue;
    std::vector<std::string> there;
    const std::string_view word = word_for(*run->second, there);
    for (const std::string& step : there) waits.push_back(path + " > " + step);
    if (word != "running") inner = word;
  }
  if (!one.run.cancelled_by.empty()) return "cancelling";
  if (!one.asks.empty()) return "stopped";
  if (pausing(one) != nullptr) return "paused";
  if (one.waits_for_turn()) return "waiting";
  if (inner != "running" && inner != "cancelling") return inner;
  return waits.empty() ? "running" : "held";
}

void Runs::Impl::set_open(doc::Value& out, const One& one) const {
  std::vector<std::string> waits;
  out.set("state", word_for(one, waits));
  out.set("started_at", to_rfc3339(one.run.started));
  if (!waits.empty()) out.set("waits", doc::array_of(waits));
  if (!one.asks.empty()) out.set("asks", doc::array_of(one.asks));
  if (one.held_up) out.set("held_up", *one.held_up);
  if (one.waits_for_turn()) out.set("waits_for", waits_for(one, kHoldersNamed));
}

doc::Value Runs::summary(const gate::ActionRecord& record) const {
  doc::Value out = as_action(record);
  const auto found = impl_->open.find(record.id.str());
  if (found != impl_->open.end())
    impl_->set_open(out, *found->second);
  else
    set_outcome(out, record);
  return out;
}

// Of a run that is over, or that nobody began: from its stream.
Task<std::shared_ptr<Runs::One>> Runs::Impl::past(gate::RecordPtr record) {
  const std::vector<Event> events =
      co_await ports.gate.journal().read_stream(runbook::stream_of_run(record->id.str()), 1, true);
  if (events.empty()) co_return nullptr;
  auto one = std::make_shared<One>();
  for (const Event& event : events) runbook::evolve(one->run, event);
  one->document = kept_document(events.front());
  one->requester = record->requester;
  co_return one;
}

void Runs::Impl::set_run(doc::Value& out, const One& one) const {
  const runbook::Run& run = one.run;
  out.set("digest", run.digest);
  out.set("started_at", to_rfc3339(run.started));
  out.set("inputs", run.inputs);
  if (!run.locks.empty()) out.set("locks", doc::array_of(run.locks));
  if (run.holds) out.set("turn_at", to_rfc3339(*run.holds));
  const One* paused = run.end ? nullptr : pausing(one);
  out.set("paused", paused != nullptr);
  if (paused != nullptr) out.set("paused_by", paused->run.paused_by);
  if (paused != nullptr && paused != &one) out.set("paused_with", paused->run.id);
  if (!run.cancelled_by.empty()) {
    out.set("cancelled_by", run.cancelled_by);
    out.set("cancel_reason", run.cancel_reason);
  }
  if (run.end) {
    out.set("state", runbook::to_text(*run.end));
    out.set("ended_at", to_rfc3339(run.ended));
    out.set("outputs", run.outputs);
    if (!run.end_reason.empty()) out.set("reason", run.end_reason);
  }
  doc::Array resolutions;
  for (const runbook::Resolution& said : run.resolutions)
    resolutions.push_back(doc::object({{"step", said.path},
                                       {"attempt", said.attempt},
                                       {"outcome", said.outcome},
                                       {"by", said.by},
                                       {"note", said.note},
                                       {"at", to_rfc3339(said.at)}}));
  if (!resolutions.empty()) out.set("resolutions", std::move(resolutions));
  if (one.document) out.set("graph", runbook::graph_of(*one.document));
  doc::Array steps;
  std::vector<std::pair<std::size_t, const std::string*>> order;
  order.reserve(run.steps.size());
  for (const auto& [path, record] : run.steps) order.emplace_back(record.order, &path);
  std::ranges::sort(order);
  for (const auto& [number, path] : order) {
    if (!one.flights.contains(*path))
      steps.push_back(ended_step(*path, run.steps.at(*path), one.document.get()));
  }
  for (const auto& [path, flight] : one.flights) steps.push_back(step_under_way(one, path, flight));
  out.set("steps", std::move(steps));
}

// For whoever may read its action, or an action that is one of its steps: who is asked about a step
// sees what it is a step of.
Task<gate::RecordPtr> Runs::Impl::run_for(const Principal& who, const std::string& id) {
  gate::RecordPtr record = co_await ports.gate.find(who, ActionId(id));
  if (record && !record->tool.starts_with(catalog::kRunbookPrefix)) co_return nullptr;
  if (record || who.kind != PrincipalKind::kPerson) co_return record;
  const Principal host{PrincipalKind::kHost, "host", "", Assurance::kToken, "host"};
  record = co_await ports.gate.find(host, ActionId(id));
  if (!record || !record->tool.starts_with(catalog::kRunbookPrefix)) co_return nullptr;
  const auto found = open.find(id);
  const std::shared_ptr<One> one = found != open.end() ? found->second : co_await past(record);
  if (!one) co_return nullptr;
  std::vector<ActionId> actions;
  for (const auto& [path, flight] : one->flights) actions.push_back(flight.action);
  for (const auto& [path, step] : one->run.steps) actions.emplace_back(step.action);
  for (const ActionId& action : actions) {
    if (action.str().empty()) continue;
    if (co_await ports.gate.find(who, action)) co_return record;
  }
  co_return nullptr;
}

Task<Result<doc::Value>> Runs::show(Principal who, std::string id) {
  const gate::RecordPtr record = co_await impl_->run_for(who, id);
  if (!record) co_return refuse("not_found", "there is no such run, or not for you");
  const auto found = impl_->open.find(id);
  const bool is_open = found != impl_->open.end();
  const std::shared_ptr<One> one = is_open ? found->second : co_await impl_->past(record);
  doc::Value out = summary(*record);
  out.set("steps", doc::Array{});
  if (is_open && one->waits_for_turn()) out.set("waits_for", impl_->waits_for(*one, SIZE_MAX));
  if (one) impl_->set_run(out, *one);
  const bool may = is_open && impl_->for_person(who, id).has_value();
  const bool cancels = may && one->run.cancelled_by.empty();
  out.set(
      "may",
      doc::object({{"pause", may && impl_->may_pause(who, *one)},
                   {"resume", may && impl_->may_resume(who, *one)},
                   {"cancel", cancels},
                   {"resolve", may && who.kind == PrincipalKind::kPerson && !one->asks.empty()}}));
  co_return out;
}

std::map<std::string, std::size_t> Runs::count_open() const {
  std::map<std::string, std::size_t> out;
  for (const auto& [id, one] : impl_->open) ++out[one->run.runbook];
  return out;
}

std::vector<std::string> Runs::stopped() const {
  std::vector<std::string> out;
  for (const auto& [id, one] : impl_->open)
    if (!one->asks.empty()) out.push_back(id);
  std::ranges::sort(out, std::greater());
  return out;
}

Runs::Numbers Runs::numbers() const {
  Numbers out;
  out.open = impl_->open.size();
  out.ended_steps = impl_->ended_steps;
  for (const auto& [id, one] : impl_->open) {
    out.stopped += one->asks.empty() ? 0 : 1;
    for (const auto& [path, flight] : one->flights)
      out.under_way += flight.action.str().empty() ? 0 : 1;
  }
  return out;
}

Result<doc::Value> Runs::describe(const catalog::Tool& tool, bool with_graph) {
  doc::Problems problems;
  const auto document = impl_->document_of(tool, problems);
  if (!document)
    return refuse("invalid_runbook",
                  problems.empty() ? "the runbook does not load" : problems.front().message);
  const doc::Value* metadata = tool.definition.find("metadata");
  doc::Value out = doc::object({{"name", document->name},
                                {"tool", tool.name},
                                {"description", tool.description},
                                {"digest", tool.digest},
                                {"review", document->approves_plan ? "plan" : "steps"},
                                {"inputs", catalog::json_schema_of(tool)},
                                {"steps", document->steps.size()}});
  if (metadata != nullptr && metadata->find("revision") != nullptr)
    out.set("revision", metadata->integer("revision"));
  for (const char* what : {"locks", "concurrency"}) {
    if (const doc::Value* said = tool.definition.find(what)) out.set(what, *said);
  }
  out.set("open", std::ranges::count_if(impl_->open, [&](const auto& entry) {
            return entry.second->run.runbook == document->name;
          }));
  if (with_graph) out.set("graph", runbook::graph_of(*document));
  return out;
}

gate::Watch Runs::watch(const std::string& id, std::function<void()> changed) {
  const auto it = impl_->watchers.emplace(id, std::move(changed));
  return gate::Watch([impl = impl_.get(), it] { impl->watchers.erase(it); });
}

void Runs::Impl::tell(const std::string& id) {
  const auto [first, last] = watchers.equal_range(id);
  for (auto it = first; it != last; ++it) it->second();
}

}  // namespace keyturn::runs
