#include "render/runs.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "base/bytes.h"
#include "doc/json.h"
#include "render/characters.h"

using namespace keyturn;
using namespace keyturn::render;

namespace {

std::string shown(std::string_view bytes, Style style = Style::kCode) {
  return to_plain_text(render_text(bytes, style).runs);
}

std::string marks(std::string_view bytes, Style style = Style::kCode) {
  std::string out;
  for (const Run& run : render_text(bytes, style).runs) {
    if (run.mark != Mark::kNone) out += (out.empty() ? "" : " ") + std::string(to_text(run.mark));
  }
  return out;
}

std::string from(std::u32string_view points) {
  std::string out;
  for (const char32_t c : points) append_utf8(out, c);
  return out;
}

// The promise: a run's text holds only what can be seen.
bool is_clean(const Runs& runs) {
  for (const Run& run : runs) {
    if (first_invalid_utf8(run.t)) return false;
    for (std::size_t at = 0; at < run.t.size();) {
      const char32_t c = next_code_point(run.t, at);
      switch (kind_of(c)) {
        case Kind::kVisible:
        case Kind::kSpace:
        case Kind::kCombining:
          break;
        case Kind::kNewline:
          if (run.mark != Mark::kNone) return false;
          break;
        case Kind::kRightToLeft:
          if (run.mark != Mark::kBidi) return false;
          break;
        case Kind::kTab:
        case Kind::kControl:
        case Kind::kInvisible:
        case Kind::kBidiControl:
        case Kind::kOtherSpace:
          return false;
      }
    }
  }
  return true;
}

std::size_t sum(const Runs& runs) {
  std::size_t out = 0;
  for (const Run& run : runs) out += run.bytes;
  return out;
}

}  // namespace

TEST_CASE("ordinary text is shown as it is, unmarked") {
  for (const char* text :
       {"DROP TABLE orders_2019;\nSELECT 1", "caf\u00E9 na\u00EFve J\u00FCrgen \u00F8re",
        "\u65E5\u672C\u8A9E\u306E\u30C6\u30AD\u30B9\u30C8",
        "\u041F\u0440\u0438\u0432\u0435\u0442, \u043C\u0438\u0440", "\u4E2D\u6587", "e\u0301",
        "\uD55C\uAD6D\uC5B4", "\U0001F600", "a  b", "        eight", "three\n\n\nnewlines",
        "\u03A3\u03C0\u03CD\u03C1\u03BF\u03C2", "\u20AC5 \u00B1 3 \u00B5s"}) {
    CAPTURE(text);
    const Rendered r = render_text(text);
    CHECK(shown(text) == text);
    CHECK(r.warnings.empty());
    CHECK(r.bytes == std::string_view(text).size());
  }
  CHECK(render_text("").runs.empty());
}

TEST_CASE("what could deceive is marked, and says what it is") {
  const struct {
    const char* what;
    std::string bytes;
    const char* expected;
    const char* mark;
  } table[] = {
      {"bidi override", from(U"a\u202Eb"), "a\u27E6U+202E RIGHT-TO-LEFT OVERRIDE\u27E7b", "bidi"},
      {"isolate", from(U"\u2066"), "\u27E6U+2066 LEFT-TO-RIGHT ISOLATE\u27E7", "bidi"},
      {"mark", from(U"\u200F"), "\u27E6U+200F RIGHT-TO-LEFT MARK\u27E7", "bidi"},
      {"zero width", from(U"pay\u200Bpal"), "pay\u27E6U+200B ZERO WIDTH SPACE\u27E7pal",
       "invisible"},
      {"many", from(U"\u200B\u200B\u200B"), "\u27E6U+200B ZERO WIDTH SPACE \u00D73\u27E7",
       "invisible"},
      {"soft hyphen", from(U"a\u00ADb"), "a\u27E6U+00AD SOFT HYPHEN\u27E7b", "invisible"},
      {"variation selector", from(U"a\uFE0F"), "a\u27E6U+FE0F VARIATION SELECTOR-16\u27E7",
       "invisible"},
      {"far variation selector", from(U"a\U000E0100"), "a\u27E6U+E0100 VARIATION SELECTOR-17\u27E7",
       "invisible"},
      {"tag", from(U"\U000E0041"), "\u27E6U+E0041 TAG LATIN CAPITAL LETTER A\u27E7", "invisible"},
      {"hangul filler", from(U"\u3164"), "\u27E6U+3164 HANGUL FILLER\u27E7", "invisible"},
      {"braille blank", from(U"\u2800"), "\u27E6U+2800 BRAILLE PATTERN BLANK\u27E7", "invisible"},
      {"private use", from(U"\uE000"), "\u27E6U+E000\u27E7", "invisible"},
      {"unassigned", from(U"\u0378"), "\u27E6U+0378\u27E7", "invisible"},
      {"noncharacter", from(U"\uFFFE"), "\u27E6U+FFFE\u27E7", "invisible"},
      {"BOM", from(U"\uFEFF"), "\u27E6U+FEFF ZERO WIDTH NO-BREAK SPACE\u27E7", "invisible"},
      {"escape", "\x1b[31mred", "\u27E6U+001B ESC\u27E7[31mred", "control"},
      {"OSC 8", "\x1b]8;;http://x\x07", "\u27E6U+001B ESC\u27E7]8;;http://x\u27E6U+0007 BELL\u27E7",
       "control control"},
      {"C1", from(U"\u009B31m"), "\u27E6U+009B CSI\u27E731m", "control"},
      {"NUL", std::string("a\0b", 3), "a\u27E6U+0000 NUL\u27E7b", "control"},
      {"backspace", "ab\b", "ab\u27E6U+0008 BACKSPACE\u27E7", "control"},
      {"CR", "good\rbad", "good\u27E6U+000D CR\u27E7bad", "control"},
      {"DEL", "\x7f", "\u27E6U+007F DEL\u27E7", "control"},
      {"invalid byte",
       "a\xff\xfe"
       "b",
       "a\u27E6\\xFF\u27E7\u27E6\\xFE\u27E7b", "control control"},
      {"overlong", "\xc0\xaf", "\u27E6\\xC0\u27E7\u27E6\\xAF\u27E7", "control control"},
      {"no-break space", from(U"a\u00A0b"), "a\u27E6U+00A0 NO-BREAK SPACE\u27E7b", "whitespace"},
      {"line separator", from(U"\u2028"), "\u27E6U+2028 LINE SEPARATOR\u27E7", "whitespace"},
      {"tab", "a\tb", "a\u27E6\u21E5\u27E7b", "whitespace"},
      {"spaces", "a" + std::string(4000, ' ') + "b", "a\u27E6[4000 spaces]\u27E7b", "whitespace"},
      {"newlines", "a" + std::string(500, '\n') + "b", "a\u27E6[499 newlines]\u27E7\nb",
       "whitespace"},
      {"blank lines", "a\n \n \n \n  b", "a\u27E6[3 newlines, 3 spaces]\u27E7\n  b", "whitespace"},
      {"tabs", "a" + std::string(9, '\t'), "a\u27E6[9 tabs]\u27E7", "whitespace"},
      {"third mark", from(U"e\u0301\u0302\u0303"),
       "e\u0301\u0302\u27E6U+0303 COMBINING TILDE\u27E7", "invisible"},
      {"mark without base", from(U"\u0301"), "\u27E6U+0301 COMBINING ACUTE ACCENT\u27E7",
       "invisible"},
      {"mark on a space", from(U"a \u0336"), "a \u27E6U+0336 COMBINING LONG STROKE OVERLAY\u27E7",
       "invisible"},
      {"mark after our words", from(U"\u200B\u0336"),
       "\u27E6U+200B ZERO WIDTH SPACE\u27E7\u27E6U+0336 COMBINING LONG STROKE OVERLAY\u27E7",
       "invisible invisible"},
      {"enclosing", from(U"a\u20DD"), "a\u27E6U+20DD COMBINING ENCLOSING CIRCLE\u27E7",
       "invisible"},
      {"Cyrillic in Latin", from(U"p\u0430ypal"), "p\u27E6\u0430[U+0430]\u27E7ypal", "lookalike"},
      {"all Cyrillic, reads as Latin", from(U"\u0441\u043E\u0440"),
       "\u27E6\u0441[U+0441]\u27E7\u27E6\u043E[U+043E]\u27E7\u27E6\u0440[U+0440]\u27E7",
       "lookalike lookalike lookalike"},
      {"Greek question mark", from(U"a\u037Eb"), "a\u27E6\u037E[U+037E]\u27E7b", "lookalike"},
      {"division slash", from(U"/etc\u2215x"), "/etc\u27E6\u2215[U+2215]\u27E7x", "lookalike"},
      {"full width", from(U"\uFF52m"), "\u27E6\uFF52[U+FF52]\u27E7m", "lookalike"},
      {"mathematical", from(U"\U0001D5CBm"), "\u27E6\U0001D5CB[U+1D5CB]\u27E7m", "lookalike"},
      {"dotless i", from(U"adm\u0131n"), "adm\u27E6\u0131[U+0131]\u27E7n", "lookalike"},
      {"dash in code", from(U"a\u2013b"), "a\u27E6\u2013[U+2013]\u27E7b", "lookalike"},
      {"Hebrew", from(U"a \u05D0\u05D1 b"), "a \u27E6\u05D0\u05D1\u27E7 b", "bidi"},
  };
  for (const auto& row : table) {
    CAPTURE(row.what);
    CHECK(shown(row.bytes) == std::string(row.expected));
    CHECK(marks(row.bytes) == std::string(row.mark));
    const Rendered r = render_text(row.bytes);
    CHECK(is_clean(r.runs));
    CHECK(sum(r.runs) == row.bytes.size());
    if (std::string_view(row.what) != "tab") CHECK_FALSE(r.warnings.empty());
  }
  CHECK(marks(from(U"it\u2019s \u201Cfine\u201D \u2013 really\u2026"), Style::kProse).empty());
  CHECK_FALSE(marks(from(U"it\u2019s"), Style::kCode).empty());
}

TEST_CASE("a text that imitates our marks is told apart") {
  const std::string fake = "\u27E6U+202E\u27E7";
  CHECK(marks(fake).empty());
  CHECK(shown(fake) == "\u27E6U+27E6\u27E7U+202E\u27E6U+27E7\u27E7");
  CHECK(doc::write_json(to_value(render_text("U+202E" + from(U"\u202E")).runs)) ==
        R"([{"t":"U+202E"},{"t":"U+202E RIGHT-TO-LEFT OVERRIDE","mark":"bidi"}])");
}

TEST_CASE("whatever bytes come in, nothing unseen comes out and every byte is accounted for") {
  const auto check = [](const std::string& bytes) {
    for (const Style style : {Style::kCode, Style::kProse}) {
      const Rendered r = render_text(bytes, style);
      RC_ASSERT(is_clean(r.runs));
      RC_ASSERT(r.bytes == bytes.size());
      RC_ASSERT(sum(r.runs) == bytes.size());
      for (const char c : to_plain_text(r.runs)) {
        RC_ASSERT(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
        RC_ASSERT(c != 0x7F);
      }
      // Unmarked runs are the input itself, in order; and runs do not say the same thing twice.
      std::size_t at = 0;
      for (const Run& run : r.runs) {
        RC_ASSERT(run.bytes > 0);
        if (run.mark == Mark::kNone) RC_ASSERT(run.t == bytes.substr(at, run.bytes));
        at += run.bytes;
      }
    }
  };
  CHECK(rc::check("any bytes", check));
  CHECK(rc::check("any code points", [&] {
    std::string bytes;
    for (int i = 0; i < *rc::gen::inRange(0, 40); ++i) {
      const auto c = static_cast<char32_t>(
          *rc::gen::oneOf(rc::gen::inRange(0, 0x80), rc::gen::inRange(0x80, 0x700),
                          rc::gen::inRange(0x2000, 0x2100), rc::gen::inRange(0, 0x20000),
                          rc::gen::inRange(0xE0000, 0xE0200), rc::gen::inRange(0x300, 0x370),
                          rc::gen::element<int>(' ', '\n', '\t', '\r')));
      if (c < 0xD800 || c > 0xDFFF) append_utf8(bytes, c);
      if (*rc::gen::inRange(0, 30) == 0) bytes += static_cast<char>(*rc::gen::inRange(-128, 0));
    }
    check(bytes);
  }));
}

TEST_CASE("every code point there is comes out visible") {
  std::size_t unclean = 0;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    if (c > 0x32000 && c < 0xE0000 && c % 251 != 0) continue;  // unassigned planes, sampled
    if (c > 0xE1000 && c % 251 != 0) continue;
    std::string bytes = "a";
    append_utf8(bytes, c);
    const Rendered r = render_text(bytes);
    if (!is_clean(r.runs) || sum(r.runs) != bytes.size()) ++unclean;
  }
  CHECK(unclean == 0);
}
