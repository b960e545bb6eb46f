// Discovery: what an issuer says of itself.
#include <algorithm>

#include "doc/json.h"
#include "identity/provider.h"

namespace keyturn::identity {
namespace {

std::unexpected<Refusal> bad(const std::string& issuer, std::string why) {
  return refuse("invalid_metadata", issuer + "/.well-known/openid-configuration " + std::move(why));
}

bool names(const doc::Value& tree, std::string_view key, std::string_view wanted, bool otherwise) {
  const doc::Value* list = tree.find(key);
  if (list == nullptr || !list->is_array()) return otherwise;
  return std::ranges::any_of(list->as_array(), [&](const doc::Value& one) {
    return one.is_string() && one.as_string() == wanted;
  });
}

}  // namespace

Result<Metadata> parse_metadata(std::string_view json, const std::string& issuer) {
  const Result<doc::Value> tree = doc::parse_json(json);
  if (!tree || !tree->is_object()) return bad(issuer, "is no JSON object");
  Metadata out;
  out.issuer = tree->text("issuer");
  if (out.issuer != issuer)
    return bad(issuer, "says that its issuer is another; identity.yaml must have exactly that");
  out.authorization = tree->text("authorization_endpoint");
  out.token = tree->text("token_endpoint");
  out.jwks = tree->text("jwks_uri");
  out.userinfo = tree->text("userinfo_endpoint");
  out.end_session = tree->text("end_session_endpoint");
  out.device = tree->text("device_authorization_endpoint");
  // Only the keys are needed of an issuer of agents' tokens.
  if (out.jwks.empty()) return bad(issuer, "names no jwks_uri");
  for (const std::string* url :
       {&out.authorization, &out.token, &out.jwks, &out.userinfo, &out.end_session, &out.device}) {
    if (!url->empty() && !trust::is_safe_url(*url))
      return bad(issuer, "names an address that is not https: " + *url);
  }
  if (issuer.starts_with("https://") &&
      std::ranges::any_of(std::initializer_list<std::string>{out.token, out.jwks, out.userinfo},
                          [](const std::string& url) { return url.starts_with("http://"); }))
    return bad(issuer, "names an address that is not https");
  out.basic_secret =
      names(*tree, "token_endpoint_auth_methods_supported", "client_secret_basic", true);
  out.issuer_in_answer = tree->flag("authorization_response_iss_parameter_supported");
  return out;
}

}  // namespace keyturn::identity
