// Tools of kind http: one request each, sent once.
#pragma once

#include <memory>

#include "base/time.h"
#include "connectors/http/look.h"
#include "connectors/lending.h"
#include "connectors/spool.h"
#include "gate/executor.h"
#include "net/blocking.h"
#include "net/exchange.h"

namespace keyturn::connectors::http {

class HttpExecutor final {
 public:
  // Borrows all. The spool remembers what changed something or may have: GET and HEAD leave no
  // trace in it. Whoever recovers asks the spool.
  HttpExecutor(net::Loop& loop, Spool& spool, net::BlockingPool& pool, const Clock& clock,
               Lender lender);

  // Nothing is asked of anybody.
  static Result<gate::Described> describe(const catalog::Tool& tool, const doc::Value& args);
  // With credentials that are issued for it alone and given back; which they were stands in what
  // is shown. Where the tool's preview shows nothing, the state alone is looked at. Codes:
  // preview_failed, no_secret, and those of the issuer.
  Task<Result<gate::Previewed>> preview(const catalog::Tool& tool, doc::Value args);
  // Code drift: what would be sent, or the state that Order::state tells, is not what was reviewed.
  Task<Result<Outcome>> execute(gate::Order order);

 private:
  Task<Result<Looked>> look_once(const catalog::Tool& tool, doc::Value args, LookFor what);
  Task<Result<Outcome>> run(const gate::Order& order, std::shared_ptr<const Prepared> prepared,
                            const Lent& lent);
  Task<Result<Outcome>> send(const gate::Order& order, std::shared_ptr<const Prepared> prepared,
                             std::shared_ptr<const Secrets> secrets);
  Task<Result<std::shared_ptr<const Secrets>>> resolve(std::shared_ptr<const Prepared> prepared,
                                                       const Lent& lent);

  net::Loop& loop_;
  Spool& spool_;
  net::BlockingPool& pool_;
  const Clock& clock_;
  Lender lender_;
  net::ExchangeClient client_;
};

}  // namespace keyturn::connectors::http
