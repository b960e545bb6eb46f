// Against a real HTTP server, on the same loop.
#include "connectors/mcp/http_backend.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "connectors/testing.h"
#include "doc/json.h"
#include "net/server.h"

namespace keyturn::connectors::mcp {
namespace {

using connectors::testing::await;
using connectors::testing::TempFolder;
using connectors::testing::write_file;

struct Peer final : net::HttpHandler {
  Task<net::HttpResponse> handle(net::HttpRequest request, net::RequestContext& context) override {
    seen.push_back(request);
    if (hangs) {
      parked = std::make_shared<net::Waiter>(context.loop());
      if (on_park) on_park();
      const std::shared_ptr<net::Waiter> waiter = parked;
      co_await context.park(*waiter, std::chrono::seconds(20));
      was_left = context.is_gone();
      if (on_left) on_left();
      co_return net::HttpResponse{.status = 500};
    }
    co_return answer(request);
  }
  std::vector<net::HttpRequest> seen;
  std::function<net::HttpResponse(const net::HttpRequest&)> answer;
  bool hangs = false, was_left = false;
  std::function<void()> on_park, on_left;
  std::shared_ptr<net::Waiter> parked;
};

net::HttpResponse typed(int status, std::string type, std::string body, net::Headers more = {}) {
  net::HttpResponse out{.status = status, .headers = std::move(more), .body = std::move(body)};
  out.headers.add("Content-Type", std::move(type));
  return out;
}

net::HttpResponse events(std::vector<std::string> pieces) {
  return net::event_stream([pieces = std::move(pieces)](net::BodyWriter& out) {
    return [](std::vector<std::string> all, net::BodyWriter& to) -> Task<void> {
      for (const std::string& piece : all) co_await to.write(piece);
    }(pieces, out);
  });
}

constexpr std::string_view kResult = R"({"result":{"tools":[]},"jsonrpc":"2.0","id":7})";

struct Rig {
  Rig() {
    server = std::move(*net::Server::listen(loop, {}, peer));
    upstream.name = "files";
    upstream.url = "http://127.0.0.1:" + std::to_string(server->port()) + "/mcp";
    peer.answer = [](const net::HttpRequest&) {
      return typed(200, "application/json", std::string(kResult));
    };
  }
  Backend& backend(ReadSecrets when = {}) {
    if (!made)
      made =
          std::make_unique<HttpBackend>(loop, pool, std::make_shared<net::ExchangeClient>(loop),
                                        std::make_shared<const catalog::Upstream>(upstream), when);
    return *made;
  }
  Result<std::shared_ptr<Answer>> send(Forward forward) {
    return await(loop, backend().send(std::move(forward)));
  }
  Result<std::optional<Piece>> next(Answer& answer) { return await(loop, answer.next()); }
  std::string code(
      Forward forward) {  // what sending, or reading all of the answer, is refused with
    const auto answer = send(std::move(forward));
    if (!answer) return answer.error().code;
    while (true) {
      const auto piece = next(**answer);
      if (!piece) return piece.error().code;
      if (!*piece) return "";
    }
  }

  net::Loop loop;
  net::BlockingPool pool{loop, "secrets", 1};
  Peer peer;
  std::unique_ptr<net::Server> server;
  catalog::Upstream upstream;
  std::unique_ptr<HttpBackend> made;
};

Forward call(std::string_view text = R"({"method":"tools/list","jsonrpc":"2.0","id":7})") {
  Forward out;
  out.message = *rpc::parse(text);
  return out;
}

catalog::UpstreamHeader secret_header(std::string name, std::string prefix, std::string file) {
  return {.name = std::move(name),
          .text = std::move(prefix),
          .secret = catalog::SecretRef{{secrets::Source::kFile, std::move(file), {}}, false}};
}

}  // namespace

TEST_CASE("what concerns MCP goes both ways as it is, and nothing else does") {
  Rig rig;
  const TempFolder folder;
  write_file(folder.path() + "/token", "s3cret-t0ken\n", 0600);
  rig.upstream.headers = {secret_header("Authorization", "Bearer ", folder.path() + "/token"),
                          {.name = "X-Plain", .text = "text", .secret = {}}};
  rig.peer.answer = [](const net::HttpRequest&) {
    return typed(200, "application/json; charset=utf-8", std::string(kResult),
                 {{"Mcp-Session-Id", "theirs"},
                  {"Set-Cookie", "a=b"},
                  {"WWW-Authenticate", "Bearer"},
                  {"Server", "x"},
                  {"Cache-Control", "no-cache"}});
  };
  Forward forward =
      call(R"({"method":"tools/list","params":{"b":1.50,"a":"é"},"jsonrpc":"2.0","id":7})");
  forward.session = "mine";
  forward.headers = {{"Accept", "application/json"},    {"MCP-Protocol-Version", "2025-11-25"},
                     {"Mcp-Param-Region", "eu"},        {"Cookie", "c=d"},
                     {"Authorization", "Bearer agent"}, {"Connection", "close"},
                     {"Accept-Encoding", "gzip"},       {"traceparent", "00-1-2-01"}};
  CHECK(rig.backend().redactor() == nullptr);
  const auto answer = rig.send(std::move(forward));
  REQUIRE(answer);
  const net::HttpRequest& seen = rig.peer.seen.at(0);
  CHECK(seen.method == "POST");
  CHECK(seen.path == "/mcp");
  CHECK(seen.body ==
        R"({"method":"tools/list","params":{"b":1.50,"a":"é"},"jsonrpc":"2.0","id":7})");
  CHECK(seen.header("accept") == "application/json");
  CHECK(seen.header("content-type") == "application/json");
  CHECK(seen.header("mcp-protocol-version") == "2025-11-25");
  CHECK(seen.header("mcp-param-region") == "eu");
  CHECK(seen.header("mcp-session-id") == "mine");
  CHECK(seen.header("authorization") == "Bearer s3cret-t0ken");
  CHECK(seen.header("x-plain") == "text");
  CHECK(seen.header("traceparent") == "00-1-2-01");
  CHECK(seen.header("accept-encoding") == "identity");
  CHECK(!seen.header("cookie"));
  CHECK(!seen.header("connection"));
  CHECK((*answer)->status == 200);
  CHECK(!(*answer)->is_stream);
  std::vector<std::string> names;
  for (const net::Header& header : (*answer)->headers.all()) names.push_back(header.name);
  std::ranges::sort(names);
  CHECK(names == std::vector<std::string>{"Cache-Control", "Content-Type", "Mcp-Session-Id"});
  const auto piece = rig.next(**answer);
  REQUIRE((piece && *piece));
  CHECK((*piece)->raw == kResult);
  CHECK((*piece)->message->kind == rpc::Kind::kResponse);
  CHECK(!*rig.next(**answer));
  REQUIRE(rig.backend().redactor() != nullptr);
  CHECK(rig.backend().redactor()->redact("it is s3cret-t0ken!") ==
        "it is [redacted:Authorization]!");
}

TEST_CASE("a stream's pieces are its bytes, and what they say") {
  Rig rig;
  const std::vector<std::string> wire{
      ": hello\n\n", "id: 1\nretry: 100\ndata: \n\n",
      "event: message\nid: 2\ndata: "
      "{\"method\":\"notifications/progress\",\"jsonrpc\":\"2.0\"}\n\n",
      "event: other\ndata: not for MCP\n\n", "data: " + std::string(kResult) + "\n\n"};
  rig.peer.answer = [&](const net::HttpRequest&) { return events(wire); };
  const auto answer = rig.send(call());
  REQUIRE(answer);
  CHECK((*answer)->is_stream);
  std::string raw, said;
  while (true) {
    const auto piece = rig.next(**answer);
    REQUIRE(piece);
    if (!*piece) break;
    raw += (*piece)->raw;
    said += "[" + (*piece)->event_id + "]";
    if ((*piece)->message) said += (*piece)->message->method + rpc::id_text((*piece)->message->id);
  }
  std::string all;
  for (const std::string& piece : wire) all += piece;
  CHECK(raw == all);
  CHECK(said.starts_with("[][1][2]notifications/progress"));
  CHECK(said.ends_with("[][]n:7"));
}

TEST_CASE("statuses without a message are relayed as they are") {
  Rig rig;
  const auto status = [&](net::HttpResponse (*answer)(), Forward forward) {
    rig.peer.answer = [answer](const net::HttpRequest&) { return answer(); };
    const auto got = rig.send(std::move(forward));
    REQUIRE(got);
    const auto piece = rig.next(**got);
    REQUIRE(piece);
    return std::to_string((*got)->status) + " " +
           std::string((*got)->headers.find("allow").value_or("")) +
           (*piece ? " " + (*piece)->raw : "");
  };
  Forward get, end, note = call(R"({"method":"notifications/initialized","jsonrpc":"2.0"})");
  get.method = "GET";
  end.method = "DELETE";
  end.session = "mine";
  CHECK(status([] { return net::HttpResponse{.status = 202}; }, note) == "202 ");
  CHECK(status([] { return net::HttpResponse{.status = 200}; }, end) == "200 ");
  CHECK(rig.peer.seen.back().method == "DELETE");
  CHECK(rig.peer.seen.back().header("mcp-session-id") == "mine");
  CHECK(status([] { return typed(405, "text/plain", "no", {{"Allow", "POST"}}); }, get) ==
        "405 POST");
  CHECK(rig.peer.seen.back().header("accept") == "text/event-stream");
  CHECK(
      status(
          [] {
            return typed(
                404, "application/json",
                R"({"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}})");
          },
          call()) ==
      R"(404  {"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}})");
  CHECK(status([] { return typed(400, "application/json", R"({"oops":1})"); }, call()) ==
        R"(400  {"oops":1})");
  const std::string page =
      status([] { return typed(404, "text/html", "<script>alert(1)</script>"); }, call());
  CHECK(page.starts_with("404  {"));
  CHECK(page.contains("is its url that of an MCP server?"));
  CHECK(!page.contains("<script>"));
}

TEST_CASE("what is about Keyturn's own credentials and configuration is not the agent's business") {
  Rig rig;
  for (const int status : {401, 403, 302, 307}) {
    CAPTURE(status);
    rig.peer.answer = [status](const net::HttpRequest&) {
      return typed(status, "application/json", "{}",
                   {{"WWW-Authenticate", "Bearer resource_metadata=\"https://x\""},
                    {"Location", "https://evil.example/"}});
    };
    const auto answer = rig.send(call());
    REQUIRE(!answer);
    CHECK(answer.error().code == (status < 400 ? "transfer_failed" : "server_refused"));
    CHECK(answer.error().message.contains("upstreams.files."));
    CHECK(!answer.error().message.contains("://"));
  }
}

TEST_CASE("a credential that was replaced is read again when the server does not take it") {
  Rig rig;
  const TempFolder folder;
  const std::string file = folder.path() + "/token";
  write_file(file, "first", 0600);
  rig.upstream.headers = {secret_header("Authorization", "Bearer ", file)};
  std::string good = "Bearer first";
  rig.peer.answer = [&](const net::HttpRequest& request) {
    const bool fits = request.header("authorization") == good;
    return typed(fits ? 200 : 401, "application/json", std::string(kResult));
  };
  SUBCASE("at once") {
    rig.backend({.soonest = Duration::zero()});
    CHECK(rig.code(call()).empty());
    write_file(file, "second", 0600);
    CHECK(rig.code(call()).empty());  // kept for a while
    CHECK(rig.peer.seen.size() == 2);
    good = "Bearer second";
    CHECK(rig.code(call()).empty());
    CHECK(rig.peer.seen.size() == 4);
    CHECK(rig.backend().redactor()->redact("first second") ==
          "[redacted:Authorization] [redacted:Authorization]");
    good = "Bearer third";  // the same again would be refused again
    CHECK(rig.code(call()) == "server_refused");
    CHECK(rig.peer.seen.size() == 5);
  }
  SUBCASE("not more often than it should") {
    rig.backend();
    CHECK(rig.code(call()).empty());
    write_file(file, "second", 0600);
    good = "Bearer second";
    CHECK(rig.code(call()) == "server_refused");
    CHECK(rig.peer.seen.size() == 2);
  }
  SUBCASE("it is gone") {
    rig.backend({.after = Duration::zero()});
    std::filesystem::remove(file);
    CHECK(rig.code(call()) == "no_secret");
    CHECK(rig.peer.seen.empty());
    write_file(file, "first", 0600);
    CHECK(rig.code(call()).empty());
  }
}

TEST_CASE("what cannot be read here is not relayed") {
  Rig rig;
  const auto refused = [&](net::HttpResponse response) {
    rig.peer.answer = [&](const net::HttpRequest&) { return std::move(response); };
    return rig.code(call());
  };
  CHECK(refused(typed(200, "application/json", "{")) == "transfer_failed");
  CHECK(refused(typed(200, "application/json", "[" + std::string(kResult) + "]")) ==
        "transfer_failed");
  CHECK(refused(typed(200, "application/json", R"({"jsonrpc":"2.0","id":7,"id":8,"result":{}})")) ==
        "transfer_failed");
  CHECK(refused(typed(200, "text/html", "<html>")) == "transfer_failed");
  CHECK(refused(events({"data: {\n\n"})) == "transfer_failed");
  CHECK(refused(typed(200, "application/json", "{}", {{"Content-Encoding", "gzip"}})) ==
        "transfer_failed");
  CHECK(refused(typed(200, "application/json", std::string(kAnswerBytesMax + 1, ' '))) ==
        "too_large");
  CHECK(refused(events({"data: " + std::string(kAnswerBytesMax, 'x')})) == "too_large");
}

TEST_CASE("a server that is not there was sent nothing; one that is silent may have been") {
  Rig rig;
  SUBCASE("not there") {
    net::Loop other;
    Peer nobody;
    rig.upstream.url =
        "http://127.0.0.1:" + std::to_string((*net::Server::listen(other, {}, nobody))->port()) +
        "/mcp";
    CHECK(rig.code(call()) == "unavailable");
  }
  SUBCASE("silent") {
    rig.upstream.timeout = std::chrono::milliseconds(20);
    rig.peer.hangs = true;
    CHECK(rig.code(call()) == "timeout");
  }
  SUBCASE("stopped meanwhile") {
    rig.peer.hangs = true;
    Forward forward = call();
    forward.abort = std::make_shared<net::Abort>();
    rig.peer.on_park = [&] { forward.abort->abort(); };
    CHECK(rig.code(forward) == "stopped");
    rig.peer.on_left = [&] { rig.loop.stop(); };
    if (!rig.peer.was_left) rig.loop.run();
    CHECK(rig.peer.was_left);
  }
}

}  // namespace keyturn::connectors::mcp
