#include "channels/teams/incoming.h"

#include <algorithm>

#include "base/task_impl.h"
#include "doc/json.h"
#include "identity/jwt.h"
#include "net/url.h"

namespace keyturn::channels::teams {
namespace {

constexpr std::string_view kTeams = "msteams";
constexpr std::size_t kBodyBytesMax = 256 << 10;
constexpr doc::ParseLimits kBodyLimits{
    .bytes_max = kBodyBytesMax, .depth_max = 32, .values_max = 20'000};

Fetch with_roots(Fetch fetch, std::string ca_file) {
  return [fetch = std::move(fetch), ca_file = std::move(ca_file)](net::ClientRequest request) {
    request.ca_file = ca_file;
    return fetch(std::move(request));
  };
}

// OpenID Connect Discovery 1.0 §3: all that is used of it.
Result<std::string> keys_address(std::string_view json, const std::string& url) {
  const Result<doc::Value> tree = doc::parse_json(json, {.bytes_max = 256 << 10});
  const std::string address(tree ? tree->text("jwks_uri") : std::string_view());
  if (!net::wrong_with_service_url(address).empty())
    return refuse("invalid_keys", url + " names no keys (jwks_uri)");
  return address;
}

std::optional<std::string> bearer_of(const net::HttpRequest& request) {
  constexpr std::string_view kBearer = "bearer ";
  if (request.headers.count("authorization") != 1) return std::nullopt;
  const std::string_view text = *request.header("authorization");
  if (text.size() <= kBearer.size() ||
      !net::equal_ignoring_case(text.substr(0, kBearer.size()), kBearer))
    return std::nullopt;
  return std::string(text.substr(kBearer.size()));
}

}  // namespace

Result<EndorsedKeys> EndorsedKeys::parse(std::string_view json) {
  Result<identity::KeySet> keys = identity::KeySet::parse(json);
  if (!keys) return std::unexpected(keys.error());
  EndorsedKeys out{.keys = std::move(*keys), .endorsements = {}};
  const Result<doc::Value> tree =
      doc::parse_json(json, {.bytes_max = identity::KeySet::kBytesMax, .depth_max = 8});
  if (!tree) return refuse("invalid_keys", tree.error().message);
  for (const doc::Value& one : tree->find("keys")->as_array()) {
    const doc::Value* list = one.find("endorsements");
    if (list == nullptr || !list->is_array()) continue;
    auto& channels = out.endorsements[std::string(one.text("kid"))];
    for (const doc::Value& channel : list->as_array()) {
      if (channel.is_string()) channels.insert(channel.as_string());
    }
  }
  return out;
}

bool EndorsedKeys::endorse(std::string_view kid, std::string_view channel) const {
  const auto found = endorsements.find(kid);
  return found != endorsements.end() && found->second.contains(std::string(channel));
}

Incoming::Incoming(const Config& config, net::Loop& loop, const Clock& clock, Fetch fetch)
    : config_(config),
      clock_(clock),
      metadata_(loop, clock, with_roots(fetch, config.ca_file), keys_address),
      keys_(loop, clock, with_roots(fetch, config.ca_file),
            [](std::string_view json, const std::string&) { return EndorsedKeys::parse(json); }) {}

// "": an issuer that does not count here. The address comes from the configuration, never from a
// token.
std::string Incoming::metadata_of(const std::string& issuer) const {
  if (issuer == kFramework) return config_.metadata;
  const bool is_tenant = issuer == "https://sts.windows.net/" + config_.tenant + "/" ||
                         issuer == "https://login.microsoftonline.com/" + config_.tenant + "/v2.0";
  return is_tenant ? config_.login + "/" + config_.tenant + "/v2.0/.well-known/openid-configuration"
                   : "";
}

Task<Result<Incoming::Proof>> Incoming::verify(std::string token) {
  const auto failed = [](Refusal why) { return std::unexpected(std::move(why)); };
  const Result<identity::UnverifiedJwt> jwt = identity::read_jwt(token);
  if (!jwt) co_return failed(jwt.error());
  if (jwt->algorithm != "RS256")
    co_return refuse("invalid_token", "this JWT is not accepted: its alg is not RS256");
  const std::string issuer = jwt->issuer(), metadata = metadata_of(issuer), kid = jwt->kid;
  if (metadata.empty())
    co_return refuse("invalid_token", "this JWT is not accepted: it is of another issuer (iss)");
  const auto address = co_await metadata_.get(metadata);
  if (!address) co_return failed(address.error());
  const auto keys = co_await keys_.get(
      **address, [kid](const EndorsedKeys& one) { return one.keys.find(kid) != nullptr; });
  if (!keys) co_return failed(keys.error());
  const identity::JwtExpected expected{
      .issuer = issuer, .audience = config_.app_id, .nonce = {}, .is_id_token = false};
  const Result<doc::Value> claims =
      identity::verify_jwt(*jwt, (*keys)->keys, expected, clock_.now());
  if (!claims) co_return failed(claims.error());
  Proof out{.service_url = std::string(claims->text("serviceurl")),
            .by_framework = issuer == kFramework,
            .keys = **keys,
            .kid = kid};
  if (out.by_framework && out.service_url.empty())
    co_return refuse("invalid_token", "this JWT is not accepted: it names no serviceurl");
  // Any app of the tenant can have a token for us. Only we ourselves speak for Teams with one: that
  // is how Microsoft's own tools for developing a bot do it.
  const std::string_view app =
      claims->text("ver") == "2.0" ? claims->text("azp") : claims->text("appid");
  if (!out.by_framework && app != config_.app_id)
    co_return refuse("invalid_token", "this JWT is not accepted: it is another app's");
  co_return out;
}

Result<void> Incoming::agrees(const Proof& proof, const Activity& activity) const {
  if (activity.channel != kTeams)
    return refuse("invalid_token", "this is not of Teams: channelId is another");
  if (proof.by_framework && !proof.keys.endorse(proof.kid, activity.channel))
    return refuse("invalid_token",
                  "this JWT is not accepted: its key is not endorsed for this channel");
  const bool named = proof.by_framework || !proof.service_url.empty();
  if (named && proof.service_url != activity.service_url)
    return refuse("wrong_service_url", "the token is for another serviceUrl than the activity's");
  if (!may_be_service(config_, activity.service_url))
    return refuse("wrong_service_url", "the activity's serviceUrl is no host of Teams");
  if (activity.tenant != config_.tenant)
    return refuse("wrong_tenant", "this is of another tenant than the configured one");
  return {};
}

Task<Result<Activity>> Incoming::admit(net::HttpRequest request) {
  const std::optional<std::string> token = bearer_of(request);
  if (!token) co_return refuse("missing_token", "a request of Bot Framework has a bearer token");
  const Result<Proof> proof = co_await verify(*token);
  if (!proof) co_return std::unexpected(proof.error());
  const Result<doc::Value> body = doc::parse_json(request.body, kBodyLimits);
  if (!body || !body->is_object())
    co_return refuse("invalid_json", "the body is no activity (a JSON object)");
  Activity activity = activity_of(*body);
  if (Result<void> ok = agrees(*proof, activity); !ok) co_return std::unexpected(ok.error());
  co_return activity;
}

Task<Result<std::size_t>> Incoming::look_at_keys() {
  const auto address = co_await metadata_.get(config_.metadata);
  if (!address) co_return std::unexpected(address.error());
  const auto keys = co_await keys_.get(**address);
  if (!keys) co_return std::unexpected(keys.error());
  std::size_t endorsed = 0;
  for (const auto& [kid, channels] : (*keys)->endorsements) {
    if ((*keys)->keys.find(kid) != nullptr && channels.contains(std::string(kTeams))) ++endorsed;
  }
  co_return endorsed;
}

std::optional<Refusal> Incoming::trouble() const {
  if (std::optional<Refusal> why = metadata_.trouble(config_.metadata)) return why;
  const auto address = metadata_.at_hand(config_.metadata);
  return address ? keys_.trouble(*address) : std::nullopt;
}

}  // namespace keyturn::channels::teams
