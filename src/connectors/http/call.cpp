#include "connectors/http/call.h"

#include "base/task_impl.h"

namespace keyturn::connectors::http {
namespace {

constexpr Duration kConnect = std::chrono::seconds(10);

Result<net::AddressRule> rule_of(const catalog::HttpAddresses& addresses) {
  if (!addresses.networks.empty()) return net::AddressRule::only(addresses.networks);
  return net::AddressRule(addresses.only_public ? net::AddressRule::Kind::kPublic
                                                : net::AddressRule::Kind::kUsual);
}

// The time of all of the exchange, so that an answer that dribbles does not go on for ever.
struct Bound {
  explicit Bound(net::Loop& loop)
      : over(std::make_shared<net::Waiter>(loop)), abort(std::make_shared<net::Abort>()) {}
  std::shared_ptr<net::Waiter> over;
  std::shared_ptr<net::Abort> abort;
  std::shared_ptr<bool> is_late = std::make_shared<bool>(false);
};

Task<void> end_in_time(Bound bound, Duration timeout) {
  if (co_await bound.over->wait(timeout) != net::Woken::kDeadline) co_return;
  *bound.is_late = true;
  bound.abort->abort();
}

Task<Result<void>> announce(std::shared_ptr<Called> called,
                            std::function<Task<Result<void>>()> before_send) {
  if (before_send) {
    Result<void> ok = co_await before_send();
    if (!ok) co_return ok;
  }
  called->sent = true;
  co_return Result<void>{};
}

net::ExchangeRequest exchange_of(const CallRequest& request, net::AddressRule addresses,
                                 const Bound& bound) {
  net::ExchangeRequest out{.method = request.message.method,
                           .url = request.message.url(),
                           .body = request.message.body,
                           .ca_file = request.ca_file,
                           .connect_timeout = std::min(kConnect, request.timeout),
                           .head_timeout = request.timeout,
                           .abort = bound.abort,
                           .addresses = std::move(addresses)};
  for (const auto& [name, value] : request.message.headers) out.headers.add(name, value);
  for (const net::Header& secret : request.secrets.all())
    out.headers.set(secret.name, secret.value);
  return out;
}

// Until its end, or until there is more than is kept: the rest is not waited for.
Task<Result<void>> read_body(net::Exchange& exchange, std::size_t bytes_max, Answer& answer) {
  while (true) {
    auto piece = co_await exchange.read();
    if (!piece) co_return std::unexpected(piece.error());
    if (!*piece) co_return Result<void>{};
    answer.body += **piece;
    if (answer.body.size() <= bytes_max) continue;
    answer.body.resize(bytes_max);
    answer.is_cut = true;
    exchange.cut();
    co_return Result<void>{};
  }
}

}  // namespace

Task<Called> call(net::Loop& loop, net::ExchangeClient& client, CallRequest request) {
  auto called = std::make_shared<Called>();
  Result<net::AddressRule> addresses = rule_of(request.addresses);
  if (!addresses) {
    called->lost = addresses.error();
    co_return *called;
  }
  const Bound bound(loop);
  loop.spawn(end_in_time(bound, request.timeout));
  net::ExchangeRequest outgoing = exchange_of(request, std::move(*addresses), bound);
  outgoing.before_send = [called, before = request.before_send] {
    return announce(called, before);
  };
  auto exchange = co_await client.send(std::move(outgoing));
  if (exchange) {
    called->answer.emplace();
    called->answer->status = (*exchange)->status();
    called->answer->headers = (*exchange)->headers();
    const Result<void> whole = co_await read_body(**exchange, request.bytes_max, *called->answer);
    called->answer->broke_off = !whole;
    if (!whole) called->lost = whole.error();
  } else {
    called->lost = exchange.error();
  }
  bound.over->fire();
  if (called->lost && *bound.is_late)
    called->lost = Refusal{"timeout",
                           "it took longer than " + to_text(request.timeout) +
                               (called->sent ? "" : ", before anything was sent"),
                           ""};
  co_return *called;
}

}  // namespace keyturn::connectors::http
