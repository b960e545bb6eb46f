#include "api/api.h"

#include <doctest/doctest.h>

#include <set>

#include "api/action_json.h"
#include "api/assets.h"
#include "api/body.h"
#include "api/error_status.h"
#include "api/impl.h"
#include "doc/json.h"

namespace keyturn::api {
namespace {

net::HttpRequest request(std::string body, std::string type = "application/json") {
  net::HttpRequest out;
  out.method = "POST";
  out.body = std::move(body);
  if (!type.empty()) out.headers.add("Content-Type", std::move(type));
  return out;
}

doc::Value problem_of(const Refusal& refusal) {
  return *doc::parse_json(problem(refusal).body);
}

gate::World world_with(std::string_view policy_text) {
  doc::Problems problems;
  policy::LoadOptions options;
  options.run_tests = false;
  auto policy = policy::Document::load(policy_text, options, problems);
  REQUIRE(policy);
  auto configuration = std::make_shared<gate::Configuration>();
  configuration->policy = std::make_shared<const policy::Document>(std::move(*policy));
  const doc::Value tools = *doc::parse_json(
      R"({"tools":{"login":{"exec":["/bin/login","{{user}}"],"env":{"PW":{"param":"pw"}},)"
      R"("params":{"pw":{"type":"string","secret":true},"user":{"type":"string"}}}}})");
  auto catalog = catalog::Catalog::load(tools, problems);
  for (const doc::Problem& p : problems) MESSAGE(doc::to_text(p, "tools.yaml"));
  REQUIRE(catalog);
  configuration->tools = std::make_shared<const catalog::Catalog>(std::move(*catalog));
  gate::World world;
  world.configuration = configuration;
  return world;
}

constexpr std::string_view kPolicy =
    "apiVersion: keyturn/v1\nkind: Policy\nmetadata: {name: t, revision: 1}\nrules:\n"
    "  - {id: a, match: {tool: [login]}, effect: allow}\n";

gate::ActionRecord sample() {
  gate::ActionRecord r;
  r.id = ActionId("act_1");
  r.version = 3;
  r.state = State::kPending;
  r.requester.id = "bot";
  r.owner = "alice";
  r.tool = "login";
  r.operation = "execute";
  r.mode = "execute";
  r.case_digest = "sha256:ab";
  r.args = *doc::parse_json(R"({"user":"eve","pw":"hunter2hunter2"})");
  r.verdict.effect = Effect::kRequire;
  r.verdict.hits.push_back(
      {.rule = "big", .effect = Effect::kRequire, .contribution = "over 7000"});
  r.verdict.hits.push_back({.rule = "quiet", .effect = Effect::kDeny, .shadow = true});
  r.verdict.reasons = {"amounts over 7000 need two people"};
  r.verdict.plan.quorum = {{"dba", 1}};
  r.facts.tree = doc::object({{"uninspectable", false}});
  r.first_index = 17;
  return r;
}

doc::Value shown(const gate::World& world, const gate::ActionRecord& record, PrincipalKind kind,
                 std::string id, Detail detail = Detail::kFull) {
  const Secret key(std::string(32, 'k'));
  const ActionView view{world, "https://k.example", "k.example/ledger", key};
  Principal reader;
  reader.kind = kind;
  reader.id = std::move(id);
  return action_json(view, reader, record, detail);
}

}  // namespace

TEST_CASE("every code of the contract has the status that the contract gives it") {
  struct Row {
    const char* code;
    int status;
  };
  for (const Row& row : std::to_array<Row>({{"operation_mismatch", 400},
                                            {"resource_mismatch", 400},
                                            {"invalid_args", 400},
                                            {"literal_credential", 400},
                                            {"not_found", 404},
                                            {"closed", 409},
                                            {"digest_mismatch", 409},
                                            {"already_voted", 409},
                                            {"already_used", 409},
                                            {"executing", 409},
                                            {"idempotency_mismatch", 409},
                                            {"conflict", 409},
                                            {"own_request", 403},
                                            {"related_to_requester", 403},
                                            {"not_a_reviewer", 403},
                                            {"assurance_too_low", 403},
                                            {"passkey_required", 403},
                                            {"wrong_channel", 403},
                                            {"inactive", 403},
                                            {"suspended", 403},
                                            {"not_allowed", 403},
                                            {"sealed", 403},
                                            {"unauthenticated", 401},
                                            {"too_many_pending", 429},
                                            {"rate_limited", 429},
                                            {"overloaded", 503}})) {
    CAPTURE(row.code);
    CHECK(is_known_code(row.code));
    CHECK(status_of(row.code) == row.status);
  }
  CHECK(status_of("a code that nobody knows") == 400);
  const std::vector<std::string_view> all = known_codes();
  CHECK(std::set<std::string_view>(all.begin(), all.end()).size() == all.size());
  for (const std::string_view code : all) CHECK(!net::reason_phrase(status_of(code)).empty());
}

TEST_CASE("a problem says where: a pointer into the body, or an offset") {
  const doc::Value pointed = problem_of({"invalid_args", "no", "/args/text"});
  CHECK(pointed.text("pointer") == "/args/text");
  CHECK(pointed.text("code") == "invalid_args");
  CHECK(pointed.text("type") == "urn:keyturn:problem:invalid_args");
  CHECK(pointed.integer("status") == 400);
  CHECK(problem_of({"invalid_json", "no", "1:5 (byte 4)"}).integer("offset") == 4);
  CHECK(problem({"rate_limited", "no", ""}).headers.find("retry-after"));
  CHECK(problem({"unauthenticated", "no", ""}).headers.find("www-authenticate"));
  CHECK(problem_of({"expired_token", "no", ""}).text("code") == "unauthenticated");
}

TEST_CASE("a body is one JSON object, said to be JSON") {
  CHECK(json_body(request("{}")));
  CHECK(json_body(request("", "")));  // a POST without fields
  CHECK(json_body(request("{}", "Application/JSON; charset=utf-8")));
  CHECK(json_body(request("{}", "text/plain")).error().code == "unsupported_media_type");
  CHECK(json_body(request("{}", "")).error().code == "unsupported_media_type");
  CHECK(json_body(request("[]")).error().code == "wrong_type");
  for (const char* bad : {"{", R"({"a":1,"a":2})", "{} x", R"({"a":01})", "\xff"}) {
    CAPTURE(bad);
    CHECK(json_body(request(bad)).error().code == "invalid_json");
  }
  CHECK(problem(json_body(request("{\"a\":1,}")).error()).body.find("\"offset\":") !=
        std::string::npos);
}

TEST_CASE("Prefer: wait is seconds, capped; other preferences do not matter") {
  struct Row {
    const char* prefer;
    int seconds;  // -1: not asked for, -2: refused
  };
  for (const Row& row : std::to_array<Row>({{"wait=30", 30},
                                            {"wait=0", 0},
                                            {"respond-async, Wait = 7", 7},
                                            {"wait=\"9\"; x=y", 9},
                                            {"wait=100000", 300},
                                            {"wait=5, wait=9", 5},
                                            {"return=minimal", -1},
                                            {"", -1},
                                            {"wait", -2},
                                            {"wait=soon", -2},
                                            {"wait=-1", -2},
                                            {"wait=1.5", -2}})) {
    CAPTURE(row.prefer);
    net::HttpRequest http;
    http.headers.add("Prefer", row.prefer);
    const auto wait = preferred_wait(http, std::chrono::seconds(300));
    CHECK(wait.has_value() == (row.seconds != -2));
    if (!wait) continue;
    CHECK(wait->has_value() == (row.seconds >= 0));
    if (*wait) CHECK(**wait == std::chrono::seconds(row.seconds));
  }
}

TEST_CASE("parameters that nobody knows, or that come twice, are refused") {
  net::HttpRequest http;
  http.query = {{"state", "pending"}, {"state", "denied"}, {"limit", "5"}};
  CHECK(known_parameters(http, {"limit"}, {"state"}));
  CHECK(known_parameters(http, {}, {"state"}).error().code == "unknown_parameter");
  http.query.push_back({"limit", "6"});
  CHECK(known_parameters(http, {"limit"}, {"state"}).error().code == "invalid_parameter");
  CHECK(number_parameter(http, "limit", 4).error().code == "invalid_parameter");
  CHECK(number_parameter(http, "limit", 5).value().value() == 5);
}

TEST_CASE("a person sees the whole case; an agent neither plan nor reasons nor display") {
  const gate::World world = world_with(kPolicy);
  const gate::ActionRecord record = sample();
  const doc::Value person = shown(world, record, PrincipalKind::kPerson, "alice");
  CHECK(person.flag("display_complete"));
  CHECK(!person.find("display")->as_array().empty());
  CHECK(person.find_path({"verdict", "plan", "assurance"})->as_string() == "session");
  CHECK(person.text("review_url") == "https://k.example/a/act_1");
  CHECK(person.find_path({"ledger", "index"})->as_int64() == 17);
  CHECK(person.find_path({"requester", "kind"})->as_string() == "agent");
  CHECK(person.find("grant")->is_null());

  const doc::Value agent = shown(world, record, PrincipalKind::kAgent, "bot");
  CHECK(agent.find("display") == nullptr);
  const doc::Value* verdict = agent.find("verdict");
  CHECK(verdict->find("plan") == nullptr);
  CHECK(verdict->find("hits") == nullptr);
  CHECK(*verdict->find("rules") == doc::array_of({"big"}));
  CHECK(doc::write_json(agent).find("7000") == std::string::npos);
  CHECK(shown(world, record, PrincipalKind::kAgent, "other").find("facts") == nullptr);
  const doc::Value line = shown(world, record, PrincipalKind::kPerson, "alice", Detail::kSummary);
  CHECK(line.find("display") == nullptr);
  CHECK(line.find("claims") != nullptr);
}

TEST_CASE("a secret parameter is shown to nobody") {
  const gate::World world = world_with(kPolicy);
  for (const PrincipalKind kind : {PrincipalKind::kPerson, PrincipalKind::kAgent}) {
    const std::string json = doc::write_json(shown(world, sample(), kind, "bot"));
    CHECK(json.find("hunter2") == std::string::npos);
    CHECK(json.find("eve") != std::string::npos);
  }
}

TEST_CASE("an outcome names its columns in order and its error") {
  Outcome outcome;
  outcome.kind = OutcomeKind::kFailed;
  outcome.reason = "drift";
  outcome.rows = *doc::parse_json(R"([{"z":1,"a":2}])");
  const doc::Value json = outcome_json(outcome);
  CHECK(json.text("error") == "drift");
  CHECK(*json.find("columns") == doc::array_of({"z", "a"}));
}

TEST_CASE("refusals are recorded a few a minute, and the rest is counted") {
  gate::RefusalMeter meter(2);
  const Time start = *from_rfc3339("2026-01-01T00:00:00Z");
  CHECK(meter.admit("x", start) == 0u);
  CHECK(meter.admit("x", start) == 0u);
  CHECK(!meter.admit("x", start));
  CHECK(!meter.admit("x", start));
  CHECK(meter.admit("y", start) == 0u);
  CHECK(meter.suppressed() == 2);
  CHECK(meter.admit("x", start + std::chrono::seconds(61)) == 2u);
}

TEST_CASE("a look at a case counts from its first sight, for that case only") {
  Looks looks;
  const Time start = *from_rfc3339("2026-01-01T00:00:00Z");
  looks.saw("ses_1", "sha256:a", start);
  looks.saw("ses_1", "sha256:a", start + std::chrono::seconds(9));
  CHECK(looks.since("ses_1", "sha256:a", start + std::chrono::seconds(10)) ==
        Duration(std::chrono::seconds(10)));
  CHECK(!looks.since("ses_1", "sha256:b", start));
  CHECK(!looks.since("ses_2", "sha256:a", start));
}

TEST_CASE("signing in is tried a bounded number of times by one peer") {
  SignInLimit limit;
  const Time start = *from_rfc3339("2026-01-01T00:00:00Z");
  int admitted = 0;
  for (int i = 0; i < 200; ++i) admitted += limit.admit("192.0.2.7", start) ? 1 : 0;
  CHECK(admitted == 60);
  CHECK(limit.admit("192.0.2.8", start));
  CHECK(limit.admit("192.0.2.7", start + std::chrono::seconds(1)));
}

TEST_CASE("pages are served with the policy that forbids frames and foreign scripts") {
  net::HttpRequest http;
  http.method = "GET";
  for (const char* path : {"/", "/a/act_1", "/activity", "/ledger", "/insights", "/admin",
                           "/standing", "/standing/sa_1", "/runbooks", "/runbooks/patch",
                           "/runs/act_1", "/account", "/enrol", "/login", "/demo"}) {
    CAPTURE(path);
    http.path = path;
    const auto page = asset_response(http);
    REQUIRE(page);
    CHECK(page->headers.find("content-type") == "text/html; charset=utf-8");
    CHECK(page->headers.find("content-security-policy")->find("frame-ancestors 'none'") !=
          std::string_view::npos);
  }
  for (const char* path : {"/a", "/a/b/c", "/runs", "/runs/a/b", "/standing/a/b", "/assets/none.js",
                           "/etc", "/openapi.json"}) {
    http.path = path;
    CHECK(!asset_response(http));
  }
}

TEST_CASE("openapi.json describes every route, and no other") {
  const Asset* asset = find_asset("/openapi.json");
  REQUIRE(asset != nullptr);
  const Result<doc::Value> description = doc::parse_json(asset->bytes);
  REQUIRE(description);
  std::set<std::string> described, served;
  for (const doc::Member& path : description->find("paths")->as_object()) {
    for (const doc::Member& operation : path.value.as_object()) {
      if (operation.key != "parameters") described.insert(operation.key + " " + path.key);
    }
  }
  for (const Route& route : routes()) {
    std::string method(route.method);
    for (char& c : method) c = static_cast<char>(c - 'A' + 'a');
    served.insert(method + " " + std::string(route.path));
  }
  for (const std::string& route : served) {
    CAPTURE(route);
    CHECK(described.contains(route));
  }
  for (const std::string& route : described) {
    CAPTURE(route);
    CHECK(served.contains(route));
  }
}

TEST_CASE("who has to wait is told how long") {
  const auto header = [](Refusal refusal) {
    return std::string(problem(refusal).headers.find("retry-after").value_or("none"));
  };
  CHECK(header({"rate_limited", "", "", 7}) == "7");
  CHECK(header({"overloaded", "", ""}) == "1");
  CHECK(header({"not_found", "", "", 7}) == "none");
}

TEST_CASE("a peer may begin to sign in sixty times at once and twice a second, others meanwhile") {
  SignInLimit limit;
  const Time start = Time{} + std::chrono::hours(500'000);
  for (int i = 0; i < 60; ++i) REQUIRE(limit.admit("a", start).has_value());
  const Result<void> refused = limit.admit("a", start);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == "too_many_sign_ins");
  CHECK(refused.error().retry_after_s == 1);
  CHECK(limit.admit("b", start).has_value());
  CHECK(limit.admit("a", start + std::chrono::milliseconds(500)).has_value());
}

TEST_CASE("with as many peers as are remembered, a new one is told when one will be forgotten") {
  SignInLimit limit;
  const Time start = Time{} + std::chrono::hours(500'000);
  int admitted = 0;
  while (limit.admit("peer " + std::to_string(admitted), start).has_value()) ++admitted;
  const Result<void> refused = limit.admit("one more", start + std::chrono::seconds(20));
  REQUIRE_FALSE(refused.has_value());
  const auto wait = std::chrono::seconds(refused.error().retry_after_s);
  CHECK(wait == std::chrono::seconds(40));
  CHECK(limit.admit("one more", start + std::chrono::seconds(20) + wait).has_value());
}

}  // namespace keyturn::api
