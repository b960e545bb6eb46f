#include "net/client.h"

#include <doctest/doctest.h>

#include "net/net_test_certificate.h"
#include "net/net_test_server.h"

namespace keyturn::net {
namespace {

TEST_CASE("fetch brings method, query, headers and body across, and any status back") {
  TestServer test;
  const auto answer = fetch({.method = "PUT", .url = test.url("/a?x=%41"), .body = "hello"});
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(answer->body == "PUT /a x=A [hello]");
  CHECK(answer->headers.find("content-type") == "application/json");
  CHECK(fetch({.url = test.url("/throw")})->status == 500);
  CHECK(fetch({.method = "HEAD", .url = test.url("/a")})->body.empty());
  CHECK(fetch({.url = test.url("/none")})->status == 204);
}

TEST_CASE("fetch speaks to a Unix socket") {
  const TemporaryFolder folder;
  const std::string path = folder.path / "admin.sock";
  TestServer test(LocalOptions{.path = path});
  const auto answer = fetch({.url = "http://localhost/a", .unix_socket = path});
  REQUIRE(answer);
  CHECK(answer->body == "GET /a [] uid=" + std::to_string(::getuid()));
}

TEST_CASE("fetch refuses with a word for what went wrong") {
  TestServer test;
  std::uint16_t closed_port = 0;
  {
    TestServer gone;
    closed_port = gone.server->port();
  }
  struct Row {
    ClientRequest request;
    std::string_view code;
  };
  const Row rows[] = {
      {{.url = "http://127.0.0.1:" + std::to_string(closed_port)}, "cannot_connect"},
      {{.url = "file:///etc/passwd"}, "bad_url"},
      {{.url = "http://"}, "bad_url"},
      {{.url = test.url("/big"), .body_bytes_max = 1000}, "too_large"},
      {{.url = test.url("/wait"), .timeout = std::chrono::milliseconds(50)}, "timeout"},
      {{.url = test.url("/torn")}, "transfer_failed"},
      {{.url = test.url("/a"), .headers = {{"X-A", "a\nb"}}}, "bad_header"},
      {{.url = "https://127.0.0.1:" + std::to_string(test.server->port())}, "tls_failed"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.request.url);
    const auto answer = fetch(row.request);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == row.code);
  }
}

TEST_CASE("a refusal of fetch does not repeat credentials of the URL") {
  const auto answer = fetch({.url = "ftp://user:hunter2@127.0.0.1/a?token=hunter2"});
  REQUIRE_FALSE(answer);
  CHECK_FALSE(answer.error().message.contains("hunter2"));
}

TEST_CASE("events stream through fetch as they come, until the reader has enough") {
  TestServer test;
  EventReader reader;
  std::vector<ServerEvent> events;
  const auto on_event = [&](const ServerEvent& event) {
    events.push_back(event);
    if (events.size() == 1) {
      CHECK(test.handler.heard.next() == "streaming");
      test.fire();
    }
    return events.size() < 2;
  };
  ClientRequest request{.url = test.url("/events"), .timeout = {}};
  request.on_bytes = [&](std::string_view bytes) { return reader.feed(bytes, on_event); };
  const auto answer = fetch(request);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == "stopped");
  REQUIRE(events.size() == 2);
  CHECK(events[0].event == "state");
  CHECK(events[0].id == "7");
  CHECK(events[0].data == "one\ntwo");
  CHECK(events[1].event == "outcome");
}

TEST_CASE("fetch can be called while an exchange of the same thread goes on") {
  TestServer test;
  std::string inner;
  EventReader reader;
  const auto streamed = fetch({.url = test.url("/events"), .on_bytes = [&](std::string_view bytes) {
                                 return reader.feed(bytes, [&](const ServerEvent& event) {
                                   const auto answer = fetch({.url = test.url("/a")});
                                   inner += answer ? answer->body : "refused " + event.id;
                                   return false;
                                 });
                               }});
  CHECK(inner.find("refused") == std::string::npos);
  CHECK(inner.find("GET /a") != std::string::npos);
}

TEST_CASE("the event reader follows the standard however the bytes are cut") {
  const std::string wire =
      ": comment\r\n\r\nevent: a\rid: 1\rdata:x\r\rdata\n\ndata: y\ndata:  z\nunknown: 1\n\nevent: "
      "b\n\ndata: last\n\nda";
  for (std::size_t piece = 1; piece < wire.size(); ++piece) {
    EventReader reader;
    std::string shown;
    for (std::size_t at = 0; at < wire.size(); at += piece) {
      reader.feed(std::string_view(wire).substr(at, piece), [&](const ServerEvent& event) {
        shown += event.event + "|" + event.id + "|" + event.data + ";";
        return true;
      });
    }
    CHECK(shown == "a|1|x;message|1|;message|1|y\n z;message|1|last;");
  }
}

TEST_CASE("the event reader says where a stream stands, and when to come back") {
  EventReader reader;
  const auto none = [](const ServerEvent&) { return true; };
  CHECK(reader.last_id().empty());
  CHECK_FALSE(reader.retry());
  reader.feed("id: 7\nretry: 250\n\nretry: soon\n", none);
  CHECK(reader.last_id() == "7");
  CHECK(reader.retry() == std::chrono::milliseconds(250));
}

TEST_CASE("fetch tells the head of an answer before its body, once") {
  TestServer test;
  std::string order;
  const auto answer = fetch({.url = test.url("/big"),
                             .on_head =
                                 [&](int status, const Headers& headers) {
                                   order += "head " + std::to_string(status) + " " +
                                            std::string(headers.find("content-type").value_or("-"));
                                 },
                             .on_bytes =
                                 [&](std::string_view) {
                                   if (!order.ends_with(" body")) order += " body";
                                   return true;
                                 }});
  REQUIRE(answer);
  CHECK(order ==
        "head 200 " + std::string(answer->headers.find("content-type").value_or("-")) + " body");
  CHECK(fetch({.url = test.url("/throw"),
               .on_head = [&](int status, const Headers&) { CHECK(status == 500); }})
            ->status == 500);
}

TEST_CASE("TLS: requests, event streams, disconnects and a client that does not trust us") {
  const TemporaryFolder folder;
  const TlsFiles files = make_certificate(folder.path);
  ServerOptions options;
  options.tls = files;
  TestServer test(options);
  const std::string url = "https://127.0.0.1:" + std::to_string(test.server->port());
  const auto answer = fetch({.method = "POST",
                             .url = url + "/a",
                             .body = std::string(200'000, 'b'),
                             .ca_file = files.certificate});
  REQUIRE(answer);
  CHECK(answer->body == "POST /a [" + std::string(200'000, 'b') + "] tls");
  CHECK(fetch({.url = url + "/big", .ca_file = files.certificate})->body.size() == 3'000'000);
  CHECK(fetch({.url = url + "/a"}).error().code == "tls_failed");
  ClientRequest stream{.url = url + "/events", .ca_file = files.certificate};
  stream.on_bytes = [&](std::string_view) { return test.handler.heard.next() != "streaming"; };
  CHECK(fetch(stream).error().code == "stopped");
  CHECK(test.handler.heard.next() == "cancelled");
}

}  // namespace
}  // namespace keyturn::net
