#include "secrets/redact.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "base/bytes.h"
#include "doc/json.h"

namespace keyturn::secrets {
namespace {

Redactor knowing(const std::string& value) {
  Redactor redactor;
  REQUIRE(redactor.add("PW", Secret(value)));
  return redactor;
}

TEST_CASE("a known value is taken out in every form a program is likely to print it in") {
  const std::string value = "p&ss/w\"rd +1\n~";
  const Redactor redactor = knowing(value);
  const std::string forms[] = {
      value,
      to_hex(value),
      "702673732F7722726420"
      "2B310A7E",
      "p%26ss%2Fw%22rd%20%2B1%0A~",
      "p%26ss%2fw%22rd%20%2b1%0a~",
      "p%26ss%2Fw%22rd+%2B1%0A~",
      "p&ss/w%22rd%20+1%0A~",
      R"(p&ss/w\"rd +1\n~)",
      R"(p&ss\/w\"rd +1\n~)",
      R"(p\u0026ss/w\"rd +1\n~)",
      R"(p&ss/w\"rd +1\u000a~)",
      R"(p&ss/w\"rd +1\u000A~)",
      doc::write_json(doc::Value(value)),
      R"(\u0070\u0026\u0073\u0073\u002f\u0077\u0022\u0072\u0064\u0020\u002b\u0031\u000a\u007e)",
      R"(\u0070\u0026\u0073\u0073\u002F\u0077\u0022\u0072\u0064\u0020\u002B\u0031\u000A\u007E)",
  };
  for (const std::string& form : forms) {
    CAPTURE(form);
    const std::string out = redactor.redact("before " + form + " after");
    CHECK(out.contains("[redacted:PW]"));
    CHECK(out.starts_with("before "));
    CHECK(out.ends_with(" after"));
    CHECK_FALSE(out.contains("rd"));
  }
}

TEST_CASE("base64 is found at every alignment, as in Basic authentication") {
  const std::string value = "correct horse battery";
  const Redactor redactor = knowing(value);
  for (const std::string before : {"", "a", "ab", "abc", "user:"}) {
    for (const std::string after : {"", "z", "zy"}) {
      CAPTURE(before);
      CAPTURE(after);
      for (const std::string& text :
           {to_base64(before + value + after), to_base64url(before + value + after)}) {
        const std::string out = redactor.redact(text);
        CHECK(out.contains("[redacted:PW]"));
        CHECK(out.size() < before.size() + after.size() + 30);
      }
    }
  }
}

TEST_CASE("lines of a key are found however it is wrapped; its frame stays") {
  const Redactor redactor = knowing(
      "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASCBKcwggSjAgEAAoIBAQ\n-----END "
      "PRIVATE KEY-----");
  CHECK(redactor.redact("-----BEGIN PRIVATE KEY-----\n  MIIEvQIBADANBgkqhkiG9w0BAQ\n  x") ==
        "-----BEGIN PRIVATE KEY-----\n  [redacted:PW]\n  x");
}

TEST_CASE("short values are refused, others are left alone") {
  Redactor redactor;
  CHECK_FALSE(redactor.add("A", Secret("abc")));
  CHECK(redactor.empty());
  CHECK(redactor.redact("abc") == "abc");
  CHECK(redactor.add("A", Secret("abcd")));
  CHECK(redactor.redact("abc abcd abcdabcd ab") == "abc [redacted:A] [redacted:A][redacted:A] ab");
}

TEST_CASE("values that overlap are taken out together") {
  Redactor redactor;
  redactor.add("A", Secret("12345678"));
  redactor.add("B", Secret("5678abcd"));
  redactor.add("C", Secret("1234"));
  CHECK(redactor.redact("-12345678abcd-") == "-[redacted:A][redacted:B]-");
  CHECK(redactor.redact("-1234-") == "-[redacted:C]-");
  CHECK(knowing("aaaa").redact("aaaaaa-") == "[redacted:PW]-");
}

TEST_CASE("a value cut in two by a buffer's end is still found") {
  CHECK(rc::check("pieces give what the whole gives", [] {
    Redactor redactor;
    redactor.add("A", Secret("abab"));
    redactor.add("B", Secret("babbbaa"));
    const auto text = *rc::gen::container<std::string>(rc::gen::element('a', 'b', 'c'));
    const auto piece = *rc::gen::inRange<std::size_t>(1, 20);
    StreamRedactor stream(redactor);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      out += stream.feed(std::string_view(text).substr(at, piece));
    }
    out += stream.finish();
    RC_ASSERT(out == redactor.redact(text));
  }));
}

TEST_CASE("a value is found wherever pieces of any size cut it") {
  const Redactor redactor = knowing("S3cr3t!");
  const std::string text =
      std::string(50, 'x') + "S3cr3t!" + std::string(50, 'y') + "S3cr3t!S3cr3t!z";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    StreamRedactor stream(redactor);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      out += stream.feed(std::string_view(text).substr(at, piece));
    }
    out += stream.finish();
    CHECK(out == redactor.redact(text));
  }
}

TEST_CASE("whatever surrounds it, a value never stays in a redacted text") {
  CHECK(rc::check("no value left", [](const std::string& before, const std::string& after) {
    const Redactor redactor = knowing("S3cr3t!");
    RC_ASSERT(!redactor.redact(before + "S3cr3t!" + after).contains("S3cr3t!"));
  }));
}

TEST_CASE("of a piece of a text, half a value at its open end is taken out, too") {
  using Missing = Redactor::Missing;
  Redactor redactor = knowing("S3cr3t-S3cr3t!");
  redactor.add("B", Secret("t!other"));
  const auto behind = [&](std::string_view piece) {
    return redactor.redact_piece(piece, Missing::kBehind);
  };
  const auto before = [&](std::string_view piece) {
    return redactor.redact_piece(piece, Missing::kBefore);
  };
  CHECK(behind("say S3cr3t-S3cr3t") == "say [redacted:PW]");
  CHECK(behind("say S3cr") == "say [redacted:PW]");
  CHECK(behind("say S3c") == "say S3c");  // too short to be told from ordinary text
  CHECK(behind("say S3cr now") == "say S3cr now");
  CHECK(behind("say S3cr3t-S3cr3t!oth") == "say [redacted:PW][redacted:B]");
  CHECK(behind("S3cr3t-S3cr3t!S3cr3t-S3cr3t") == "[redacted:PW][redacted:PW]");
  CHECK(behind("537a2d53 533363723374") == "537a2d53 [redacted:PW]");
  CHECK(before("3cr3t! said") == "[redacted:PW] said");
  CHECK(before("3t! said S3cr") == "3t! said S3cr");
  CHECK(before("-S3cr3t!other") == "[redacted:PW][redacted:B]");
  CHECK(redactor.redact_piece("say S3cr3t-S3cr3t", Missing::kNothing) == "say S3cr3t-S3cr3t");
  CHECK(Redactor().redact_piece("say", Missing::kBehind) == "say");
  CHECK(behind("") == "");
}

TEST_CASE("half a value is found as slow eyes would find it") {
  CHECK(rc::check("the longest end that begins a value", [] {
    const auto letters = rc::gen::container<std::string>(rc::gen::element('a', 'b'));
    const std::string value = "a" + *letters + "bcab";
    const std::string text =
        *letters + value.substr(0, *rc::gen::inRange<std::size_t>(0, value.size()));
    Redactor redactor;
    redactor.add("A", Secret(value));
    std::size_t half = 0;
    for (std::size_t n = 1; n < value.size(); ++n)
      if (text.ends_with(value.substr(0, n))) half = n;
    const std::string kept = redactor.redact_piece(text, Redactor::Missing::kBehind);
    if (half >= Redactor::kBytesMin) {
      RC_ASSERT(kept == text.substr(0, text.size() - half) + "[redacted:A]");
    } else {
      RC_ASSERT(kept == text);
    }
  }));
}

TEST_CASE("known values are taken out of every part of a tree") {
  Redactor redactor;
  CHECK(redactor.add("pin", Secret("24681357")));
  Result<doc::Value> value =
      doc::parse_json(R"({"a": ["24681357", 24681357, 2468], "x24681357": {"b": "at 24681357."}})");
  REQUIRE(value.has_value());
  redactor.redact(*value);
  CHECK(
      doc::write_json(*value) ==
      R"({"a":["[redacted:pin]","[redacted:pin]",2468],"x[redacted:pin]":{"b":"at [redacted:pin]."}})");
}

}  // namespace
}  // namespace keyturn::secrets
