#include "identity/agent_tokens.h"

#include <algorithm>

#include "base/task_impl.h"
#include "crypto/crypto.h"
#include "identity/jwt.h"

namespace keyturn::identity {
namespace {

std::unexpected<Refusal> bad_token(std::string why) {
  return refuse("invalid_token", "this JWT is not accepted: " + std::move(why));
}

// An id token or an access token (RFC 9068), no logout token, no request object.
bool is_fit(std::string type) {
  std::ranges::transform(type, type.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return type.empty() || type == "jwt" || type == "at+jwt" || type == "application/at+jwt";
}

std::string credential_of(const std::string& issuer, const doc::Value& claims,
                          std::string_view token) {
  const std::string_view jti = claims.text("jti");
  const Digest digest = crypto::sha256("keyturn/v1/jwt\n" + std::string(jti.empty() ? token : jti));
  return "jwt:" + issuer + ":" + to_base64url(view(digest)).substr(0, 22);
}

}  // namespace

bool AgentTokens::looks_like_one(std::string_view bearer) {
  return bearer.starts_with("eyJ") && std::ranges::count(bearer, '.') == 2;
}

Task<void> AgentTokens::prepare(std::string bearer) {
  const Result<UnverifiedJwt> token = read_jwt(bearer);
  if (!token) co_return;
  const std::shared_ptr<const gate::Configuration> active = gate_.world().configuration;
  for (const auto& [name, issuer] : active->identity->agents) {
    if (issuer.issuer != token->issuer()) continue;
    std::string jwks = issuer.jwks_uri.value_or("");
    if (jwks.empty()) {
      const Result<Metadata> metadata = co_await providers_.metadata(issuer.issuer);
      if (!metadata) continue;
      jwks = metadata->jwks;
    }
    const auto keys = co_await providers_.keys(jwks, token->kid);
    (void)keys;  // authenticate() says what is missing
  }
}

Result<Principal> AgentTokens::authenticate(std::string_view bearer) const {
  const Result<UnverifiedJwt> token = read_jwt(bearer);
  if (!token) return std::unexpected(token.error());
  if (!is_fit(token->type)) return bad_token("its typ is no token for access");
  const gate::World& world = gate_.world();
  Refusal why{"invalid_token", "this JWT is not accepted: its issuer is not trusted here", ""};
  std::optional<Principal> found;
  for (const auto& [name, issuer] : world.configuration->identity->agents) {
    if (issuer.issuer != token->issuer()) continue;
    std::string jwks = issuer.jwks_uri.value_or("");
    if (jwks.empty()) {
      const auto metadata = providers_.metadata_at_hand(issuer.issuer);
      jwks = metadata ? metadata->jwks : "";
    }
    const std::shared_ptr<const KeySet> keys = providers_.keys_at_hand(jwks);
    if (!keys) {
      why = {"invalid_token", "this JWT cannot be checked: the keys of its issuer cannot be had",
             ""};
      continue;
    }
    const JwtExpected expected{.issuer = issuer.issuer, .audience = issuer.audience};
    const Result<doc::Value> claims = verify_jwt(*token, *keys, expected, gate_.clock().now());
    if (!claims) {
      why = claims.error();
      continue;
    }
    why = {"invalid_token", "this JWT is not accepted: no rule of identity.yaml fits it", ""};
    for (const trust::AgentRule& rule : issuer.rules) {
      if (!trust::matches(rule, *claims)) continue;
      if (found && found->id != rule.agent) return bad_token("rules of different agents fit it");
      if (!found)
        found = Principal{PrincipalKind::kAgent, rule.agent, credential_of(name, *claims, bearer),
                          Assurance::kToken, "api"};
    }
  }
  if (!found) return std::unexpected(why);
  const people::Agent* agent = world.directory.agent(found->id);
  if (agent == nullptr || agent->owner().empty())
    return refuse("inactive", "there is no agent " + found->id + " with an owner");
  if (agent->suspended)
    return refuse("suspended", "agent " + found->id +
                                   " is suspended; its owner or an administrator can resume it");
  return *found;
}

}  // namespace keyturn::identity
