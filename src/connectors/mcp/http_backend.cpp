#include "connectors/mcp/http_backend.h"

#include <algorithm>
#include <array>

#include "base/task_impl.h"
#include "connectors/mcp/http_answer.h"
#include "doc/json.h"

namespace keyturn::connectors::mcp {
namespace {

// A stream of a session may have nothing to say for long, and some servers send no head before.
constexpr Duration kStreamHead = std::chrono::hours(24);

// Never a client's own towards the server: credentials, and what is between two hops (RFC 9110
// §7.6.1).
bool stays_here(std::string_view name) {
  constexpr std::array<std::string_view, 14> kNames{"authorization",
                                                    "cookie",
                                                    "proxy-authorization",
                                                    "connection",
                                                    "keep-alive",
                                                    "te",
                                                    "trailer",
                                                    "transfer-encoding",
                                                    "upgrade",
                                                    "host",
                                                    "content-type",
                                                    "origin",
                                                    "content-length",
                                                    "accept-encoding"};
  return std::ranges::any_of(
      kNames, [&](std::string_view one) { return net::equal_ignoring_case(name, one); });
}

std::string about(const catalog::Upstream& upstream) {
  return "the MCP server " + upstream.name;
}

net::Headers headers_of(const Forward& forward, const net::Headers& own) {
  net::Headers out;
  for (const net::Header& header : forward.headers.all()) {
    if (!stays_here(header.name)) out.add(header.name, header.value);
  }
  if (!out.find("accept"))
    out.add("Accept",
            forward.method == "GET" ? "text/event-stream" : "application/json, text/event-stream");
  out.add("Accept-Encoding", "identity");
  if (forward.message) out.add("Content-Type", "application/json");
  if (!forward.session.empty()) out.set("Mcp-Session-Id", forward.session);
  for (const net::Header& header : own.all()) out.set(header.name, header.value);
  return out;
}

bool is_same(const net::Headers& a, const net::Headers& b) {
  return std::ranges::equal(a.all(), b.all(), [](const net::Header& x, const net::Header& y) {
    return x.name == y.name && x.value == y.value;
  });
}

bool never_left(std::string_view code) {
  constexpr std::array<std::string_view, 5> kBefore{"bad_url", "bad_header", "cannot_connect",
                                                    "tls_failed", "bad_tls"};
  return std::ranges::find(kBefore, code) != kBefore.end();
}

std::unexpected<Refusal> refused(const catalog::Upstream& upstream, const Refusal& why) {
  return refuse(never_left(why.code) ? "unavailable" : why.code,
                about(upstream) + ": " + why.message);
}

// What is about Keyturn and its configuration, not about the client. The request has arrived there:
// refused, it had no effect; sent elsewhere (RFC 9110 §15.4), it may have had one.
Result<void> check(const catalog::Upstream& upstream, const net::Exchange& exchange) {
  const int status = exchange.status();
  const auto says = [&](std::string_view what, std::string_view field) {
    return about(upstream) + " " + std::string(what) + " (HTTP status " + std::to_string(status) +
           "): whoever runs Keyturn looks at upstreams." + upstream.name + "." +
           std::string(field) + " in tools.yaml";
  };
  if (status == 401 || status == 403)
    return refuse("server_refused", says("refuses Keyturn itself", "headers"));
  if (status >= 300 && status < 400)
    return refuse("transfer_failed", says("sends Keyturn elsewhere", "url"));
  const std::string_view coding = exchange.headers().find("content-encoding").value_or("identity");
  if (!net::equal_ignoring_case(coding, "identity"))
    return refuse("transfer_failed", about(upstream) + " answers compressed, unasked");
  return {};
}

}  // namespace

struct HttpBackend::State {
  std::shared_ptr<net::ExchangeClient> client;
  std::shared_ptr<const catalog::Upstream> upstream;
  CredentialHeaders credentials;

  static Task<Result<std::shared_ptr<Answer>>> send(std::shared_ptr<State> self, Forward forward);
};

HttpBackend::HttpBackend(net::Loop& loop, net::BlockingPool& pool,
                         std::shared_ptr<net::ExchangeClient> client,
                         std::shared_ptr<const catalog::Upstream> upstream, ReadSecrets when)
    : state_(std::make_shared<State>(std::move(client), upstream,
                                     CredentialHeaders(loop, pool, upstream->headers, when))) {}

const secrets::Redactor* HttpBackend::redactor() const {
  return state_->credentials.redactor();
}

Task<Result<std::shared_ptr<Answer>>> HttpBackend::send(Forward forward) {
  return State::send(state_, std::move(forward));
}

Task<Result<std::shared_ptr<Answer>>> HttpBackend::State::send(std::shared_ptr<State> self,
                                                               Forward forward) {
  const catalog::Upstream& upstream = *self->upstream;
  const bool asks = forward.message && forward.message->kind == rpc::Kind::kRequest;
  net::ExchangeRequest request{
      .method = forward.method,
      .url = upstream.url,
      .body = forward.message ? doc::write_json(forward.message->value) : std::string(),
      .ca_file = upstream.ca_file,
      .head_timeout = forward.method == "GET" ? kStreamHead : upstream.timeout,
      .abort = forward.abort};
  Result<net::Headers> own = co_await self->credentials.get();
  for (bool is_second = false;; is_second = true) {
    if (!own) co_return refuse("no_secret", about(upstream) + ": " + own.error().message);
    request.headers = headers_of(forward, *own);
    auto exchange = co_await self->client->send(request);
    if (!exchange) co_return refused(upstream, exchange.error());
    if ((*exchange)->status() == 401 && !is_second) {
      // A credential may have been replaced since it was read. What is refused has no effect.
      Result<net::Headers> renewed = co_await self->credentials.get(true);
      const bool differs = !renewed || !is_same(*renewed, *own);
      own = std::move(renewed);
      if (differs) continue;
    }
    if (auto fine = check(upstream, **exchange); !fine) co_return std::unexpected(fine.error());
    co_return std::make_shared<HttpAnswer>(std::move(*exchange), about(upstream),
                                           asks ? forward.message->id : doc::Value());
  }
}

}  // namespace keyturn::connectors::mcp
