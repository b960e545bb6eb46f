// Tools that are runbooks: what begins, foresees and concludes their runs (runs/).
#include "gate/impl.h"

namespace keyturn::gate {

Task<Result<Previewed>> Executor::preview(const catalog::Tool& /*tool*/, doc::Value /*args*/) {
  co_return Previewed{};
}

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
  if (built && built->tool != nullptr)
    built = co_await impl_->decide_case(std::move(*built), std::nullopt);
  if (!built) co_return std::unexpected(built.error());
  co_return Foreseen{std::move(built->verdict),
                     built->tool,
                     std::move(built->configuration),
                     std::move(built->args),
                     std::move(built->described.description),
                     std::move(built->described.facts)};
}

// A preview that cannot be had is said to people; it never keeps them from being asked.
Task<Previewed> Gate::Impl::preview(const catalog::Tool& tool, const doc::Value& args) {
  if (!tool.preview) co_return Previewed{};
  Result<Previewed> out = co_await ports.executor.preview(tool, args);
  if (!out) {
    Previewed none;
    none.shown = doc::object({{"unavailable", out.error().message}, {"code", out.error().code}});
    co_return none;
  }
  co_return std::move(*out);
}

}  // namespace keyturn::gate
