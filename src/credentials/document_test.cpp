#include "credentials/document.h"

#include <doctest/doctest.h>

using namespace keyturn;
using namespace keyturn::credentials;

namespace {

constexpr std::string_view kHead = "apiVersion: keyturn/v1\nkind: Credentials\n";

constexpr std::string_view kAll = R"(apiVersion: keyturn/v1
kind: Credentials
credentials:
  api-key: {static: {value: {secret: "env:API_KEY"}}}
  status-page: {http_header: {header: Authorization, prefix: "Bearer ", value: {secret: "env:STATUS"}}}
  orders-write:
    lifetime: 5m
    postgres_role:
      dsn: host=db dbname=orders user=keyturn_admin
      password: {secret: "file:/etc/keyturn/admin.pw"}
      grants: ["GRANT SELECT, UPDATE ON orders TO {{role}}"]
      owner: orders_owner
      connections: 1
  deploy:
    ssh_certificate:
      ca_key: {secret: "file:/etc/keyturn/ca"}
      principals: [deploy]
      force_command: /usr/local/bin/restart web
      source_address: 10.0.0.0/8
      extensions: [permit-pty]
  crm:
    oauth_client_credentials: {token_url: "https://id.example/token", client_id: keyturn, client_secret: {secret: "env:CRM"}, scope: write}
  behalf:
    token_exchange: {token_url: "https://id.example/token", subject_token: {secret: "env:SUBJECT"}, audience: crm}
  scaler:
    kubernetes_token: {server: "https://k8s.example", token: {secret: "env:K8S"}, namespace: web, service_account: scaler, revocable: true}
  bucket:
    lifetime: 15m
    aws_sts:
      region: eu-central-1
      access_key_id: {secret: "env:AWS_ID"}
      secret_access_key: {secret: "env:AWS_KEY"}
      role_arn: arn:aws:iam::123456789012:role/ops
      policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: "*"}]}
  leased:
    vault: {address: "https://vault.example:8200", token: {secret: "env:VAULT"}, path: database/creds/readonly}
)";

// "LINE CODE PLACE" of every problem, in order; the place below the entry.
std::vector<std::string> wrong(const std::string& text) {
  doc::Problems problems;
  const bool loaded = load(text, problems).has_value();
  CHECK(loaded == !doc::has_errors(problems));
  std::vector<std::string> out;
  for (const doc::Problem& one : problems) {
    const std::string place =
        one.pointer.substr(one.pointer.starts_with("/credentials/one") ? 16 : 0);
    out.push_back(std::to_string(one.position.line) + " " + one.code + " " + place);
  }
  return out;
}

std::vector<std::string> wrong_with(const std::string& entry) {
  return wrong(std::string(kHead) + "credentials:\n  one: " + entry + "\n");
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("every provider is read, and says its fields") {
  doc::Problems problems;
  const auto document = load(kAll, problems);
  for (const auto& problem : problems) MESSAGE(doc::to_text(problem, "credentials.yaml"));
  REQUIRE(document);
  CHECK(document->credentials.size() == 9);
  CHECK(document->digest.starts_with("sha256:"));
  const Credential* orders = document->find("orders-write");
  REQUIRE(orders != nullptr);
  CHECK(provider_name(*orders) == "postgres_role");
  CHECK(orders->lifetime == std::chrono::minutes(5));
  CHECK(std::get<PostgresRole>(orders->provider).owner == "orders_owner");
  CHECK(fields_of(*orders) == Words{"password", "user"});
  CHECK(fields_of(*document->find("deploy")) == Words{"certificate", "private_key"});
  CHECK(fields_of(*document->find("leased")) == Words{"password", "username"});
  CHECK(std::get<AwsSts>(document->find("bucket")->provider).endpoint ==
        "https://sts.eu-central-1.amazonaws.com/");
}

TEST_CASE("a tool can only use what is there") {
  doc::Problems problems;
  const auto document = load(kAll, problems);
  REQUIRE(document);
  CHECK(document->check_use("deploy", "private_key"));
  CHECK(document->check_use("deploy", ""));
  CHECK(document->check_use("deploy", "password").error().code == "unknown_field");
  CHECK(document->check_use("nobody", "").error().code == "unknown_credential");
}

TEST_CASE("a credential that is bound to a place is sent there, and handed to nobody") {
  const auto given = [](const std::string& only_to) {
    doc::Problems problems;
    auto document =
        load(std::string(kHead) + "credentials:\n  one:\n    only_to: " + only_to +
                 "\n    http_header: {header: X-Key, prefix: 'k ', value: {secret: 'env:A'}}\n",
             problems);
    for (const auto& problem : problems) FAIL(doc::to_text(problem, "credentials.yaml"));
    return std::move(*document);
  };
  const Document below = given("['https://a.example/v1/', 'https://b.example/one']");
  const auto code = [&](std::string_view url) {
    const Result<void> good = below.check_use("one", "", url);
    return good ? "" : good.error().code;
  };
  CHECK(code("https://a.example/v1/x/y").empty());
  CHECK(code("https://b.example/one").empty());
  for (const std::string_view url :
       {"", "https://a.example/v1", "https://a.example/v2/", "https://a.example.evil/v1/",
        "https://a.example:8443/v1/", "http://a.example/v1/", "https://b.example/one/two",
        "https://b.example/once", "https://A.example/v1/x"}) {
    CAPTURE(url);
    CHECK(code(url) == "not_sent_there");
  }
  CHECK(is_within({"https://a.example/v1/"}, "https://a.example/v1/x?next=https://b.example/"));
  CHECK_FALSE(is_within({"https://a.example/v1/"}, "https://b.example/?https://a.example/v1/"));
  CHECK_FALSE(is_within({}, "https://a.example/"));
}

TEST_CASE("only one field of a credential stands in a header") {
  doc::Problems problems;
  const auto document = load(kAll, problems);
  REQUIRE(document);
  CHECK(document->check_use("orders-write", "", "https://a.example/").error().code ==
        "unknown_field");
  CHECK(document->check_use("deploy", "", "https://a.example/").error().code == "unknown_field");
  CHECK(document->check_use("leased", "password", "https://a.example/"));
}

TEST_CASE("the document without credentials is one") {
  doc::Problems problems;
  const auto document = load(kNone, problems);
  REQUIRE(document);
  CHECK(document->empty());
  CHECK(problems.empty());
}

TEST_CASE("what is wrong is told where it stands") {
  CHECK(wrong("kind: Credentials\n") == Words{"1 missing_field "});
  CHECK(wrong_with("{}") == Words{"4 missing_field "});
  CHECK(wrong_with("{static: {value: hunter2}}") == Words{"4 literal_secret /static/value"});
  CHECK(wrong_with("{static: {value: {secret: 'env:A'}}, vault: {}}") ==
        Words{"4 conflict /vault"});
  CHECK(wrong_with("{static: {valu: {secret: 'env:A'}}}").size() == 2);
  for (const std::string only_to : {"[]", "['http://a.example/']", "['https://a.example']",
                                    "['https://a.example/?x']", "['https://u@a.example/']"}) {
    CAPTURE(only_to);
    CHECK(wrong_with("{only_to: " + only_to + ", static: {value: {secret: 'env:A'}}}").size() == 1);
  }
  CHECK(wrong_with("{lifetime: 13h, static: {value: {secret: 'env:A'}}}") ==
        Words{"4 out_of_range /lifetime"});
  CHECK(
      wrong_with("{lifetime: 5m, kubernetes_token: {server: 'https://k', token: {secret: 'env:A'}, "
                 "namespace: a, service_account: b}}") == Words{"4 out_of_range /lifetime"});
}

TEST_CASE("a role's dsn holds no password, and every grant names the role") {
  const auto role = [](const std::string& dsn, const std::string& grants) {
    return wrong_with("{postgres_role: {dsn: '" + dsn + "', grants: " + grants + "}}");
  };
  CHECK(role("host=db user=a", "['GRANT a TO {{role}}']").empty());
  CHECK(role("host=db password=x", "['GRANT a TO {{role}}']") ==
        Words{"4 literal_secret /postgres_role/dsn"});
  CHECK(role("host=db", "[]") == Words{"4 out_of_range /postgres_role/grants"});
  CHECK(role("host=db", "['GRANT a TO b']") == Words{"4 invalid_template /postgres_role/grants"});
  CHECK(role("host=db", "['GRANT {{what}} TO {{role}}']") ==
        Words{"4 invalid_template /postgres_role/grants"});
}

TEST_CASE("a certificate without principals would be good for every account") {
  CHECK(wrong_with("{ssh_certificate: {ca_key: {secret: 'env:A'}, principals: []}}") ==
        Words{"4 missing_field /ssh_certificate/principals"});
  CHECK(wrong_with("{ssh_certificate: {ca_key: {secret: 'env:A'}, principals: ['a,b']}}") ==
        Words{"4 missing_field /ssh_certificate/principals"});
  CHECK(wrong_with("{ssh_certificate: {ca_key: {secret: 'env:A'}, principals: [a], extensions: "
                   "[permit-root]}}") == Words{"4 unknown_choice /ssh_certificate/extensions"});
}

TEST_CASE("a session of a role needs a session policy, and secrets go over TLS") {
  CHECK(wrong_with("{lifetime: 15m, aws_sts: {region: a, access_key_id: {secret: 'env:A'}, "
                   "secret_access_key: {secret: 'env:B'}, role_arn: x}}")
            .size() == 1);
  CHECK(wrong_with("{vault: {address: 'http://vault.example', token: {secret: 'env:A'}, path: "
                   "a/b}}") == Words{"4 bad_url /vault/address"});
  CHECK(wrong_with("{vault: {address: 'http://127.0.0.1:1', token: {secret: 'env:A'}, path: "
                   "/v1/a}}") == Words{"4 invalid_path /vault/path"});
}
