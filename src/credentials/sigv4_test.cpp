// AWS's own vectors: aws-sig-v4-test-suite, of 2015-08-30.
#include "credentials/sigv4.h"

#include <doctest/doctest.h>

using namespace keyturn;
using namespace keyturn::credentials::aws;

namespace {

const Signing kSigning{.access_key_id = "AKIDEXAMPLE",
                       .secret_access_key = Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
                       .region = "us-east-1",
                       .service = "service"};
const Time kTime = *from_rfc3339("2015-08-30T12:36:00Z");

std::string signed_by(SignedRequest request, const std::string& names) {
  request.path = "/";
  request.headers.insert(request.headers.begin(), {"Host", "example.amazonaws.com"});
  request.headers.emplace_back("X-Amz-Date", amz_date(kTime));
  const std::string begin =
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
      "SignedHeaders=" +
      names + ", Signature=";
  const std::string got = authorization(request, kSigning, kTime);
  CHECK(got.starts_with(begin));
  return got.substr(begin.size());
}

}  // namespace

TEST_CASE("dates are written as AWS has them") {
  CHECK(amz_date(kTime) == "20150830T123600Z");
}

TEST_CASE("requests are signed as AWS's test suite has them") {
  CHECK(signed_by({.method = "GET"}, "host;x-amz-date") ==
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  CHECK(signed_by({.method = "POST"}, "host;x-amz-date") ==
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
  CHECK(signed_by({.method = "GET", .query = {{"Param2", "value2"}, {"Param1", "value1"}}},
                  "host;x-amz-date") ==
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
  CHECK(signed_by({.method = "GET",
                   .headers = {{"My-Header1", "value2"},
                               {"My-Header1", "value2"},
                               {"My-Header1", "value1"}}},
                  "host;my-header1;x-amz-date") ==
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea");
  CHECK(signed_by({.method = "GET",
                   .headers = {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}}},
                  "host;my-header1;my-header2;x-amz-date") ==
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
  CHECK(signed_by({.method = "POST",
                   .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                   .body = "Param1=value1"},
                  "content-type;host;x-amz-date") ==
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
}

TEST_CASE("a request signed with a session's token is as AWS's test suite has it") {
  CHECK(signed_by(
            {.method = "POST",
             .headers =
                 {{"X-Amz-Security-Token",
                   "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqw"
                   "AeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE"
                   "8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0r"
                   "KwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlT"
                   "JabIQwj2ICCR/oLxBA=="}}},
            "host;x-amz-date;x-amz-security-token") ==
        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
}
