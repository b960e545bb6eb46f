#include "mcp/sse.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <string>

using namespace keyturn::mcp;

namespace {

std::vector<SsePiece> split(std::string_view text) {
  SseSplitter splitter;
  std::vector<SsePiece> out;
  REQUIRE(splitter.feed(text, out));
  return out;
}

std::string raw_of(const std::vector<SsePiece>& pieces) {
  std::string out;
  for (const SsePiece& piece : pieces) out += piece.raw;
  return out;
}

// Streams that are more often nearly right than noise would be.
rc::Gen<std::string> any_stream() {
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
                          "data: a\n", "data: {\"x\":1}\r\n", "data\n", "data:b\r", "id: 7\n",
                          "id\r\n", "event: e\n", ": hi\n", "retry: 10\r\n", "\n", "\r", "\r\n",
                          "\n\n", "\xEF\xBB\xBF", "dat", "a: x", std::string("id: \0\n", 6))),
                      [](const std::vector<std::string>& parts) {
                        std::string out;
                        for (const std::string& part : parts) out += part;
                        return out;
                      });
}

}  // namespace

TEST_CASE("a stream comes apart into its events, each with its bytes") {
  const auto pieces = split(
      "id: 1\ndata: \n\n: keep\n\nretry: 500\n\nevent: message\nid: 2\ndata: {\"a\":\ndata:  "
      "1}\n\n");
  REQUIRE(pieces.size() == 4);
  CHECK(pieces[0] == SsePiece{.raw = "id: 1\ndata: \n\n", .id = "1", .has_data = true});
  CHECK(pieces[1] == SsePiece{.raw = ": keep\n\n"});
  CHECK(pieces[2] == SsePiece{.raw = "retry: 500\n\n"});
  CHECK(pieces[3] == SsePiece{.raw = "event: message\nid: 2\ndata: {\"a\":\ndata:  1}\n\n",
                              .data = "{\"a\":\n 1}",
                              .id = "2",
                              .event = "message",
                              .has_data = true});
}

TEST_CASE("every line break ends a line, and none is waited for longer than it must be") {
  CHECK(split("data: a\r\n\r\n").size() == 1);
  CHECK(split("data: a\r\r").size() == 1);
  CHECK(split("data: a\n\r").empty());  // the LF of a CR LF may still come
  CHECK(split("data: a\n\r\n").size() == 1);
  CHECK(split("\xEF\xBB\xBF"
              "data: a\n\n")
            .at(0)
            .data == "a");
  CHECK(split("\xEF\xBB\xBF\n\n").size() == 2);
}

TEST_CASE("an event that is too large ends the reading") {
  SseSplitter splitter(20);
  std::vector<SsePiece> out;
  CHECK(splitter.feed("data: 123456789012\n\n", out));
  CHECK_FALSE(splitter.feed("data: 1234567890123\n\n", out));
  CHECK(out.size() == 1);
  CHECK_FALSE(splitter.feed("data: 1\n\n", out));
  CHECK(out.size() == 1);
  SseSplitter slow(20);
  CHECK(slow.feed("data: 1234567890", out));
  CHECK_FALSE(slow.feed("1234567890", out));
}

TEST_CASE("wherever the bytes are cut, the pieces are the same, and nothing is lost") {
  CHECK(rc::check([] {
    const std::string text = *any_stream();
    const auto whole = split(text);
    RC_ASSERT(text.starts_with(raw_of(whole)));
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      SseSplitter splitter;
      std::vector<SsePiece> pieces;
      RC_ASSERT(splitter.feed(std::string_view(text).substr(0, cut), pieces));
      RC_ASSERT(splitter.feed(std::string_view(text).substr(cut), pieces));
      RC_ASSERT(std::ranges::equal(pieces, whole));
    }
    SseSplitter splitter;
    std::vector<SsePiece> pieces;
    for (const char c : text) RC_ASSERT(splitter.feed({&c, 1}, pieces));
    RC_ASSERT(std::ranges::equal(pieces, whole));
    // What is left is no event yet: two more line breaks complete it.
    RC_ASSERT(splitter.feed("\n\n", pieces));
    RC_ASSERT(raw_of(pieces) == text + "\n\n");
  }));
}

TEST_CASE("an event of ours is read back, whatever it says") {
  CHECK(rc::check([](const std::string& data) {
    const auto pieces = split(sse_event(data, "s-1"));
    RC_ASSERT(pieces.size() == 1U);
    RC_ASSERT(pieces[0].id == "s-1");
    RC_ASSERT(pieces[0].event == "message");
    if (data.find('\r') == std::string::npos) RC_ASSERT(pieces[0].data == data);
  }));
  CHECK(sse_event("{}") == "event: message\ndata: {}\n\n");
}
