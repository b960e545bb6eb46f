#include "credentials/http_call.h"

#include <algorithm>
#include <array>

#include "base/percent.h"
#include "credentials/reader.h"
#include "doc/json.h"

namespace keyturn::credentials {
namespace {

constexpr Duration kTimeout = std::chrono::seconds(20);
constexpr std::size_t kBodyMax = 1 << 20;
constexpr std::array kErrorWords = std::to_array<std::string_view>(
    {// OAuth: RFC 6749 §4.1.2.1 and §5.2, RFC 7009 §2.2.1, RFC 8707 §2
     "access_denied", "invalid_client", "invalid_grant", "invalid_request", "invalid_scope",
     "invalid_target", "server_error", "temporarily_unavailable", "unauthorized_client",
     "unsupported_grant_type", "unsupported_token_type",
     // Kubernetes: StatusReason of meta/v1
     "AlreadyExists", "BadRequest", "Conflict", "Expired", "Forbidden", "Gone", "InternalError",
     "Invalid", "MethodNotAllowed", "NotAcceptable", "NotFound", "RequestEntityTooLarge",
     "ServerTimeout", "ServiceUnavailable", "Timeout", "TooManyRequests", "Unauthorized",
     "UnsupportedMediaType",
     // STS: the errors of AssumeRole, and those that are common to AWS
     "AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException",
     "IncompleteSignature", "InternalFailure", "InvalidAction", "InvalidClientTokenId",
     "InvalidParameterValue", "MalformedPolicyDocument", "MissingAction",
     "MissingAuthenticationToken", "MissingParameter", "NotAuthorized", "OptInRequired",
     "PackedPolicyTooLarge", "RegionDisabledException", "RequestExpired", "SignatureDoesNotMatch",
     "Throttling", "ThrottlingException", "ValidationError"});

// The code of an error, where it is a word that a standard or an API has: any other may be what was
// sent, a secret among it, said again.
bool is_word(std::string_view text) {
  return std::ranges::find(kErrorWords, text) != kErrorWords.end();
}

std::string error_word(const std::string& body) {
  if (const auto tree = doc::parse_json(body); tree && tree->is_object()) {
    for (const std::string_view key : {"error", "reason"}) {
      if (is_word(tree->text(key))) return " (" + std::string(tree->text(key)) + ")";
    }
    return "";
  }
  const std::size_t begin = body.find("<Code>");
  const std::size_t end = body.find("</Code>");
  if (begin == std::string::npos || end == std::string::npos || end < begin) return "";
  const std::string word = body.substr(begin + 6, end - begin - 6);
  return is_word(word) ? " (" + word + ")" : "";
}

}  // namespace

std::string form(const Pairs& pairs) {
  std::string out;
  for (const auto& [name, value] : pairs)
    out += (out.empty() ? "" : "&") + percent_encoded(name) + "=" + percent_encoded(value);
  return out;
}

Result<net::ClientResponse> call(net::ClientRequest request, std::string_view whom) {
  request.timeout = kTimeout;
  request.body_bytes_max = kBodyMax;
  auto response = net::fetch(request);
  if (!response)
    return refuse("cannot_connect", std::string(whom) + ": " + response.error().message);
  if (response->status >= 200 && response->status < 300) return response;
  return refuse("credential_refused", std::string(whom) + " answered " +
                                          std::to_string(response->status) +
                                          error_word(response->body));
}

Result<doc::Value> call_json(net::ClientRequest request, std::string_view whom) {
  request.headers.set("Accept", "application/json");
  auto response = call(std::move(request), whom);
  if (!response) return std::unexpected(response.error());
  auto tree = doc::parse_json(response->body);
  if (!tree || !tree->is_object())
    return refuse("credential_unreadable", std::string(whom) + " answered with no JSON object");
  return tree;
}

Result<std::string> text_of(const doc::Value& answer, std::string_view key, std::string_view whom) {
  const doc::Value* value = answer.find(key);
  if (value == nullptr || !value->is_string() || value->as_string().empty() ||
      !is_line(value->as_string()))
    return refuse("credential_unreadable",
                  std::string(whom) + " answered without " + std::string(key));
  return value->as_string();
}

}  // namespace keyturn::credentials
