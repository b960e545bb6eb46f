// Tools of kind sql: PostgreSQL through libpq.
#pragma once

#include <memory>

#include "base/time.h"
#include "connectors/lending.h"
#include "connectors/spool.h"
#include "facts/sql_cache.h"
#include "gate/executor.h"
#include "net/blocking.h"

namespace keyturn::connectors::sql {

class SqlExecutor final : public gate::Executor {
 public:
  // Borrows all. The spool remembers what changed something or may have: reads leave no trace in
  // it.
  // Previews run on `looks`, so that no execution waits for one; null: on the same pool.
  SqlExecutor(Spool& spool, net::BlockingPool& pool, const Clock& clock, Lender lender = {},
              net::BlockingPool* looks = nullptr)
      : spool_(spool),
        pool_(pool),
        looks_(looks == nullptr ? pool : *looks),
        clock_(clock),
        lender_(std::move(lender)) {}

  Task<Result<gate::Described>> describe(const catalog::Tool& tool, doc::Value args) override;
  Task<Result<gate::Previewed>> preview(const catalog::Tool& tool, doc::Value args) override;
  Task<Result<Outcome>> execute(gate::Order order) override;
  Task<Result<void>> forget_output(std::set<ActionId> actions) override;
  Task<Outcome> recover(ActionId action) override;  // fences an action that was never started

 private:
  Task<Result<Outcome>> run(const gate::Order& order, const Lent& lent);

  Spool& spool_;
  net::BlockingPool& pool_;
  net::BlockingPool& looks_;
  const Clock& clock_;
  Lender lender_;
  facts::SqlCache classified_;
};

}  // namespace keyturn::connectors::sql
