// Tools that are runbooks: what begins, foresees and concludes their runs (runs/).
#include "gate/impl.h"

namespace keyturn::gate {

void Gate::set_runner(Runner runner) {
  impl_->runner = std::move(runner);
}

Task<void> Gate::conclude(ActionId run, Outcome outcome) {
  std::shared_ptr<ActionRecord> record = co_await impl_->load_record(std::move(run));
  if (!record) co_return;
  co_await impl_->record_outcome(std::move(record), std::move(outcome));
}

Task<Result<Gate::Foreseen>> Gate::foresee(Principal who, ActionRequest request) {
  Result<Case> built = co_await impl_->describe_case(who, std::move(request), "", nullptr);
  if (built && built->tool != nullptr) {
    built->hypothetical = true;
    built = co_await impl_->decide_case(std::move(*built), std::nullopt);
  }
  if (!built) co_return std::unexpected(built.error());
  co_return Foreseen{std::move(built->verdict),
                     built->tool,
                     std::move(built->configuration),
                     std::move(built->args),
                     std::move(built->described.description),
                     std::move(built->described.facts)};
}

Result<void> Gate::Impl::check_wanted(const std::optional<RunStep>& step) const {
  if (!step || !runner.wants || runner.wants(*step)) return {};
  return refuse("run_cancelled", "run " + step->run + ", which it is a step of, goes on no more");
}

Task<std::optional<ActionId>> Gate::action_of(RunStep step) {
  std::optional<std::string> claimed =
      co_await ports_.journal.find_claim(Impl::claim_of_step(step));
  if (!claimed) co_return std::nullopt;
  co_return ActionId(claimed->substr(0, claimed->find(' ')));
}

}  // namespace keyturn::gate
