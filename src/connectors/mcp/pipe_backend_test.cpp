#include "connectors/mcp/pipe_backend.h"

#include <doctest/doctest.h>

#include "connectors/mcp/pipe_testing.h"
#include "net/abort.h"

using namespace keyturn;
using namespace keyturn::connectors::mcp;
using namespace keyturn::connectors::mcp::testing;

namespace {

Task<void> legacy_session(World& world) {
  world.on_message = answer_all;
  const std::string session = co_await begin(world);
  CHECK(session.size() == 32);
  CHECK(world.servers.size() == 1);
  const auto server = world.servers[0];
  const auto told = co_await send(
      world, world.forward(R"({"jsonrpc":"2.0","method":"notifications/initialized"})", session));
  CHECK(told->status == 202);
  CHECK_FALSE(told->is_stream);
  CHECK((co_await rest(told)).empty());
  const auto answer = co_await send(world, world.forward(call(0, R"(,"x":1.50)"), session));
  CHECK(answer->status == 200);
  CHECK_FALSE(answer->is_stream);
  CHECK(answer->headers.find("Content-Type") == "application/json");
  CHECK(
      co_await rest(answer) ==
      std::vector<std::string>{
          R"({"jsonrpc":"2.0","id":0,"result":{"method":"tools/call","params":{"name":"t","x":1.50}}})"});
  CHECK(server->heard.at(1).method == "notifications/initialized");
  CHECK(server->heard.at(2).id != server->heard.at(0).id);
  const std::string again = co_await begin(world);
  CHECK(again != session);
  CHECK(world.servers.size() == 2);
}

Task<void> modern_shared(World& world) {
  world.on_message = {};
  Sending first(world, world.forward(modern_call("1")));
  Sending second(world, world.forward(modern_call("1", R"(,"progressToken":1)")));
  Sending other(world, world.forward(modern_call("1"), "", "other"));
  while (world.servers.size() < 2) co_await world.loop.sleep(Duration(100));
  co_await heard(world, world.servers[0], 2);
  co_await heard(world, world.servers[1], 1);
  CHECK(world.servers.size() == 2);
  const auto server = world.servers[0];
  const std::size_t with_token = server->heard[0].meta()->find("progressToken") != nullptr ? 0 : 1;
  server->say(progress(server->heard[with_token].id));
  server->say(response(server->heard[with_token], "second"));
  server->say(response(server->heard[1 - with_token], "first"));
  world.servers[1]->say(response(world.servers[1]->heard[0], "other"));
  const auto streamed = co_await second.came();
  CHECK((co_await rest(streamed)) ==
        std::vector<std::string>{progress(1),
                                 R"({"jsonrpc":"2.0","id":1,"result":{"is":"second"}})"});
  CHECK((co_await next(co_await first.came())).contains("first"));
  CHECK((co_await next(co_await other.came())).contains("other"));
}

Task<void> modern_listen(World& world) {
  Sending listening(
      world, world.forward(
                 R"({"jsonrpc":"2.0","id":"listen:0","method":"subscriptions/listen","params":{)" +
                 std::string(kEnvelope) + "}}}"));
  while (world.servers.empty()) co_await world.loop.sleep(Duration(100));
  const auto server = world.servers[0];
  co_await heard(world, server, 1);
  const auto stamped = [&](std::string_view method, const doc::Value& id) {
    return text(rpc::notification(
        method,
        doc::object({{"_meta", doc::object({{"io.modelcontextprotocol/subscriptionId", id}})}})));
  };
  const doc::Value own = server->heard[0].id;
  CHECK(own != doc::Value("listen:0"));
  server->say(stamped("notifications/subscriptions/acknowledged", own));
  server->say(stamped("notifications/tools/list_changed", 4711));
  server->say(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})");
  server->say(R"({"jsonrpc":"2.0","id":0,"method":"elicitation/create","params":{}})");
  server->say(stamped("notifications/tools/list_changed", own));
  auto answer = co_await listening.came();
  CHECK(co_await next(answer) == stamped("notifications/subscriptions/acknowledged", "listen:0"));
  CHECK(co_await next(answer) == stamped("notifications/tools/list_changed", "listen:0"));
  co_await heard(world, server, 2);
  CHECK(server->heard[1].kind == rpc::Kind::kResponse);  // it must not ask like that
  CHECK(server->heard[1].value.find("error") != nullptr);
  // A cancellation by id could be another client's; closing the stream is one.
  const auto ignored = co_await send(
      world,
      world.forward(
          R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"listen:0",)" +
          std::string(kEnvelope) + "}}}"));
  CHECK(ignored->status == 202);
  answer.reset();
  co_await heard(world, server, 3);
  CHECK(server->heard[2].method == "notifications/cancelled");
  CHECK(*server->heard[2].params()->find("requestId") == own);
  server->say(rpc::result(own, doc::object({})));  // too late
  Sending calling(world, world.forward(modern_call("2")));
  co_await heard(world, server, 4);
  server->say(response(server->heard[3], "done"));
  CHECK((co_await rest(co_await calling.came())).size() == 1);
  CHECK(world.servers.size() == 1);
}

Task<void> aborted(World& world) {
  Forward modern = world.forward(modern_call("1"));
  modern.abort = std::make_shared<net::Abort>();
  Sending leaving(world, modern);
  while (world.servers.empty()) co_await world.loop.sleep(Duration(100));
  const auto server = world.servers[0];
  co_await heard(world, server, 1);
  modern.abort->abort();
  CHECK((co_await leaving.result()).error().code == "stopped");
  co_await heard(world, server, 2);
  CHECK(server->heard[1].method == "notifications/cancelled");
  CHECK((co_await world.backend.send(modern)).error().code == "stopped");
  CHECK(server->heard.size() == 2);
  // A legacy one goes on: its client may come back.
  world.on_message = answer_initialize;
  const std::string session = co_await begin(world);
  Forward legacy = world.forward(call(1), session);
  legacy.abort = std::make_shared<net::Abort>();
  Sending going(world, legacy);
  co_await heard(world, world.servers[1], 2);
  legacy.abort->abort();
  CHECK((co_await going.result()).error().code == "stopped");
  Sending after(world, world.forward(call(2), session));
  co_await heard(world, world.servers[1], 3);
  CHECK(world.servers[1]->heard[2].method == "tools/call");
  world.servers[1]->say(response(world.servers[1]->heard[2], "done"));
  CHECK((co_await next(co_await after.came())).contains("done"));
}

Task<void> server_dies(World& world) {
  world.on_message = answer_initialize;
  const std::string session = co_await begin(world);
  const auto server = world.servers[0];
  Sending first(world, world.forward(call(1), session));
  Sending second(world, world.forward(call(2), session));
  const auto stream = co_await send(world, world.forward("GET", session));
  co_await heard(world, server, 3);
  server->die("It ended with exit code 3; it said: out of cheese");
  // Whether it took effect, nobody can say.
  const auto refused = co_await first.result();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "transfer_failed");
  CHECK(refused.error().message.contains("exit code 3; it said: out of cheese"));
  CHECK_FALSE(co_await second.result());
  CHECK(co_await next(stream) == "end");
  CHECK(world.backend.sessions() == 0);
  CHECK((co_await send(world, world.forward(call(3), session)))->status == 404);
  CHECK((co_await send(world, world.forward("GET", session)))->status == 404);
  // A modern client's next request begins another server.
  Sending modern(world, world.forward(modern_call("1")));
  while (world.servers.size() < 2) co_await world.loop.sleep(Duration(100));
  co_await heard(world, world.servers[1], 1);
  world.servers[1]->die("gone");
  CHECK((co_await modern.result()).error().message == "gone");
  world.on_message = answer_all;
  CHECK((co_await next(co_await send(world, world.forward(modern_call("1"))))).contains("result"));
  CHECK(world.servers.size() == 3);
}

Task<void> whose_session(World& world) {
  world.on_message = answer_all;
  const std::string session = co_await begin(world);
  const auto server = world.servers[0];
  for (const char* what : {"GET", "DELETE"}) {
    CHECK((co_await send(world, world.forward(what, session, "other")))->status == 404);
    CHECK((co_await send(world, world.forward(what)))->status == 400);
    Forward modern = world.forward(what, session);
    modern.headers.set("MCP-Protocol-Version", "2026-07-28");
    CHECK((co_await send(world, modern))->status == 405);
  }
  const auto unknown = co_await send(world, world.forward(call(1), std::string(32, '0')));
  CHECK(unknown->status == 404);
  CHECK((co_await next(unknown)) ==
        R"({"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}})");
  CHECK((co_await send(world, world.forward(call(1))))->status == 400);
  CHECK((co_await send(world,
                       world.forward(R"({"jsonrpc":"2.0","id":0,"method":"initialize"})", session)))
            ->status == 400);
  CHECK(server->closed.empty());
  CHECK((co_await send(world, world.forward("DELETE", session)))->status == 200);
  CHECK_FALSE(server->closed.empty());
  CHECK((co_await send(world, world.forward(call(1), session)))->status == 404);
  CHECK(server->heard.size() == 1);
}

Task<void> no_session(World& world) {
  world.refuses = "no such program";
  const auto answer = co_await world.backend.send(
      world.forward(R"({"jsonrpc":"2.0","id":0,"method":"initialize"})"));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().message == "no such program");
  CHECK_FALSE(co_await world.backend.send(world.forward(modern_call("1"))));
  CHECK(world.backend.sessions() == 0);
  world.refuses.clear();
  world.on_message = [](Server& server, const rpc::Message& message) {
    server.say(rpc::error(message.id, rpc::kInvalidParams, "no"));
  };
  const auto failed =
      co_await send(world, world.forward(R"({"jsonrpc":"2.0","id":0,"method":"initialize"})"));
  CHECK_FALSE(failed->headers.find("Mcp-Session-Id"));
  CHECK(world.backend.sessions() == 0);
  CHECK_FALSE(world.servers[0]->closed.empty());
}

Task<void> bounds(World& world) {
  world.on_message = answer_initialize;
  const std::string first = co_await begin(world), second = co_await begin(world);
  const auto stream = co_await send(world, world.forward("GET", first));
  const std::string third = co_await begin(world);  // the second one made room
  CHECK((co_await send(world, world.forward(call(1), second)))->status == 404);
  const auto other = co_await send(world, world.forward("GET", third));
  const auto refused = co_await world.backend.send(
      world.forward(R"({"jsonrpc":"2.0","id":0,"method":"initialize"})"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "unavailable");
  co_await begin(world, "other");
  Sending one(world, world.forward(call(1), first));
  Sending two(world, world.forward(call(2), first));
  co_await heard(world, world.servers[0], 3);
  CHECK((co_await world.backend.send(world.forward(call(3), first))).error().code == "unavailable");
  // Who does not read what is said is cut off; nobody else is.
  const std::string large(1000, 'x');
  const std::string said =
      R"({"jsonrpc":"2.0","method":"notifications/resources/list_changed","params":{"x":")" +
      large + "\"}}";
  for (int i = 0; i < 20; ++i) world.servers[0]->say(said);
  world.servers[0]->say(response(world.servers[0]->heard[1], "done"));
  CHECK((co_await next(co_await one.came())).contains("done"));
  CHECK(co_await next(stream) == "(too_large)");
}

Task<void> idle(World& world) {
  world.on_message = answer_all;
  co_await send(world, world.forward(modern_call("1")));
  const auto server = world.servers[0];
  while (server->closed.empty()) co_await world.loop.sleep(std::chrono::milliseconds(1));
  CHECK(world.backend.sessions() == 0);
  co_await send(world, world.forward(modern_call("2")));
  CHECK(world.servers.size() == 2);
}

Task<void> no_discover(World& world) {
  const auto answer = co_await send(
      world,
      world.forward(R"({"jsonrpc":"2.0","id":"probe","method":"server/discover","params":{)" +
                    std::string(kEnvelope) + "}}}"));
  CHECK(answer->status == 200);
  CHECK_FALSE(answer->is_stream);
  CHECK((co_await next(answer)).contains("-32601"));
  CHECK_FALSE(world.servers.at(0)->closed.empty());
}

}  // namespace

TEST_CASE("a server behind a pipe has sessions, each with a server of its own") {
  World world;
  run(world, legacy_session(world));
}

TEST_CASE("modern requests of one principal share a server, those of two never do") {
  World world;
  world.starts_slowly = true;
  run(world, modern_shared(world));
}

TEST_CASE("a modern subscription is its client's by its id, and ends when the client goes") {
  World world;
  run(world, modern_listen(world));
}

TEST_CASE("a client that goes away before the answer cancels its request, where that is the rule") {
  World world;
  run(world, aborted(world));
}

TEST_CASE("when the server ends, everything in flight is told so in words") {
  World world;
  run(world, server_dies(world));
}

TEST_CASE("a session is its principal's, until it ends") {
  World world;
  run(world, whose_session(world));
}

TEST_CASE("a server that does not begin leaves nothing behind") {
  World world;
  run(world, no_session(world));
}

TEST_CASE("sessions, requests and what nobody reads are bounded") {
  World world({.sessions_max = 2,
               .session = {.in_flight_max = 2,
                           .log = {.kept_bytes_max = 5000, .unread_bytes_max = 10'000}}});
  run(world, bounds(world));
}

TEST_CASE("a server that nobody asks anything is ended") {
  World world({.modern_idle = std::chrono::milliseconds(20)});
  run(world, idle(world));
}

TEST_CASE("a server that does not know server/discover is taken for one of the other era") {
  World world({.discover_within = std::chrono::milliseconds(5)});
  run(world, no_discover(world));
}
