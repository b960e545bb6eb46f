#include "doc/yaml.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

using namespace keyturn;
using doc::parse_yaml;

namespace {

// As compact JSON, or "code where".
std::string read(std::string_view text, const doc::ParseLimits& limits = {}) {
  const auto value = parse_yaml(text, "f.yaml", limits);
  return value ? doc::write_json(*value) : value.error().code + " " + value.error().where;
}

}  // namespace

TEST_CASE("scalars follow the core schema") {
  const std::pair<const char*, const char*> table[] = {
      {"", "null"},
      {"# only a comment", "null"},
      {"~", "null"},
      {"null", "null"},
      {"true", "true"},
      {"False", "false"},
      {"yes", "\"yes\""},
      {"on", "\"on\""},
      {"12", "12"},
      {"+12", "12"},
      {"-12", "-12"},
      {"007", "7"},
      {"000", "0"},
      {"-0", "-0"},
      {"0x1F", "31"},
      {"0o17", "15"},
      {"0x", "\"0x\""},
      {"0xffffffffffffffff", "18446744073709551615"},
      {"1.50", "1.50"},
      {".5", "0.5"},
      {"-.5", "-0.5"},
      {"1.", "1"},
      {"1e3", "1e3"},
      {"1.5E-7", "1.5e-7"},
      {"1e400", "1e400"},
      {".", "\".\""},
      {"1.2.3", "\"1.2.3\""},
      {"1_000", "\"1_000\""},
      {"12:30", "\"12:30\""},
      {"'12'", "\"12\""},
      {"\"true\"", "\"true\""},
      {"\"\"", "\"\""},
      {"2026-11-21", "\"2026-11-21\""},
      {"-", "[null]"},
      {"e5", "\"e5\""},
      {"\"\\u00e9\\n\"", "\"\xc3\xa9\\n\""},
      {"|\n  a\n  b\n", "\"a\\nb\\n\""},
      {">-\n  a\n  b\n", "\"a b\""},
      {"0x1fffffffffffffffff", "invalid_yaml f.yaml:1:1"},
      {".inf", "invalid_yaml f.yaml:1:1"},
      {"-.INF", "invalid_yaml f.yaml:1:1"},
      {"a: .nan", "invalid_yaml f.yaml:1:4"},
  };
  for (const auto& [text, json] : table) {
    CAPTURE(text);
    CHECK(read(text) == json);
  }
}

TEST_CASE("collections keep their order and positions") {
  CHECK(read("b: 1\na:\n  - x\n  - {k: v, \"q\": [1, 2]}\n1: n\ntrue: t\nnull: z\n") ==
        R"({"b":1,"a":["x",{"k":"v","q":[1,2]}],"1":"n","true":"t","null":"z"})");
  CHECK(read("--- \na: 1\n...\n") == R"({"a":1})");
  const auto value = parse_yaml("a:\n  - x\n  - é: y\r\n", "f.yaml");
  REQUIRE(value);
  const doc::Value& inner = value->find("a")->as_array()[1];
  CHECK(inner.position().line == 3);
  CHECK(inner.position().column == 5);
  CHECK(inner.as_object()[0].key_position.column == 5);
  CHECK(inner.as_object()[0].value.position().column == 9);
  CHECK(inner.as_object()[0].value.position().byte == 17);
}

TEST_CASE("what configuration does not need is refused, with its place") {
  const std::pair<const char*, const char*> table[] = {
      {"a: 1\nb: 2\na: 3\n", "duplicate_key f.yaml:3:1"},
      {"a: 1\n\"a\": 3\n", "duplicate_key f.yaml:2:1"},
      {"{a: 1, a: 2}", "duplicate_key f.yaml:1:8"},
      {"x: &anchor 1\n", "invalid_yaml f.yaml:1:4"},
      {"x: &anchor [1]\ny: *anchor\n", "invalid_yaml f.yaml:1:4"},
      {"y: *anchor\n", "invalid_yaml f.yaml:1:4"},
      {"x: !!str 1\n", "invalid_yaml f.yaml:1:4"},
      {"x: ! 1\n", "invalid_yaml f.yaml:1:4"},
      {"x: !<tag:yaml.org,2002:str> 1\n", "invalid_yaml f.yaml:1:4"},
      {"!!map {a: 1}\n", "invalid_yaml f.yaml:1:1"},
      {"!foo [a]\n", "invalid_yaml f.yaml:1:1"},
      {"x: !!null\n", "invalid_yaml f.yaml:1:4"},
      {"a: {b: 1}\n<<: {c: 1}\n", "invalid_yaml f.yaml:2:1"},
      {"a: 1\n---\nb: 2\n", "invalid_yaml f.yaml:2:1"},
      {"? [a, b]\n: 1\n", "invalid_yaml f.yaml:1:3"},
      {"{{a: 1}: 2}\n", "invalid_yaml f.yaml:1:2"},
      {": 1\n", "invalid_yaml f.yaml:1:1"},
      {"a: [1\n", "invalid_yaml f.yaml:2:1"},
      {"a: \"x\n", "invalid_yaml f.yaml:1:4"},
      {"a:\n\t- b\n", "invalid_yaml f.yaml:2:2"},
      {"a: \xff\n", "invalid_yaml f.yaml:1:4"},
      {"a: 1\n\x04"
       "b: 2\n",
       "invalid_yaml f.yaml:2:1"},
      {"\xef\xbb\xbf"
       "a: 1\n",
       "invalid_yaml f.yaml:1:1"},
      {"a: 'x''\n", "invalid_yaml f.yaml:1:4"},
      {"a: \"x\\\"\n", "invalid_yaml f.yaml:1:4"},
      {"a: @x\n", "invalid_yaml f.yaml:1:4"},
      {"a: `x\n", "invalid_yaml f.yaml:1:4"},
      {"a: b: c\n", "invalid_yaml f.yaml:1:5"},
      {"*a : 1\n", "invalid_yaml f.yaml:1:1"},
      {"%TAG ! tag:x,2000:\n---\n!foo a\n", "invalid_yaml f.yaml:3:1"},
  };
  for (const auto& [text, refusal] : table) {
    CAPTURE(text);
    CHECK(read(text) == refusal);
  }
}

TEST_CASE("limits hold against hostile documents") {
  CHECK(read(std::string(64, '[') + std::string(64, ']')).starts_with("[["));
  CHECK(read(std::string(65, '[') + std::string(65, ']')).starts_with("too_deep "));
  for (const std::string& text :
       {std::string(65, '['), std::string(200'000, '['), std::string(100'000, '{')}) {
    CHECK(read(text).find(" f.yaml:1:") != std::string::npos);
  }
  std::string dashes;
  for (int i = 0; i < 1000; ++i) dashes += "- ";
  CHECK(read(dashes).starts_with("too_deep "));
  CHECK(read(std::string(2 << 20, ' ')).starts_with("too_large "));
  CHECK(read("[1,2,3]", {.values_max = 3}).starts_with("too_large "));
  CHECK(read(std::string(500, '7')).starts_with("too_large "));
}

TEST_CASE("a document with nothing in it stands somewhere, too") {
  for (const std::string_view text : {"", "\n\n", "# only a comment\n"}) {
    const auto tree = parse_yaml(text, "f.yaml");
    REQUIRE(tree);
    CHECK(tree->position().line == 1);
    CHECK(tree->position().column == 1);
  }
}

TEST_CASE("YAML properties") {
  CHECK(rc::check("JSON is YAML", [](const std::vector<std::string>& raw) {
    doc::Value list{doc::Array{}};
    for (const std::string& text : raw) {
      std::string clean;
      for (const char c : text) {
        if (c >= ' ' && c < 0x7F) clean += c;
      }
      list.push(doc::object({{"k", clean}}));
    }
    RC_ASSERT((parse_yaml(doc::write_json(list), "f") == list));
  }));
  CHECK(rc::check("arbitrary text never crashes the parser", [] {
    const auto text = *rc::gen::container<std::string>(
        rc::gen::elementOf(std::string("ab1 \n\t-:?[]{},#&*!|>'\"%@`~<.=\\\r")));
    (void)parse_yaml(text, "f");
  }));
}
