#include "catalog/credentials.h"

#include <set>

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
  if (tool.password) names.insert(secrets::to_text(tool.password->reference));
  return {names.begin(), names.end()};
}

}  // namespace keyturn::catalog
