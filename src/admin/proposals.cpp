// A change of configuration as an action of the built-in tool keyturn.configuration: proposed,
// reviewed by two unrelated administrators at least, and made by Keyturn itself when they agree.
#include "admin/admin.h"
#include "admin/change.h"
#include "base/task_impl.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::admin {
namespace {

constexpr std::string_view kConfigurationTool = "keyturn.configuration";

catalog::Tool configuration_tool() {
  catalog::Tool tool;
  tool.name = kConfigurationTool;
  tool.kind = catalog::ToolKind::kGrantOnly;  // nothing of connectors/ runs it
  tool.mode = catalog::Mode::kExecute;
  tool.operation = "configure";
  tool.resource = {"keyturn", "configuration", "", {}};
  for (const char* name : {"policy", "tools", "identity", "people"}) {
    catalog::Param param;
    param.name = name;
    param.required = false;
    param.schema = doc::object({{"type", std::string_view(name) == "people" ? "array" : "string"}});
    tool.params.push_back(std::move(param));
  }
  tool.digest = crypto::sha256_text("keyturn/v1/tool/" + tool.name);
  return tool;
}

}  // namespace

Plan built_in_floor() {
  Plan plan;
  plan.quorum = {{std::string(kAdministrators), 2}};
  plan.assurance = Assurance::kSession;
  plan.expires = std::chrono::hours(24);
  return plan;
}

namespace {

doc::Value people_value(const std::vector<NewPerson>& people) {
  doc::Array out;
  for (const NewPerson& p : people) {
    out.push_back(doc::object(
        {{"id", p.id}, {"name", p.name}, {"email", p.email}, {"groups", doc::array_of(p.groups)}}));
  }
  return out;
}

}  // namespace

Outcome nothing_done(std::string why) {
  Outcome outcome;
  outcome.kind = OutcomeKind::kFailed;
  outcome.reason = std::move(why);
  return outcome;
}

void Admin::add_configuration_tool() {
  gate::Gate::BuiltIn what;
  what.run = [this](const gate::ActionRecord& record) {
    return carry_out(record.args, record.id.str());
  };
  what.describe = [this](Principal who, doc::Value args, doc::Value reviewed) {
    return describe(std::move(who), std::move(args), std::move(reviewed));
  };
  gate_.add_built_in(configuration_tool(), built_in_floor(), std::move(what));
}

Task<Result<gate::Submitted>> Admin::propose(Principal who, ConfigurationChange change,
                                             std::string reason) {
  const people::Person* person = gate_.world().directory.person(who.id);
  if (who.kind != PrincipalKind::kPerson || person == nullptr || !person->active) {
    co_return refuse("not_allowed", "only people propose changes of configuration");
  }
  ActionRequest request;
  request.tool = kConfigurationTool;
  request.args = doc::Object{};
  request.claims = doc::Object{};
  request.reason = std::move(reason);
  if (change.policy_text) request.args.set("policy", *change.policy_text);
  if (change.tools_text) request.args.set("tools", *change.tools_text);
  if (change.identity_text) request.args.set("identity", *change.identity_text);
  if (change.people) request.args.set("people", people_value(*change.people));
  if (request.args.as_object().empty())
    co_return refuse("invalid_args", "the proposal changes nothing", "");
  if (change.policy_text || change.tools_text || change.identity_text) {
    const auto checking = co_await check_aside(request.args);
    if (!checking) co_return std::unexpected(checking.error());
    if (!(*checking)->checked) co_return std::unexpected(does_not_load((*checking)->problems));
  }
  const TestRun tested{.run = false, .go_on = {}};
  if (Result<Change> trial = plan_change(gate_, credentials_, request.args, "", tested); !trial)
    co_return std::unexpected(trial.error());
  Result<gate::Submitted> submitted = co_await gate_.submit(who, std::move(request));
  co_return submitted;
}

Task<Result<std::shared_ptr<Admin::Checking>>> Admin::check_aside(doc::Value args) {
  const gate::World& world = gate_.world();
  auto out = std::make_shared<Checking>();
  Result<void> done = co_await aside_(
      [out, active = world.configuration, directory = world.directory, args = std::move(args)] {
        out->checked = check_change(*active, directory, args, out->problems, tests_of_a_draft());
      });
  if (!done) co_return std::unexpected(done.error());
  co_return out;
}

// Planned anew in the world as it is now, and made in one append: all of it, or nothing.
Task<Result<Outcome>> Admin::carry_out(doc::Value args, std::string action) {
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    Result<Change> change = plan_change(gate_, credentials_, args, action, tests_of_a_draft());
    if (!change) co_return nothing_done("nothing was changed: " + change.error().message);
    Result<std::vector<Event>> recorded =
        co_await gate_.record(std::move(change->events), std::move(change->expects));
    if (!recorded && recorded.error().code == "conflict") continue;
    if (!recorded) co_return nothing_done("nothing was changed: " + recorded.error().message);
    Outcome done;
    done.kind = OutcomeKind::kSucceeded;
    done.stdout_text = "the configuration is now " + gate_.world().configuration->digest + "\n";
    co_return done;
  }
  co_return nothing_done("nothing was changed: too much else changed at once; propose it again");
}

}  // namespace keyturn::admin
