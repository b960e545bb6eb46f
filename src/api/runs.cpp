// Runbooks, and their runs: what there is, what a run would do, and what people do to one.
#include "runs/runs.h"

#include "api/impl.h"
#include "api/lists.h"
#include "api/seat.h"
#include "catalog/tool.h"
#include "triggers/triggers.h"

namespace keyturn::api {
namespace {

constexpr auto kBetweenEvents = std::chrono::milliseconds(200);

Refusal no_such_runbook() {
  return {"not_found", "there is no such runbook in the configuration in force", ""};
}

const catalog::Tool* runbook_named(const Service& s, const std::string& name) {
  const auto& configuration = s.ports.gate.world().configuration;
  const catalog::Catalog* tools = configuration->tools.get();
  return tools == nullptr ? nullptr : tools->find(std::string(catalog::kRunbookPrefix) + name);
}

// An agent gets outcomes, not rules, thresholds or what else people are asked.
doc::Value kept_for_agents(const doc::Value& plan) {
  doc::Array steps;
  for (const doc::Value& step : plan.find("steps")->as_array()) {
    doc::Value kept = doc::Object{};
    for (const doc::Member& member : step.as_object()) {
      if (member.key == "verdict")
        kept.set("verdict", doc::object({{"effect", member.value.text("effect")}}));
      else if (member.key != "asks")
        kept.set(member.key, member.value);
    }
    steps.push_back(std::move(kept));
  }
  doc::Value out = plan;
  out.set("steps", std::move(steps));
  return out;
}

Result<std::vector<State>> states_of_runs(const net::HttpRequest& request) {
  const std::string word(request.param("state").value_or(""));
  if (!word.empty() && word != "open" && word != "stopped" && word != "ended")
    return refuse("invalid_parameter", "state is open, stopped or ended");
  std::vector<State> out;
  if (word.empty()) return out;
  for (const State one :
       {State::kPending, State::kDeferred, State::kApproved, State::kExecuting, State::kSucceeded,
        State::kFailed, State::kDenied, State::kExpired, State::kCancelled, State::kUnknown}) {
    if (is_final(one) == (word == "ended")) out.push_back(one);
  }
  return out;
}

Result<ListQuery> query_of(const net::HttpRequest& request) {
  if (Result<void> ok = known_parameters(request, {"runbook", "state", "limit", "after"}, {}); !ok)
    return std::unexpected(ok.error());
  ListQuery query;
  Result<std::vector<State>> states = states_of_runs(request);
  if (!states) return std::unexpected(states.error());
  query.states = std::move(*states);
  query.tool = catalog::kRunbookPrefix;
  query.tool += request.param("runbook").value_or("*");
  query.after = request.param("after").value_or("");
  Result<std::optional<std::uint64_t>> limit = number_parameter(request, "limit", 200);
  if (!limit) return std::unexpected(limit.error());
  if (*limit == 0u) return refuse("invalid_parameter", "limit is at least 1");
  query.limit = limit->value_or(50);
  return query;
}

// Those of the open runs that wait until somebody says how a step ended. What the caller may not
// read is not there.
Task<Response> stopped_runs(Service& s, const Call& call, const ListQuery query) {
  const std::string_view tool = query.tool;
  const bool any = tool.ends_with('*');
  doc::Array items;
  std::string last, next;
  for (const std::string& id : s.ports.runs.stopped()) {
    if (!query.after.empty() && id >= query.after) continue;
    const gate::RecordPtr record = co_await s.ports.gate.find(call.caller.principal, ActionId(id));
    if (!record || (!any && record->tool != tool)) continue;
    if (items.size() == query.limit) {
      next = last;
      break;
    }
    items.push_back(s.ports.runs.summary(*record));
    last = id;
  }
  co_return json_answer(200, page_json(std::move(items), next));
}

Task<Response> shown_run(Service& s, const Call& call) {
  Result<doc::Value> run = co_await s.ports.runs.show(call.caller.principal, call.parts.front());
  if (!run) co_return problem(run.error());
  co_return json_answer(200, *run);
}

// Whoever may not read a run is not told that there is one.
Task<Response> after(Service& s, const Call& call, Result<void> done) {
  const Result<doc::Value> run =
      co_await s.ports.runs.show(call.caller.principal, call.parts.front());
  if (!run) co_return problem(run.error());
  if (!done && done.error().code == "not_found")
    done = refuse("closed", "the run is over, or has not begun");
  if (!done) co_return co_await s.refused(call, done.error(), "");
  co_return json_answer(200, *run);
}

Result<std::string> one_word(const Call& call, const char* name) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) return std::unexpected(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  std::string out = required(fields, name);
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) return std::unexpected(ok.error());
  return out;
}

Result<void> no_words(const Call& call) {
  if (call.request.body.empty()) return {};
  Result<doc::Value> body = json_body(call.request);
  if (!body) return std::unexpected(body.error());
  doc::Problems problems;
  doc::ObjectReader(*body, "", problems).finish();
  return checked(problems);
}

struct Resolution {
  std::string step, note;
  runbook::StepState state = runbook::StepState::kUnknown;
};

Result<Resolution> resolution_of(const Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) return std::unexpected(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  Resolution out;
  out.step = required(fields, "step");
  out.note = required(fields, "note");
  const std::string outcome = required(fields, "outcome");
  if (outcome == "succeeded")
    out.state = runbook::StepState::kSucceeded;
  else if (outcome == "failed")
    out.state = runbook::StepState::kFailed;
  else if (!outcome.empty() && outcome != "again")
    fields.problem("unknown_choice", "outcome is succeeded, failed or again (do it once more)",
                   "outcome");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) return std::unexpected(ok.error());
  return out;
}

struct RunStream {
  RunStream(Service& s, const Call& c)
      : service(s),
        call(c),
        seat(s, c.caller.principal.id),
        waiter(s.ports.loop),
        pause(s.ports.loop) {}
  Service& service;
  Call call;  // its own copy: the handler's frame is gone by the time the stream runs
  Seat seat;
  net::Waiter waiter, pause;
};

// The whole run each time that it has changed, at most five times a second.
Task<void> run_stream(std::shared_ptr<RunStream> stream, net::BodyWriter& out) {
  net::EventWriter events(out);
  Service& s = stream->service;
  const std::string id = stream->call.parts.front();
  const gate::Watch watch = s.ports.runs.watch(id, [weak = std::weak_ptr(stream)] {
    if (const auto open = weak.lock()) open->waiter.fire();
  });
  std::string told;
  for (;;) {
    if (!s.still_valid(stream->call)) co_return;
    const Result<doc::Value> run = co_await s.ports.runs.show(stream->call.caller.principal, id);
    if (!run) co_return;
    if (std::string data = doc::write_json(*run); data != told) {
      told = std::move(data);
      const bool more = co_await events.write("run", "", told);
      if (!more || !run->flag("open")) co_return;
      const net::Woken rested = co_await stream->call.context.park(stream->pause, kBetweenEvents);
      if (rested == net::Woken::kCancelled) co_return;
    }
    const net::Woken woken =
        co_await stream->call.context.park(stream->waiter, s.options.heartbeat);
    if (woken == net::Woken::kCancelled) co_return;
    if (woken == net::Woken::kDeadline) {
      const bool more = co_await events.comment("still here");
      if (!more) co_return;
    }
    stream->waiter.reset();
  }
}

}  // namespace

namespace {

// Of no use to agents.
void set_triggers(const Service& s, const Call& call, const catalog::Tool& tool, doc::Value& out) {
  if (s.ports.triggers == nullptr || !call.caller.is_person()) return;
  doc::Array list;
  const std::string_view runbook =
      std::string_view(tool.name).substr(catalog::kRunbookPrefix.size());
  for (const triggers::State& one : s.ports.triggers->states_of(runbook)) {
    doc::Value said = doc::object({{"as", one.agent}});
    if (!one.schedule.empty()) {
      said.set("schedule", one.schedule);
      said.set("time_zone", one.time_zone);
      if (one.next) said.set("next", to_rfc3339(*one.next));
    }
    if (!one.hook.empty()) {
      said.set("webhook", one.hook);
      said.set("kind", one.kind);
    }
    list.push_back(std::move(said));
  }
  if (!list.empty()) out.set("triggers", std::move(list));
}

}  // namespace

Task<Response> get_runbooks(Service& s, Call& call) {
  doc::Array items;
  const auto configuration = s.ports.gate.world().configuration;
  if (configuration->tools) {
    for (const catalog::Tool& tool : configuration->tools->tools()) {
      if (tool.kind != catalog::ToolKind::kRunbook) continue;
      Result<doc::Value> one = s.ports.runs.describe(tool, false);
      if (one) set_triggers(s, call, tool, *one);
      if (one) items.push_back(std::move(*one));
    }
  }
  co_return json_answer(200, doc::object({{"items", std::move(items)}}));
}

Task<Response> get_runbook(Service& s, Call& call) {
  const catalog::Tool* tool = runbook_named(s, call.parts.front());
  if (tool == nullptr) co_return problem(no_such_runbook());
  Result<doc::Value> one = s.ports.runs.describe(*tool, true);
  if (!one) co_return problem(one.error());
  set_triggers(s, call, *tool, *one);
  co_return json_answer(200, *one);
}

Task<Response> plan_runbook(Service& s, Call& call) {
  const auto configuration = s.ports.gate.world().configuration;  // keeps the tool
  const catalog::Tool* tool = runbook_named(s, call.parts.front());
  if (tool == nullptr) co_return problem(no_such_runbook());
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  const doc::Value* given = fields.object("inputs");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<doc::Value> inputs =
      catalog::check_args(*tool, given == nullptr ? doc::Value(doc::Object{}) : *given);
  if (!inputs) {
    Refusal refusal = inputs.error();
    if (refusal.where.starts_with("/args")) refusal.where.replace(0, 5, "/inputs");
    co_return problem(refusal);
  }
  Result<doc::Value> told =
      co_await s.ports.runs.plan(call.caller.principal, *tool, std::move(*inputs));
  if (!told) co_return co_await s.refused(call, told.error(), tool->name);
  const doc::Value& plan = *told->find("plan");
  co_return json_answer(200, call.caller.is_person() ? plan : kept_for_agents(plan));
}

Task<Response> list_runs(Service& s, Call& call) {
  Result<ListQuery> query = query_of(call.request);
  if (!query) co_return problem(query.error());
  if (call.request.param("state") == "stopped")
    co_return co_await stopped_runs(s, call, std::move(*query));
  co_return co_await listed(s, call, std::move(*query), [&s](const gate::ActionRecord& record) {
    return s.ports.runs.summary(record);
  });
}

Task<Response> get_run(Service& s, Call& call) {
  co_return co_await shown_run(s, call);
}

Task<Response> stream_run(Service& s, Call& call) {
  Result<doc::Value> run = co_await s.ports.runs.show(call.caller.principal, call.parts.front());
  if (!run) co_return problem(run.error());
  if (Result<void> ok = admit_stream(s, call); !ok) co_return problem(ok.error());
  if (call.request.is_head) co_return net::event_stream({});
  auto stream = std::make_shared<RunStream>(s, call);
  co_return net::event_stream([stream](net::BodyWriter& out) { return run_stream(stream, out); });
}

Task<Response> pause_run(Service& s, Call& call) {
  if (Result<void> ok = no_words(call); !ok) co_return problem(ok.error());
  Result<void> done = co_await s.ports.runs.pause(call.caller.principal, call.parts.front());
  co_return co_await after(s, call, std::move(done));
}

Task<Response> resume_run(Service& s, Call& call) {
  if (Result<void> ok = no_words(call); !ok) co_return problem(ok.error());
  Result<void> done = co_await s.ports.runs.resume(call.caller.principal, call.parts.front());
  co_return co_await after(s, call, std::move(done));
}

Task<Response> cancel_run(Service& s, Call& call) {
  Result<std::string> reason = one_word(call, "reason");
  if (!reason) co_return problem(reason.error());
  Result<void> done =
      co_await s.ports.runs.cancel(call.caller.principal, call.parts.front(), std::move(*reason));
  co_return co_await after(s, call, std::move(done));
}

Task<Response> resolve_run(Service& s, Call& call) {
  Result<Resolution> said = resolution_of(call);
  if (!said) co_return problem(said.error());
  Result<void> done =
      co_await s.ports.runs.resolve(call.caller.principal, call.parts.front(),
                                    std::move(said->step), said->state, std::move(said->note));
  co_return co_await after(s, call, std::move(done));
}

}  // namespace keyturn::api
