#include "connectors/exec/exec_executor.h"

#include "base/task_impl.h"
#include "connectors/exec/image.h"
#include "connectors/exec/look.h"
#include "facts/classify.h"
#include "secrets/reference.h"

namespace keyturn::connectors::exec {
namespace {

constexpr Duration kSlack = std::chrono::seconds(60);  // beyond a tool's timeout
constexpr Duration kLookSlack = std::chrono::seconds(10);
constexpr Duration kRecovery = std::chrono::hours(24 * 7);  // a recovered program may still run

Result<gate::Described> describe_plan(const Plan& plan, const Isolation& isolation,
                                      const std::string& operation) {
  if (auto checked = check_sandbox(isolation, plan.sandbox); !checked)
    return std::unexpected(checked.error());
  auto image = seal_image(plan, isolation);
  if (!image) return std::unexpected(image.error());
  gate::Described described;
  described.facts = facts::classify_argv(plan.shown_argv);
  // What a program does cannot be told from its name: the tool's own definition says it, unless the
  // argv hides what runs.
  described.facts.operation = described.facts.uninspectable ? "execute" : operation;
  described.description = describe(plan, *image, isolation);
  return described;
}

References references_of(const catalog::Tool& tool) {
  return {tool.secret_env.begin(), tool.secret_env.end()};
}

Result<std::vector<SecretVariable>> fetch(const References& references) {
  std::vector<SecretVariable> out;
  for (const auto& [name, from] : references) {
    auto value = secrets::resolve(from.reference);
    if (!value) return refuse("no_secret", "the secret " + name + ": " + value.error().message);
    out.push_back({name, std::move(*value), from.as_file});
  }
  return out;
}

Result<void> add_fields(const std::map<std::string, catalog::CredentialRef>& variables,
                        const Lent& lent, std::vector<SecretVariable>& to) {
  for (const auto& [variable, from] : variables) {
    const Secret* value = lent.at(from.name).field(from.field);
    if (value == nullptr)
      return refuse("no_secret", "credential " + from.name + " has no field " + from.field);
    to.push_back({variable, *value, from.as_file});
  }
  return {};
}

Outcome unknown(std::string reason) {
  return {.kind = OutcomeKind::kUnknown, .reason = std::move(reason)};
}

}  // namespace

Task<Result<gate::Described>> ExecExecutor::describe(const catalog::Tool& tool, doc::Value args) {
  co_return co_await net::run_blocking(
      pool_, [plan = make_plan(tool, args), isolation = link_.isolation(),
              operation = tool.operation] { return describe_plan(plan, isolation, operation); });
}

// Nothing of it is kept: should the helper or the server end meanwhile, it is run anew.
Task<Result<Outcome>> ExecExecutor::look(Plan plan, References references,
                                         std::vector<SecretVariable> hidden) {
  auto fetched = co_await net::run_blocking(
      pool_, [references = std::move(references)] { return fetch(references); });
  if (!fetched) co_return std::unexpected(fetched.error());
  doc::Value message = doc::object({{"op", "look"},
                                    {"plan", to_value(plan)},
                                    {"secrets", to_value(*fetched)},
                                    {"hide", to_value(hidden)}});
  auto answer = co_await link_.ask(std::move(message), plan.timeout + kLookSlack);
  if (!answer) co_return std::unexpected(answer.error());
  if (const doc::Value* refusal = answer->find("refusal"))
    co_return refuse(std::string(refusal->text("code")), std::string(refusal->text("message")));
  const doc::Value* outcome = answer->find("outcome");
  if (outcome == nullptr) co_return refuse("helper_lost", "the exec helper gave no outcome");
  co_return outcome_from_value(*outcome);
}

// The state first: what changes while the preview runs is drift by the time it is released.
Task<Result<gate::Previewed>> ExecExecutor::preview(const catalog::Tool& tool, doc::Value args) {
  gate::Previewed out;
  if (!tool.preview) co_return out;
  out.shown = doc::object({{"kind", "exec"}});
  const References references = references_of(tool);
  const std::vector<SecretVariable> hidden = secret_parameters(tool, args);
  if (!tool.preview->state.empty()) {
    const Plan plan = look_plan(tool, tool.preview->state, args, kStateBytesMax);
    auto state = co_await look(plan, references, hidden);
    if (!state) co_return std::unexpected(state.error());
    auto print = state_print(plan, *state);
    if (!print) co_return std::unexpected(print.error());
    out.fingerprint = std::move(*print);
    out.shown.set("state", state_shown(plan, *state, out.fingerprint));
  }
  if (!tool.preview->shows.empty()) {
    const Plan plan = look_plan(tool, tool.preview->shows, args, kShownBytesMax);
    auto seen = co_await look(plan, references, hidden);
    if (seen)
      out.shown.set("preview", shown_of(plan, *seen));
    else
      out.shown.set("unavailable", seen.error().message);
  }
  co_return out;
}

Task<Result<Outcome>> ExecExecutor::execute(gate::Order order) {
  auto fetched = co_await net::run_blocking(
      pool_, [references = references_of(*order.tool)] { return fetch(references); });
  if (!fetched) co_return std::unexpected(fetched.error());
  if (order.tool->credential_env.empty()) co_return co_await start(order, std::move(*fetched));
  auto lent = co_await lend(lender_, order);
  if (!lent) co_return std::unexpected(lent.error());
  Result<Outcome> outcome = refuse("no_secret", "");
  if (auto given = add_fields(order.tool->credential_env, *lent, *fetched); !given)
    outcome = std::unexpected(given.error());
  else
    outcome = co_await start(order, std::move(*fetched));
  co_await give_back(lender_, std::move(*lent), order);
  co_return outcome;
}

Task<Result<Outcome>> ExecExecutor::start(const gate::Order& order,
                                          std::vector<SecretVariable> secrets) {
  const Plan plan = make_plan(*order.tool, order.args);
  doc::Value message = doc::object({{"op", "start"},
                                    {"action", order.action.str()},
                                    {"plan", to_value(plan)},
                                    {"secrets", to_value(secrets)},
                                    {"hide", to_value(secret_parameters(*order.tool, order.args))},
                                    {"description", order.description}});
  auto answer = co_await link_.ask(std::move(message), plan.timeout + kSlack);
  if (!answer && answer.error().code == "no_helper") co_return std::unexpected(answer.error());
  if (!answer) {
    const Recovered recovered = co_await ask(order.action);
    co_return recovered.outcome;
  }
  if (const doc::Value* refusal = answer->find("refusal")) {
    co_return refuse(std::string(refusal->text("code")), std::string(refusal->text("message")));
  }
  const doc::Value* outcome = answer->find("outcome");
  if (outcome == nullptr) co_return unknown("the exec helper gave no outcome");
  co_return outcome_from_value(*outcome);
}

Task<ExecExecutor::Recovered> ExecExecutor::ask(ActionId action) {
  doc::Value message = doc::object({{"op", "ask"}, {"action", action.str()}});
  auto answer = co_await link_.ask(message, kRecovery);
  // Asking twice is no other question: the next helper reads what the last one wrote.
  if (!answer && answer.error().code == "helper_lost")
    answer = co_await link_.ask(std::move(message), kRecovery);
  if (!answer)
    co_return Recovered{false, unknown("whether it ran cannot be told: " + answer.error().message)};
  if (const doc::Value* outcome = answer->find("outcome"))
    co_return Recovered{false, outcome_from_value(*outcome)};
  if (answer->text("state") != "not_started") {
    co_return Recovered{
        false, unknown("it was started, or may have been, and nothing tells how it ended")};
  }
  Outcome never{.kind = OutcomeKind::kFailed,
                .reason = "the server stopped before it was started; it never ran",
                .interrupted = true};
  co_return Recovered{true, std::move(never)};
}

Task<Outcome> ExecExecutor::recover(ActionId action) {
  const Recovered recovered = co_await ask(std::move(action));
  co_return recovered.outcome;
}

Task<Result<void>> ExecExecutor::forget_output(std::set<ActionId> actions) {
  doc::Array ids;
  for (const ActionId& action : actions) ids.emplace_back(action.str());
  const auto answer =
      co_await link_.ask(doc::object({{"op", "forget"}, {"actions", std::move(ids)}}), kRecovery);
  if (!answer) co_return std::unexpected(answer.error());
  co_return Result<void>{};
}

}  // namespace keyturn::connectors::exec
