// AssumeRole of AWS STS with a session policy (AWS STS API Reference, 2011-06-15).
#include <algorithm>

#include "credentials/http_call.h"
#include "credentials/provider.h"
#include "credentials/sigv4.h"
#include "doc/json.h"
#include "net/url.h"

namespace keyturn::credentials {
namespace {

constexpr std::string_view kSts = "AWS STS";
constexpr std::chrono::seconds kSessionLeast{900};

// What stands between <NAME> and </NAME>. STS writes these values without entities or attributes.
Result<std::string> element(const std::string& xml, const std::string& name) {
  const std::string open = "<" + name + ">";
  const std::size_t begin = xml.find(open);
  const std::size_t end = xml.find("</" + name + ">");
  const auto missing = [&] {
    return refuse("credential_unreadable", std::string(kSts) + " answered without " + name);
  };
  if (begin == std::string::npos || end == std::string::npos || end <= begin + open.size())
    return missing();
  std::string out = xml.substr(begin + open.size(), end - begin - open.size());
  if (out.find_first_of("<>& \r\n\t") != std::string::npos) return missing();
  return out;
}

Pairs parameters(const AwsSts& sts, const Issuance& issuance) {
  const auto lasts =
      std::max(kSessionLeast,
               std::chrono::duration_cast<std::chrono::seconds>(issuance.until - issuance.now));
  Pairs out{{"Action", "AssumeRole"},
            {"Version", "2011-06-15"},
            {"RoleArn", sts.role_arn},
            {"RoleSessionName", issuance.name},
            {"DurationSeconds", std::to_string(lasts.count())}};
  if (sts.policy) out.emplace_back("Policy", doc::write_json(*sts.policy));
  for (std::size_t i = 0; i < sts.policy_arns.size(); ++i)
    out.emplace_back("PolicyArns.member." + std::to_string(i + 1) + ".arn", sts.policy_arns[i]);
  if (!sts.external_id.empty()) out.emplace_back("ExternalId", sts.external_id);
  return out;
}

Result<net::ClientRequest> request_to(const AwsSts& sts, const Issuance& issuance) {
  const auto id = fetch(sts.access_key_id, "the access key's id");
  const auto key = fetch(sts.secret_access_key, "the secret access key");
  if (!id || !key) return std::unexpected(id ? key.error() : id.error());
  const auto address = net::parse_service_url(sts.endpoint);
  if (!address) return std::unexpected(address.error());
  aws::SignedRequest signing{
      .method = "POST",
      .path = address->path,
      .headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
                  {"Host", address->authority()},
                  {"X-Amz-Date", aws::amz_date(issuance.now)}},
      .body = form(parameters(sts, issuance))};
  if (sts.session_token) {
    const auto token = fetch(*sts.session_token, "the session token");
    if (!token) return std::unexpected(token.error());
    signing.headers.emplace_back("X-Amz-Security-Token", token->reveal());
  }
  net::ClientRequest request;
  request.method = "POST";
  request.url = sts.endpoint;
  request.ca_file = sts.ca_file;
  for (const auto& [name, value] : signing.headers) request.headers.set(name, value);
  request.headers.set("Authorization",
                      aws::authorization(signing,
                                         {.access_key_id = std::string(id->reveal()),
                                          .secret_access_key = *key,
                                          .region = sts.region,
                                          .service = "sts"},
                                         issuance.now));
  request.body = std::move(signing.body);
  return request;
}

}  // namespace

Given issue(const AwsSts& sts, const Issuance& issuance) {
  auto request = request_to(sts, issuance);
  if (!request) return std::unexpected(request.error());
  const auto answer = call(std::move(*request), kSts);
  if (!answer) return std::unexpected(answer.error());
  Issued out;
  for (const auto& [field, name] : {std::pair{"access_key_id", "AccessKeyId"},
                                    std::pair{"secret_access_key", "SecretAccessKey"},
                                    std::pair{"session_token", "SessionToken"}}) {
    auto value = element(answer->body, name);
    if (!value) return std::unexpected(value.error());
    out.fields.emplace(field, Secret(std::move(*value)));
  }
  const auto expiration = element(answer->body, "Expiration");
  const auto until = expiration ? from_rfc3339(*expiration) : std::nullopt;
  if (!until)
    return refuse("credential_unreadable", std::string(kSts) + " answered without an Expiration");
  out.expires_at = *until;
  out.shown = doc::object({{"role_arn", sts.role_arn},
                           {"session_name", issuance.name},
                           {"access_key_id", out.field("access_key_id")->reveal()}});
  return out;
}

}  // namespace keyturn::credentials
