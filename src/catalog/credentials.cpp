#include "catalog/credentials.h"

#include <set>

#include "catalog/http_call.h"
#include "catalog/upstream.h"
#include "secrets/reference.h"

namespace keyturn::catalog {

std::vector<std::string> credentials_of(const Tool& tool) {
  std::set<std::string> names;
  for (const auto& [variable, secret] : tool.secret_env)
    names.insert(secrets::to_text(secret.reference));
  if (tool.upstream) {
    for (const auto& [variable, secret] : tool.upstream->secret_env)
      names.insert(secrets::to_text(secret.reference));
    for (const UpstreamHeader& header : tool.upstream->headers) {
      if (header.secret) names.insert(secrets::to_text(header.secret->reference));
    }
  }
  if (tool.http) {
    for (const HttpHeaderField& header : tool.http->headers) {
      if (header.secret) names.insert(secrets::to_text(header.secret->reference));
    }
  }
  if (tool.password) names.insert(secrets::to_text(tool.password->reference));
  for (const CredentialUse& use : credential_uses(tool)) names.insert("credential:" + use.name);
  return {names.begin(), names.end()};
}

namespace {

void add_http_uses(const Tool& tool, std::vector<CredentialUse>& out) {
  const std::string prefix = fixed_prefix(*tool.http);
  const std::string_view word = tool.http->written_as;
  const std::string place = "/" + std::string(word);
  if (!tool.credential.empty())
    out.push_back({tool.credential, "", place + "/credential", tool.credential_position, prefix});
  for (const HttpHeaderField& header : tool.http->headers) {
    if (!header.credential) continue;
    out.push_back({header.credential->name, header.credential->field,
                   place + "/headers/" + doc::pointer_escape(header.name),
                   header.credential->position, prefix});
  }
}

}  // namespace

std::vector<CredentialUse> credential_uses(const Tool& tool) {
  std::vector<CredentialUse> out;
  if (tool.http)
    add_http_uses(tool, out);
  else if (!tool.credential.empty())
    out.push_back({tool.credential, "password", "/sql/credential", tool.credential_position, ""});
  for (const auto& [variable, from] : tool.credential_env)
    out.push_back(
        {from.name, from.field, "/env/" + doc::pointer_escape(variable), from.position, ""});
  return out;
}

}  // namespace keyturn::catalog
