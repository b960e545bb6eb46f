#include "cli/console.h"

#include <doctest/doctest.h>

#include <sstream>

#include "doc/json.h"

namespace keyturn::cli {
namespace {

TEST_CASE("nothing that a terminal would obey or hide gets through") {
  struct Row {
    std::string text, lines, one;
  };
  const Row rows[] = {
      {"plain é 漢 🙂", "plain é 漢 🙂", "plain é 漢 🙂"},
      {"a\n\tb", "a\n\tb", "a⟦U+000A⟧⟦U+0009⟧b"},
      {"\x1b[2J\x1b]0;x\x07", "⟦U+001B⟧[2J⟦U+001B⟧]0;x⟦U+0007⟧", "⟦U+001B⟧[2J⟦U+001B⟧]0;x⟦U+0007⟧"},
      {"ok\rdenied", "ok⟦U+000D⟧denied", "ok⟦U+000D⟧denied"},
      {"a\bb\x7f", "a⟦U+0008⟧b⟦U+007F⟧", "a⟦U+0008⟧b⟦U+007F⟧"},
      {"\u009b31m", "⟦U+009B⟧31m", "⟦U+009B⟧31m"},
      {"x\u202Ey\u2066z", "x⟦U+202E⟧y⟦U+2066⟧z", "x⟦U+202E⟧y⟦U+2066⟧z"},
      {"a\u200Bb\uFEFF", "a⟦U+200B⟧b⟦U+FEFF⟧", "a⟦U+200B⟧b⟦U+FEFF⟧"},
      {"\U000E0041", "⟦U+E0041⟧", "⟦U+E0041⟧"},
      {"⟦U+202E⟧", "⟦U+27E6⟧U+202E⟦U+27E7⟧", "⟦U+27E6⟧U+202E⟦U+27E7⟧"},
      {std::string("a\0b", 3), "a⟦U+0000⟧b", "a⟦U+0000⟧b"},
      {"a\xff\xc3", "a⟦\\xFF⟧⟦\\xC3⟧", "a⟦\\xFF⟧⟦\\xC3⟧"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.lines);
    CHECK(printable(row.text) == row.lines);
    CHECK(one_line(row.text) == row.one);
  }
}

TEST_CASE("a program gets the bytes, a terminal gets what can be seen") {
  std::ostringstream out, err;
  std::istringstream in;
  Console console{.out = out, .err = err, .in = in};
  CHECK(for_out(console, "\x1b[31m") == "\x1b[31m");
  console.out_terminal = true;
  CHECK(for_out(console, "\x1b[31m") == "⟦U+001B⟧[31m");
  CHECK(for_err(console, "\x1b") == "\x1b");
  console.err_terminal = true;
  CHECK(for_err(console, "\x1b") == "⟦U+001B⟧");
}

TEST_CASE("colours only on a terminal that may have them") {
  std::ostringstream out, err;
  std::istringstream in;
  for (const bool terminal : {false, true}) {
    for (const bool colour : {false, true}) {
      const Console console{.out = out,
                            .err = err,
                            .in = in,
                            .out_terminal = terminal,
                            .err_terminal = terminal,
                            .colour = colour};
      const bool coloured = terminal && colour;
      CHECK(on_out(console, Tone::kBad, "x").contains('\x1b') == coloured);
      CHECK(on_err(console, Tone::kBad, "x").contains('\x1b') == coloured);
      CHECK(on_out(console, Tone::kPlain, "x") == "x");
    }
  }
}

doc::Value json(const char* text) {
  return doc::parse_json(text).value();
}

TEST_CASE("rows are TSV for programs: nothing in a cell breaks a row") {
  const doc::Value rows =
      json(R"([{"a":"x\ty\nz\\","b":null,"c":1.50},{"a":"","b":true,"c":[1]}])");
  CHECK(rows_text(rows, nullptr, false) == "a\tb\tc\nx\\ty\\nz\\\\\t\\N\t1.50\n\ttrue\t[1]\n");
  const doc::Value columns = json(R"(["c","a"])");
  CHECK(rows_text(rows, &columns, false) == "c\ta\n1.50\tx\\ty\\nz\\\\\n[1]\t\n");
  CHECK(rows_text(json("[]"), nullptr, false) == "");
}

TEST_CASE("rows are a table for people, a row a line, whatever a cell holds") {
  const doc::Value rows = json(R"([{"id":1,"name":"a\u001b[2J\nb"},{"id":22,"name":null}])");
  CHECK(rows_text(rows, nullptr, true) == "id  name\n1   a⟦U+001B⟧[2J⟦U+000A⟧b\n22  NULL\n");
}

}  // namespace
}  // namespace keyturn::cli
