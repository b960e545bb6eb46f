#include "cli/record.h"

#include <fmt/format.h>

#include "cli/arguments.h"
#include "net/client.h"

namespace keyturn::cli {
namespace {

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace

ledger::ResourceReader over_http(const std::string& base, const Environment& environment) {
  const bool ours = without_slash(base) == without_slash(environment.url);
  const std::string token = ours ? environment.token : "";
  return [base = without_slash(base), token](const std::string& path) -> Result<std::string> {
    net::ClientRequest request;
    request.url = base + "/" + path;
    if (!token.empty()) request.headers.add("Authorization", "Bearer " + token);
    Result<net::ClientResponse> response = net::fetch(request);
    if (!response) return std::unexpected(response.error());
    if (response->status == 200) return std::move(response->body);
    const bool shut = response->status == 401 || response->status == 403;
    return refuse("unreadable",
                  fmt::format("{}: HTTP {}{}", path, response->status,
                              shut ? ": entries are not public; set KEYTURN_URL and KEYTURN_TOKEN "
                                     "to a person's, or verify an evidence bundle"
                                   : ""));
  };
}

ledger::ResourceReader in_folder(const std::string& folder) {
  return [folder](const std::string& path) { return read_file(folder + "/" + path); };
}

}  // namespace keyturn::cli
