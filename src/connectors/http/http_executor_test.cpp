// Against servers that say, byte for byte, what the test says.
#include "connectors/http/http_executor.h"

#include <doctest/doctest.h>

#include "base/id.h"
#include "base/random.h"
#include "connectors/testing.h"
#include "doc/json.h"
#include "net/net_test_script.h"

namespace keyturn::connectors::http {
namespace {

using net::ScriptedPeer;
using net::ScriptedServer;
using testing::await;

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

ScriptedServer::Script say(std::string bytes, std::string* came = nullptr) {
  return [bytes = std::move(bytes), came](ScriptedPeer& peer) {
    std::string got = peer.request();
    if (came != nullptr) *came = std::move(got);
    peer.say(bytes);
  };
}

catalog::Catalog catalog_of(const std::string& lines, const std::string& more = "") {
  doc::Problems problems;
  auto loaded = catalog::Catalog::load_text(
      "tools:\n  t:\n    http:\n" + lines + "    params: {x: {type: string, default: a}}\n" + more,
      problems);
  for (const auto& problem : problems) FAIL(doc::to_text(problem, "tools.yaml"));
  return std::move(*loaded);
}

catalog::Catalog post(const ScriptedServer& server, const std::string& more = "") {
  std::string url = server.url();
  url.pop_back();
  return catalog_of("      server: " + url +
                        "\n      method: POST\n      path: /v1/{{x}}\n      body: {json: {x: "
                        "\"{{x}}\"}}\n",
                    more);
}

struct Rig {
  testing::TempFolder folder;
  net::Loop loop;
  net::BlockingPool pool{loop, "test", 2};
  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<Spool> spool = std::move(*Spool::open(folder.path() + "/spool", clock.now()));
  net::BlockingPool looks{loop, "looks", 1};
  HttpExecutor executor{loop, *spool, pool, looks, clock, Lender{}};
  ActionId action{make_sortable_id("act_", unix_ms(clock.now()), random)};

  Result<Outcome> run(const catalog::Catalog& catalog, const std::string& args = "{}",
                      const std::string& state = "") {
    const catalog::Tool& tool = catalog.tools().front();
    const auto checked = catalog::check_args(tool, *doc::parse_json(args));
    REQUIRE_MESSAGE(checked, checked.error().message);
    const auto described = HttpExecutor::describe(tool, *checked);
    REQUIRE(described);
    return await(loop, executor.execute({.action = action,
                                         .tool = &tool,
                                         .args = *checked,
                                         .description = described->description,
                                         .requester = "agent:bot",
                                         .state = state}));
  }
  std::string kind(const catalog::Catalog& catalog) {
    const auto outcome = run(catalog);
    return outcome ? std::string(to_text(outcome->kind)) : outcome.error().code;
  }
};

}  // namespace

TEST_CASE("what is sent is what reviewers saw, byte for byte") {
  std::string came;
  ScriptedServer server({say(kOk, &came)});
  const catalog::Catalog catalog = post(server);
  Rig rig;
  const auto outcome = rig.run(catalog, R"({"x":"b c"})");
  REQUIRE(outcome);
  CHECK(outcome->kind == OutcomeKind::kSucceeded);
  CHECK(outcome->result->text("body") == "ok");
  const auto described =
      HttpExecutor::describe(catalog.tools().front(), doc::object({{"x", "b c"}}));
  const doc::Value& request = *described->description.find("request");
  std::string expected = "POST /v1/b%20c HTTP/1.1\r\nHost: " + server.url().substr(7);
  expected.pop_back();
  expected += "\r\n";
  for (const doc::Member& header : request.find("headers")->as_object())
    expected += header.key + ": " + header.value.as_string() + "\r\n";
  const std::string body(request.text("body"));
  expected += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  CHECK(came == expected);
  CHECK(body == R"({"x":"b c"})");
}

TEST_CASE("what is not as it was described is not sent") {
  ScriptedServer server({say(kOk)});
  Rig rig;
  const catalog::Catalog catalog = post(server);
  const catalog::Tool& tool = catalog.tools().front();
  const auto described = HttpExecutor::describe(tool, doc::object({{"x", "a"}}));
  const auto outcome =
      await(rig.loop, rig.executor.execute({.action = rig.action,
                                            .tool = &tool,
                                            .args = doc::object({{"x", "b"}}),
                                            .description = described->description}));
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == "drift");
  CHECK(rig.spool->look(rig.action).state == Spool::State::kAbsent);
  CHECK(rig.kind(catalog) == "succeeded");  // the one request that the server gets
}

TEST_CASE("a redirect is not followed") {
  bool second = false;
  ScriptedServer there({[&](ScriptedPeer& peer) { second = !peer.request().empty(); }});
  ScriptedServer server({say("HTTP/1.1 307 Temporary Redirect\r\nLocation: " + there.url("/x") +
                             "\r\nContent-Length: 0\r\n\r\n")});
  Rig rig;
  const auto outcome = rig.run(post(server));
  REQUIRE(outcome);
  CHECK(outcome->kind == OutcomeKind::kFailed);
  CHECK(outcome->reason.contains("redirects are not followed"));
  net::RawClient(static_cast<std::uint16_t>(std::stoul(there.url().substr(17)))).close();
  CHECK_FALSE(second);
}

TEST_CASE("an answer whose end two readers could see in two places is none") {
  for (const char* head :
       {"Content-Length: 2\r\nContent-Length: 2\r\n", "Content-Length: 2, 2\r\n",
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "X: a\r\n b\r\nContent-Length: 2\r\n",
        "Content-Length : 2\r\n", "Content-Length: +2\r\n"}) {
    CAPTURE(head);
    ScriptedServer server({say(std::string("HTTP/1.1 200 OK\r\n") + head + "\r\nok")});
    Rig rig;
    const auto outcome = rig.run(post(server));
    REQUIRE(outcome);
    CHECK(outcome->kind == OutcomeKind::kUnknown);
    CHECK_FALSE(outcome->result);
  }
}

TEST_CASE("of an endless answer no more is read than is kept") {
  ScriptedServer server({[](ScriptedPeer& peer) {
    peer.request();
    peer.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n");
    while (!peer.is_gone()) peer.say(std::string(1'000'000, 'x'));
  }});
  Rig rig;
  const auto outcome = rig.run(post(server, "    output_bytes_max: 1024\n"));
  REQUIRE(outcome);
  CHECK(outcome->kind == OutcomeKind::kSucceeded);
  CHECK(outcome->truncated);
  CHECK(outcome->result->text("body").size() == 1024);
}

TEST_CASE("an answer that dribbles is ended at the tool's time, and its outcome is unknown") {
  std::string part;
  SUBCASE("in its head") {
    part = "HTTP/1.1 200 OK\r\nX-A: ";
  }
  SUBCASE("in its body") {
    part = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
  }
  ScriptedServer server({[&](ScriptedPeer& peer) {
    peer.request();
    peer.say(part);
    for (int i = 0; i < 500; ++i) {
      peer.say("x");
      ::poll(nullptr, 0, 5);
    }
  }});
  Rig rig;
  const auto outcome = rig.run(post(server, "    timeout: 1s\n"));
  REQUIRE(outcome);
  CHECK(outcome->kind == OutcomeKind::kUnknown);
  CHECK(outcome->reason.contains("longer than 1s"));
  CHECK(rig.spool->look(rig.action).state == Spool::State::kStarted);
}

TEST_CASE(
    "what may have taken effect is in the spool before its first byte, and with its outcome") {
  Rig rig;
  Spool::State state = Spool::State::kAbsent;
  ScriptedServer server({[&](ScriptedPeer& peer) {
    peer.request();
    state = rig.spool->look(rig.action).state;
    peer.say("HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\nsecret");
  }});
  CHECK(rig.kind(post(server)) == "failed");
  CHECK(state == Spool::State::kStarted);
  const Spool::Entry kept = rig.spool->look(rig.action);
  CHECK(kept.state == Spool::State::kFinished);
  CHECK(kept.outcome->kind == OutcomeKind::kFailed);
  CHECK(kept.outcome->result->text("body").empty());
}

TEST_CASE("it is sent at most once: the spool does not let it start again") {
  ScriptedServer server({say(kOk)});
  const catalog::Catalog catalog = post(server);
  Rig rig;
  CHECK(rig.kind(catalog) == "succeeded");
  ScriptedServer again({[](ScriptedPeer& peer) { CHECK(peer.request().empty()); }});
  CHECK(rig.kind(post(again)) == "already_started");
}

TEST_CASE("a connection that ends without an answer leaves it unknown; a refused one, failed") {
  ScriptedServer server({[](ScriptedPeer& peer) { peer.request(); }});
  Rig rig;
  const auto outcome = rig.run(post(server));
  REQUIRE(outcome);
  CHECK(outcome->kind == OutcomeKind::kUnknown);
  CHECK(outcome->reason.contains("whether it took effect is not known"));
  Rig other;
  const auto nobody = other.run(
      catalog_of("      server: http://127.0.0.1:9\n      method: POST\n      path: /a/{{x}}\n"));
  REQUIRE(nobody);
  CHECK(nobody->kind == OutcomeKind::kFailed);
  CHECK(nobody->reason.contains("nothing was sent"));
  CHECK(other.spool->look(other.action).state == Spool::State::kAbsent);
}

TEST_CASE("an address that the tool does not allow is never reached") {
  Rig rig;
  for (const char* addresses : {"public", "[10.0.0.0/8]"}) {
    const auto outcome = rig.run(catalog_of(
        std::string("      server: http://localhost:9\n      method: POST\n      path: /a/{{x}}\n"
                    "      addresses: ") +
        addresses + "\n"));
    REQUIRE(outcome);
    CHECK(outcome->kind == OutcomeKind::kFailed);
    CHECK(outcome->reason.contains("where this may not go"));
  }
}

TEST_CASE("an idempotency key is the action's id") {
  std::string came;
  ScriptedServer server({say(kOk, &came)});
  std::string url = server.url();
  url.pop_back();
  Rig rig;
  CHECK(rig.kind(catalog_of("      server: " + url +
                            "\n      method: POST\n      path: /a/{{x}}\n      idempotency_key: "
                            "true\n")) == "succeeded");
  CHECK(came.contains("\r\nIdempotency-Key: " + rig.action.str() + "\r\n"));
}

TEST_CASE("a condition goes with the request where there is a strong ETag, and people are told") {
  struct Row {
    const char* method;
    const char* answer;  // to the look
    std::string sent;    // with the request
    std::string told;
  };
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n";
  for (const Row& row :
       std::vector<Row>{{"PUT", "ETag: \"1\"\r\n", "If-Match: \"1\"\r\n", "If-Match: \"1\""},
                        {"PUT", "", "", "no strong ETag"},
                        {"PUT", "ETag: W/\"1\"\r\n", "", "no strong ETag"},
                        {"PUT", "ETag: *\r\n", "", "no strong ETag"},
                        {"PUT", "ETag: 1\r\n", "", "no strong ETag"},
                        {"PUT", "ETag: \"a\"b\"\r\n", "", "no strong ETag"},
                        {"PUT", nullptr, "If-None-Match: *\r\n", "If-None-Match: *"},
                        {"POST", nullptr, "", "nothing is there"}}) {
    CAPTURE(row.method);
    CAPTURE(row.told);
    const std::string page = row.answer == nullptr
                                 ? "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"
                                 : ok + row.answer + "\r\nok";
    std::string came;
    ScriptedServer server({say(page), say(page), say(kOk, &came)});
    std::string url = server.url();
    url.pop_back();
    const catalog::Catalog catalog =
        catalog_of("      server: " + url + "\n      method: " + row.method +
                       "\n      path: /v1/{{x}}\n      body: {json: {x: \"{{x}}\"}}\n",
                   "    preview: {path: \"/v1/{{x}}\", if_match: true}\n");
    Rig rig;
    const auto seen =
        await(rig.loop, rig.executor.preview(catalog.tools().front(), doc::object({{"x", "a"}})));
    REQUIRE(seen);
    CHECK(seen->shown.text("precondition").contains(row.told));
    const auto outcome = rig.run(catalog, "{}", seen->fingerprint);
    REQUIRE(outcome);
    CHECK(came.contains("\r\n" + row.sent));
    CHECK(came.contains("If-") == !row.sent.empty());
  }
}

TEST_CASE("where the state alone is asked for, nothing is shown, and it is the same state") {
  const auto page = say("HTTP/1.1 200 OK\r\nETag: W/\"1\"\r\nContent-Length: 2\r\n\r\nok");
  ScriptedServer server({page, page});
  const catalog::Catalog catalog = post(server, "    preview: {path: \"/v1/{{x}}\"}\n");
  catalog::Tool tool = catalog.tools().front();
  Rig rig;
  const doc::Value args = doc::object({{"x", "a"}});
  const auto seen = await(rig.loop, rig.executor.preview(tool, args));
  tool.preview->shows.clear();
  const auto state = await(rig.loop, rig.executor.preview(tool, args));
  REQUIRE((seen && state));
  CHECK(state->shown.is_null());
  CHECK_FALSE(seen->shown.is_null());
  CHECK(state->fingerprint == seen->fingerprint);
}

TEST_CASE("a credential that is bound to a place goes nowhere else, whatever is asked") {
  ScriptedServer nobody({});
  const catalog::Catalog catalog = post(nobody);
  const auto prepared = prepare(catalog.tools().front(), doc::object({{"x", "a"}}));
  REQUIRE(prepared);
  credentials::Issued issued{.id = "crd_1", .name = "token", .provider = "static"};
  issued.only_to = {"https://a.example/v1/scale", "https://a.example/v2/"};
  const auto secrets = secrets_of(*prepared, {{"token", issued}});
  REQUIRE(secrets);
  for (const char* good : {"https://a.example/v1/scale", "https://a.example/v1/scale?x=1",
                           "https://a.example/v2/anything"})
    CHECK(check_place(*secrets, good));
  for (const char* bad : {"https://a.example/v1", "https://a.example/v1/scale/x",
                          "https://b.example/v2/x", "http://a.example/v2/x"}) {
    const auto refused = check_place(*secrets, bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "not_sent_there");
  }
}

TEST_CASE("a look binds the request to what was seen") {
  std::string came;
  const auto page = [](const std::string& etag) {
    return say("HTTP/1.1 200 OK\r\nETag: " + etag +
               "\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
  };
  ScriptedServer server({page("\"1\""), page("\"1\""), say(kOk, &came), page("\"2\"")});
  const catalog::Catalog catalog =
      post(server, "    preview: {path: \"/v1/{{x}}\", if_match: true}\n");
  Rig rig;
  const doc::Value args = doc::object({{"x", "a"}});
  const auto seen = await(rig.loop, rig.executor.preview(catalog.tools().front(), args));
  REQUIRE(seen);
  CHECK(seen->shown.find_path({"body", "a"})->as_int64() == 1);
  const auto outcome = rig.run(catalog, "{}", seen->fingerprint);
  REQUIRE(outcome);
  CHECK(outcome->kind == OutcomeKind::kSucceeded);
  CHECK(came.contains("\r\nIf-Match: \"1\"\r\n"));
  const auto moved = rig.run(catalog, "{}", seen->fingerprint);
  REQUIRE_FALSE(moved);
  CHECK(moved.error().code == "drift");
}

}  // namespace keyturn::connectors::http
