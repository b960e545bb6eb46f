// Tools of kind exec.
#pragma once

#include "connectors/exec/link.h"
#include "connectors/lending.h"
#include "gate/executor.h"

namespace keyturn::connectors::exec {

// Variables with secrets, not resolved yet.
using References = std::vector<std::pair<std::string, catalog::SecretRef>>;

class ExecExecutor final : public gate::Executor {
 public:
  // Borrows all; `pool` is for reading files and fetching secrets.
  ExecExecutor(HelperLink& link, net::BlockingPool& pool, Lender lender = {})
      : link_(link), pool_(pool), lender_(std::move(lender)) {}

  Task<Result<gate::Described>> describe(const catalog::Tool& tool, doc::Value args) override;
  Task<Result<gate::Previewed>> preview(const catalog::Tool& tool, doc::Value args) override;
  Task<Result<Outcome>> execute(gate::Order order) override;
  Task<Outcome> recover(ActionId action) override;
  Task<Result<void>> forget_output(std::set<ActionId> actions) override;

  // "not_started", "unknown" (then `outcome` says why), or "over".
  struct Recovered {
    bool never_started = false;
    Outcome outcome;
  };
  Task<Recovered> ask(ActionId action);

 private:
  Task<Result<Outcome>> start(const gate::Order& order, std::vector<SecretVariable> secrets);
  // `hidden`: secrets of the arguments, which its output must not say.
  Task<Result<Outcome>> look(Plan plan, References references, std::vector<SecretVariable> hidden);

  HelperLink& link_;
  net::BlockingPool& pool_;
  Lender lender_;
};

}  // namespace keyturn::connectors::exec
