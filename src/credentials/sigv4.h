// AWS Signature Version 4, with the Authorization header. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "base/time.h"

namespace keyturn::credentials::aws {

struct Signing {
  std::string access_key_id;
  Secret secret_access_key;
  std::string region, service;
};

struct SignedRequest {
  std::string method, path;                                // path: percent-encoded, begins with "/"
  std::vector<std::pair<std::string, std::string>> query;  // decoded
  std::vector<std::pair<std::string, std::string>> headers;  // all that are signed, Host too
  std::string body;
};

std::string amz_date(Time time);  // "20150830T123600Z": what the header X-Amz-Date says

// The value of the header Authorization. `headers` must have Host and X-Amz-Date, of `time`.
std::string authorization(const SignedRequest& request, const Signing& signing, Time time);

}  // namespace keyturn::credentials::aws
