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
  // trace in it. Whoever recovers asks the spool. Secrets are fetched on `pool`, those of looks on
  // `looks`, so that no execution waits for what only looks.
  HttpExecutor(net::Loop& loop, Spool& spool, net::BlockingPool& pool, net::BlockingPool& looks,
               const Clock& clock, Lender lender);

  // Nothing is asked of anybody.
  static Result<gate::Described> describe(const catalog::Tool& tool, const doc::Value& args);
  // With credentials that are issued for it alone and given back; which they were stands in what
  // is shown (`credentials`), also when the look failed: then with `unavailable` and its code.
  // Where the tool's preview shows nothing, the state alone is looked at. Codes: preview_failed,
  // no_secret, not_sent_there, and those of the issuer.
  Task<Result<gate::Previewed>> preview(const catalog::Tool& tool, doc::Value args);
  // Code drift: what would be sent, or the state that Order::state tells, is not what was reviewed.
  Task<Result<Outcome>> execute(gate::Order order);

 private:
  Task<Result<Looked>> look_once(const catalog::Tool& tool, doc::Value args, LookFor what,
                                 doc::Value& used);
  Task<Result<Outcome>> run(const gate::Order& order, std::shared_ptr<const Prepared> prepared,
                            const Lent& lent);
  Task<Result<Outcome>> send(const gate::Order& order, std::shared_ptr<const Prepared> prepared,
                             std::shared_ptr<const Secrets> secrets);
  static Task<Result<std::shared_ptr<const Secrets>>> resolve(
      net::BlockingPool& pool, std::shared_ptr<const Prepared> prepared, Lent lent);

  net::Loop& loop_;
  Spool& spool_;
  net::BlockingPool& pool_;
  net::BlockingPool& looks_;
  const Clock& clock_;
  Lender lender_;
  net::ExchangeClient client_;
};

}  // namespace keyturn::connectors::http
