#include "net/exchange.h"

#include <doctest/doctest.h>

#include "net/net_test_certificate.h"
#include "net/net_test_script.h"

namespace keyturn::net {
namespace {

using namespace std::chrono_literals;
using Script = ScriptedServer::Script;
using Answered = Result<std::shared_ptr<Exchange>>;

template <class T>
Task<void> keep(Task<T> task, std::optional<T>& into, Loop& loop) {
  into.emplace(co_await std::move(task));
  loop.stop();
}

struct Body {
  std::string text;
  std::string code;  // "" when it is whole
};

Task<Body> read_whole(std::shared_ptr<Exchange> exchange) {
  Body body;
  while (true) {
    auto piece = co_await exchange->read();
    if (!piece) body.code = piece.error().code;
    if (!piece || !*piece) co_return body;
    body.text += **piece;
  }
}

// A client on this thread.
struct Rig {
  Loop loop;
  ExchangeClient client{loop};

  template <class T>
  T await(Task<T> task) {
    std::optional<T> result;
    loop.spawn(keep(std::move(task), result, loop));
    loop.run();
    return std::move(*result);
  }
  Answered send(ExchangeRequest request) { return await(client.send(std::move(request))); }
  // Status and body, or the code of what was refused.
  std::string fetch(ExchangeRequest request) {
    const auto answer = send(std::move(request));
    if (!answer) return answer.error().code;
    const Body body = await(read_whole(*answer));
    return std::to_string((*answer)->status()) + " " +
           (body.code.empty() ? body.text : body.text + "|" + body.code);
  }
  std::string read(const std::shared_ptr<Exchange>& exchange) {
    const auto piece = await(exchange->read());
    return !piece ? piece.error().code : !*piece ? "(end)" : **piece;
  }
};

Script say(std::string bytes) {
  return [bytes = std::move(bytes)](ScriptedPeer& peer) {
    peer.request();
    peer.say(bytes);
  };
}

}  // namespace

TEST_CASE("an exchange brings method, query, headers and body across, and any status back") {
  TestServer test;
  Rig rig;
  CHECK(rig.fetch({.method = "PUT", .url = test.url("/a?x=%41"), .body = "hello"}) ==
        "200 PUT /a x=A [hello]");
  CHECK(rig.fetch({.url = test.url("/throw")}).starts_with("500 "));
  CHECK(rig.fetch({.method = "HEAD", .url = test.url("/a")}) == "200 ");
  CHECK(rig.fetch({.url = test.url("/none")}) == "204 ");
  CHECK(rig.fetch({.url = test.url("/big")}) == "200 " + std::string(kBigBytes, 'x'));
  CHECK(rig.fetch({.method = "POST", .url = test.url("/a"), .body = std::string(900'000, 'b')}) ==
        "200 POST /a [" + std::string(900'000, 'b') + "]");
  const std::string named =
      "http://localhost:" + std::to_string(test.server->port()) + "/a";  // looked up
  CHECK(rig.fetch({.url = named}) == "200 GET /a []");
}

TEST_CASE("the request is as it was asked for, with one head of our own") {
  Heard heard;
  ScriptedServer server({[&](ScriptedPeer& peer) {
    heard.say(peer.request());
    peer.say("HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 0\r\n\r\n");
  }});
  Rig rig;
  const auto answer = rig.send({.method = "POST",
                                .url = server.url("?q"),
                                .headers = {{"Accept", "text/event-stream"},
                                            {"Host", "evil.example"},
                                            {"content-length", "7"},
                                            {"Connection", "close"},
                                            {"Transfer-Encoding", "chunked"}},
                                .body = "{}"});
  REQUIRE(answer);
  const std::string host = server.url("").substr(7);
  CHECK(heard.next() == "POST /?q HTTP/1.1\r\nHost: " + host +
                            "\r\nAccept: text/event-stream\r\nUser-Agent: keyturn\r\n"
                            "Content-Length: 2\r\n\r\n{}");
  CHECK((*answer)->headers().count("x-a") == 2);
  CHECK(rig.send({.url = server.url(), .headers = {{"X", "a\r\nb: c"}}}).error().code ==
        "bad_header");
  CHECK(rig.send({.method = "GET / HTTP/1.1\r\nX:", .url = server.url()}).error().code ==
        "bad_header");
}

TEST_CASE("bodies end where their framing says, and what is cut is never taken for whole") {
  struct Row {
    const char* name;
    std::string bytes, want;
  };
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
  const Row rows[] = {
      {"sized", ok + "Content-Length: 5\r\n\r\nhello", "200 hello"},
      {"sized, more than it said", ok + "Content-Length: 5\r\n\r\nhello again", "200 hello"},
      {"sized, cut", ok + "Content-Length: 6\r\n\r\nhello", "200 hello|transfer_failed"},
      {"chunked", chunked + "5\r\nhello\r\n1;a=b\r\n!\r\n0\r\nX: y\r\n\r\n", "200 hello!"},
      {"chunked, without content", chunked + "0\r\n\r\n", "200 "},
      {"chunked, cut in a chunk", chunked + "6\r\nhello", "200 hello|transfer_failed"},
      {"chunked, cut between", chunked + "5\r\nhello\r\n", "200 hello|transfer_failed"},
      {"chunked, cut at the end", chunked + "5\r\nhello\r\n0\r\n", "200 hello|transfer_failed"},
      {"chunked, broken", chunked + "5\r\nhello\r\nzz\r\n", "200 hello|transfer_failed"},
      {"until close", ok + "\r\nhello", "200 hello"},
      {"nothing", "", "transfer_failed"},
      {"half a head", ok + "Content-Length:", "transfer_failed"},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nhello", "200 hello"},
      {"interim answers",
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok +
           "Content-Length: 1\r\n\r\n!",
       "200 !"},
      {"no content, whatever it says", "HTTP/1.1 304 N\r\nContent-Length: 9\r\n\r\n", "304 "},
      {"no reason", "HTTP/1.1 202\r\nContent-Length: 0\r\n\r\n", "202 "},
      {"no HTTP", "SSH-2.0-OpenSSH\r\n\r\n", "transfer_failed"},
      {"two lengths", ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
       "transfer_failed"},
      {"length and chunks", ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
       "transfer_failed"},
      {"another coding", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
       "transfer_failed"},
      {"a length that is none", ok + "Content-Length: -1\r\n\r\n", "transfer_failed"},
      {"bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "transfer_failed"},
      {"a control character", ok + "X: a\x01\r\n\r\n", "transfer_failed"},
      {"a huge head", ok + "X: " + std::string(70'000, 'x') + "\r\n\r\n", "too_large"},
      {"many fields",
       ok +
           [] {
             std::string out;
             for (int i = 0; i < 200; ++i) out += "X: y\r\n";
             return out;
           }() +
           "\r\n",
       "transfer_failed"},
      {"heads without end",
       [] {
         std::string out;
         for (int i = 0; i < 40; ++i) out += "HTTP/1.1 102 P\r\n\r\n";
         return out;
       }(),
       "transfer_failed"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    ScriptedServer server({say(row.bytes)});
    Rig rig;
    CHECK(rig.fetch({.url = server.url()}) == row.want);
  }
}

TEST_CASE("a body that is reset is not whole, though its framing has no end") {
  Heard told;
  ScriptedServer server({[&](ScriptedPeer& peer) {
    peer.request();
    peer.say("HTTP/1.1 200 OK\r\n\r\nhello");
    told.next();
    peer.reset();
  }});
  Rig rig;
  const auto answer = rig.send({.url = server.url()});
  REQUIRE(answer);
  CHECK(rig.read(*answer) == "hello");
  told.say("reset");
  CHECK(rig.read(*answer) == "transfer_failed");
}

TEST_CASE("pieces are there as soon as they came") {
  Heard told;
  ScriptedServer server({[&](ScriptedPeer& peer) {
    peer.request();
    peer.say(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        "Transfer-Encoding: chunked\r\n\r\n");
    for (const char* piece : {"3\r\n: a\r\n", "8\r\ndata: b\n\r\n", "1\r\n\n\r\n", "0\r\n\r\n"}) {
      told.next();
      peer.say(piece);
    }
  }});
  Rig rig;
  const auto answer = rig.send({.method = "POST", .url = server.url(), .body = "{}"});
  REQUIRE(answer);
  CHECK((*answer)->headers().find("content-type") == "text/event-stream");
  for (const char* piece : {": a", "data: b\n", "\n", "(end)", "(end)"}) {
    told.say("next");
    CHECK(rig.read(*answer) == piece);
  }
}

TEST_CASE("a body that comes byte by byte is whole all the same") {
  const std::string bytes =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n2\r\nef\r\n0\r\n\r\n";
  ScriptedServer server({[&](ScriptedPeer& peer) {
    peer.request();
    for (const char c : bytes) peer.say(std::string(1, c));
  }});
  Rig rig;
  CHECK(rig.fetch({.url = server.url()}) == "200 abcdef");
}

namespace {
std::string answer_of(std::string_view body, std::string_view fields = "") {
  return "HTTP/1.1 200 OK\r\n" + std::string(fields) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}
}  // namespace

TEST_CASE("a connection whose answer was read is used again, others are not") {
  const auto one_more = [](ScriptedPeer& peer, std::string_view body,
                           std::string_view fields = "") {
    peer.request();
    peer.say(answer_of(body, fields));
  };
  Heard heard;
  ScriptedServer server({[&](ScriptedPeer& peer) {
                           one_more(peer, "1");
                           one_more(peer, "");  // nobody has to read what is not there
                           one_more(peer, "2", "Connection: close\r\n");
                           heard.say(peer.is_closed() ? "closed" : "more");
                         },
                         [&](ScriptedPeer& peer) {
                           one_more(peer, "unread");
                           heard.say(peer.is_closed() ? "closed" : "more");
                         },
                         [&](ScriptedPeer& peer) {
                           one_more(peer, "3", "Keep-Alive: timeout=1\r\n");
                           heard.say(peer.is_closed() ? "closed" : "more");
                         },
                         [&](ScriptedPeer& peer) { one_more(peer, "4"); }});
  Rig rig;
  CHECK(rig.fetch({.url = server.url()}) == "200 1");
  CHECK(rig.send({.url = server.url()}).has_value());
  CHECK(rig.fetch({.url = server.url()}) == "200 2");
  CHECK(heard.next() == "closed");
  CHECK(rig.send({.url = server.url()}).has_value());
  CHECK(heard.next() == "closed");
  CHECK(rig.fetch({.url = server.url()}) == "200 3");
  CHECK(rig.fetch({.url = server.url()}) == "200 4");
  CHECK(heard.next() == "closed");
}

TEST_CASE("connections are kept for their own host and roots, and so many of them") {
  std::vector<Script> three(3, [](ScriptedPeer& peer) {
    peer.request();
    peer.say(answer_of("x"));
    peer.is_closed();
  });
  Rig rig;
  ExchangeClient none(rig.loop, 0);
  ScriptedServer server(three);
  for (int i = 0; i < 3; ++i) {
    const auto answer = rig.await(none.send({.url = server.url()}));
    REQUIRE(answer);
    CHECK(rig.await(read_whole(*answer)).text == "x");
  }
}

TEST_CASE("a kept connection that died is noticed before it is used") {
  Heard heard;
  ScriptedServer server({[&](ScriptedPeer& peer) {
                           peer.request();
                           peer.say(answer_of("1"));
                           peer.close_heard();
                           heard.say("closed");
                         },
                         say(answer_of("2"))});
  Rig rig;
  CHECK(rig.fetch({.url = server.url()}) == "200 1");
  CHECK(heard.next() == "closed");
  CHECK(rig.fetch({.method = "POST", .url = server.url()}) == "200 2");
}

TEST_CASE("a request is sent again only when it had not been sent whole") {
  Heard heard;
  const auto first = [](ScriptedPeer& peer) {
    peer.request();
    peer.say(answer_of("1"));
  };
  Rig rig;
  SUBCASE("half of it went out") {
    ScriptedServer server({[&](ScriptedPeer& peer) {
                             first(peer);
                             peer.is_closed();  // until a byte of the next one
                             peer.reset();
                           },
                           say(answer_of("2"))});
    CHECK(rig.fetch({.url = server.url()}) == "200 1");
    CHECK(
        rig.fetch({.method = "POST", .url = server.url(), .body = std::string(kBulkyBytes, 'x')}) ==
        "200 2");
  }
  SUBCASE("all of it did") {
    ScriptedServer server({[&](ScriptedPeer& peer) {
      first(peer);
      peer.request();
    }});
    CHECK(rig.fetch({.url = server.url()}) == "200 1");
    CHECK(rig.fetch({.method = "POST", .url = server.url(), .body = "{}", .head_timeout = 20s}) ==
          "transfer_failed");
  }
  SUBCASE("on a new connection, never") {
    ScriptedServer server({[&](ScriptedPeer& peer) {
      peer.is_closed();  // until its first byte
      peer.reset();
    }});
    CHECK(
        rig.fetch({.method = "POST", .url = server.url(), .body = std::string(kBulkyBytes, 'x')}) ==
        "transfer_failed");
  }
}

TEST_CASE("an answer that comes before the request was read is an answer") {
  ScriptedServer server({[&](ScriptedPeer& peer) {
    peer.say("HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge");
    while (!peer.is_closed()) {
    }
  }});
  Rig rig;
  CHECK(rig.fetch({.method = "POST", .url = server.url(), .body = std::string(kBulkyBytes, 'x')}) ==
        "413 large");
}

TEST_CASE("whoever is silent too long is left") {
  Heard told;
  Rig rig;
  SUBCASE("in the TLS handshake") {
    ScriptedServer server({[&](ScriptedPeer&) { told.next(); }});
    const std::string url = "https" + server.url().substr(4);
    CHECK(rig.fetch({.url = url, .connect_timeout = 50ms}) == "cannot_connect");
    told.say("done");
  }
  SUBCASE("before the head") {
    ScriptedServer server({[&](ScriptedPeer& peer) {
      peer.request();
      peer.is_closed();
    }});
    CHECK(rig.fetch({.url = server.url(), .head_timeout = 50ms}) == "timeout");
  }
  SUBCASE("in the body") {
    ScriptedServer server({[&](ScriptedPeer& peer) {
      peer.request();
      peer.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello");
      peer.is_closed();
    }});
    CHECK(rig.fetch({.url = server.url(), .silence_timeout = 50ms}) == "200 hello|timeout");
  }
}

TEST_CASE("an exchange is cut from outside, whatever it waits for") {
  Rig rig;
  Heard heard;
  const auto abort = std::make_shared<Abort>();
  const auto end = [&] { rig.loop.post([abort] { abort->abort(); }); };
  SUBCASE("before the head") {
    ScriptedServer server({[&](ScriptedPeer& peer) {
      peer.request();
      end();
      heard.say(peer.is_closed() ? "closed" : "more");
    }});
    CHECK(rig.fetch({.url = server.url(), .abort = abort}) == "stopped");
    CHECK(rig.fetch({.url = server.url(), .abort = abort}) == "stopped");
    CHECK(heard.next() == "closed");
  }
  SUBCASE("in the body, by either way") {
    std::shared_ptr<Exchange> exchange;
    const auto cut = [&] { rig.loop.post([&] { exchange->cut(); }); };
    bool by_abort = false;
    Heard told;
    SUBCASE("abort") {
      by_abort = true;
    }
    SUBCASE("cut") {
      by_abort = false;
    }
    ScriptedServer server({[&](ScriptedPeer& peer) {
      peer.request();
      peer.say("HTTP/1.1 200 OK\r\n\r\nhello");
      told.next();
      if (by_abort)
        end();
      else
        cut();
      heard.say(peer.is_closed() ? "closed" : "more");
    }});
    exchange = *rig.send({.url = server.url(), .abort = abort});
    CHECK(rig.read(exchange) == "hello");
    told.say("reading");
    CHECK(rig.read(exchange) == "stopped");
    CHECK(rig.read(exchange) == "stopped");
    CHECK(heard.next() == "closed");
  }
  SUBCASE("while the connection is made") {
    ScriptedServer server({[&](ScriptedPeer& peer) {
      peer.is_closed();  // the client's first word
      end();
      heard.say("said");
      while (!peer.is_closed()) {
      }
    }});
    CHECK(rig.fetch({.url = "https" + server.url().substr(4), .abort = abort}) == "stopped");
  }
}

TEST_CASE("an exchange outlives its client, and nothing of it stays") {
  Heard heard, told;
  ScriptedServer server({[&](ScriptedPeer& peer) {
    peer.request();
    peer.say("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello");
    told.next();
    peer.say("!");
    heard.say(peer.is_closed() ? "closed" : "more");
  }});
  Rig rig;
  auto client = std::make_unique<ExchangeClient>(rig.loop);
  const auto answer = rig.await(client->send({.url = server.url()}));
  REQUIRE(answer);
  client.reset();
  CHECK(rig.read(*answer) == "hello");
  told.say("more");
  CHECK(rig.read(*answer) == "!");
  CHECK(rig.read(*answer) == "(end)");
  CHECK(heard.next() == "closed");
}

TEST_CASE("an exchange refuses with a word for what went wrong") {
  std::uint16_t closed_port = 0;
  {
    TestServer gone;
    closed_port = gone.server->port();
  }
  Rig rig;
  CHECK(rig.fetch({.url = "http://127.0.0.1:" + std::to_string(closed_port)}) == "cannot_connect");
  CHECK(rig.fetch({.url = "http://localhost:" + std::to_string(closed_port)}) == "cannot_connect");
  CHECK(rig.fetch({.url = "https://no-such-host.invalid"}) == "cannot_connect");
  CHECK(rig.fetch({.url = "http://a.example"}) == "bad_url");
  CHECK(rig.fetch({.url = "file:///etc/passwd"}) == "bad_url");
  CHECK(rig.fetch({.url = "https://127.0.0.1", .ca_file = "/no/such/file"}) == "bad_tls");
  TestServer test;
  CHECK(rig.fetch({.url = "https://127.0.0.1:" + std::to_string(test.server->port())}) ==
        "tls_failed");
}

TEST_CASE("TLS: only a server whose certificate is good for its name") {
  const TemporaryFolder folder;
  ServerOptions options;
  options.tls = make_certificate(folder.path);
  TestServer test(options);
  const std::string port = std::to_string(test.server->port()), ca = options.tls->certificate;
  Rig rig;
  const std::string url = "https://127.0.0.1:" + port;
  CHECK(rig.fetch({.method = "POST",
                   .url = url + "/a",
                   .body = std::string(200'000, 'b'),
                   .ca_file = ca}) == "200 POST /a [" + std::string(200'000, 'b') + "] tls");
  CHECK(rig.fetch({.url = url + "/big", .ca_file = ca}) == "200 " + std::string(kBigBytes, 'x'));
  CHECK(test.server->connections() == 1);
  CHECK(rig.fetch({.url = url + "/a"}) == "tls_failed");  // and not by the connection of before
  CHECK(rig.fetch({.url = "https://localhost:" + port, .ca_file = ca}) == "tls_failed");
}

TEST_CASE("TLS: a body without length ends in good order, or it was cut") {
  const TemporaryFolder folder;
  const TlsFiles files = make_certificate(folder.path);
  bool in_good_order = false;
  SUBCASE("in good order") {
    in_good_order = true;
  }
  SUBCASE("cut") {
    in_good_order = false;
  }
  ScriptedServer server({[&](ScriptedPeer& peer) {
                          peer.request();
                          peer.say("HTTP/1.1 200 OK\r\n\r\nhello");
                          if (in_good_order) peer.say_goodbye();
                        }},
                        files);
  Rig rig;
  CHECK(rig.fetch({.url = server.url(), .ca_file = files.certificate}) ==
        (in_good_order ? "200 hello" : "200 hello|transfer_failed"));
}

TEST_CASE("an address that the rule does not allow is not connected to") {
  Rig rig;
  // Nobody listens there: it is not the connection that fails.
  for (const char* url : {"http://127.0.0.1:9/", "http://localhost:9/"}) {
    const auto answer = rig.send({.url = url, .addresses = *AddressRule::only({"10.0.0.0/8"})});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == "address_refused");
    CHECK(answer.error().message.contains("where this may not go"));
  }
  TestServer test;
  CHECK(rig.fetch({.url = test.url("/a"), .addresses = *AddressRule::only({"127.0.0.0/8"})}) ==
        "200 GET /a []");
}

TEST_CASE("of the addresses of a name only those that the rule allows are tried") {
  TestServer test;  // at 127.0.0.1 alone
  Rig rig;
  const std::string url = "http://localhost:" + std::to_string(test.server->port()) + "/a";
  CHECK(rig.fetch({.url = url, .addresses = *AddressRule::only({"127.0.0.1"})}) == "200 GET /a []");
  const std::string code = rig.fetch({.url = url, .addresses = *AddressRule::only({"::1"})});
  const bool kept_away = code == "address_refused" || code == "cannot_connect";
  CHECK_MESSAGE(kept_away, code);
}

TEST_CASE("what is asked before the first byte keeps it from being sent, or is asked once") {
  std::string came = "?";
  ScriptedServer server({[&](ScriptedPeer& peer) { came = peer.request(); },
                         [&](ScriptedPeer& peer) {
                           came = peer.request();
                           peer.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                         }});
  Rig rig;
  const auto no = []() -> Task<Result<void>> {
    co_return refuse("spool_failed", "the disk is full");
  };
  {
    const auto refused =
        rig.send({.method = "POST", .url = server.url(), .body = "x", .before_send = no});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "spool_failed");
  }
  int asked = 0;
  const auto yes = [&asked]() -> Task<Result<void>> {
    ++asked;
    return []() -> Task<Result<void>> { co_return Result<void>{}; }();
  };
  CHECK(rig.fetch({.method = "POST", .url = server.url(), .body = "x", .before_send = yes}) ==
        "200 ");
  CHECK(asked == 1);
  CHECK(came.ends_with("\r\n\r\nx"));
}

}  // namespace keyturn::net
