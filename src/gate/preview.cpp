// What an action would touch: looked at for the people who are asked, and compared before what they
// agreed to is released.
#include "gate/impl.h"

namespace keyturn::gate {

Task<Result<Previewed>> Executor::preview(const catalog::Tool& /*tool*/, doc::Value /*args*/) {
  co_return Previewed{};
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

// A state that cannot be told now is no state that anybody agreed to. The program that people would
// be shown something by is not run again.
Task<Result<bool>> Gate::Impl::moved(const catalog::Tool& tool,
                                     std::shared_ptr<ActionRecord> agreed) {
  if (!tool.preview) co_return !agreed->state_print.empty();
  catalog::Tool only_state = tool;
  if (tool.kind == catalog::ToolKind::kExec) only_state.preview->shows.clear();
  const Result<Previewed> now = co_await ports.executor.preview(only_state, agreed->args);
  if (now) co_return now->fingerprint != agreed->state_print;
  co_return refuse("state_unavailable",
                   "what it would touch cannot be looked at, so that nothing was released: " +
                       now.error().message + "; try again, deny it, or mend the tool's preview");
}

}  // namespace keyturn::gate
