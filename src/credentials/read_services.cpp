// Providers that are asked over HTTP.
#include <algorithm>

#include "base/ascii.h"
#include "credentials/reader.h"

namespace keyturn::credentials {
namespace {

constexpr std::string_view kAccessToken = "urn:ietf:params:oauth:token-type:access_token";

TokenEndpoint read_endpoint(doc::ObjectReader& in, bool client_needed, doc::Problems& problems) {
  TokenEndpoint out;
  out.url = require_url(in, "token_url");
  out.ca_file = read_ca_file(in);
  out.client_id = client_needed ? require_line(in, "client_id") : read_line(in, "client_id");
  if (client_needed)
    out.client_secret = require_secret(in, "client_secret", problems);
  else
    out.client_secret = read_secret(in, "client_secret", problems);
  if (out.client_secret && out.client_id.empty() && !client_needed)
    in.problem("missing_field", "client_secret goes with a client_id", "client_secret");
  const auto method = in.string("client_authentication");
  out.secret_in_body = method == "body";
  if (method && *method != "body" && *method != "basic")
    in.problem("unknown_choice", "client_authentication is basic (the default) or body",
               "client_authentication");
  out.revocation_url = read_url(in, "revocation_url");
  out.scope = read_line(in, "scope");
  out.audience = read_line(in, "audience");
  out.resource = read_line(in, "resource");
  return out;
}

bool is_kubernetes_name(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [](char c) {
    return is_lower(c) || is_digit(c) || c == '-' || c == '.';
  });
}

std::string require_kubernetes_name(doc::ObjectReader& in, std::string_view key) {
  std::string name = require_line(in, key);
  if (!name.empty() && !is_kubernetes_name(name))
    in.problem("invalid_name", std::string(key) + " is lower case letters, digits, \"-\" and \".\"",
               key);
  return name;
}

}  // namespace

OauthClientCredentials read_oauth(doc::ObjectReader& in, doc::Problems& problems) {
  return {read_endpoint(in, true, problems)};
}

TokenExchange read_token_exchange(doc::ObjectReader& in, doc::Problems& problems) {
  TokenExchange out;
  out.endpoint = read_endpoint(in, false, problems);
  out.subject_token = require_secret(in, "subject_token", problems);
  out.subject_token_type = in.string("subject_token_type").value_or(std::string(kAccessToken));
  out.actor_token = read_secret(in, "actor_token", problems);
  if (out.actor_token)
    out.actor_token_type = in.string("actor_token_type").value_or(std::string(kAccessToken));
  out.requested_token_type = read_line(in, "requested_token_type");
  return out;
}

KubernetesToken read_kubernetes(doc::ObjectReader& in, doc::Problems& problems) {
  KubernetesToken out;
  out.server = require_url(in, "server");
  out.ca_file = read_ca_file(in);
  out.token = require_secret(in, "token", problems);
  out.name_space = require_kubernetes_name(in, "namespace");
  out.service_account = require_kubernetes_name(in, "service_account");
  out.audiences = in.strings("audiences").value_or(std::vector<std::string>{});
  out.revocable = in.boolean("revocable").value_or(false);
  return out;
}

AwsSts read_aws_sts(doc::ObjectReader& in, doc::Problems& problems) {
  AwsSts out;
  out.region = require_line(in, "region");
  const bool named = std::ranges::all_of(
      out.region, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
  if (!named) in.problem("invalid_name", "region is a name such as eu-central-1", "region");
  out.endpoint = read_url(in, "endpoint");
  if (out.endpoint.empty()) out.endpoint = "https://sts." + out.region + ".amazonaws.com/";
  out.ca_file = read_ca_file(in);
  out.access_key_id = require_secret(in, "access_key_id", problems);
  out.secret_access_key = require_secret(in, "secret_access_key", problems);
  out.session_token = read_secret(in, "session_token", problems);
  out.role_arn = require_line(in, "role_arn");
  out.external_id = read_line(in, "external_id");
  out.policy_arns = in.strings("policy_arns").value_or(std::vector<std::string>{});
  if (const doc::Value* policy = in.object("policy")) out.policy = *policy;
  if (!out.policy && out.policy_arns.empty())
    in.problem("missing_field",
               "needs a session policy (policy: {Version: …, Statement: […]}, or policy_arns): "
               "without one the session could do all that the role may");
  return out;
}

VaultSecret read_vault(doc::ObjectReader& in, doc::Problems& problems) {
  VaultSecret out;
  out.address = require_url(in, "address");
  out.ca_file = read_ca_file(in);
  out.token = require_secret(in, "token", problems);
  out.name_space = read_line(in, "namespace");
  out.path = require_line(in, "path");
  const auto odd = [](char c) { return c <= 0x20 || c == '?' || c == '#' || c == '%'; };
  if (out.path.starts_with("/") || out.path.starts_with("v1/") ||
      out.path.find("..") != std::string::npos || std::ranges::any_of(out.path, odd))
    in.problem("invalid_path", "path is that of a dynamic secret, such as database/creds/readonly",
               "path");
  out.fields = in.strings("fields").value_or(std::vector<std::string>{"username", "password"});
  if (out.fields.empty()) in.problem("missing_field", "fields cannot be empty", "fields");
  return out;
}

}  // namespace keyturn::credentials
