#include "connectors/http/http_executor.h"

#include "base/task_impl.h"
#include "catalog/credentials.h"
#include "connectors/http/outcome.h"
#include "connectors/output.h"

namespace keyturn::connectors::http {
namespace {

constexpr Duration kLookMost = std::chrono::seconds(60);  // a dry run and what comes before it

Result<std::shared_ptr<const Prepared>> prepare_shared(const catalog::Tool& tool,
                                                       const doc::Value& args) {
  auto prepared = prepare(tool, args);
  if (!prepared) return std::unexpected(prepared.error());
  return std::make_shared<const Prepared>(std::move(*prepared));
}

// What is kept in case the server stops: how it ended, not the data.
Outcome without_body(Outcome outcome) {
  if (!outcome.result) return outcome;
  outcome.truncated = true;
  if (outcome.result->find("body") != nullptr) outcome.result->set("body", doc::Value());
  return outcome;
}

bool is_spool_refusal(std::string_view code) {
  return code == "already_started" || code == "not_known" || code == "spool_failed" ||
         code == "overloaded";
}

Task<Result<void>> note_begin(net::BlockingPool& pool, Spool& spool, const Clock& clock,
                              ActionId action, std::shared_ptr<bool> recorded) {
  Result<void> noted = co_await net::run_blocking(
      pool, [&spool, &clock, action] { return spool.begin(action, clock.now()); });
  *recorded = noted.has_value();
  co_return noted;
}

std::int64_t ms_since(std::chrono::steady_clock::time_point begun) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               begun)
      .count();
}

}  // namespace

HttpExecutor::HttpExecutor(net::Loop& loop, Spool& spool, net::BlockingPool& pool,
                           net::BlockingPool& looks, const Clock& clock, Lender lender)
    : loop_(loop),
      spool_(spool),
      pool_(pool),
      looks_(looks),
      clock_(clock),
      lender_(std::move(lender)),
      client_(loop, 0) {}

Result<gate::Described> HttpExecutor::describe(const catalog::Tool& tool, const doc::Value& args) {
  auto prepared = prepare(tool, args);
  if (!prepared) return std::unexpected(prepared.error());
  return http::describe(*prepared);
}

Task<Result<std::shared_ptr<const Secrets>>> HttpExecutor::resolve(
    net::BlockingPool& pool, std::shared_ptr<const Prepared> prepared, Lent lent) {
  co_return co_await net::run_blocking(
      pool, [prepared, lent = std::move(lent)]() -> Result<std::shared_ptr<const Secrets>> {
        auto found = secrets_of(*prepared, lent);
        if (!found) return std::unexpected(found.error());
        return std::make_shared<const Secrets>(std::move(*found));
      });
}

Task<Result<Looked>> HttpExecutor::look_once(const catalog::Tool& tool, doc::Value args,
                                             LookFor what, doc::Value& used) {
  auto prepared = prepare_shared(tool, args);
  if (!prepared) co_return std::unexpected(prepared.error());
  auto lent = co_await lend_to_look(lender_, tool, kLookMost, used);
  if (!lent) co_return std::unexpected(lent.error());
  Result<Looked> looked = Looked{};
  auto secrets = co_await resolve(looks_, *prepared, *lent);
  if (secrets)
    looked = co_await look(loop_, client_, *prepared, *secrets, what);
  else
    looked = std::unexpected(secrets.error());
  co_await take_back(lender_, std::move(*lent), used);
  co_return looked;
}

Task<Result<gate::Previewed>> HttpExecutor::preview(const catalog::Tool& tool, doc::Value args) {
  const bool shows = tool.preview && !tool.preview->shows.empty();
  doc::Value used{doc::Array{}};
  auto looked =
      co_await look_once(tool, std::move(args), shows ? LookFor::kAll : LookFor::kState, used);
  const bool issued = !used.as_array().empty();
  if (!looked && !issued) co_return std::unexpected(looked.error());
  gate::Previewed out;
  if (looked) {
    out = {std::move(looked->shown), std::move(looked->fingerprint)};
  } else {
    out.shown =
        doc::object({{"unavailable", looked.error().message}, {"code", looked.error().code}});
  }
  if (issued && out.shown.is_null()) out.shown = doc::Value(doc::Object{});
  if (issued) out.shown.set("credentials", std::move(used));
  co_return out;
}

Task<Result<Outcome>> HttpExecutor::execute(gate::Order order) {
  auto prepared = prepare_shared(*order.tool, order.args);
  if (!prepared) co_return refuse("drift", prepared.error().message);
  if (!(http::describe(**prepared).description == order.description))
    co_return refuse("drift",
                     "the request, or how it is sent, is not what was reviewed; ask for it anew");
  if (catalog::credential_uses(*order.tool).empty()) co_return co_await run(order, *prepared, {});
  auto lent = co_await lend(lender_, order);
  if (!lent) co_return std::unexpected(lent.error());
  Result<Outcome> outcome = co_await run(order, *prepared, *lent);
  co_await give_back(lender_, std::move(*lent), order);
  co_return outcome;
}

Task<Result<Outcome>> HttpExecutor::run(const gate::Order& order,
                                        std::shared_ptr<const Prepared> prepared,
                                        const Lent& lent) {
  auto secrets = co_await resolve(pool_, prepared, lent);
  if (!secrets) co_return std::unexpected(secrets.error());
  if (Result<void> there = check_place(**secrets, prepared->message.url()); !there)
    co_return std::unexpected(there.error());
  co_return co_await send(order, std::move(prepared), std::move(*secrets));
}

Task<Result<Outcome>> HttpExecutor::send(const gate::Order& order,
                                         std::shared_ptr<const Prepared> prepared,
                                         std::shared_ptr<const Secrets> secrets) {
  const auto begun_at = std::chrono::steady_clock::now();
  const catalog::HttpCall& tool = *prepared->call;
  CallRequest request{
      .message = prepared->message,
      .secrets = secrets->headers,
      .ca_file = tool.ca_file,
      .addresses = tool.addresses,
      .timeout = prepared->timeout,
      .bytes_max = static_cast<std::size_t>(prepared->output_bytes_max) + kRedactionSlack};
  if (!order.state.empty()) {
    const auto now = co_await look(loop_, client_, prepared, secrets, LookFor::kState);
    if (!now) co_return std::unexpected(now.error());
    if (now->fingerprint != order.state)
      co_return refuse("drift",
                       "what it would change is not as it was shown any more; nothing was "
                       "sent: ask for it anew");
    request.message = bound_to(*prepared, *now);
  }
  if (!tool.idempotency_header.empty())
    request.message.headers.emplace_back(tool.idempotency_header, order.action.str());
  auto recorded = std::make_shared<bool>(false);
  if (!tool.is_safe()) {
    request.before_send = [this, recorded, action = order.action]() -> Task<Result<void>> {
      return note_begin(pool_, spool_, clock_, action, recorded);
    };
  }
  const Called called = co_await call(loop_, client_, std::move(request));
  if (called.lost && !called.sent && is_spool_refusal(called.lost->code))
    co_return std::unexpected(*called.lost);
  Outcome outcome = outcome_of(tool, called, secrets->redactor,
                               static_cast<std::size_t>(prepared->output_bytes_max));
  outcome.duration_ms = ms_since(begun_at);
  if (*recorded && outcome.kind != OutcomeKind::kUnknown) {
    // Without this record a crash would leave it unknown: true, if less.
    std::ignore = co_await net::run_blocking(
        pool_, [&spool = spool_, &clock = clock_, action = order.action,
                kept = without_body(outcome)] { return spool.finish(action, kept, clock.now()); });
  }
  co_return outcome;
}

}  // namespace keyturn::connectors::http
