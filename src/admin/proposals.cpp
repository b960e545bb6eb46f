// A change of configuration as an action of the built-in tool keyturn.configuration: proposed,
// reviewed by two unrelated administrators at least, and made by Keyturn itself when they agree.
#include <algorithm>

#include "admin/admin.h"
#include "base/task_impl.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::admin {
namespace {

constexpr std::string_view kTool = "keyturn.configuration";

catalog::Tool configuration_tool() {
  catalog::Tool tool;
  tool.name = kTool;
  tool.kind = catalog::ToolKind::kGrantOnly;  // nothing of connectors/ runs it
  tool.mode = catalog::Mode::kExecute;
  tool.operation = "configure";
  tool.resource = {"keyturn", "configuration", "", {}};
  for (const char* name : {"policy", "tools", "people"}) {
    catalog::Param param;
    param.name = name;
    param.required = false;
    param.schema = doc::object({{"type", std::string_view(name) == "people" ? "array" : "string"}});
    tool.params.push_back(std::move(param));
  }
  tool.digest = crypto::sha256_text("keyturn/v1/tool/" + tool.name);
  return tool;
}

// The floor that no document can lower: two different administrators, in a session at least.
Plan floor() {
  Plan plan;
  plan.quorum = {{std::string(kAdministrators), 2}};
  plan.assurance = Assurance::kSession;
  plan.expires = std::chrono::hours(24);
  return plan;
}

doc::Value people_value(const std::vector<NewPerson>& people) {
  doc::Array out;
  for (const NewPerson& p : people) {
    out.push_back(doc::object(
        {{"id", p.id}, {"name", p.name}, {"email", p.email}, {"groups", doc::array_of(p.groups)}}));
  }
  return out;
}

std::vector<std::string> texts(const doc::Value* array) {
  std::vector<std::string> out;
  if (array == nullptr || !array->is_array()) return out;
  for (const doc::Value& v : array->as_array()) {
    if (v.is_string()) out.push_back(v.as_string());
  }
  return out;
}

Outcome failed(std::string why) {
  Outcome outcome;
  outcome.kind = OutcomeKind::kFailed;
  outcome.reason = std::move(why);
  return outcome;
}

// Adds who is new and gives who is there exactly the groups of the proposal.
Result<std::vector<EventDraft>> people_events(const people::Directory& now,
                                              const doc::Value& people) {
  people::Directory directory = now;
  std::vector<EventDraft> events;
  const auto add = [&](EventDraft draft) {
    Event event;
    event.stream = draft.stream;
    event.type = draft.type;
    event.body = draft.body;
    event.private_part = draft.private_part;
    people::evolve(directory, event);
    events.push_back(std::move(draft));
  };
  for (const doc::Value& entry : people.as_array()) {
    if (!entry.is_object())
      return refuse("invalid_args", "people must be objects {id, name, email, groups}",
                    "/args/people");
    people::Person person;
    person.id = entry.text("id");
    person.name = entry.text("name").empty() ? person.id : std::string(entry.text("name"));
    person.email = entry.text("email");
    if (directory.person(person.id) == nullptr) {
      if (Result<void> ok = people::can_add_person(directory, person); !ok)
        return std::unexpected(ok.error());
      add(people::person_added(person));
    }
    const std::vector<std::string> list = texts(entry.find("groups"));
    const std::set<std::string> wanted(list.begin(), list.end());
    const std::set<std::string> has = directory.person(person.id)->groups;
    for (const std::string& group : wanted) {
      if (!has.contains(group)) add(people::group_changed(group, {person.id}, {}));
    }
    for (const std::string& group : has) {
      if (!wanted.contains(group)) add(people::group_changed(group, {}, {person.id}));
    }
    people::Person present = *directory.person(person.id);
    const bool admin = wanted.contains(std::string(kAdministrators));
    if (present.admin != admin) {
      present.admin = admin;
      add(people::person_changed(present));
    }
  }
  return events;
}

}  // namespace

void Admin::add_configuration_tool() {
  gate_.add_built_in(configuration_tool(), floor(), [this](const gate::ActionRecord& record) {
    return carry_out(record.args, record.id.str());
  });
}

Task<Result<gate::Submitted>> Admin::propose(Principal who, ConfigurationChange change,
                                             std::string reason) {
  const people::Person* person = gate_.world().directory.person(who.id);
  if (who.kind != PrincipalKind::kPerson || person == nullptr || !person->active) {
    co_return refuse("not_allowed", "only people propose changes of configuration");
  }
  ActionRequest request;
  request.tool = kTool;
  request.args = doc::Object{};
  request.claims = doc::Object{};
  request.reason = std::move(reason);
  const gate::Configuration& active = *gate_.world().configuration;
  if (change.policy_text || change.tools_text) {
    std::vector<std::string> problems;
    const std::string policy = change.policy_text.value_or(active.policy_text),
                      tools = change.tools_text.value_or(active.tools_text);
    if (!check_configuration(policy, "policy.yaml", tools, "tools.yaml", &gate_.world().directory,
                             true, problems)) {
      std::string all = "the proposed configuration has errors:";
      for (const std::string& problem : problems) all += "\n" + problem;
      co_return refuse("invalid_configuration", all);
    }
  }
  if (change.policy_text) request.args.set("policy", *change.policy_text);
  if (change.tools_text) request.args.set("tools", *change.tools_text);
  if (change.people) {
    request.args.set("people", people_value(*change.people));
    Result<std::vector<EventDraft>> trial =
        people_events(gate_.world().directory, *request.args.find("people"));
    if (!trial) co_return std::unexpected(trial.error());
  }
  if (request.args.as_object().empty())
    co_return refuse("invalid_args", "the proposal changes nothing", "");
  Result<gate::Submitted> submitted = co_await gate_.submit(who, std::move(request));
  co_return submitted;
}

Task<Result<Outcome>> Admin::carry_out(doc::Value args, std::string action) {
  const gate::World& world = gate_.world();
  if (const doc::Value* people = args.find("people"); people != nullptr && people->is_array()) {
    Result<std::vector<EventDraft>> made = people_events(world.directory, *people);
    if (!made) co_return failed(made.error().message);
    std::vector<store::Expect> expects;
    for (const EventDraft& draft : *made) {
      const bool again = std::ranges::any_of(
          expects, [&](const store::Expect& e) { return e.stream == draft.stream; });
      if (!again) expects.push_back({draft.stream, gate_.seen(draft.stream)});
    }
    Result<std::vector<Event>> recorded =
        co_await gate_.record(std::move(*made), std::move(expects));
    if (!recorded) co_return failed(recorded.error().message);
  }
  const std::string policy = args.find("policy") == nullptr ? "" : std::string(args.text("policy"));
  const std::string tools = args.find("tools") == nullptr ? "" : std::string(args.text("tools"));
  // After the people: a group that changed replaced the configuration.
  const std::shared_ptr<const gate::Configuration> active = world.configuration;
  if (!policy.empty() || !tools.empty()) {
    std::vector<std::string> problems;
    std::optional<Checked> checked =
        check_configuration(policy.empty() ? active->policy_text : policy, "policy.yaml",
                            tools.empty() ? active->tools_text : tools, "tools.yaml",
                            &world.directory, active->sealed, problems);
    if (!checked)
      co_return failed("the configuration does not load any more: " +
                       (problems.empty() ? "" : problems.front()));
    Result<std::vector<Event>> recorded = co_await activate(*checked, policy, tools, action);
    if (!recorded) co_return failed(recorded.error().message);
  }
  Outcome done;
  done.kind = OutcomeKind::kSucceeded;
  done.stdout_text = "the configuration is now " + gate_.world().configuration->digest + "\n";
  co_return done;
}

}  // namespace keyturn::admin
