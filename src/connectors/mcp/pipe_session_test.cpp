#include "connectors/mcp/pipe_session.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "connectors/mcp/pipe_testing.h"

using namespace keyturn;
using namespace keyturn::connectors::mcp;
using namespace keyturn::connectors::mcp::testing;

namespace {

Task<void> same_ids(World& world) {
  world.on_message = answer_initialize;
  const std::string session = co_await begin(world);
  const auto server = world.servers[0];
  Sending first(world, world.forward(call(5), session));
  Sending second(world, world.forward(call(5), session));
  Sending third(
      world,
      world.forward(R"({"jsonrpc":"2.0","id":"5","method":"tools/call","params":{"name":"t"}})",
                    session));
  co_await heard(world, server, 4);
  server->say("npm WARN this is no message");
  server->say(R"({"jsonrpc":"2.0","id":4711,"result":{}})");
  server->say(response(server->heard[3], "third"));
  server->say(response(server->heard[2], "second"));
  server->say(response(server->heard[2], "second again"));
  server->say(response(server->heard[1], "first"));
  CHECK(co_await next(co_await first.came()) ==
        R"({"jsonrpc":"2.0","id":5,"result":{"is":"first"}})");
  CHECK(co_await next(co_await second.came()) ==
        R"({"jsonrpc":"2.0","id":5,"result":{"is":"second"}})");
  CHECK(co_await next(co_await third.came()) ==
        R"({"jsonrpc":"2.0","id":"5","result":{"is":"third"}})");
}

Task<void> progress_of_two(World& world) {
  world.on_message = answer_initialize;
  const std::string session = co_await begin(world);
  const auto server = world.servers[0];
  constexpr std::string_view kToken = R"(,"_meta":{"progressToken":0})";
  Sending first(world, world.forward(call(1, kToken), session));
  Sending second(world, world.forward(call(2, kToken), session));
  Sending quiet(world, world.forward(call(3), session));
  co_await heard(world, server, 4);
  const auto token = [&](std::size_t at) {
    return server->heard[at].meta()->find("progressToken");
  };
  CHECK(*token(1) != *token(2));
  server->say(progress(*token(2)));
  server->say(progress(*token(1)));
  server->say(progress(server->heard[3].id));  // it has asked for none
  server->say(progress(0));
  for (const std::size_t at : {1, 2, 3}) server->say(response(server->heard[at], "done"));
  for (Sending* one : {&first, &second}) {
    const auto answer = co_await one->came();
    CHECK(answer->is_stream);
    const auto all = co_await rest(answer);
    REQUIRE(all.size() == 2);
    CHECK(all[0] == progress(0));
    CHECK(all[1].contains("done"));
  }
  CHECK_FALSE((co_await quiet.came())->is_stream);
}

Task<void> server_asks(World& world) {
  world.on_message = answer_initialize;
  const std::string session = co_await begin(world);
  const auto server = world.servers[0];
  Sending calling(world, world.forward(call(1), session));
  co_await heard(world, server, 2);
  const std::string question =
      R"({"jsonrpc":"2.0","id":0,"method":"elicitation/create","params":{}})";
  server->say(question);
  const auto answer = co_await calling.came();
  CHECK(answer->is_stream);
  CHECK(co_await next(answer) == question);
  const std::string reply = R"({"jsonrpc":"2.0","id":0,"result":{"action":"accept"}})";
  // Somebody else's, an answer to nothing, and the answer; it counts once.
  CHECK((co_await send(world, world.forward(reply, session, "other")))->status == 404);
  CHECK((co_await send(world, world.forward(R"({"jsonrpc":"2.0","id":9,"result":{}})", session)))
            ->status == 202);
  CHECK((co_await send(world, world.forward(reply, session)))->status == 202);
  CHECK((co_await send(world, world.forward(reply, session)))->status == 202);
  co_await heard(world, server, 3);
  CHECK(text(server->heard[2].value) == reply);
  server->say(R"({"jsonrpc":"2.0","method":"notifications/message","params":{"data":"x"}})");
  server->say(response(server->heard[1], "done"));
  CHECK((co_await next(answer)).contains("notifications/message"));
  CHECK((co_await next(answer)).contains("done"));
  CHECK(co_await next(answer) == "end");
  CHECK(server->heard.size() == 3);
}

Task<void> own_stream(World& world) {
  world.on_message = answer_initialize;
  const std::string session = co_await begin(world);
  const auto server = world.servers[0];
  const auto changed = [&](int n) {
    server->say(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"n":)" +
                std::to_string(n) + "}}");
  };
  changed(0);  // nobody listens yet
  auto stream = co_await send(world, world.forward("GET", session));
  CHECK(stream->status == 200);
  CHECK(stream->headers.find("Content-Type") == "text/event-stream");
  CHECK((co_await next(stream)).contains(R"("n":0)"));
  CHECK((co_await send(world, world.forward("GET", session)))->status == 409);
  Sending calling(world, world.forward(call(1), session));
  co_await heard(world, server, 2);
  changed(1);
  changed(2);
  const auto piece = co_await stream->next();
  REQUIRE(piece);
  Forward again = world.forward("GET", session);
  again.headers.set("Last-Event-ID", (*piece)->event_id);
  const auto other = co_await send(world, again);
  CHECK(other->status == 200);
  CHECK(co_await next(stream) == "(transfer_failed)");
  CHECK((co_await next(other)).contains(R"("n":2)"));
  other->cut();
  changed(3);
  stream = co_await send(world, world.forward("GET", session));
  CHECK((co_await next(stream)).contains(R"("n":3)"));
  again.headers.set("Last-Event-ID", "99-1");
  CHECK((co_await send(world, again))->status == 400);
  again.headers.set("Last-Event-ID", "what");
  CHECK((co_await send(world, again))->status == 400);
  // It does not belong to the call.
  server->say(response(server->heard[1], "done"));
  CHECK_FALSE((co_await calling.came())->is_stream);
}

Task<void> comes_back(World& world) {
  world.on_message = answer_initialize;
  const std::string session = co_await begin(world);
  const auto server = world.servers[0];
  Sending calling(world, world.forward(call(7, R"(,"_meta":{"progressToken":"p"})"), session));
  co_await heard(world, server, 2);
  server->say(progress(*server->heard[1].meta()->find("progressToken")));
  auto answer = co_await calling.came();
  const auto piece = co_await answer->next();
  REQUIRE(piece);
  const std::string id = (*piece)->event_id;
  answer->cut();
  answer.reset();
  Forward again = world.forward("GET", session);
  again.headers.set("Last-Event-ID", id);
  const auto early = co_await send(world, again);
  server->say(response(server->heard[1], "done"));
  CHECK((co_await rest(early)) ==
        std::vector<std::string>{R"({"jsonrpc":"2.0","id":7,"result":{"is":"done"}})"});
  // After the end, too; and nobody was told to stop.
  const auto late = co_await rest(co_await send(world, again));
  CHECK(late.size() == 1);
  CHECK(server->heard.size() == 2);
}

Task<void> slow_answer(World& world) {
  world.on_message = answer_initialize;
  const std::string session = co_await begin(world);
  const auto server = world.servers[0];
  const auto answer = co_await send(world, world.forward(call(1), session));
  CHECK(answer->is_stream);
  const auto priming = co_await answer->next();
  REQUIRE(priming);
  CHECK_FALSE((*priming)->message.has_value());
  CHECK_FALSE((*priming)->event_id.empty());
  co_await heard(world, server, 2);
  server->say(response(server->heard[1], "done"));
  CHECK((co_await rest(answer)).size() == 1);
}

Task<void> legacy_cancel(World& world) {
  world.on_message = answer_initialize;
  const std::string session = co_await begin(world);
  const auto server = world.servers[0];
  Sending calling(world, world.forward(call(9), session));
  co_await heard(world, server, 2);
  const auto cancel = [](std::string_view id) {
    return R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":)" +
           std::string(id) + R"(,"reason":"enough"}})";
  };
  for (const char* id : {"2", "\"9\"", "null", "9"})
    CHECK((co_await send(world, world.forward(cancel(id), session)))->status == 202);
  co_await heard(world, server, 3);
  CHECK(*server->heard[2].params()->find("requestId") == server->heard[1].id);
  CHECK(server->heard[2].params()->text("reason") == "enough");
  // A server does not answer what was cancelled; the stream ends all the same.
  const auto answer = co_await calling.came();
  CHECK(answer->status == 200);
  CHECK((co_await rest(answer)).empty());
  CHECK(server->heard.size() == 3);
}

// Many requests with the same few ids and tokens, answered in any order.
Task<void> confuse(World& world, std::vector<int> ids, std::vector<std::size_t> order) {
  std::vector<Sending> all;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    all.emplace_back(world,
                     world.forward(modern_call(std::to_string(ids[i]),
                                               R"(,"progressToken":)" + std::to_string(ids[i] % 2) +
                                                   R"(,"n":)" + std::to_string(i))));
  }
  while (world.servers.empty()) co_await world.loop.sleep(Duration(10));
  const auto server = world.servers[0];
  co_await heard(world, server, ids.size());
  for (const std::size_t at : order) {
    const rpc::Message& asked = server->heard[at % ids.size()];
    server->say(
        text(rpc::notification("notifications/progress",
                               doc::object({{"progressToken", *asked.meta()->find("progressToken")},
                                            {"progress", *asked.meta()->find("n")}}))));
    server->say(text(rpc::result(asked.id, *asked.meta()->find("n"))));
  }
  for (const rpc::Message& asked : server->heard)
    server->say(text(rpc::result(asked.id, *asked.meta()->find("n"))));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto said = co_await rest(co_await all[i].came());
    const std::string n = std::to_string(i), id = std::to_string(ids[i]);
    RC_ASSERT(said.back() == R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + n + "}");
    if (said.size() > 1) {
      RC_ASSERT(said.size() == 2U);
      RC_ASSERT(said[0] ==
                R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":)" +
                    std::to_string(ids[i] % 2) + R"(,"progress":)" + n + "}}");
    }
  }
}

}  // namespace

TEST_CASE("requests with the same id each get their own answer, in any order") {
  World world;
  run(world, same_ids(world));
}

TEST_CASE("progress goes to the request whose token it is, and comes before its answer") {
  World world;
  run(world, progress_of_two(world));
}

TEST_CASE("what a server asks goes to who is there, and the answer goes back once") {
  World world;
  run(world, server_asks(world));
}

TEST_CASE("what belongs to no request goes to the session's own stream, to one reader at a time") {
  World world;
  run(world, own_stream(world));
}

TEST_CASE("a client that went away comes back to the rest of its answer") {
  World world;
  run(world, comes_back(world));
}

TEST_CASE("an answer that takes long becomes a stream that a client can come back to") {
  World world({.stream_after = std::chrono::milliseconds(5)});
  run(world, slow_answer(world));
}

TEST_CASE("a cancellation reaches the request that the client means") {
  World world({.session = {.after_cancel = std::chrono::milliseconds(5)}});
  run(world, legacy_cancel(world));
}

TEST_CASE(
    "nothing of two requests is confused, whatever ids they have and when they are answered") {
  CHECK(rc::check([] {
    const auto ids =
        *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 4)));
    const auto order =
        *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, 100));
    World world;
    run(world, confuse(world, ids, order));
  }));
}
