#include "runs/runs.h"

#include "runs/impl.h"

namespace keyturn::runs {
namespace {

catalog::Tool step_tool(const char* name, std::vector<std::pair<const char*, const char*>> params) {
  catalog::Tool tool;
  tool.name = name;
  tool.kind = catalog::ToolKind::kGrantOnly;  // nothing of connectors/ runs it
  tool.mode = catalog::Mode::kExecute;
  tool.operation = "read";
  tool.resource = {"keyturn", "runbook", "", {}};
  for (const auto& [param, type] : params) {
    catalog::Param one;
    one.name = param;
    one.required = false;
    one.schema = doc::object({{"type", type}});
    tool.params.push_back(std::move(one));
  }
  tool.digest = "keyturn/v1/tool/" + tool.name;
  return tool;
}

Task<Result<Outcome>> nothing_to_do(const gate::ActionRecord& /*record*/) {
  Outcome done;
  done.kind = OutcomeKind::kSucceeded;
  co_return done;
}

Task<Outcome> it_was_done(ActionId /*action*/) {
  Outcome done;
  done.kind = OutcomeKind::kSucceeded;
  co_return done;
}

Task<Result<doc::Value>> as_asked(Principal /*who*/, doc::Value args, doc::Value /*reviewed*/) {
  co_return args;
}

void add_step_tools(gate::Gate& gate) {
  gate::Gate::BuiltIn hold;
  hold.steps_only = true;
  hold.run = nothing_to_do;
  hold.recover = it_was_done;
  hold.describe = as_asked;
  hold.floor = [](const doc::Value& description) {
    const doc::Value* plan = description.find("plan");
    return plan == nullptr ? Plan{} : plan_from_value(*plan);
  };
  gate.add_built_in(
      step_tool(
          kHold,
          {{"message", "string"}, {"show", "object"}, {"inputs", "object"}, {"plan", "object"}}),
      Plan{}, std::move(hold));
  gate::Gate::BuiltIn pass;
  pass.steps_only = true;
  pass.run = nothing_to_do;
  pass.recover = it_was_done;
  gate.add_built_in(step_tool(kPass, {}), Plan{}, std::move(pass));
}

}  // namespace

Runs::Runs(Ports ports) : impl_(std::make_unique<Impl>(std::move(ports))) {
  gate::Gate& gate = impl_->ports.gate;
  add_step_tools(gate);
  gate::Gate::Runner runner;
  runner.begin = [this](gate::RecordPtr record) { return impl_->begin(std::move(record)); };
  runner.describe = [this](gate::Gate::Asked run) {
    return impl_->plan(run.requester, run.tool, run.args, run.claims, run.id.str());
  };
  runner.asks = asks_of;
  runner.wants = [this](const RunStep& step) { return impl_->wants(step); };
  gate.set_runner(std::move(runner));
  impl_->watch = gate.watch_all([this](const gate::RecordPtr& record) { impl_->changed(record); });
}

Runs::~Runs() = default;

std::shared_ptr<const runbook::Document> Runs::Impl::document_of(const catalog::Tool& tool,
                                                                 doc::Problems& problems) {
  if (const auto known = documents.find(tool.digest); known != documents.end())
    return known->second;
  const auto& tools = ports.gate.world().configuration->tools;
  std::shared_ptr<const runbook::Document> out =
      runbook::Document::load(tool, tools.get(), problems);
  if (out) documents.emplace(tool.digest, out);
  return out;
}

// Whoever does something to the run meanwhile waits until it has begun.
Task<Result<void>> Runs::Impl::begin(gate::RecordPtr record) {
  const gate::Serial::Hold hold = co_await serial.take(record->id.str());
  std::vector<std::string> ancestors = ancestors_of(*record);
  if (ancestors.size() > static_cast<std::size_t>(kNestedMax))
    co_return refuse("too_deep", "runs start runs at most " + std::to_string(kNestedMax) + " deep");
  const auto configuration = ports.gate.world().configuration;
  const catalog::Tool* tool = configuration->tools->find(record->tool);
  doc::Problems problems;
  const auto document = tool == nullptr || tool->digest != record->tool_digest
                            ? nullptr
                            : document_of(*tool, problems);
  if (!document)
    co_return refuse("digest_mismatch", "the runbook is not what it was; nothing was started");
  auto one = std::make_shared<One>();
  one->document = document;
  one->requester = record->requester;
  one->run.id = record->id.str();
  one->run.runbook = document->name;
  one->run.digest = tool->digest;
  one->run.started_by = record->requester.id;
  one->run.inputs = record->args;
  one->ancestors = std::move(ancestors);
  const Result<bool> turn = ask_for_turn(one);
  if (!turn) co_return std::unexpected(turn.error());
  EventDraft draft = runbook::started(one->run);
  draft.private_part->set("document", tool->definition);
  std::vector<EventDraft> drafts;
  drafts.push_back(std::move(draft));
  if (document->takes_turns() && *turn) drafts.push_back(runbook::locked(one->run));
  const Result<void> recorded = co_await append(one, std::move(drafts));
  if (!recorded) {
    turns.leave(one->run.id);
    take_turns();
    co_return recorded;
  }
  add(one);
  // What it waited for may have become free, and what it is a step of paused, meanwhile.
  stand(*one);
  if (one->waits_for_turn() && turns.holds(one->run.id)) ports.spawn(take_turn(one));
  carry_on(one);
  co_return Result<void>{};
}

void Runs::Impl::add(std::shared_ptr<One> one) {
  open[one->run.id] = std::move(one);
}

// Recorded first, and folded then.
Task<Result<void>> Runs::Impl::append(std::shared_ptr<One> one, std::vector<EventDraft> drafts) {
  std::vector<std::optional<doc::Value>> private_parts;
  private_parts.reserve(drafts.size());
  for (const EventDraft& draft : drafts) private_parts.push_back(draft.private_part);
  Result<std::vector<Event>> recorded = co_await ports.gate.record(std::move(drafts), {});
  if (!recorded) co_return std::unexpected(recorded.error());
  bool stands_otherwise = false;
  for (std::size_t i = 0; i < recorded->size(); ++i) {
    Event& event = (*recorded)[i];
    event.private_part = std::move(private_parts[i]);
    if (event.type == "run.step_ended") ++ended_steps;
    stands_otherwise = stands_otherwise || event.type == "run.paused" ||
                       event.type == "run.resumed" || event.type == "run.cancelled";
    runbook::evolve(one->run, event);
  }
  if (stands_otherwise) stand(*one);
  tell(one->run.id);
  co_return Result<void>{};
}

// What a run goes on with is its own, whatever tools there are now. Null: erased, or not of this
// version.
std::shared_ptr<const runbook::Document> Runs::Impl::kept_document(const Event& started) {
  const doc::Value* said = started.body.find("run");
  const doc::Value* text = started.private_part ? started.private_part->find("document") : nullptr;
  if (said == nullptr || text == nullptr) return nullptr;
  const std::string digest(said->text("digest"));
  if (const auto known = documents.find(digest); known != documents.end()) return known->second;
  catalog::Tool tool;
  tool.name = std::string(catalog::kRunbookPrefix) + std::string(said->text("runbook"));
  tool.definition = *text;
  doc::Problems problems;
  std::shared_ptr<const runbook::Document> out = runbook::Document::load(tool, nullptr, problems);
  if (out) documents.emplace(digest, out);
  return out;
}

void Runs::load() {
  impl_->ports.gate.journal().load_open_streams("run/", [this](std::vector<Event> events) {
    auto one = std::make_shared<One>();
    for (const Event& event : events) runbook::evolve(one->run, event);
    const gate::RecordPtr action = impl_->ports.gate.find_open(ActionId(one->run.id));
    if (!action) return;
    one->document = impl_->kept_document(events.front());
    one->requester = action->requester;
    one->looks_back = true;
    one->ancestors = impl_->ancestors_of(*action);
    if (one->document)
      impl_->add(std::move(one));
    else if (impl_->ports.log)
      impl_->ports.log("run " + one->run.id + " cannot go on: its document is gone");
  });
  impl_->join_loaded();
}

// Also what was to begin, and what had ended, when nothing more was written.
void Runs::start() {
  for (const gate::RecordPtr& record : impl_->ports.gate.open_records()) {
    impl_->take_flight(record);
    const bool runs =
        record->state == State::kExecuting && record->tool.starts_with(catalog::kRunbookPrefix);
    if (runs && !impl_->open.contains(record->id.str())) impl_->ports.spawn(impl_->take_up(record));
  }
  impl_->take_turns();
  for (const auto& [id, one] : impl_->open) impl_->carry_on(one);
}

// A step that was under way when everything stopped, and is.
void Runs::Impl::take_flight(const gate::RecordPtr& record) {
  const auto found = record->run ? open.find(record->run->run) : open.end();
  if (found == open.end()) return;
  One& one = *found->second;
  const std::string& path = record->run->step;
  const auto known = one.run.steps.find(path);
  if (known != one.run.steps.end() && known->second.attempt >= record->run->attempt) return;
  if (one.flights.contains(path)) return;
  Flight& flight = fly(one, path, record->run->attempt, record);
  flight.stops = !flight.undoes && !one.run.cancelled_by.empty();
}

// An attempt that was asked for before, as that action.
Runs::Flight& Runs::Impl::fly(One& one, const std::string& path, int attempt,
                              const gate::RecordPtr& record) {
  const runbook::Step* step = runbook::step_at(*one.document, path);
  Flight& flight = one.flights[path];
  flight.attempt = attempt;
  flight.action = record->id;
  flight.began = record->created_at;
  flight.undoes = path.ends_with("~compensate");
  if (step != nullptr && !flight.undoes) flight.timeout = step->timeout;
  one.run.under_way.insert(path);
  return flight;
}

Task<void> Runs::Impl::take_up(gate::RecordPtr record) {
  const std::vector<Event> events =
      co_await ports.gate.journal().read_stream(runbook::stream_of_run(record->id.str()), 1, true);
  if (events.empty()) {
    const Result<void> begun = co_await begin(record);
    if (begun) co_return;
    Outcome outcome;
    outcome.kind = OutcomeKind::kFailed;
    outcome.reason = begun.error().message;
    co_await ports.gate.conclude(record->id, std::move(outcome));
    co_return;
  }
  auto one = std::make_shared<One>();
  for (const Event& event : events) runbook::evolve(one->run, event);
  if (one->run.end) co_await finish(one);
}

void Runs::tick() {
  const Time now = impl_->now();
  std::vector<std::shared_ptr<One>> all;
  for (const auto& [id, one] : impl_->open) all.push_back(one);
  for (const std::shared_ptr<One>& one : all) {
    if (one->look_again && now >= *one->look_again) {
      one->look_again.reset();
      impl_->carry_on(one);
    }
    if (one->take_again && now >= *one->take_again) impl_->ports.spawn(impl_->take_turn(one));
    std::vector<std::string> unwanted;
    for (auto& [path, flight] : one->flights) {
      if (flight.timeout.count() > 0 && now >= flight.began + flight.timeout) flight.stops = true;
      if (flight.stops && !flight.told) unwanted.push_back(path);
    }
    for (const std::string& path : unwanted) impl_->ports.spawn(impl_->stop_flight(one, path));
    const Duration most = one->document->timeout;
    if (most.count() > 0 && now >= one->run.started + most && one->run.cancelled_by.empty() &&
        !std::exchange(one->is_late, true))
      impl_->ports.spawn(impl_->stop_late(one));
  }
}

Task<void> Runs::Impl::stop_late(std::shared_ptr<One> one) {
  const Result<void> done = co_await stop(one, "timeout", "it took longer than it may");
  if (!done) one->is_late = false;  // it is tried again
}

bool Runs::Impl::wants(const RunStep& step) const {
  const auto found = open.find(step.run);
  if (found == open.end()) return false;
  const One& one = *found->second;
  return step.step.ends_with("~compensate") || (!one.stopping && one.run.cancelled_by.empty());
}

// Its runs stop with it, and undo what they did before it undoes the rest.
Task<Result<void>> Runs::Impl::stop(std::shared_ptr<One> one, std::string by, std::string reason) {
  const gate::Serial::Hold hold = co_await serial.take(one->run.id);
  if (one->run.end) co_return refuse("not_found", "there is no such run, or it has ended");
  if (!one->run.cancelled_by.empty()) co_return refuse("closed", "it is cancelled already");
  one->stopping = true;  // from here on nothing begins, so that nothing stands behind it
  std::vector<EventDraft> drafts{runbook::cancelled(one->run, by, reason)};
  const Result<void> done = co_await append(one, std::move(drafts));
  one->stopping = false;
  if (!done) {
    carry_on(one);
    co_return done;
  }
  std::vector<std::string> unwanted;
  for (auto& [path, flight] : one->flights) {
    flight.stops = !flight.undoes;
    if (flight.stops) unwanted.push_back(path);
  }
  for (const std::string& path : unwanted) ports.spawn(stop_flight(one, path));
  carry_on(one);
  co_return Result<void>{};
}

}  // namespace keyturn::runs
