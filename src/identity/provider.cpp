#include "identity/provider.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/bytes.h"
#include "base/percent.h"
#include "doc/json.h"
#include "identity/jwt.h"

namespace keyturn::identity {
namespace {

Refusal refused(const std::string& provider, std::string why) {
  return {"sign_in_refused", "signing in at " + provider + " did not work: " + std::move(why), ""};
}

std::string metadata_url(std::string issuer) {
  while (issuer.ends_with('/')) issuer.pop_back();
  return issuer + "/.well-known/openid-configuration";
}

// A provider's own word, if it is one that is fit to be shown.
std::string error_word(const doc::Value& answer) {
  const std::string_view word = answer.text("error");
  const bool plain = !word.empty() && word.size() <= 64 && std::ranges::all_of(word, [](char c) {
    return is_lower(c) || c == '_' || is_digit(c);
  });
  return plain ? std::string(word) : "no_reason_given";
}

}  // namespace

std::string to_form(const Form& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    if (!out.empty()) out += '&';
    out += percent_encoded(name) + "=" + percent_encoded(value);
  }
  return out;
}

Providers::Providers(net::Loop& loop, const Clock& clock, Fetch fetch,
                     std::function<Task<Result<Secret>>(secrets::SecretReference)> secret)
    : clock_(clock),
      fetch_(fetch),
      secret_(std::move(secret)),
      metadata_(loop, clock, fetch,
                [](std::string_view body, const std::string& url) {
                  constexpr std::string_view kTail = "/.well-known/openid-configuration";
                  const std::string issuer = url.substr(0, url.size() - kTail.size());
                  Result<Metadata> found = parse_metadata(body, issuer);
                  // An issuer may end with a slash (RFC 8414 §3.1 has it cut off for this).
                  if (!found) found = parse_metadata(body, issuer + "/");
                  return found;
                }),
      keys_(loop, clock, fetch,
            [](std::string_view body, const std::string&) { return KeySet::parse(body); }) {}

Task<Result<Metadata>> Providers::metadata(std::string issuer) {
  Result<std::shared_ptr<const Metadata>> found = co_await metadata_.get(metadata_url(issuer));
  if (!found) co_return std::unexpected(found.error());
  if ((*found)->issuer != issuer)
    co_return refuse("invalid_metadata", "the issuer of " + metadata_url(issuer) +
                                             " is not exactly " + issuer +
                                             "; identity.yaml must have what it says");
  co_return **found;
}

std::optional<Refusal> Providers::trouble_with(const std::string& issuer) const {
  if (auto trouble = metadata_.trouble(metadata_url(issuer))) return trouble;
  const std::optional<Metadata> metadata = metadata_at_hand(issuer);
  return metadata ? keys_.trouble(metadata->jwks) : std::nullopt;
}

std::optional<Metadata> Providers::metadata_at_hand(const std::string& issuer) const {
  const auto found = metadata_.at_hand(metadata_url(issuer));
  if (!found || found->issuer != issuer) return std::nullopt;
  return *found;
}

std::shared_ptr<const KeySet> Providers::keys_at_hand(const std::string& jwks) const {
  return keys_.at_hand(jwks);
}

Task<Result<std::shared_ptr<const KeySet>>> Providers::keys(std::string jwks, std::string kid) {
  Result<std::shared_ptr<const KeySet>> found = co_await keys_.get(
      jwks, [kid = std::move(kid)](const KeySet& set) { return set.find(kid) != nullptr; });
  co_return found;
}

Task<Result<doc::Value>> Providers::post(trust::Provider provider, Metadata metadata,
                                         std::string url, Form fields) {
  net::ClientRequest request = get_json(url);
  request.method = "POST";
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  if (provider.client_secret) {
    Result<Secret> secret = co_await secret_(*provider.client_secret);
    if (!secret) co_return std::unexpected(secret.error());
    if (metadata.basic_secret) {  // RFC 6749 §2.3.1: both encoded first
      request.headers.set("Authorization",
                          "Basic " + to_base64(percent_encoded(provider.client_id) + ":" +
                                               percent_encoded(secret->reveal())));
    } else {
      fields.emplace_back("client_secret", secret->reveal());
    }
  }
  if (!provider.client_secret || !metadata.basic_secret)
    fields.emplace_back("client_id", provider.client_id);
  request.body = to_form(fields);
  Result<net::ClientResponse> answer = co_await fetch_(std::move(request));
  if (!answer) co_return refuse("provider_unreachable", answer.error().message);
  Result<doc::Value> body = doc::parse_json(answer->body, {.bytes_max = 256 << 10});
  if (!body || !body->is_object())
    co_return std::unexpected(refused(provider.name, "its answer is no JSON object"));
  if (answer->status == 200) co_return body;
  const std::string word = error_word(*body);
  if (word == "authorization_pending" || word == "slow_down")
    co_return refuse(word, "the provider waits for the person");
  co_return std::unexpected(refused(provider.name, "it answered " + word));
}

Task<Result<Tokens>> Providers::redeem(trust::Provider provider, Form fields) {
  Result<Metadata> known = co_await metadata(provider.issuer);
  if (!known) co_return std::unexpected(known.error());
  if (known->token.empty())
    co_return std::unexpected(refused(provider.name, "its metadata names no token endpoint"));
  const std::string url = known->token;
  Result<doc::Value> answer = co_await post(provider, std::move(*known), url, std::move(fields));
  if (!answer) co_return std::unexpected(answer.error());
  Tokens out{std::string(answer->text("id_token")), std::string(answer->text("access_token"))};
  if (out.id_token.empty())
    co_return std::unexpected(refused(provider.name, "its answer has no id token"));
  co_return out;
}

Task<Result<doc::Value>> Providers::begin_device(trust::Provider provider) {
  Result<Metadata> known = co_await metadata(provider.issuer);
  if (!known) co_return std::unexpected(known.error());
  if (known->device.empty())
    co_return std::unexpected(refused(provider.name, "it offers no device flow"));
  std::string scope;
  for (const std::string& one : provider.scopes) scope += (scope.empty() ? "" : " ") + one;
  // RFC 8628 §3.1 has the client's id in the form whatever else proves it.
  Form fields{{"scope", scope}};
  if (provider.client_secret && known->basic_secret)
    fields.emplace_back("client_id", provider.client_id);
  const std::string url = known->device;
  Result<doc::Value> answer = co_await post(provider, std::move(*known), url, std::move(fields));
  co_return answer;
}

Task<Result<Subject>> Providers::who(trust::Provider provider, Tokens tokens,
                                     std::optional<std::string> nonce) {
  Result<Metadata> known = co_await metadata(provider.issuer);
  if (!known) co_return std::unexpected(known.error());
  Result<UnverifiedJwt> token = read_jwt(tokens.id_token);
  if (!token) co_return std::unexpected(token.error());
  const std::string kid = token->kid;
  Result<std::shared_ptr<const KeySet>> keys = co_await this->keys(known->jwks, kid);
  if (!keys) co_return std::unexpected(keys.error());
  const JwtExpected expected{.issuer = provider.issuer,
                             .audience = provider.client_id,
                             .nonce = std::move(nonce),
                             .is_id_token = true};
  Result<doc::Value> claims = verify_jwt(*token, **keys, expected, clock_.now());
  if (!claims) co_return std::unexpected(claims.error());
  Subject out;
  out.id = claims->text("sub");
  if (provider.kind == trust::ProviderKind::kEntra) {
    out.id = claims->text("oid");  // sub is another for every client
    const std::string tenant(claims->text("tid"));
    const bool own = !tenant.empty() && provider.issuer.contains("/" + tenant + "/");
    if (out.id.empty() || !own)
      co_return std::unexpected(
          refused(provider.name, "its token has no oid and tid of this tenant"));
  }
  out.name = claims->text("name");
  out.username = claims->text("preferred_username");
  const bool verified = claims->flag("email_verified");
  if (verified) out.email = claims->text("email");
  for (const char* claim : {"email", "preferred_username", "upn"}) {
    if (const std::string_view text = claims->text(claim); !text.empty())
      out.identifiers.emplace_back(text);
  }
  co_await find_groups(std::move(provider), std::move(*claims), tokens.access_token, out);
  co_return out;
}

}  // namespace keyturn::identity
