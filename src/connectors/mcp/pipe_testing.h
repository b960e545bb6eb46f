// What the tests of PipeBackend share: a server at the other end of a pipe.
#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "connectors/mcp/pipe_backend.h"
#include "connectors/testing.h"
#include "doc/json.h"
#include "mcp/sse.h"

namespace keyturn::connectors::mcp::testing {

class Server final : public Pipe {
 public:
  explicit Server(net::Loop& loop) : loop_(loop) {}
  Task<Result<void>> write(std::string line) override {
    if (!closed.empty()) co_return refuse("closed", closed);
    auto message = rpc::parse(line);
    if (!message) co_return refuse("closed", "not understood: " + line);
    heard.push_back(*message);
    if (hears) hears->fire();
    if (on_message) on_message(*this, *message);
    co_return Result<void>();
  }
  Task<Result<std::string>> read() override {
    while (said_.empty()) {
      if (!closed.empty()) co_return refuse("closed", closed);
      stir_ = std::make_unique<net::Waiter>(loop_);
      co_await stir_->wait(std::chrono::hours(1));
    }
    std::string line = std::move(said_.front());
    said_.pop_front();
    co_return line;
  }
  void cut() override { die("it was cut"); }

  void say(std::string line) {
    said_.push_back(std::move(line));
    if (stir_) stir_->fire();
  }
  void say(const char* line) { say(std::string(line)); }
  void say(const doc::Value& value) { say(doc::write_json(value)); }
  void die(std::string why) {
    if (closed.empty()) closed = std::move(why);
    if (stir_) stir_->fire();
  }

  std::vector<rpc::Message> heard;
  std::string closed;  // how it ended
  std::function<void(Server&, const rpc::Message&)> on_message;
  std::unique_ptr<net::Waiter> hears;

 private:
  net::Loop& loop_;
  std::deque<std::string> said_;
  std::unique_ptr<net::Waiter> stir_;
};

constexpr std::string_view kEnvelope =
    R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28")";

struct World {
  explicit World(PipeLimits limits = {})
      : backend({.loop = loop,
                 .random = random,
                 .open = [this](const Forward&) { return open(*this); },
                 .redactor = {}},
                limits) {}

  static Task<Result<std::shared_ptr<Pipe>>> open(World& world) {
    if (world.starts_slowly) co_await world.loop.sleep(std::chrono::milliseconds(2));
    if (!world.refuses.empty()) co_return refuse("unavailable", world.refuses);
    auto server = std::make_shared<Server>(world.loop);
    server->on_message = world.on_message;
    world.servers.push_back(server);
    co_return server;
  }

  Forward forward(std::string_view json, std::string session = {}, std::string who = "bot") {
    Forward out;
    out.session = std::move(session);
    out.who = {.kind = PrincipalKind::kAgent, .id = std::move(who)};
    if (json == "GET" || json == "DELETE") {
      out.method = json;
    } else {
      auto message = rpc::parse(json);
      REQUIRE(message);
      out.message = *std::move(message);
    }
    return out;
  }

  net::Loop loop;
  SystemRandom random;
  std::vector<std::shared_ptr<Server>> servers;
  std::function<void(Server&, const rpc::Message&)> on_message;
  bool starts_slowly = false;
  std::string refuses;
  PipeBackend backend;
};

// Answers initialize, and what else it is asked with what it was asked.
inline void answer_all(Server& server, const rpc::Message& message) {
  if (message.kind != rpc::Kind::kRequest) return;
  doc::Value result = doc::object({{"method", message.method}});
  if (message.method == "initialize") result.set("protocolVersion", "2025-11-25");
  if (const doc::Value* params = message.params()) result.set("params", *params);
  server.say(rpc::result(message.id, result));
}

inline void answer_initialize(Server& server, const rpc::Message& message) {
  if (message.method == "initialize") answer_all(server, message);
}

inline std::string text(const doc::Value& value) {
  return doc::write_json(value);
}

inline Task<std::shared_ptr<Answer>> send(World& world, Forward forward) {
  auto answer = co_await world.backend.send(std::move(forward));
  if (!answer) throw std::runtime_error(answer.error().message);
  co_return *answer;
}

inline Task<std::string> begin(World& world, std::string who = "bot") {
  const auto answer = co_await send(
      world,
      world.forward(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{}})", "", who));
  CHECK(answer->status == 200);
  co_return std::string(answer->headers.find("Mcp-Session-Id").value_or(""));
}

// What is left of an answer's messages, as JSON; "(CODE)" where it ends in a refusal.
inline Task<std::vector<std::string>> rest(std::shared_ptr<Answer> answer) {
  std::vector<std::string> out;
  while (true) {
    auto piece = co_await answer->next();
    if (!piece) {
      out.push_back("(" + piece.error().code + ")");
      co_return out;
    }
    if (!*piece) co_return out;
    if (answer->is_stream) {
      rpc::SseSplitter splitter;
      std::vector<rpc::SsePiece> pieces;
      CHECK(splitter.feed((*piece)->raw, pieces));
      REQUIRE(pieces.size() == 1);
      CHECK(pieces[0].id == (*piece)->event_id);
      CHECK(pieces[0].data == ((*piece)->message ? text((*piece)->message->value) : ""));
    } else {
      CHECK((*piece)->raw == text((*piece)->message->value));
    }
    out.push_back((*piece)->message ? text((*piece)->message->value) : "");
  }
}

inline Task<std::string> next(std::shared_ptr<Answer> answer) {
  const auto piece = co_await answer->next();
  if (!piece) co_return "(" + piece.error().code + ")";
  if (!*piece) co_return "end";
  co_return (*piece)->message ? text((*piece)->message->value) : "";
}

// Until the server has heard so many messages.
inline Task<void> heard(World& world, std::shared_ptr<Server> server, std::size_t count) {
  while (server->heard.size() < count) {
    server->hears = std::make_unique<net::Waiter>(world.loop);
    co_await server->hears->wait(std::chrono::hours(1));
  }
}

struct Sent {
  std::optional<Result<std::shared_ptr<Answer>>> answer;
  std::shared_ptr<net::Waiter> done;
};

inline Task<void> send_into(World& world, Forward forward, std::shared_ptr<Sent> into) {
  into->answer = co_await world.backend.send(std::move(forward));
  into->done->fire();
}

// A request that goes on while the test does.
class Sending {
 public:
  Sending(World& world, Forward forward) {
    sent_->done = std::make_shared<net::Waiter>(world.loop);
    world.loop.spawn(send_into(world, std::move(forward), sent_));
  }
  Task<Result<std::shared_ptr<Answer>>> result() {
    co_await sent_->done->wait(std::chrono::hours(1));
    co_return *std::exchange(sent_->answer, std::nullopt);
  }
  Task<std::shared_ptr<Answer>> came() {
    auto answer = co_await result();
    if (!answer) throw std::runtime_error(answer.error().message);
    co_return *answer;
  }

 private:
  std::shared_ptr<Sent> sent_ = std::make_shared<Sent>();
};

inline Task<bool> told(Task<void> story) {
  co_await std::move(story);
  co_return true;
}

inline void run(World& world, Task<void> story) {
  CHECK(connectors::testing::await(world.loop, told(std::move(story))));
}

inline std::string call(int id, std::string_view more = "") {
  return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) +
         R"(,"method":"tools/call","params":{"name":"t")" + std::string(more) + "}}";
}

inline std::string modern_call(std::string_view id, std::string_view more = "") {
  return R"({"jsonrpc":"2.0","id":)" + std::string(id) +
         R"(,"method":"tools/call","params":{"name":"t",)" + std::string(kEnvelope) +
         std::string(more) + "}}}";
}

inline std::string response(const rpc::Message& request, std::string_view what) {
  return text(rpc::result(request.id, doc::object({{"is", what}})));
}

inline std::string progress(const doc::Value& token) {
  return text(rpc::notification("notifications/progress",
                                doc::object({{"progressToken", token}, {"progress", 1}})));
}

}  // namespace keyturn::connectors::mcp::testing
