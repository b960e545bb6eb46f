// Tools of kind exec.
#pragma once

#include "connectors/exec/link.h"
#include "gate/executor.h"

namespace keyturn::connectors::exec {

class ExecExecutor final : public gate::Executor {
 public:
  // Borrows both; `pool` is for reading files and fetching secrets.
  ExecExecutor(HelperLink& link, net::BlockingPool& pool) : link_(link), pool_(pool) {}

  Task<Result<gate::Described>> describe(const catalog::Tool& tool, doc::Value args) override;
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
  HelperLink& link_;
  net::BlockingPool& pool_;
};

}  // namespace keyturn::connectors::exec
