#include <doctest/doctest.h>

#include <algorithm>

#include "trust/document.h"

using namespace keyturn;
using namespace keyturn::trust;

namespace {

constexpr std::string_view kHead = "apiVersion: keyturn/v1\nkind: Identity\n";

constexpr std::string_view kAll = R"(apiVersion: keyturn/v1
kind: Identity
providers:
  okta:
    kind: okta
    issuer: https://acme.okta.com
    client_id: keyturn
    client_secret: {secret: "env:OKTA_SECRET"}
    people: {create: true}
    device: true
    groups: {map: {"Keyturn DBA": dba}, roles: {Ops: sre}, max_age: 4h}
  entra:
    kind: entra
    issuer: https://login.microsoftonline.com/0f0f0f0f-0000-4000-8000-000000000001/v2.0
    client_id: keyturn
agents:
  github:
    issuer: https://token.actions.githubusercontent.com
    audience: keyturn
    rules:
      - {claims: {sub: "repo:acme/*:ref:refs/heads/main", run_attempt: 1}, agent: deployer}
)";

// "LINE:COLUMN: CODE message" of every problem, in order.
std::vector<std::string> wrong(const std::string& text) {
  doc::Problems problems;
  const bool loaded = load(text, problems).has_value();
  CHECK(loaded == !doc::has_errors(problems));
  std::vector<std::string> out;
  for (const doc::Problem& one : problems)
    out.push_back(std::to_string(one.position.line) + ":" + std::to_string(one.position.column) +
                  ": " + one.code + " " + one.message);
  return out;
}

std::string provider(const std::string& fields) {
  return std::string(kHead) + "providers:\n  okta: {kind: oidc, issuer: https://a.example, " +
         "client_id: k, " + fields + "}\n";
}

std::string agents(const std::string& rules) {
  return std::string(kHead) + "agents:\n  ci: {issuer: https://a.example, audience: k, rules: [" +
         rules + "]}\n";
}

}  // namespace

TEST_CASE("a document says whose word counts, and has a digest of its own") {
  doc::Problems problems;
  const auto document = load(kAll, problems);
  REQUIRE(document);
  CHECK(problems.empty());
  const Provider& okta = document->providers.at("okta");
  CHECK(okta.kind == ProviderKind::kOkta);
  CHECK(okta.client_secret->name == "OKTA_SECRET");
  CHECK(okta.create_people);
  CHECK(okta.device);
  CHECK(okta.groups.map.at("Keyturn DBA") == "dba");
  CHECK(okta.groups.roles.at("Ops") == "sre");
  CHECK(okta.groups.max_age == std::chrono::hours(4));
  CHECK(okta.scopes.back() == "groups");
  CHECK(document->providers.at("entra").graph == "https://graph.microsoft.com");
  CHECK_FALSE(document->providers.at("entra").create_people);
  CHECK(document->agents.at("github").rules.front().agent == "deployer");
  CHECK(document->digest.starts_with("sha256:"));
  const auto nobody = load(kNobody, problems);
  REQUIRE(nobody);
  CHECK(nobody->empty());
  CHECK(nobody->digest != document->digest);
}

TEST_CASE("whatever is wrong is said with its place and what to do") {
  struct Row {
    std::string text, first;  // how the first problem begins
  };
  const std::vector<Row> rows = {
      {"kind: Identity\n", "1:1: missing_field apiVersion must be keyturn/v1"},
      {"apiVersion: keyturn/v1\nkind: Policy\n", "2:7: unknown_version kind must be Identity"},
      {std::string(kHead) + "provider: {}\n",
       "3:1: unknown_field unknown field \"provider\" (did you mean \"providers\"?)"},
      {std::string(kHead) + "providers: {Okta: {}}\n", "3:13: invalid_name \"Okta\" is no name"},
      {provider("client_secret: hunter2"), "4:78: invalid_reference client_secret is a secret"},
      {provider("groups: {map: {A: b c}}"), "4:81: invalid_group \"A\" must be given the name"},
      {provider("groups: {max_age: 30d, map: {A: b}}"), "4:81: out_of_range max_age"},
      {provider("groups: {map: {A: administrators}}"),
       "4:81: invalid_group nobody becomes an administrator by signing in"},
      {provider("groups: {claim: g}"), "4:71: missing_field groups without map or roles"},
      {provider("graph: https://graph.example"), "4:70: out_of_place graph"},
      {provider("scopes: [email]"), "4:71: missing_scope"},
      {std::string(kHead) +
           "providers: {a: {kind: oidc, issuer: http://a.example, client_id: k}}\n",
       "3:37: bad_url issuer"},
      {std::string(kHead) + "providers: {a: {kind: entra, issuer: "
                            "https://login.microsoftonline.com/common/v2.0, client_id: k}}\n",
       "3:38: invalid_issuer an Entra issuer is"},
      {std::string(kHead) +
           "providers:\n  a: {kind: oidc, issuer: https://a.example, client_id: k}\n"
           "  b: {kind: okta, issuer: https://a.example, client_id: k}\n",
       "5:27: duplicate_issuer has the issuer and the client_id of provider a"},
      {std::string(kHead) + "providers: {a: {kind: oidc, issuer: \"\", client_id: \"\"}}\n",
       "3:37: bad_url issuer"},
      {std::string(kHead) +
           "providers: {a: {kind: oidc, issuer: https://a.example, client_id: \"\"}}\n",
       "3:67: missing_field client_id cannot be empty"},
      {agents(""), "4:55: missing_field needs rules"},
      {agents("{claims: {sub: \"*\"}, agent: a}"), "4:65: matches_everything"},
      {agents("{claims: {}, agent: a}"), "4:65: matches_everything"},
      {agents("{claims: {sub: [a]}, agent: a}"), "4:71: invalid_claim"},
      {agents("{claims: {sub: a}, agent: \"a b\"}"), "4:82: invalid_name agent names an agent"},
      {agents("{claims: {sub: a}}"), "4:56: missing_field"},
  };
  for (const Row& row : rows) {
    const std::vector<std::string> found = wrong(row.text);
    REQUIRE_MESSAGE(!found.empty(), row.text);
    CHECK_MESSAGE(found.front().starts_with(row.first), found.front());
    CHECK(std::ranges::none_of(found, [](const std::string& s) { return s.contains("hunter2"); }));
  }
}

TEST_CASE("a star stays within its part of a subject") {
  CHECK(matches("repo:acme/*:ref:refs/heads/main", "repo:acme/web:ref:refs/heads/main"));
  CHECK_FALSE(matches("repo:acme/*:ref:refs/heads/main",
                      "repo:acme/web:environment:x:ref:refs/heads/main"));
  CHECK_FALSE(matches("repo:acme/*:ref:refs/heads/main", "repo:acme/a/b:ref:refs/heads/main"));
  CHECK_FALSE(matches("repo:acme/*", "repo:acme/web:ref:refs/heads/main"));
  CHECK(matches("repo:acme/**", "repo:acme/web:ref:refs/heads/main"));
  CHECK(matches("a*b*c", "abbbc"));
  CHECK_FALSE(matches("a*b", "ab "));
  CHECK(matches("*", ""));
  CHECK_FALSE(matches("", "a"));
  CHECK(matches("**x**", std::string(4000, 'y') + "x"));
}

TEST_CASE("all claims of a rule must match, each by its own kind") {
  const AgentRule rule{
      doc::object(
          {{"sub", "a*"}, {"deep", doc::object({{"n", "ci"}})}, {"ok", true}, {"count", 2}}),
      "a"};
  const auto token = [](std::string_view sub, std::string_view n, doc::Value ok, doc::Value count) {
    return doc::object(
        {{"sub", sub}, {"deep", doc::object({{"n", n}})}, {"ok", ok}, {"count", count}, {"x", 1}});
  };
  CHECK(matches(rule, token("ab", "ci", true, 2)));
  CHECK_FALSE(matches(rule, token("b", "ci", true, 2)));
  CHECK_FALSE(matches(rule, token("ab", "di", true, 2)));
  CHECK_FALSE(matches(rule, token("ab", "ci", false, 2)));
  CHECK_FALSE(matches(rule, token("ab", "ci", "true", 2)));
  CHECK_FALSE(matches(rule, token("ab", "ci", true, 3)));
  CHECK_FALSE(matches(rule, doc::object({{"sub", "ab"}})));
  CHECK_FALSE(matches(AgentRule{doc::Object{}, "a"}, token("ab", "ci", true, 2)));
}

TEST_CASE("secrets and tokens travel over TLS, or not beyond this machine") {
  for (const char* good : {"https://a.example", "https://a.example:8443/x/y", "http://localhost:1",
                           "http://127.0.0.1:8080/x", "http://[::1]:80"})
    CHECK_MESSAGE(is_safe_url(good), good);
  for (const char* bad :
       {"http://a.example", "http://localhost.evil.example", "http://127.0.0.1@evil.example",
        "https://", "https://a@b", "https://a?x", "https://a#x", "ftp://a", "https://a b", "",
        "http://127.0.0.1.evil.example", "https:///x"})
    CHECK_FALSE_MESSAGE(is_safe_url(bad), bad);
}

TEST_CASE("a SCIM section names its provider, where its token is kept, and which groups count") {
  doc::Problems problems;
  const auto document = load(std::string(kAll) +
                                 "scim:\n  okta: {token: {secret: \"env:SCIM\"}, provider: okta, "
                                 "groups: {map: {\"Keyturn DBA\": dba}}}\n",
                             problems);
  REQUIRE(document);
  CHECK(problems.empty());
  const ScimSection& section = document->scim.at("okta");
  CHECK(section.provider == "okta");
  CHECK(section.token->name == "SCIM");
  CHECK(section.groups.at("Keyturn DBA") == "dba");

  const auto scim = [](const std::string& entries) {
    return wrong(std::string(kAll) + "scim:\n" + entries);
  };
  CHECK(scim("  a: {token: {secret: \"env:A\"}}\n") ==
        std::vector<std::string>{"23:6: missing_field the field \"provider\" is missing"});
  CHECK(scim("  a: {token: {secret: \"env:A\"}, provider: azure}\n")
            .front()
            .starts_with("23:43: unknown_provider"));
  CHECK(scim("  a: {provider: okta}\n").front().starts_with("23:6: missing_field"));
  CHECK(scim("  a: {token: hunter2, provider: okta}\n")
            .front()
            .starts_with("23:14: invalid_reference"));
  CHECK(scim("  a: {token: {secret: \"env:A\"}, provider: okta}\n"
             "  b: {token: {secret: \"env:A\"}, provider: entra}\n")
            .front()
            .starts_with("24:14: duplicate_token"));
  const auto group =
      scim("  a: {token: {secret: \"env:A\"}, provider: okta, groups: {map: {x: \"a b\"}}}\n");
  REQUIRE(group.size() == 1);
  CHECK(group.front().contains("invalid_group"));
}

TEST_CASE(
    "a schedule names its group, its pool, and one source; it is the only way into its group") {
  const auto document = [](const std::string& entries) {
    return std::string(kAll) + "oncall:\n" + entries;
  };
  doc::Problems problems;
  const auto good = load(document("  a: {group: sre-oncall, of: sre, file: oncall/a.yaml}\n"
                                  "  b: {group: dba-oncall, of: dba, webhook: {secret: \"env:B\"}, "
                                  "stale_after: 2h}\n"),
                         problems);
  REQUIRE(good);
  CHECK(good->oncall.at("a").file == "oncall/a.yaml");
  CHECK(good->oncall.at("b").webhook->name == "B");
  CHECK(good->oncall.at("b").stale_after == std::chrono::hours(2));
  CHECK_FALSE(good->empty());

  const auto bad = [&](const std::string& entries) {
    const auto all = wrong(document(entries));
    return all.empty() ? std::string("good") : all.front();
  };
  CHECK(bad("  a: {group: administrators, of: sre, file: f}\n")
            .starts_with("23:14: invalid_group nobody becomes an administrator"));
  CHECK(bad("  a: {group: sre, of: sre, file: f}\n").starts_with("23:23: invalid_group"));
  CHECK(bad("  a: {group: x, file: f}\n").starts_with("23:6: missing_field"));
  CHECK(bad("  a: {group: x, of: y}\n").starts_with("23:6: missing_field"));
  CHECK(bad("  a: {group: x, of: y, file: \"\"}\n").starts_with("23:30: missing_field"));
  CHECK(bad("  a: {group: x, of: y, file: f, webhook: {secret: \"env:A\"}}\n")
            .starts_with("23:6: conflict"));
  CHECK(bad("  a: {group: x, of: y, webhook: hunter2}\n").starts_with("23:33: invalid_reference"));
  CHECK(bad("  a: {group: x, of: y, file: f, stale_after: 2h}\n").starts_with("23:46: conflict"));
  CHECK(bad("  a: {group: x, of: y, webhook: {secret: \"env:A\"}, stale_after: 500ms}\n")
            .starts_with("23:65: out_of_range"));
  CHECK(bad("  a: {group: x, of: y, file: f}\n  b: {group: x, of: y, file: g}\n")
            .starts_with("24:14: duplicate_group"));
  CHECK(bad("  a: {group: x, of: y, file: f}\n  b: {group: z, of: x, file: g}\n")
            .starts_with("23:14: invalid_group oncall.b takes its people from"));
  CHECK(bad("  a: {group: x, of: y, file: f}\n"
            "scim:\n  s: {token: {secret: \"env:A\"}, provider: okta, groups: {map: {X: x}}}\n")
            .starts_with("23:14: invalid_group scim.s makes members of"));
}
