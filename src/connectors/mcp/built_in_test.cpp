#include "connectors/mcp/built_in.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "catalog/schema.h"
#include "connectors/mcp/pipe_testing.h"
#include "connectors/mcp/tool_listing.h"
#include "gate/testing.h"

using namespace keyturn;
using namespace keyturn::connectors::mcp;
using connectors::mcp::testing::text;
using gate::testing::Bench;

namespace {

struct World {
  explicit World(BuiltInLimits limits = {})
      : backend({*bench.gate, loop, bench.random, "https://keyturn.example"}, limits) {}

  Bench bench;
  net::Loop loop;
  BuiltInBackend backend;

  void step() {
    bench.io.run_one_for(std::chrono::milliseconds(1));
    loop.post([this] { loop.stop(); });
    loop.run();
  }
  template <class Done>
  bool until(Done done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!done() && std::chrono::steady_clock::now() < deadline) step();
    return done();
  }
  template <class T>
  T run(Task<T> task) {
    const auto into = bench.begin(std::move(task));
    REQUIRE(until([&] { return into->has_value(); }));
    return std::move(**into);
  }

  Forward forward(std::string_view json, const std::string& who = "bot") {
    Forward out;
    out.who = Bench::agent(who);
    out.headers.set("Accept", "application/json, text/event-stream");
    auto message = rpc::parse(json);
    REQUIRE(message);
    out.message = *std::move(message);
    return out;
  }
  std::shared_ptr<Answer> send(Forward forward) {
    auto answer = run(backend.send(std::move(forward)));
    REQUIRE(answer);
    return *answer;
  }
  // All messages of an answer.
  std::vector<doc::Value> all(const std::shared_ptr<Answer>& answer) {
    std::vector<doc::Value> out;
    while (true) {
      const auto piece = run(answer->next());
      REQUIRE(piece);
      if (!*piece) return out;
      if ((*piece)->message) out.push_back((*piece)->message->value);
    }
  }
  doc::Value ask(std::string_view json, const std::string& who = "bot") {
    const auto said = all(send(forward(json, who)));
    REQUIRE_FALSE(said.empty());
    return said.back();
  }
};

std::string calling(std::string_view tool, std::string_view args, std::string_view meta = "{}") {
  return R"({"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":")" + std::string(tool) +
         R"(","arguments":)" + std::string(args) + R"(,"_meta":)" + std::string(meta) + "}}";
}

std::string modern(std::string_view method, std::string_view version = "2026-07-28") {
  return R"({"jsonrpc":"2.0","id":"a","method":")" + std::string(method) +
         R"(","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":")" +
         std::string(version) + R"(","io.modelcontextprotocol/clientCapabilities":{}}}})";
}

const doc::Value& result_of(const doc::Value& message) {
  const doc::Value* result = message.find("result");
  REQUIRE(result != nullptr);
  return *result;
}

std::string first_text(const doc::Value& message) {
  return std::string(result_of(message).find("content")->as_array().at(0).text("text"));
}

std::string told(const doc::Value& message, std::string_view key) {
  return std::string(result_of(message).find("structuredContent")->text(key));
}

std::int64_t code_of(const doc::Value& message) {
  const doc::Value* error = message.find("error");
  return error == nullptr ? 0 : error->integer("code");
}

}  // namespace

TEST_CASE("the built-in server begins in both eras") {
  World world;
  const auto hello = world.send(world.forward(
      R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18"}})"));
  CHECK(hello->headers.find("Mcp-Session-Id")->size() == 32);
  const doc::Value said = world.all(hello).at(0);
  CHECK(result_of(said).text("protocolVersion") == "2025-06-18");
  CHECK(result_of(said).find("serverInfo")->text("name") == "keyturn");
  CHECK(
      result_of(
          world.ask(
              R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"1999-01-01"}})"))
          .text("protocolVersion") == "2025-11-25");
  CHECK(text(world.ask(R"({"jsonrpc":"2.0","id":3,"method":"ping"})")) ==
        R"({"jsonrpc":"2.0","id":3,"result":{}})");
  const doc::Value discovered = world.ask(modern("server/discover"));
  CHECK(result_of(discovered).text("resultType") == "complete");
  CHECK(result_of(discovered).find("supportedVersions")->as_array().at(0).as_string() ==
        "2026-07-28");
  CHECK(result_of(discovered).text("cacheScope") == "private");
  const auto gone = world.send(world.forward(modern("ping")));
  CHECK(gone->status == 404);
  CHECK(code_of(world.all(gone).at(0)) == -32601);
  const auto later = world.send(world.forward(modern("tools/list", "2027-01-01")));
  CHECK(later->status == 400);
  CHECK(code_of(world.all(later).at(0)) == -32022);
  Forward bare = world.forward(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})");
  bare.headers.set("MCP-Protocol-Version", "2026-07-28");
  CHECK(world.send(bare)->status == 400);
  CHECK(code_of(world.ask(R"({"jsonrpc":"2.0","id":1,"method":"prompts/list"})")) == -32601);
  CHECK(code_of(world.ask(calling("run", "{}"))) == -32602);  // the front's
  CHECK(code_of(world.ask(calling("keyturn_wait", "[]"))) == -32602);
  Forward stream = world.forward(R"({"jsonrpc":"2.0","id":1,"method":"ping"})");
  stream.message.reset();
  stream.method = "GET";
  CHECK(world.send(stream)->status == 405);
  CHECK(world.send(world.forward(R"({"jsonrpc":"2.0","method":"notifications/initialized"})"))
            ->status == 202);
}

TEST_CASE("the tools of tools.yaml are listed with their schemas") {
  World world;
  for (const std::string& asked :
       {std::string(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})"), modern("tools/list")}) {
    const doc::Value said = world.ask(asked);
    std::vector<std::string> names;
    const doc::Value* deploy = nullptr;
    for (const doc::Value& tool : result_of(said).find("tools")->as_array()) {
      names.emplace_back(tool.text("name"));
      CHECK(tool.find("inputSchema")->text("type") == "object");
      CHECK_FALSE(tool.text("description").empty());
      if (names.back() == "deploy") deploy = &tool;
    }
    CHECK(std::ranges::count(names, "keyturn_request") == 1);
    CHECK(std::ranges::count(names, "keyturn_wait") == 1);
    CHECK(std::ranges::count(names, "keyturn_status") == 1);
    CHECK(std::ranges::count(names, "slow-ask") == 1);
    REQUIRE(deploy != nullptr);
    CHECK(text(*deploy->find("inputSchema")) ==
          R"({"type":"object","properties":{"ref":{"type":"string"},)"
          R"("pin":{"type":"string","writeOnly":true}},"required":["ref"],)"
          R"("additionalProperties":false})");
  }
}

TEST_CASE("what only Keyturn understands stays out of a schema") {
  doc::Problems problems;
  const doc::Value tree =
      *doc::parse_json(R"({"tools": {"t": {"exec": ["/bin/echo", "{{a}}", "{{l}}"], "params": {
      "a": {"type": "string", "pattern": "^[a-z]+$", "bytes_max": 10, "leading_dash": true,
            "required": true},
      "b": {"type": "string", "pattern": "(?i)^x", "required": false},
      "l": {"type": "array", "items": {"type": "string", "bytes_max": 5}, "default": []}},
      "env": {"B": {"param": "b"}}}}})");
  const auto catalog = catalog::Catalog::load(tree, problems);
  REQUIRE_MESSAGE(catalog.has_value(), (problems.empty() ? "" : doc::to_text(problems[0], "t")));
  CHECK(text(catalog::json_schema_of(*catalog->find("t"))) ==
        R"({"type":"object","properties":{"a":{"type":"string","pattern":"^[a-z]+$"},)"
        R"("b":{"type":"string"},"l":{"type":"array","items":{"type":"string"},"default":[]}},)"
        R"("required":["a"],"additionalProperties":false})");
  CHECK(is_listed(*catalog->find("t")));
}

TEST_CASE("a request that policy allows is answered with its outcome") {
  World world;
  const doc::Value said = world.ask(
      calling("keyturn_request", R"({"tool":"run","args":{"text":"hi"},"reason":"why"})"));
  CHECK(told(said, "state") == "succeeded");
  CHECK_FALSE(result_of(said).flag("isError"));
  CHECK(result_of(said).find("_meta")->text("keyturn/action") == told(said, "action"));
  CHECK(world.bench.executor.executed.size() == 1);
  CHECK(world.bench.executor.attended.empty());
}

TEST_CASE("what is refused is said in words, and nothing is asked for") {
  World world;
  for (const std::string args :
       {R"({})", R"({"tool":7})", R"({"tool":"run","args":[]})", R"({"tool":"run","wait_s":-1})",
        R"({"tool":"run","why":"x"})", R"({"tool":"run","args":{"no":1}})"}) {
    CAPTURE(args);
    const doc::Value said = world.ask(calling("keyturn_request", args));
    CHECK(result_of(said).flag("isError"));
    CHECK_FALSE(told(said, "code").empty());
  }
  const doc::Value denied = world.ask(calling("keyturn_request", R"({"tool":"no-such-tool"})"));
  CHECK(result_of(denied).flag("isError"));
  CHECK(told(denied, "state") == "denied");
  CHECK(world.bench.executor.executed.empty());
}

TEST_CASE("a request that waits for people goes ahead by itself, and is asked for once") {
  World world({.leg = std::chrono::milliseconds(30), .heartbeat = std::chrono::milliseconds(5)});
  const std::string asking =
      calling("keyturn_request", R"({"tool":"ask"})", R"({"progressToken":0})");
  const auto answer = world.send(world.forward(asking));
  CHECK(answer->is_stream);
  const auto said = world.all(answer);
  REQUIRE(said.size() > 1);
  CHECK(said[0].text("method") == "notifications/progress");
  CHECK(*said[0].find("params")->find("progressToken") == doc::Value(0));
  CHECK(told(said.back(), "state") == "pending");
  CHECK_FALSE(result_of(said.back()).flag("isError"));
  CHECK(first_text(said.back()).contains("pending"));
  const std::string id = told(said.back(), "action");
  CHECK(first_text(said.back()).contains(id));
  CHECK(told(said.back(), "review_url") == "https://keyturn.example/a/" + id);
  // The same words attach; others, and another agent's, do not.
  CHECK(told(world.ask(asking), "action") == id);
  CHECK(told(world.ask(calling("keyturn_request", R"({"tool":"ask","args":{"text":"x"}})")),
             "action") == id);
  CHECK(told(world.ask(calling("keyturn_request", R"({"tool":"ask","args":{"text":"y"}})")),
             "action") != id);
  CHECK(told(world.ask(asking, "bot2"), "action") != id);
  // Whoever asked over HTTP has an action of their own.
  const gate::RecordPtr other = world.bench.ask("ask", "z");
  CHECK(told(world.ask(calling("keyturn_request", R"({"tool":"ask","args":{"text":"z"}})")),
             "action") != other->id.str());
  CHECK(world.bench.executor.executed.empty());
  const gate::RecordPtr open = world.bench.gate->find_open(ActionId(id));
  REQUIRE(open);
  REQUIRE(world.run(world.bench.voting("bob", open)));
  REQUIRE(world.until([&] { return !world.bench.executor.executed.empty(); }));
  CHECK(world.bench.executor.executed == std::vector<std::string>{id});
}

TEST_CASE("whoever waits for an action hears of its end at once") {
  World world({.leg = std::chrono::seconds(50), .heartbeat = std::chrono::milliseconds(5)});
  const gate::RecordPtr action = world.bench.ask("ask");
  const std::string args = R"({"action":")" + action->id.str() + R"("})";
  const auto answer = world.send(world.forward(calling("keyturn_wait", args)));
  CHECK(answer->is_stream);
  const auto first = world.run(answer->next());
  REQUIRE(first);
  CHECK((*first)->raw.starts_with(": "));
  CHECK(told(world.ask(calling("keyturn_status", args)), "state") == "pending");
  REQUIRE(world.run(world.bench.voting("bob", action, review::Decision::kDeny)));
  const auto said = world.all(answer);
  REQUIRE_FALSE(said.empty());
  CHECK(told(said.back(), "state") == "denied");
  CHECK(result_of(said.back()).flag("isError"));
  const doc::Value status = world.ask(calling("keyturn_status", args));
  CHECK(told(status, "state") == "denied");
  CHECK_FALSE(result_of(status).flag("isError"));
  CHECK(result_of(world.ask(calling("keyturn_wait", args), "bot2")).flag("isError"));
  CHECK(told(world.ask(calling("keyturn_status", R"({"action":"act_none"})")), "code") ==
        "not_found");
}

TEST_CASE("a wait without a stream is one JSON body") {
  World world({.leg = std::chrono::milliseconds(10), .heartbeat = std::chrono::milliseconds(2)});
  const gate::RecordPtr action = world.bench.ask("ask");
  Forward plain =
      world.forward(calling("keyturn_wait", R"({"action":")" + action->id.str() + R"("})"));
  plain.headers.set("Accept", "application/json");
  const auto answer = world.send(plain);
  CHECK_FALSE(answer->is_stream);
  const auto piece = world.run(answer->next());
  REQUIRE(piece);
  CHECK((*piece)->raw == text((*piece)->message->value));
  CHECK(told((*piece)->message->value, "state") == "pending");
}

TEST_CASE("a wait that its client cancels is not answered, and the action stays") {
  World world;
  const gate::RecordPtr action = world.bench.ask("ask");
  const auto answer = world.send(
      world.forward(calling("keyturn_wait", R"({"action":")" + action->id.str() + R"("})")));
  const auto rest = world.bench.begin(answer->next());
  const auto cancelled = [](const char* id) {
    return R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":)" +
           std::string(id) + "}}";
  };
  CHECK(world.send(world.forward(cancelled("8")))->status == 202);
  CHECK(world.send(world.forward(cancelled("7"), "bot2"))->status == 202);
  CHECK_FALSE(rest->has_value());
  CHECK(world.send(world.forward(cancelled("7")))->status == 202);
  REQUIRE(world.until([&] { return rest->has_value(); }));
  REQUIRE((*rest)->has_value());
  CHECK_FALSE((**rest)->has_value());
  CHECK(world.bench.state(action->id) == State::kPending);
}

TEST_CASE("a grant that people agreed to is handed to whoever asked for it, once") {
  World world({.leg = std::chrono::milliseconds(10)});
  const std::string asking = calling("keyturn_request", R"({"tool":"deploy","args":{"ref":"r"}})");
  const std::string id = told(world.ask(asking), "action");
  const gate::RecordPtr open = world.bench.gate->find_open(ActionId(id));
  REQUIRE(open);
  REQUIRE(world.run(world.bench.voting("bob", open)));
  const std::string waiting = calling("keyturn_wait", R"({"action":")" + id + R"("})");
  const doc::Value said = world.ask(waiting);
  CHECK(told(said, "state") == "approved");
  CHECK_FALSE(told(said, "grant").empty());
  CHECK(told(world.ask(waiting), "grant").empty());
}
