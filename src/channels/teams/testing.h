// For the tests of this folder: a Teams that answers what it is asked, and signs as Bot Framework.
#pragma once

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "channels/teams/teams.h"
#include "channels/testing.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::channels::teams::testing {

inline constexpr const char* kApp = "11111111-2222-3333-4444-555555555555";
inline constexpr const char* kTenant = "aaaaaaaa-0000-4000-8000-000000000001";
inline constexpr const char* kBobAtEntra = "bbbbbbbb-0000-4000-8000-00000000000b";
inline constexpr const char* kService = "https://smba.trafficmanager.net/de/";
inline constexpr const char* kRoom = "19:abc@thread.tacv2";

class RsaKey {
 public:
  RsaKey() : key_(EVP_RSA_gen(2048)) {}
  ~RsaKey() { EVP_PKEY_free(key_); }
  RsaKey(const RsaKey&) = delete;
  RsaKey& operator=(const RsaKey&) = delete;

  std::string sign(std::string_view text) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    std::size_t size = 512;
    std::string out(size, '\0');
    const auto* in = reinterpret_cast<const unsigned char*>(text.data());
    REQUIRE(EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key_) == 1);
    REQUIRE(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, in,
                           text.size()) == 1);
    EVP_MD_CTX_free(context);
    out.resize(size);
    return out;
  }
  std::string number(const char* name) const {
    BIGNUM* n = nullptr;
    REQUIRE(EVP_PKEY_get_bn_param(key_, name, &n) == 1);
    std::string out(static_cast<std::size_t>(BN_num_bytes(n)), '\0');
    BN_bn2bin(n, reinterpret_cast<unsigned char*>(out.data()));
    BN_free(n);
    return to_base64url(out);
  }
  doc::Value jwk(const std::string& kid, const std::vector<std::string>& endorsements) const {
    return doc::object({{"kty", "RSA"},
                        {"use", "sig"},
                        {"kid", kid},
                        {"n", number(OSSL_PKEY_PARAM_RSA_N)},
                        {"e", number(OSSL_PKEY_PARAM_RSA_E)},
                        {"endorsements", doc::array_of(endorsements)}});
  }

 private:
  EVP_PKEY* key_;
};

inline const RsaKey& rsa_key() {
  static const RsaKey key;  // making one takes a while
  return key;
}

struct Floor : channels::testing::Stand {
  Config config;
  std::unique_ptr<Teams> teams;
  KeptPlaces kept;
  std::map<std::string, net::ClientResponse> next;  // "POST …/activities": once, instead
  std::string role = "user", tenant = kTenant;      // of everybody, in the roster
  int last_id = 0;

  Floor() {
    config.app_id = kApp;
    config.tenant = kTenant;
    config.secret = {secrets::Source::kFile, "/secret", {}};
    secrets["/secret"] = "s3cret";
    answer = [this](const net::ClientRequest& request) { return of(request); };
    bench.record({people::account_linked("bob", account(), "bob")});
  }
  static std::string account() { return std::string("teams:") + kTenant + "/" + kBobAtEntra; }

  void open() {
    teams = std::make_unique<Teams>(config, ports());
    REQUIRE(bench.run(teams->start()));
  }
  static net::ClientResponse json(const doc::Value& value, int status = 200) {
    return {.status = status, .headers = {}, .body = doc::write_json(value)};
  }
  Result<net::ClientResponse> of(const net::ClientRequest& request) {
    const std::string& url = request.url;
    for (auto one = next.begin(); one != next.end(); ++one) {
      const std::size_t space = one->first.find(' ');
      if (request.method != one->first.substr(0, space) ||
          !url.contains(one->first.substr(space + 1)))
        continue;
      net::ClientResponse out = one->second;
      next.erase(one);
      return out;
    }
    if (url == config.metadata)
      return json(doc::object({{"jwks_uri", "https://login.botframework.com/keys"}}));
    if (url == "https://login.botframework.com/keys")
      return json(
          doc::object({{"keys", doc::Array{rsa_key().jwk("k1", {"msteams"}),
                                           rsa_key().jwk("k2", {"webchat"}), ed25519_jwk("ed")}}}));
    if (url.ends_with("/oauth2/v2.0/token"))
      return json(doc::object({{"access_token", "t0k"}, {"expires_in", 3600}}));
    if (request.headers.find("authorization") != "Bearer t0k") return json({}, 401);
    if (url.contains("/members/"))
      return json(doc::object({{"id", "29:bob"},
                               {"aadObjectId", kBobAtEntra},
                               {"tenantId", tenant},
                               {"userRole", role}}));
    const std::string id = "m" + std::to_string(++last_id);
    if (request.method == "POST" && url.ends_with("/v3/conversations")) {
      const bool is_thread = request.body.contains("\"channel\":{\"id\"");
      return json(doc::object(
          {{"id", is_thread ? std::string(kRoom) + ";messageid=" + id : std::string("a:chat")},
           {"activityId", id}}));
    }
    return json(doc::object({{"id", id}}));
  }

  // A key of another kind, endorsed for Teams.
  static crypto::Ed25519Key ed25519() {
    return crypto::Ed25519Key::from_seed(Secret(std::string(32, 's')));
  }
  static doc::Value ed25519_jwk(const std::string& kid) {
    return doc::object({{"kty", "OKP"},
                        {"crv", "Ed25519"},
                        {"kid", kid},
                        {"x", to_base64url(ed25519().public_key())},
                        {"endorsements", doc::array_of({"msteams"})}});
  }
  // ---- what Teams sends
  doc::Value claims() {
    const std::int64_t now = unix_ms(bench.clock.now()) / 1000;
    return doc::object({{"iss", "https://api.botframework.com"},
                        {"aud", kApp},
                        {"serviceurl", kService},
                        {"nbf", now - 5},
                        {"exp", now + 3600}});
  }
  static std::string token(const std::string& header, const doc::Value& claims) {
    const std::string text = to_base64url(header) + "." + to_base64url(doc::write_json(claims));
    return text + "." + to_base64url(rsa_key().sign(text));
  }
  static doc::Value activity(std::string type, const std::string& id) {
    return doc::object(
        {{"type", std::move(type)},
         {"id", id},
         {"channelId", "msteams"},
         {"serviceUrl", kService},
         {"from", doc::object({{"id", "29:bob"}, {"name", "Bob"}, {"aadObjectId", kBobAtEntra}})},
         {"recipient", doc::object({{"id", std::string("28:") + kApp}})},
         {"conversation",
          doc::object({{"id", "a:chat"}, {"conversationType", "personal"}, {"tenantId", kTenant}})},
         {"channelData", doc::object({{"tenant", doc::object({{"id", kTenant}})}})}});
  }
  static doc::Value click(const std::string& id, const std::string& verb, doc::Value data) {
    doc::Value out = activity("invoke", id);
    out.set("name", "adaptiveCard/action");
    out.set("value", doc::object({{"action", doc::object({{"type", "Action.Execute"},
                                                          {"verb", verb},
                                                          {"data", std::move(data)}})}}));
    return out;
  }
  net::HttpResponse send(const doc::Value& activity, const std::string& bearer) {
    net::HttpRequest request;
    request.method = "POST";
    request.path = "/teams/messages";
    if (!bearer.empty()) request.headers.set("Authorization", "Bearer " + bearer);
    request.body = doc::write_json(activity);
    return bench.run(teams->answer(std::move(request)));
  }
  net::HttpResponse send(const doc::Value& activity) {
    return send(activity, token(R"({"alg":"RS256","kid":"k1"})", claims()));
  }
  // ---- what was sent to Teams
  const net::ClientRequest& last(const std::string& method) {
    for (auto one = requests.rbegin(); one != requests.rend(); ++one) {
      if (one->method == method && one->url.contains("/v3/")) return *one;
    }
    FAIL("no " << method);
    return requests.front();
  }
  std::size_t count(const std::string& method, const std::string& part) {
    std::size_t out = 0;
    for (const net::ClientRequest& one : requests)
      out += one.method == method && one.url.contains(part) ? 1 : 0;
    return out;
  }
};

}  // namespace keyturn::channels::teams::testing
