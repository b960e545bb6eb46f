#include "net/request_head.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "net/chunked.h"
#include "net/response_head.h"

namespace keyturn::net {
namespace {

std::expected<RequestHead, Malformed> parse(std::string_view text) {
  std::size_t from = 0;
  const auto end = find_head_end(text, from);
  if (!end) return std::unexpected(end.error());
  if (!*end) return std::unexpected(Malformed{0, "incomplete", ""});
  return parse_request_head(text.substr(0, **end), {});
}

TEST_CASE("targets are decoded once and must be in normal form") {
  struct Row {
    std::string_view target;
    std::string_view path;  // "" : refused
  };
  static constexpr Row kRows[] = {
      {"/", "/"},
      {"/v1/actions", "/v1/actions"},
      {"/v1/actions/", "/v1/actions/"},
      {"/v1/actions?x=1", "/v1/actions"},
      {"/a%20b", "/a b"},
      {"/caf%C3%A9", "/caf\xc3\xa9"},
      {"/.well-known/x", "/.well-known/x"},
      {"/...", "/..."},
      {"", ""},
      {"*", ""},
      {"v1", ""},
      {"//", ""},
      {"/a//b", ""},
      {"/a/../b", ""},
      {"/a/.", ""},
      {"/a/%2e%2E/b", ""},
      {"/a/.%2e", ""},
      {"/a%2fb", ""},
      {"/a%2Fb", ""},
      {"/a%5cb", ""},
      {"/a\\b", ""},
      {"/a%252fb", ""},
      {"/a%00b", ""},
      {"/a%0ab", ""},
      {"/a%7f", ""},
      {"/a%", ""},
      {"/a%2", ""},
      {"/a%zz", ""},
      {"/%ff", ""},
      {"/%c0%ae%c0%ae/", ""},
      {"/a#b", ""},
      {"/a|b", ""},
      {"/a?x=%ff", ""},
      {"/a?x=%00", ""},
      {"/a?x=%", ""},
  };
  for (const Row& row : kRows) {
    CAPTURE(row.target);
    const auto target = parse_target(row.target, {});
    CHECK((target ? target->path : "") == row.path);
    if (!target) CHECK(target.error().status == 400);
  }
}

TEST_CASE("query parameters keep their order, may repeat, and decode plus as space") {
  const auto target = parse_target("/?a=1&&b=x+y%2B&a=&c&%3D=%26", {});
  REQUIRE(target);
  std::string shown;
  for (const QueryParam& param : target->query) shown += param.name + "|" + param.value + ";";
  CHECK(shown == "a|1;b|x y+;a|;c|;=|&;");
}

TEST_CASE("host names are lowered and lose their port; anything else is none") {
  struct Row {
    std::string_view authority;
    std::string_view host;
  };
  static constexpr Row kRows[] = {
      {"Example.COM:7717", "example.com"},
      {"[::1]:80", "[::1]"},
      {"[::1]", "[::1]"},
      {"a_b", "a_b"},
      {"127.0.0.1", "127.0.0.1"},
      {"", ""},
      {"a:", ""},
      {"a:b", ""},
      {"a:123456", ""},
      {"u@a", ""},
      {"a/b", ""},
      {"[::1", ""},
      {"::1", ""},
      {"a b", ""},
      {"a,b", ""},
      {"[evil]x", ""},
  };
  for (const Row& row : kRows) {
    CAPTURE(row.authority);
    CHECK(host_of_authority(row.authority).value_or("") == row.host);
  }
}

TEST_CASE("absolute form is taken when it agrees with Host") {
  const auto head = parse("GET http://LocalHost:80/a?b=1 HTTP/1.1\r\nHost: localhost:80\r\n\r\n");
  REQUIRE(head);
  CHECK(head->request.target == "/a?b=1");
  CHECK(head->request.path == "/a");
  CHECK(head->request.host == "localhost");
  CHECK(parse("GET http://localhost HTTP/1.1\r\nHost: localhost\r\n\r\n")->request.path == "/");
  CHECK(parse("GET http://localhost:81/ HTTP/1.1\r\nHost: localhost:80\r\n\r\n").error().status ==
        400);
}

TEST_CASE("how long a connection lives") {
  CHECK(parse("GET / HTTP/1.1\r\nHost: a\r\n\r\n")->keep_alive);
  CHECK_FALSE(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n")->keep_alive);
  CHECK_FALSE(parse("GET / HTTP/1.0\r\nHost: a\r\n\r\n")->keep_alive);
}

TEST_CASE("a cookie is found by its whole name; one sent twice is nothing") {
  HttpRequest request;
  request.headers.add("Cookie", "xsid=1; sid=2;b=3; b=4; empty=");
  CHECK(request.cookie("sid") == "2");
  CHECK(request.cookie("empty") == "");
  CHECK_FALSE(request.cookie("b"));
  CHECK_FALSE(request.cookie("id"));
}

TEST_CASE("the end of a head is found however it arrives") {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  std::size_t from = 0;
  for (std::size_t size = 0; size < head.size(); ++size) {
    const auto end = find_head_end(std::string_view(head).substr(0, size), from);
    REQUIRE(end);
    CHECK_FALSE(*end);
  }
  CHECK(**find_head_end(head + "GET", from) == head.size());
}

TEST_CASE("chunked bodies decode the same however they are cut") {
  CHECK(rc::check("encode, cut, decode", [](const std::string& a, const std::string& b) {
    std::string wire;
    if (!a.empty()) append_chunk(wire, a);
    if (!b.empty()) append_chunk(wire, b);
    wire += kLastChunk;
    wire += "NEXT";
    const auto piece = *rc::gen::inRange<std::size_t>(1, 9);
    ChunkedDecoder decoder(1 << 20);
    std::string body;
    ChunkState state = ChunkState::kMore;
    std::string_view rest;
    std::string left;
    for (std::size_t at = 0; at < wire.size() && state == ChunkState::kMore; at += piece) {
      rest = std::string_view(wire).substr(at, piece);
      state = decoder.feed(rest, body);
      left = std::string(rest) + wire.substr(std::min(at + piece, wire.size()));
    }
    RC_ASSERT(state == ChunkState::kDone);
    RC_ASSERT(body == a + b);
    RC_ASSERT(left == "NEXT");
  }));
}

TEST_CASE("no bytes make the parsers fail otherwise than by refusing") {
  CHECK(rc::check("arbitrary heads", [](const std::string& noise) {
    const auto head = parse("GET /" + noise + " HTTP/1.1\r\nHost: a\r\n" + noise + "\r\n\r\n");
    if (head) RC_ASSERT(head->request.path.starts_with('/'));
    ChunkedDecoder decoder(100);
    std::string_view bytes = noise;
    std::string body;
    decoder.feed(bytes, body);
    RC_ASSERT(body.size() <= 100u);
  }));
}

TEST_CASE("responses cannot be split by a header value") {
  std::string out;
  CHECK_FALSE(append_response_head(out, {.headers = {{"X-A", "a\r\nB: c"}}}, {}, "now"));
  CHECK_FALSE(append_response_head(out, {.headers = {{"X A", "a"}}}, {}, "now"));
  CHECK(http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST_CASE("a problem says its code and place as JSON") {
  const HttpResponse response = problem_response(409, "closed", "it is \"closed\"\n", "/args/0");
  CHECK(response.body ==
        R"({"type":"urn:keyturn:problem:closed","title":"Conflict","status":409,)"
        R"("detail":"it is \"closed\"\u000a","code":"closed","pointer":"/args/0"})");
}

}  // namespace
}  // namespace keyturn::net
