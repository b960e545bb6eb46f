#include "net/server.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "net/net_test_server.h"

namespace keyturn::net {
namespace {

constexpr std::string_view kHost = "Host: localhost\r\n";

std::string ask(std::string_view first_line, std::string_view fields = "",
                std::string_view body = "") {
  return std::string(first_line) + "\r\n" + std::string(kHost) + std::string(fields) + "\r\n" +
         std::string(body);
}

std::string status_of(const std::string& response) {
  return response.substr(0, 12);
}
std::string body_of(const std::string& response) {
  const std::size_t at = response.find("\r\n\r\n");
  return at == std::string::npos ? "" : response.substr(at + 4);
}

ServerOptions with(const HttpLimits& limits) {
  ServerOptions options;
  options.limits = limits;
  return options;
}

TEST_CASE("a connection serves one request after the other, pipelined ones in order") {
  TestServer test;
  RawClient client(test.server->port());
  client.send(ask("GET /a?x=1&y=%41+b HTTP/1.1") +
              ask("POST /b HTTP/1.1", "Content-Length: 5\r\n", "hello") + ask("GET /c HTTP/1.1"));
  CHECK(body_of(client.read_response()) == "GET /a x=1 y=A b []");
  CHECK(body_of(client.read_response()) == "POST /b [hello]");
  CHECK(body_of(client.read_response()) == "GET /c []");
  client.send(ask("GET /d HTTP/1.1", "Connection: close\r\n"));
  const std::string last = client.read_all();
  CHECK(last.contains("Connection: close\r\n"));
  CHECK(body_of(last) == "GET /d []");
}

TEST_CASE("HEAD gets the head of GET and no body") {
  TestServer test;
  RawClient client(test.server->port());
  client.send(ask("HEAD /a HTTP/1.1"));
  CHECK(client.read_until("\r\n\r\n").contains("Content-Length: 9\r\n"));
  client.send(ask("GET /b HTTP/1.1"));
  CHECK(body_of(client.read_response()) == "GET /b []");
}

TEST_CASE("a 204 has neither body nor length, and the connection goes on") {
  TestServer test;
  RawClient client(test.server->port());
  client.send(ask("GET /none HTTP/1.1"));
  const std::string head = client.read_until("\r\n\r\n");
  CHECK(status_of(head) == "HTTP/1.1 204");
  CHECK_FALSE(head.contains("Content-Length"));
  client.send(ask("GET /b HTTP/1.1"));
  CHECK(status_of(client.read_response()) == "HTTP/1.1 200");
}

TEST_CASE("chunked bodies are put together, extensions and trailers dropped") {
  TestServer test;
  RawClient client(test.server->port());
  const std::string request =
      ask("POST /b HTTP/1.1", "Transfer-Encoding: chunked\r\n",
          "3;ext=\"1\"\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\nHost: evil\r\n\r\n");
  for (const char c : request) client.send(std::string_view(&c, 1));
  CHECK(body_of(client.read_response()) == "POST /b [abcde]");
  client.send(ask("GET /c HTTP/1.1"));
  CHECK(body_of(client.read_response()) == "GET /c []");
}

TEST_CASE("what two parsers could read differently is refused and the connection closed") {
  struct Row {
    std::string_view request;
    std::string_view status;
  };
  static constexpr Row kRows[] = {
      {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: "
       "chunked\r\n\r\n",
       "400"},
      {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5,5\r\n\r\nhello", "400"},
      {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
       "400"},
      {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: +5\r\n\r\nhello", "400"},
      {"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
       "chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
       "400"},
      {"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
       "chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
       "400"},
      {"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
      {"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, identity\r\n\r\n", "501"},
      {"POST / HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: localhost, evil\r\n\r\n", "400"},
      {"GET http://evil/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n c\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", "400"},
      {"GET / HTTP/1.1\nHost: localhost\n\n", "400"},
      {"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b\rc\r\n\r\n", "400"},
      {"GET /%2e%2e/etc HTTP/1.1\r\nHost: localhost\r\n\r\n", "400"},
      {"GET /a%2Fb HTTP/1.1\r\nHost: localhost\r\n\r\n", "400"},
      {"GET /a//b HTTP/1.1\r\nHost: localhost\r\n\r\n", "400"},
      {"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n", "400"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
      {"\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: localhost\r\nExpect: magic\r\n\r\n", "417"},
      {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\n\r\n", "415"},
      {"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421"},
      {"GET / HTTP/1.1\r\nHost: localhost.evil.example:7717\r\n\r\n", "421"},
      {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n", "413"},
  };
  TestServer test;
  for (const Row& row : kRows) {
    CAPTURE(row.request);
    RawClient client(test.server->port());
    client.send(row.request);
    client.half_close();
    const std::string answer = client.read_all();
    CHECK(answer.substr(9, 3) == row.status);
    CHECK(answer.contains("application/problem+json"));
    CHECK(answer.contains("\"code\":"));
    CHECK(answer.find("\r\nDate:") == answer.rfind("\r\nDate:"));  // one answer, no second request
  }
}

TEST_CASE("a NUL in a header is refused") {
  TestServer test;
  RawClient client(test.server->port());
  client.send(ask("GET / HTTP/1.1", std::string_view("X-A: a\0b\r\n", 10)));
  CHECK(status_of(client.read_all()) == "HTTP/1.1 400");
}

TEST_CASE("limits on heads and bodies have their own answers") {
  HttpLimits limits;
  limits.body_bytes_max = 1000;
  TestServer test(with(limits));
  SUBCASE("a chunked body past the limit is 413 however it is cut") {
    RawClient client(test.server->port());
    client.send(ask("POST / HTTP/1.1", "Transfer-Encoding: chunked\r\n"));
    for (int i = 0; i < 101; ++i) client.send("A\r\n0123456789\r\n");
    CHECK(status_of(client.read_all()) == "HTTP/1.1 413");
  }
  SUBCASE("a client that sends all of an oversize body still reads the 413") {
    RawClient client(test.server->port());
    client.send(ask("POST / HTTP/1.1", "Content-Length: 2000000\r\n", std::string(2'000'000, 'x')));
    CHECK(status_of(client.read_all()) == "HTTP/1.1 413");
  }
  SUBCASE("an endless header is 431") {
    RawClient client(test.server->port());
    client.send(ask("GET / HTTP/1.1", "X-A: " + std::string(20'000, 'a') + "\r\n"));
    CHECK(status_of(client.read_all()) == "HTTP/1.1 431");
  }
  SUBCASE("too many headers are 431") {
    std::string fields;
    for (int i = 0; i < 70; ++i) fields += "X-A: 1\r\n";
    RawClient client(test.server->port());
    client.send(ask("GET / HTTP/1.1", fields));
    CHECK(status_of(client.read_all()) == "HTTP/1.1 431");
  }
  SUBCASE("a long target is 414") {
    RawClient client(test.server->port());
    client.send(ask("GET /" + std::string(9'000, 'a') + " HTTP/1.1"));
    CHECK(status_of(client.read_all()) == "HTTP/1.1 414");
  }
}

TEST_CASE("a client that expects 100-continue is told to go on, or that its body is too large") {
  TestServer test;
  RawClient client(test.server->port());
  client.send(ask("POST /b HTTP/1.1", "Content-Length: 5\r\nExpect: 100-continue\r\n"));
  CHECK(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hello");
  CHECK(body_of(client.read_response()) == "POST /b [hello]");
  client.send(ask("POST /b HTTP/1.1", "Content-Length: 5000000\r\nExpect: 100-continue\r\n"));
  CHECK(status_of(client.read_response()) == "HTTP/1.1 413");
}

TEST_CASE("slow clients are cut at the deadline of what they are slow at") {
  HttpLimits limits;
  SUBCASE("a head that never ends is 408") {
    limits.head_deadline = std::chrono::milliseconds(40);
    TestServer test(with(limits));
    RawClient client(test.server->port());
    client.send("GET / HTTP/1.1\r\nHost: loc");
    CHECK(status_of(client.read_all()) == "HTTP/1.1 408");
  }
  SUBCASE("a body that never ends is 408") {
    limits.body_deadline = std::chrono::milliseconds(40);
    TestServer test(with(limits));
    RawClient client(test.server->port());
    client.send(ask("POST / HTTP/1.1", "Content-Length: 10\r\n", "half"));
    CHECK(status_of(client.read_all()) == "HTTP/1.1 408");
  }
  SUBCASE("an idle connection is closed without a word") {
    limits.idle_deadline = std::chrono::milliseconds(40);
    TestServer test(with(limits));
    RawClient client(test.server->port());
    CHECK(client.read_all().empty());
  }
  SUBCASE("a stream whose client does not read is cut") {
    limits.write_deadline = std::chrono::milliseconds(40);
    TestServer test(with(limits));
    RawClient client(test.server->port());
    client.send(ask("GET /flood HTTP/1.1"));
    CHECK(test.handler.heard.next() == "flood ended");
  }
  SUBCASE("a parked request outlives every deadline of the connection") {
    limits.idle_deadline = limits.head_deadline = limits.body_deadline = limits.write_deadline =
        std::chrono::milliseconds(20);
    TestServer test(with(limits));
    RawClient client(test.server->port());
    client.send(ask("GET /wait HTTP/1.1"));
    CHECK(test.handler.heard.next() == "parked");
    RawClient idle(test.server->port());  // its closing proves that deadlines have passed meanwhile
    CHECK(idle.read_all().empty());
    client.send(ask("GET /a HTTP/1.1"));  // kept, so the connection is still watched
    test.fire();
    CHECK(body_of(client.read_response()) == "fired");
    CHECK(body_of(client.read_response()) == "GET /a []");
  }
  SUBCASE("an event stream outlives the deadline of a write that had to wait") {
    limits.write_deadline = std::chrono::milliseconds(1500);
    limits.idle_deadline = std::chrono::milliseconds(2500);
    TestServer test(with(limits));
    RawClient client(test.server->port());
    client.send(ask("GET /bulky HTTP/1.1"));
    client.read_until("parked now");
    CHECK(test.handler.heard.next() == "parked");
    RawClient idle(test.server->port());
    CHECK(idle.read_all().empty());
    client.close();
    CHECK(test.handler.heard.next() ==
          "cancelled");  // still watched, so the deadline has not hit it
  }
}

TEST_CASE("a parked request ends when its client goes away, and pipelined bytes are kept") {
  TestServer test;
  SUBCASE("closed") {
    RawClient client(test.server->port());
    client.send(ask("GET /wait HTTP/1.1"));
    CHECK(test.handler.heard.next() == "parked");
    client.close();
    CHECK(test.handler.heard.next() == "cancelled gone");
  }
  SUBCASE("closed after pipelining") {
    RawClient client(test.server->port());
    client.send(ask("GET /wait HTTP/1.1"));
    CHECK(test.handler.heard.next() == "parked");
    client.send(ask("GET /a HTTP/1.1"));
    client.close();
    CHECK(test.handler.heard.next() == "cancelled gone");
  }
  SUBCASE("a half-closed client still gets an answer") {
    RawClient client(test.server->port());
    client.send(ask("GET /wait HTTP/1.1"));
    CHECK(test.handler.heard.next() == "parked");
    client.half_close();
    CHECK(test.handler.heard.next() == "cancelled gone");
    CHECK(body_of(client.read_all()) == "cancelled gone");
  }
  SUBCASE("pipelined bytes are answered afterwards") {
    RawClient client(test.server->port());
    client.send(ask("GET /wait HTTP/1.1"));
    CHECK(test.handler.heard.next() == "parked");
    client.send(ask("GET /a HTTP/1.1"));
    test.fire();
    CHECK(body_of(client.read_response()) == "fired");
    CHECK(body_of(client.read_response()) == "GET /a []");
  }
}

TEST_CASE("event streams: fields, fired events, and the end") {
  TestServer test;
  RawClient client(test.server->port());
  client.send(ask("GET /events HTTP/1.1"));
  const std::string head = client.read_until("\r\n\r\n");
  CHECK(head.contains("Content-Type: text/event-stream\r\n"));
  CHECK(head.contains("Transfer-Encoding: chunked\r\n"));
  CHECK(client.read_until("two\n\n\r\n") ==
        "9\r\n: hello\n\n\r\n28\r\nevent: state\nid: 7\ndata: one\ndata: two\n\n\r\n");
  CHECK(test.handler.heard.next() == "streaming");
  SUBCASE("fired") {
    test.fire();
    CHECK(client.read_until("0\r\n\r\n").contains("event: outcome\nid: 8\ndata: {}\n\n"));
    client.send(ask("GET /a HTTP/1.1"));
    CHECK(body_of(client.read_response()) == "GET /a []");
  }
  SUBCASE("the client goes") {
    client.close();
    CHECK(test.handler.heard.next() == "cancelled");
  }
}

TEST_CASE("HTTP/1.0 gets an unframed stream that ends with the connection") {
  TestServer test;
  RawClient client(test.server->port());
  client.send(ask("GET /events HTTP/1.0", "Connection: keep-alive\r\n"));
  CHECK(test.handler.heard.next() == "streaming");
  test.fire();
  const std::string all = client.read_all();
  CHECK_FALSE(all.contains("Transfer-Encoding"));
  CHECK(all.contains("Connection: close\r\n"));
  CHECK(all.contains("\r\n\r\n: hello\n\nevent: state\n"));
  CHECK(all.ends_with("data: {}\n\n"));
}

TEST_CASE("bodies that announce more than may arrive at once are 503, until there is room again") {
  HttpLimits limits;
  limits.arriving_bytes_max = 1000;
  TestServer test(with(limits));
  RawClient slow(test.server->port());
  slow.send(ask("POST /slow HTTP/1.1", "Content-Length: 600\r\nExpect: 100-continue\r\n"));
  CHECK(slow.read_until("\r\n\r\n").contains("100 Continue"));
  const std::string request =
      ask("POST /b HTTP/1.1", "Content-Length: 500\r\n", std::string(500, 'x'));
  CHECK(status_of(RawClient(test.server->port()).send(request).read_all()) == "HTTP/1.1 503");
  slow.send(std::string(600, 'x'));
  CHECK(status_of(slow.read_response()) == "HTTP/1.1 200");
  CHECK(status_of(RawClient(test.server->port()).send(request).read_response()) == "HTTP/1.1 200");
}

TEST_CASE("a stream that fails is visibly broken: no last chunk") {
  TestServer test;
  RawClient client(test.server->port());
  client.send(ask("GET /torn HTTP/1.1"));
  const std::string all = client.read_all();
  CHECK(all.contains("half"));
  CHECK_FALSE(all.contains("0\r\n\r\n"));
}

TEST_CASE("a handler's exception is a 500 that tells only the log why") {
  Heard log;
  ServerOptions options;
  options.log = [&log](std::string_view line) { log.say(std::string(line)); };
  TestServer test(std::move(options));
  RawClient client(test.server->port());
  client.send(ask("GET /throw HTTP/1.1"));
  const std::string answer = client.read_response();
  CHECK(status_of(answer) == "HTTP/1.1 500");
  CHECK_FALSE(answer.contains("own trouble"));
  CHECK(log.next().contains("own trouble"));
  client.send(ask("GET /split HTTP/1.1"));
  const std::string split = client.read_response();
  CHECK(status_of(split) == "HTTP/1.1 500");
  CHECK_FALSE(split.contains("Set-Cookie"));
}

TEST_CASE("large answers arrive whole") {
  TestServer test;
  RawClient client(test.server->port());
  client.send(ask("GET /big HTTP/1.1"));
  CHECK(body_of(client.read_response()).size() == 3'000'000);
}

TEST_CASE("stopping cancels parked requests, answers them, and closes idle connections") {
  TestServer test;
  RawClient idle(test.server->port());
  idle.send(ask("GET /a HTTP/1.1"));
  CHECK(status_of(idle.read_response()) == "HTTP/1.1 200");
  RawClient parked(test.server->port());
  parked.send(ask("GET /wait HTTP/1.1"));
  CHECK(test.handler.heard.next() == "parked");
  test.stop(std::chrono::seconds(20));
  CHECK(idle.read_all().empty());
  const std::string answer = parked.read_all();
  CHECK(body_of(answer) == "cancelled");
  CHECK(answer.contains("Connection: close"));
  CHECK(test.server->connections() == 0);
}

TEST_CASE("more connections than connections_max wait until one is free") {
  HttpLimits limits;
  limits.connections_max = 1;
  TestServer test(with(limits));
  RawClient first(test.server->port());
  first.send(ask("GET /wait HTTP/1.1"));
  CHECK(test.handler.heard.next() == "parked");
  RawClient second(test.server->port());
  second.send(ask("GET /a HTTP/1.1"));
  first.close();
  CHECK(test.handler.heard.next() == "cancelled gone");
  CHECK(status_of(second.read_response()) == "HTTP/1.1 200");
}

TEST_CASE("a server destroyed with open and parked connections leaves nothing behind") {
  Loop loop;
  TestHandler handler;
  auto server = Server::listen(loop, {}, handler);
  REQUIRE(server);
  std::thread thread([&] { loop.run(); });
  RawClient idle((*server)->port());
  RawClient parked((*server)->port());
  parked.send(ask("GET /wait HTTP/1.1"));
  CHECK(handler.heard.next() == "parked");
  loop.stop();
  thread.join();
  server->reset();
}

struct TemporaryFolder {
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "keyturn-net-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

TEST_CASE("the admin socket: mode 0600, knows its client's uid, replaces only a dead socket") {
  const TemporaryFolder folder;
  const std::string path = folder.path / "admin.sock";
  {
    TestServer test(LocalOptions{.path = path});
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    RawClient client(path);
    client.send("GET /a HTTP/1.1\r\nHost: anything\r\n\r\n");
    CHECK(body_of(client.read_response()) == "GET /a [] uid=" + std::to_string(::getuid()));
    CHECK_THROWS_WITH_AS(TestServer(LocalOptions{.path = path}),
                         doctest::Contains("another process is listening"), std::runtime_error);
  }
  CHECK_FALSE(std::filesystem::exists(path));

  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(::bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  ::close(dead);
  TestServer again(LocalOptions{.path = path});
  RawClient client(path);
  client.send("GET /a HTTP/1.1\r\nHost: anything\r\n\r\n");
  CHECK(status_of(client.read_response()) == "HTTP/1.1 200");
}

TEST_CASE("what cannot be listened on is refused with a reason") {
  Loop loop;
  TestHandler handler;
  ServerOptions named;
  named.address = "localhost";
  CHECK(Server::listen(loop, named, handler).error().code == "cannot_listen");
  ServerOptions tls;
  tls.tls = TlsFiles{"/nonexistent/cert.pem", "/nonexistent/key.pem"};
  const auto refused = Server::listen(loop, tls, handler);
  CHECK(refused.error().code == "bad_tls");
  CHECK(refused.error().message.contains("/nonexistent/cert.pem"));
  const std::string long_path(200, 'a');
  CHECK(Server::listen_local(loop, {.path = "/tmp/" + long_path}, handler).error().code ==
        "cannot_listen");
  TestServer taken;
  ServerOptions same;
  same.port = taken.server->port();
  CHECK(Server::listen(loop, same, handler).error().message.contains("Address already in use"));
}

}  // namespace
}  // namespace keyturn::net
