// The demo's own routes: a demo agent that asks, and colleagues that are plainly simulated.
#include <algorithm>
#include <array>

#include "api/impl.h"

namespace keyturn::api {
namespace {

struct Scenario {
  std::string_view id, title, text, sql, reason;
  std::string_view operation;  // what the agent claims; "" nothing
};

constexpr std::array kScenarios = std::to_array<Scenario>({
    {"select", "Read a few orders", "A SELECT. Policy allows it; it runs at once.",
     "SELECT status, count(*) FROM orders GROUP BY status", "how many orders are open?", ""},
    {"drop", "Drop a table", "DROP TABLE orders_2019. It needs you and a colleague.",
     "DROP TABLE orders_2019", "free space, ticket OPS-812", ""},
    {"delete", "Delete without WHERE", "The policy denies it, whoever asks.", "DELETE FROM orders",
     "clean up test orders", ""},
    {"lie", "Lie about being a read",
     "An UPDATE that calls itself a read. Keyturn classifies it itself, and catches it.",
     "UPDATE orders SET status='paid'", "look at the status of orders", "read"},
});

doc::Value colleague_json(Service& s, const people::Person& person) {
  std::vector<std::string> pending;
  for (const gate::ActionRecord* record : s.ports.gate.waiting_for(person.id)) {
    if (s.ports.gate.may_vote(person.id, *record)) pending.push_back(record->id.str());
  }
  return doc::object({{"id", person.id},
                      {"name", person.name},
                      {"simulated", true},
                      {"pending", doc::array_of(pending)}});
}

ActionRequest request_of(const Scenario& scenario) {
  ActionRequest request;
  request.tool = "orders-sql";
  request.args = doc::object({{"sql", scenario.sql}});
  request.reason = scenario.reason;
  request.claims = doc::object({{"session", "demo"}, {"model", "demo-model-1"}});
  if (!scenario.operation.empty()) request.operation = scenario.operation;
  return request;
}

// Nobody signed in is not enough to act for the demo's agent: it takes a browser's session.
std::optional<Response> without_session(const Call& call) {
  if (call.caller.session) return std::nullopt;
  return problem({"not_allowed", "the demo page is for a signed-in browser", ""});
}

}  // namespace

Task<Response> demo_state(Service& s, Call&) {
  doc::Array colleagues;
  for (const auto& [id, person] : s.directory().persons()) {
    if (person.simulated && person.active) colleagues.push_back(colleague_json(s, person));
  }
  co_return json_answer(200, doc::object({{"colleagues", std::move(colleagues)}}));
}

Task<Response> demo_scenarios(Service&, Call&) {
  doc::Array items;
  for (const Scenario& scenario : kScenarios) {
    items.push_back(doc::object(
        {{"scenario", scenario.id}, {"title", scenario.title}, {"text", scenario.text}}));
  }
  co_return json_answer(200, doc::object({{"items", std::move(items)}}));
}

Task<Response> demo_run(Service& s, Call& call) {
  if (std::optional<Response> no = without_session(call)) co_return std::move(*no);
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  const std::string wanted = required(fields, "scenario");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  const auto scenario = std::ranges::find(kScenarios, wanted, &Scenario::id);
  if (scenario == kScenarios.end())
    co_return problem({"not_found", "there is no scenario " + wanted, "/scenario"});
  Principal agent;
  agent.id = s.options.demo_agent;
  agent.channel = "demo";
  ActionRequest request = request_of(*scenario);
  const std::string tool = request.tool;
  Result<gate::Submitted> submitted = co_await s.ports.gate.submit(agent, std::move(request));
  // That it is refused is what one scenario shows: the page shows the problem.
  if (!submitted) co_return co_await s.refused(agent, submitted.error(), tool);
  co_return json_answer(200, doc::object({{"id", submitted->record->id.str()},
                                          {"state", to_text(submitted->record->state)}}));
}

Task<Response> demo_vote(Service& s, Call& call) {
  if (std::optional<Response> no = without_session(call)) co_return std::move(*no);
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  const std::string colleague = required(fields, "colleague");
  const std::string id = required(fields, "action");
  const std::string word = required(fields, "decision");
  const std::optional<review::Decision> decision = review::decision_from_text(word);
  if (!decision && !word.empty())
    fields.problem("out_of_range", "decision is \"approve\" or \"deny\"", "decision");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  const people::Person* person = s.directory().person(colleague);
  if (person == nullptr || !person->simulated) {
    co_return co_await s.refused(
        call, {"not_allowed", "only simulated colleagues vote here", "/colleague"});
  }
  if (!person->active) {
    co_return co_await s.refused(
        call,
        {"inactive", colleague + " is shut out, or the configuration is sealed", "/colleague"});
  }
  Principal who;
  who.kind = PrincipalKind::kPerson;
  who.id = person->id;
  who.credential = "simulated";
  who.assurance = Assurance::kToken;
  who.channel = "demo";
  const gate::RecordPtr record = co_await s.ports.gate.find(who, ActionId(id));
  if (!record) co_return problem(no_such_action());
  gate::VoteCommand command;
  command.decision = *decision;
  command.digest = record->case_digest;
  command.note = "Simulated vote of the demo.";
  Result<gate::RecordPtr> voted = co_await s.ports.gate.vote(who, ActionId(id), std::move(command));
  if (!voted) co_return co_await s.refused(who, voted.error(), record->tool);
  // The person who clicked may not be a reader of it: they get no more than the state.
  co_return json_answer(200, doc::object({{"id", id}, {"state", to_text((*voted)->state)}}));
}

}  // namespace keyturn::api
