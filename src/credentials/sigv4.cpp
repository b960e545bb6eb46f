#include "credentials/sigv4.h"

#include <algorithm>
#include <map>

#include "base/ascii.h"
#include "base/bytes.h"
#include "base/percent.h"
#include "credentials/http_call.h"
#include "crypto/crypto.h"

namespace keyturn::credentials::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = to_lower(c);
  return out;
}

// Without white space around it, and one space for a run of them.
std::string trimmed(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' && c != '\t')
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string hash(std::string_view bytes) {
  return to_hex(view(crypto::sha256(bytes)));
}

std::string hmac(std::string_view key, std::string_view message) {
  return std::string(view(crypto::hmac_sha256(key, message)));
}

std::string canonical_query(const SignedRequest& request) {
  Pairs encoded;
  for (const auto& [name, value] : request.query)
    encoded.emplace_back(percent_encoded(name), percent_encoded(value));
  std::ranges::sort(encoded);
  std::string out;
  for (const auto& [name, value] : encoded) out += (out.empty() ? "" : "&") + name + "=" + value;
  return out;
}

}  // namespace

std::string amz_date(Time time) {
  std::string out;
  for (const char c : to_rfc3339(time).substr(0, 19)) {
    if (c != '-' && c != ':') out += c;
  }
  return out + "Z";
}

std::string authorization(const SignedRequest& request, const Signing& signing, Time time) {
  std::map<std::string, std::string> headers;  // several of one name are one, in their order
  for (const auto& [name, value] : request.headers) {
    std::string& at = headers[lower(name)];
    at += (at.empty() ? "" : ",") + trimmed(value);
  }
  std::string lines, names;
  for (const auto& [name, value] : headers) {
    lines += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  const std::string canonical = request.method + "\n" + request.path + "\n" +
                                canonical_query(request) + "\n" + lines + "\n" + names + "\n" +
                                hash(request.body);
  const std::string date = amz_date(time);
  const std::string day = date.substr(0, 8);
  const std::string scope = day + "/" + signing.region + "/" + signing.service + "/aws4_request";
  const std::string to_sign =
      std::string(kAlgorithm) + "\n" + date + "\n" + scope + "\n" + hash(canonical);
  std::string key = "AWS4" + std::string(signing.secret_access_key.reveal());
  for (const std::string_view part :
       {std::string_view(day), std::string_view(signing.region), std::string_view(signing.service),
        std::string_view("aws4_request")})
    key = hmac(key, part);
  return std::string(kAlgorithm) + " Credential=" + signing.access_key_id + "/" + scope +
         ", SignedHeaders=" + names + ", Signature=" + to_hex(hmac(key, to_sign));
}

}  // namespace keyturn::credentials::aws
