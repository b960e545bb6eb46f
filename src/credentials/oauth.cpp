// Tokens of OAuth 2.0: client credentials (RFC 6749 §4.4), token exchange (RFC 8693), ended where
// the server can (RFC 7009).
#include <algorithm>

#include "base/bytes.h"
#include "base/percent.h"
#include "credentials/http_call.h"
#include "credentials/provider.h"
#include "credentials/reader.h"

namespace keyturn::credentials {
namespace {

constexpr std::string_view kTokenServer = "the token server";
constexpr std::size_t kScopeMax = 4096;

// RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
Result<net::ClientRequest> request_to(const TokenEndpoint& endpoint, const std::string& url,
                                      Pairs pairs) {
  net::ClientRequest request;
  request.method = "POST";
  request.url = url;
  request.ca_file = endpoint.ca_file;
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  if (endpoint.client_secret) {
    const auto secret = fetch(*endpoint.client_secret, "the client's secret");
    if (!secret) return std::unexpected(secret.error());
    if (endpoint.secret_in_body) {
      pairs.emplace_back("client_id", endpoint.client_id);
      pairs.emplace_back("client_secret", secret->reveal());
    } else {
      request.headers.set("Authorization",
                          "Basic " + to_base64(percent_encoded(endpoint.client_id) + ":" +
                                               percent_encoded(secret->reveal())));
    }
  } else if (!endpoint.client_id.empty()) {
    pairs.emplace_back("client_id", endpoint.client_id);
  }
  request.body = form(pairs);
  return request;
}

Given token_of(const TokenEndpoint& endpoint, Pairs pairs, const Issuance& issuance) {
  for (const auto& [name, value] :
       {std::pair{"scope", &endpoint.scope}, std::pair{"audience", &endpoint.audience},
        std::pair{"resource", &endpoint.resource}}) {
    if (!value->empty()) pairs.emplace_back(name, *value);
  }
  auto request = request_to(endpoint, endpoint.url, std::move(pairs));
  if (!request) return std::unexpected(request.error());
  const auto answer = call_json(std::move(*request), kTokenServer);
  if (!answer) return std::unexpected(answer.error());
  auto token = text_of(*answer, "access_token", kTokenServer);
  if (!token) return std::unexpected(token.error());
  Issued out;
  out.shown = doc::object({{"token_url", endpoint.url}, {"client_id", endpoint.client_id}});
  // What was given may be less than what was asked for.
  const std::string_view scope = answer->text("scope");
  const bool told = !scope.empty() && scope.size() <= kScopeMax && is_line(scope);
  if (told || !endpoint.scope.empty())
    out.shown.set("scope", told ? scope : std::string_view(endpoint.scope));
  if (!endpoint.audience.empty()) out.shown.set("audience", endpoint.audience);
  const std::int64_t lasts = answer->integer("expires_in", 0);
  if (lasts > 0)
    out.expires_at = issuance.now + std::chrono::seconds(std::min<std::int64_t>(lasts, 1 << 30));
  out.fields.emplace("token", Secret(std::move(*token)));
  return out;
}

}  // namespace

Given issue(const OauthClientCredentials& client, const Issuance& issuance) {
  return token_of(client.endpoint, {{"grant_type", "client_credentials"}}, issuance);
}

Given issue(const TokenExchange& exchange, const Issuance& issuance) {
  const auto subject = fetch(exchange.subject_token, "the subject's token");
  if (!subject) return std::unexpected(subject.error());
  Pairs pairs{{"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"},
              {"subject_token", std::string(subject->reveal())},
              {"subject_token_type", exchange.subject_token_type}};
  if (exchange.actor_token) {
    const auto actor = fetch(*exchange.actor_token, "the actor's token");
    if (!actor) return std::unexpected(actor.error());
    pairs.emplace_back("actor_token", actor->reveal());
    pairs.emplace_back("actor_token_type", exchange.actor_token_type);
  }
  if (!exchange.requested_token_type.empty())
    pairs.emplace_back("requested_token_type", exchange.requested_token_type);
  return token_of(exchange.endpoint, std::move(pairs), issuance);
}

Result<void> revoke(const TokenEndpoint& endpoint, const Issued& issued) {
  const Secret* token = issued.field("token");
  if (endpoint.revocation_url.empty() || token == nullptr) return {};
  auto request =
      request_to(endpoint, endpoint.revocation_url,
                 {{"token", std::string(token->reveal())}, {"token_type_hint", "access_token"}});
  if (!request) return std::unexpected(request.error());
  const auto answer = call(std::move(*request), kTokenServer);
  if (!answer) return std::unexpected(answer.error());
  return {};
}

}  // namespace keyturn::credentials
