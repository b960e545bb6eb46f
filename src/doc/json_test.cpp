#include "doc/json.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/bytes.h"

using namespace keyturn;
using doc::parse_json;

namespace {

std::string code_of(std::string_view text, const doc::ParseLimits& limits = {}) {
  const auto value = parse_json(text, limits);
  return value ? "" : value.error().code;
}

std::string canonical_text(std::string_view json) {
  const auto value = parse_json(json);
  if (!value) return "unreadable: " + value.error().message;
  const auto text = doc::canonical(*value);
  return text ? *text : text.error().code + " " + text.error().where;
}

}  // namespace

TEST_CASE("what RFC 8259 allows is read") {
  for (const char* text :
       {"null", " true ", "false", "0", "-0", "-1.5e+10", "1E400", "\"\"", "[]", "{}", "[1,2,[3]]",
        "{\"a\":{\"b\":[null,true]}}", "\t\r\n 1 \n", "\"\\u0000\\ud83d\\ude00\\/\"", "\"\x7f\"",
        "{\"\":1}", "123456789012345678901234567890"}) {
    CAPTURE(text);
    CHECK(code_of(text) == "");
  }
  const auto value = parse_json(R"({"a":"\u00e9\n\ud83d\ude00","n":1.50})");
  REQUIRE(value);
  CHECK(value->text("a") == "\xc3\xa9\n\xf0\x9f\x98\x80");
  CHECK(value->find("n")->as_number().text == "1.50");
}

TEST_CASE("everything else is refused") {
  for (const char* text : {"",
                           " ",
                           "nul",
                           "nulll",
                           "True",
                           "01",
                           "-",
                           "-a",
                           "+1",
                           "1.",
                           ".5",
                           "1e",
                           "1e+",
                           "0x10",
                           "NaN",
                           "Infinity",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "[",
                           "]",
                           "{",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{'a':1}",
                           "{1:1}",
                           "\"",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\ud800\"",
                           "\"\\udc00\"",
                           "\"\\ud800\\u0041\"",
                           "\"\\ud800x\"",
                           "\"\\udc00\\udc00\"",
                           "\"\\ud800\\ud800\"",
                           "\"a\nb\"",
                           "\"\x01\"",
                           "1 1",
                           "[] []",
                           "//x\n1",
                           "/**/1",
                           "\xef\xbb\xbf"
                           "1",
                           "\"\xff\"",
                           "\"\xed\xa0\x80\"",
                           "\"\xc0\x80\"",
                           "[1]x",
                           "\x0b"
                           "1",
                           "\xc2\xa0"
                           "1",
                           "\"\\",
                           "\"\\u"}) {
    CAPTURE(text);
    CHECK(code_of(text) == "invalid_json");
  }
  CHECK(code_of(std::string_view("1\0", 2)) == "invalid_json");
  CHECK(code_of(std::string_view("\"\0\"", 3)) == "invalid_json");
}

TEST_CASE("a key that stands twice is refused, however it is written") {
  CHECK(code_of(R"({"a":1,"a":2})") == "duplicate_key");
  CHECK(code_of(R"({"a":1,"\u0061":2})") == "duplicate_key");
  CHECK(code_of(R"([{"x":{"b":1,"c":2,"b":1}}])") == "duplicate_key");
  CHECK(code_of(R"({"a":{"a":1},"b":{"a":1}})") == "");
  std::string many = "{";
  for (int i = 0; i < 100; ++i) many += "\"k" + std::to_string(i) + "\":1,";
  CHECK(code_of(many + "\"z\":1}") == "");
  const auto twice = parse_json(many + "\n  \"k50\":1}");
  REQUIRE_FALSE(twice);
  CHECK(twice.error().code == "duplicate_key");
  CHECK(twice.error().where.starts_with("2:3 "));
}

TEST_CASE("limits hold") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(code_of(nested(64)) == "");
  CHECK(code_of(nested(65)) == "too_deep");
  CHECK(code_of(std::string(1'000'000, '[')) == "too_deep");
  CHECK(code_of(std::string((1 << 20) + 1, ' ')) == "too_large");
  CHECK(code_of("[1,2,3]", {.values_max = 4}) == "");
  CHECK(code_of("[1,2,3]", {.values_max = 3}) == "too_large");
  CHECK(code_of(std::string(400, '1')) == "");
  CHECK(code_of(std::string(401, '1')) == "too_large");
}

TEST_CASE("a refusal and a value say where they stand") {
  CHECK(parse_json("{\n  \"a\": tru\n}").error().where == "2:8 (byte 9)");
  CHECK(parse_json("[\n\"\xff\"]").error().where == "2:2 (byte 3)");
  const auto value = parse_json("{\n  \"a\": [1,\n 2]}");
  REQUIRE(value);
  const auto& second = value->find("a")->as_array()[1];
  CHECK(second.position().line == 3);
  CHECK(second.position().column == 2);
  CHECK(second.position().byte == 14);
  CHECK(value->as_object()[0].key_position.line == 2);
  CHECK(value->as_object()[0].key_position.column == 3);
}

TEST_CASE("writing keeps order and numbers") {
  const std::string text = R"({"b":1.50,"a":[true,null,"\u0001\b\"\\/é"],"e":{},"l":[]})";
  CHECK(doc::write_json(*parse_json(text)) == text);
  CHECK(doc::write_json_pretty(*parse_json(R"({"a":[1,{}],"b":[]})")) ==
        "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
}

TEST_CASE("canonical numbers (RFC 8785 Appendix B)") {
  const struct {
    std::uint64_t bits;
    const char* text;
  } table[] = {
      {0x0000000000000000, "0"},
      {0x8000000000000000, "0"},
      {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0xffefffffffffffff, "-1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"},
      {0xc340000000000000, "-9007199254740992"},
      {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"},
      {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef4f, "999999999999999900000"},
      {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"},
      {0x41b3de4355555554, "333333333.33333325"},
      {0x41b3de4355555555, "333333333.3333333"},
      {0x41b3de4355555556, "333333333.3333334"},
      {0x41b3de4355555557, "333333333.33333343"},
      {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const auto& row : table) {
    CAPTURE(row.text);
    char shortest[64];
    std::snprintf(shortest, sizeof shortest, "%.17g", std::bit_cast<double>(row.bits));
    const doc::Value value{doc::Number{row.text}};
    CHECK(doc::canonical(value) == row.text);
    // -0 reads as 0 in its canonical form
    if (row.bits != 0x8000000000000000) {
      CHECK(std::bit_cast<std::uint64_t>(*value.as_double()) == row.bits);
    }
  }
}

TEST_CASE("canonical numbers are exact or refused") {
  const struct {
    const char* text;
    const char* canonical;
  } table[] = {
      {"-0", "0"},
      {"0.0e99999", "0"},
      {"1.0", "1"},
      {"1e2", "100"},
      {"0.10", "0.1"},
      {"4.50", "4.5"},
      {"2e-3", "0.002"},
      {"1E30", "1e+30"},
      {"0.000000000000000000000000001", "1e-27"},
      {"123456789012345", "123456789012345"},
      {"1234567890123456", "1234567890123456"},
      {"-1", "-1"},
      {"100000000000000000000", "100000000000000000000"},
      {"9007199254740993", "inexact_number "},
      {"1e400", "inexact_number "},
      {"-1e400", "inexact_number "},
      {"1e-400", "inexact_number "},
      {"1e99999999999999999999999", "inexact_number "},
      {"0.1000000000000000055511151231257827", "inexact_number "},
      {"0.100000000000000000000000000000000001", "inexact_number "},
      {"333333333.33333329", "inexact_number "},
      {"[1,{\"a/b\":9007199254740993}]", "inexact_number /1/a~1b"},
  };
  for (const auto& row : table) {
    CAPTURE(row.text);
    CHECK(canonical_text(row.text) == row.canonical);
  }
}

TEST_CASE("the samples of RFC 8785 §3.2") {
  CHECK(canonical_text(R"({
      "numbers": [333333333.33333329e0, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "x"})") == "inexact_number /numbers/0");
  CHECK(
      canonical_text("{\n  \"numbers\": [333333333.3333333, 1E30, 4.50,\n 2e-3, "
                     "0.000000000000000000000000001],\n"
                     "  \"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\",\n"
                     "  \"literals\": [null, true, false]\n}") ==
      "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
      "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
  CHECK(
      canonical_text(
          R"({"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
      "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control",
      "\u00f6":"Latin Small Letter O With Diaeresis"})") ==
      "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
      "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\",\"\xe2\x82\xac\":\"Euro Sign\","
      "\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
      "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
}

TEST_CASE("a program's own value without a canonical form is a bug") {
  CHECK(doc::canonical(doc::Value(doc::Number{"abc"})).error().code == "invalid_json");
  CHECK(doc::canonical(doc::Value(doc::Number{""})).error().code == "invalid_json");
  CHECK(doc::canonical(doc::Value("\xff")).error().code == "invalid_utf8");
  CHECK_THROWS_AS(doc::canonical_or_die(doc::Value("\xff")), std::logic_error);
}

namespace {

std::string random_text() {
  std::string out;
  const auto size = *rc::gen::inRange(0, 6);
  for (int i = 0; i < size; ++i) {
    auto c = static_cast<char32_t>(*rc::gen::weightedOneOf<std::uint32_t>(
        {{4, rc::gen::inRange<std::uint32_t>(0, 0x80)},
         {1, rc::gen::inRange<std::uint32_t>(0xD7F0, 0xE010)},
         {1, rc::gen::inRange<std::uint32_t>(0xFF00, 0x110000)}}));
    if (c >= 0xD800 && c <= 0xDFFF) c = 'x';
    append_utf8(out, c);
  }
  return out;
}

doc::Value random_value(int depth) {
  switch (*rc::gen::inRange(0, depth > 0 ? 7 : 5)) {
    case 0:
      return nullptr;
    case 1:
      return *rc::gen::arbitrary<bool>();
    case 2:
      return *rc::gen::arbitrary<std::int64_t>() >> 11;
    case 3: {
      const double d = std::bit_cast<double>(*rc::gen::arbitrary<std::uint64_t>());
      char text[64];
      std::snprintf(text, sizeof text, "%.6g", std::isfinite(d) ? d : 0.5);
      return doc::Number{text};
    }
    case 4:
      return random_text();
    case 5: {
      doc::Array out;
      for (int i = *rc::gen::inRange(0, 4); i > 0; --i) out.push_back(random_value(depth - 1));
      return out;
    }
    default: {
      doc::Value out{doc::Object{}};
      for (int i = *rc::gen::inRange(0, 30); i > 0; --i) {
        out.set(random_text(), random_value(i < 3 ? depth - 1 : 0));
      }
      return out;
    }
  }
}

}  // namespace

TEST_CASE("properties") {
  CHECK(rc::check("what is written is read back", [] {
    const doc::Value value = random_value(3);
    RC_ASSERT((parse_json(doc::write_json(value)) == value));
    RC_ASSERT((parse_json(doc::write_json_pretty(value)) == value));
  }));
  CHECK(rc::check("canonical form is a fixed point, and independent of order", [] {
    doc::Value value = random_value(3);
    const auto once = doc::canonical(value);
    RC_PRE(once.has_value());
    RC_ASSERT((doc::canonical(*parse_json(*once)) == *once));
    if (value.is_object()) {
      std::reverse(value.as_object().begin(), value.as_object().end());
      RC_ASSERT((doc::canonical(value) == *once));
    }
  }));
  CHECK(rc::check("arbitrary bytes never crash the parser", [](const std::string& bytes) {
    const auto value = parse_json(bytes);
    if (value) RC_ASSERT((parse_json(doc::write_json(*value)) == *value));
  }));
  CHECK(rc::check("every double in its shortest form is canonical already", [](std::uint64_t bits) {
    const double d = std::bit_cast<double>(bits);
    RC_PRE(std::isfinite(d));
    char text[64];
    std::snprintf(text, sizeof text, "%.17g", d);
    const auto read = doc::Value(doc::Number{text}).as_double();
    RC_ASSERT(read.has_value());
    RC_ASSERT((std::bit_cast<std::uint64_t>(*read) == bits));
  }));
}
