#include "secrets/detect.h"

#include <doctest/doctest.h>

#include "doc/json.h"

namespace keyturn::secrets {
namespace {

TEST_CASE("literal credentials are recognised") {
  const CredentialDetector detector;
  struct Row {
    std::string text;
    std::string_view kind;
  };
  // Put together from pieces, so that no scanner takes this file for a leak.
  const std::string word(36, 'a');
  const Row rows[] = {
      {"-----BEGIN "
       "RSA PRIVATE KEY-----\nMIIE",
       "a private key"},
      {"-----BEGIN "
       "OPENSSH PRIVATE KEY-----",
       "a private key"},
      {"key AK"
       "IAIOSFODNN7EXAMPLE here",
       "an AWS access key"},
      {"aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "an AWS secret key"},
      {"gh"
       "p_" +
           word,
       "a GitHub token"},
      {"github"
       "_pat_" +
           word,
       "a GitHub token"},
      {"gl"
       "pat-" +
           word,
       "a GitLab token"},
      {"xo"
       "xb-" +
           word,
       "a Slack token"},
      {"sk"
       "_live_" +
           word,
       "a Stripe key"},
      {"AI"
       "za" +
           std::string(35, 'b'),
       "a Google API key"},
      {"sk-"
       "proj-" +
           word,
       "an API key"},
      {"ey"
       "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijkl",
       "a JSON Web Token"},
      {"postgres://bob:hunter2@db/orders", "a URL with a password"},
      {"https://x:hunter2@example.com", "a URL with a password"},
      {"Authorization: Bearer abcdefgh12345", "an Authorization header"},
      {R"("authorization": "Basic dXNlcjpwYXNz")", "an Authorization header"},
      {"host=db user=bob password=hunter2", "a password"},
      {"PGPASSWORD=hunter2 psql", "a password"},
      {"https://a/?api_key=abcdef123", "a password"},
      {"UPDATE users SET password = 'hunter2'", "a password"},
      {"ALTER ROLE bob PASSWORD 'hunter2'", "a password"},
      {"mysql --password hunter2", "a password"},
      {R"({"client_secret": "abcdef"})", "a password"},
      {R"(client_secret: {secret: "env:hunter2 and more"})", "a password"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto found = detector.find(row.text);
    REQUIRE(found);
    CHECK(found->kind == row.kind);
  }
}

TEST_CASE("ordinary arguments and placeholders pass") {
  const CredentialDetector detector;
  static constexpr std::string_view kTexts[] = {
      "",
      "DROP TABLE orders_2019",
      "SELECT password FROM users WHERE token = $1",
      "SELECT * FROM users WHERE token = sessions.token",
      "UPDATE users SET password = crypt($1, gen_salt('bf'))",
      "UPDATE users SET password='{{password}}'",
      "password=$PASSWORD",
      "password=<password>",
      "password=********",
      R"(client_secret: {secret: "env:OKTA_SECRET"})",
      R"(password: {secret: "file:/etc/keyturn/orders.pw"})",
      "password=NULL",
      "postgres://bob:$PW@db/orders",
      "postgres://bob:****@db/orders",
      "postgres://bob@db/orders",
      "https://example.com:8080/a@b",
      "restart web-1 --token-file /run/token",
      "reset the password of bob",
      "-----BEGIN PUBLIC KEY-----",
      "-----BEGIN CERTIFICATE-----",
      "task-management-system-with-a-long-name-in-it",
      "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
      "\xff\xfe\x00 bytes",
  };
  for (const std::string_view text : kTexts) {
    CAPTURE(text);
    CHECK_FALSE(detector.find(text));
  }
}

TEST_CASE("arguments are refused with the place and advice, and without the credential") {
  const CredentialDetector detector;
  struct Row {
    std::string_view args;
    std::string_view where;  // "": passes
  };
  static constexpr Row kRows[] = {
      {R"({"sql":"ALTER ROLE bob PASSWORD 'hunter2'"})", "/args/sql"},
      {R"({"argv":["a","password=hunter2"]})", "/args/argv/1"},
      {R"({"env":{"a/b":"password=hunter2"}})", "/args/env/a~1b"},
      {R"({"password":"hunter2"})", "/args/password"},
      {R"({"db":{"Client-Secret":"hunter2"}})", "/args/db/Client-Secret"},
      {R"({"password=hunter2":1})", "/args"},
      {R"({"hidden":"password=hunter2"})", ""},
      {R"({"password":"{{pw}}"})", ""},
      {R"({"token":"next-page-17","secret":"tls-cert","n":1,"b":null})", ""},
  };
  for (const Row& row : kRows) {
    CAPTURE(row.args);
    const auto ok = detector.check_args(*doc::parse_json(row.args), {"hidden"});
    CHECK(ok.has_value() == row.where.empty());
    if (ok) continue;
    CHECK(ok.error().code == "literal_credential");
    CHECK(ok.error().where == row.where);
    CHECK(ok.error().message.contains("secret reference"));
    CHECK_FALSE(ok.error().message.contains("hunter2"));
  }
}

TEST_CASE("a free text is refused with its place and what it is, and without the credential") {
  const CredentialDetector detector;
  const std::string token =
      "gh"
      "p_" +
      std::string(36, 'a');
  const Result<void> ok = detector.check_text("try " + token, "the comment", "/text");
  REQUIRE_FALSE(ok.has_value());
  CHECK(ok.error().code == "literal_credential");
  CHECK(ok.error().where == "/text");
  CHECK(ok.error().message.starts_with("the comment holds what looks like a GitHub token"));
  CHECK_FALSE(ok.error().message.contains("aaaa"));
  CHECK(detector.check_text("the token is in the vault", "the comment", "/text").has_value());
}

TEST_CASE("redacting takes out the credential and leaves the rest") {
  const CredentialDetector detector;
  const std::string word(36, 'a');
  const struct {
    std::string before, after;
  } rows[] = {
      {"nothing to see", "nothing to see"},
      {"", ""},
      {"gh"
       "p_" +
           word +
           " and gl"
           "pat-" +
           word + ".",
       "[redacted: a GitHub token] and [redacted: a GitLab token]."},
      {"postgres://bob:hunter2@db/orders",
       "postgres://bob:[redacted: a URL with a password]@db/orders"},
      {"mysql -psecret --password hunter22 -e x",
       "mysql -psecret --password [redacted: a password] -e x"},
      {"password=$1 password=hunter2", "password=$1 password=[redacted: a password]"},
      {"a\n-----BEGIN "
       "EC PRIVATE KEY-----\nMHcC\nAQEE\n-----END EC PRIVATE KEY-----\nb",
       "a\n[redacted: a private key]\nb"},
      {"-----BEGIN "
       "PRIVATE KEY-----\nMIIEv and whatever follows",
       "[redacted: a private key]"},
      {"token=ey"
       "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijkl;",
       "token=[redacted: a JSON Web Token];"},
  };
  for (const auto& row : rows) {
    CHECK(detector.redact(row.before) == row.after);
    CHECK_FALSE(detector.find(detector.redact(row.before)).has_value());
  }
}

TEST_CASE("redacting reaches every string, every key and every member of a telling name") {
  const CredentialDetector detector;
  const std::string a = "gh"
                        "p_" +
                        std::string(36, 'a'),
                    b = "gh"
                        "p_" +
                        std::string(36, 'b');
  Result<doc::Value> value =
      doc::parse_json(R"({"log": ["ok", "used )" + a +
                      R"("], "password": "hunter2", "apiKey": 1234567, "token": "page-2",)"
                      R"( "pwd": "$PWD", "passphrase": null, "by": {")" +
                      a + R"(": 1, ")" + b + R"(": 2}, "n": 3})");
  REQUIRE(value.has_value());
  detector.redact(*value);
  CHECK(doc::write_json(*value) ==
        R"({"log":["ok","used [redacted: a GitHub token]"],"password":"[redacted: a credential]",)"
        R"("apiKey":"[redacted: a credential]","token":"page-2","pwd":"$PWD","passphrase":null,)"
        R"("by":{"[redacted: a GitHub token]":1,"[redacted: a GitHub token] 2":2},"n":3})");
}

}  // namespace
}  // namespace keyturn::secrets
