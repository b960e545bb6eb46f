#include "connectors/mcp/amended.h"

#include <doctest/doctest.h>

#include "doc/json.h"

namespace keyturn::connectors::mcp {

namespace {

doc::Value json(std::string_view text) {
  return *doc::parse_json(text);
}

}  // namespace

TEST_CASE("what ran as it was asked for is told as it came") {
  const doc::Value result = json(R"({"content": [{"type": "text", "text": "done"}]})");
  CHECK(with_amendment(result, json(R"({"a": 1, "b": 2})"), json(R"({"b": 2, "a": 1})")) == result);
}

TEST_CASE("what ran otherwise is told with what differs") {
  const doc::Value result =
      json(R"({"content": [{"type": "text", "text": "done"}], "_meta": {"own": 1}})");
  const doc::Value ran = json(R"({"same": true, "text": "y", "more": [1]})");
  const doc::Value told =
      with_amendment(result, json(R"({"same": true, "text": "x", "less": null})"), ran);
  CHECK(told.find("_meta")->find("own")->as_int64() == 1);
  CHECK(*told.find_path({"_meta", "keyturn/ran", "arguments"}) == ran);
  const doc::Array& content = told.find("content")->as_array();
  REQUIRE(content.size() == 2);
  CHECK(content[0].text("text") == "done");
  const std::string text(content[1].text("text"));
  CHECK(
      text.ends_with("\ntext: was \"x\", now \"y\"\nless: was null, now absent\n"
                     "more: was absent, now [1]"));
}

TEST_CASE("a result without content has it in _meta alone") {
  const doc::Value told = with_amendment(json(R"({"task": {}})"), json("{}"), json(R"({"a": 1})"));
  CHECK(told.find("content") == nullptr);
  CHECK(told.find_path({"_meta", "keyturn/ran", "arguments", "a"})->as_int64() == 1);
}

TEST_CASE("a long list of differences is cut") {
  doc::Value asked = doc::Object{};
  for (int i = 0; i < 30; ++i) asked.set("name" + std::to_string(i), std::string(1000, 'x'));
  const doc::Value told =
      with_amendment(doc::object({{"content", doc::Array{}}}), asked, json("{}"));
  const std::string text(told.find("content")->as_array()[0].text("text"));
  CHECK(text.size() < 10'000);
  CHECK(text.ends_with("\nand 10 more"));
}

}  // namespace keyturn::connectors::mcp
