#include "render/characters.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>
#include <unicode/uspoof.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>
#include <stdexcept>

#include "base/ascii.h"
#include "base/bytes.h"

namespace keyturn::render {
namespace {

constexpr std::array<std::string_view, 33> kControlNames = {
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BELL", "BACKSPACE", "TAB", "LF",
    "VT",  "FF",  "CR",  "SO",  "SI",  "DLE", "DC1", "DC2",  "DC3",       "DC4", "NAK",
    "SYN", "ETB", "CAN", "EM",  "SUB", "ESC", "FS",  "GS",   "RS",        "US",  "SPACE"};

std::string_view control_name(char32_t c) {
  if (c < kControlNames.size()) return kControlNames[c];
  switch (c) {
    case 0x7F:
      return "DEL";
    case 0x85:
      return "NEL";
    case 0x90:
      return "DCS";
    case 0x9B:
      return "CSI";
    case 0x9D:
      return "OSC";
    default:
      return "";
  }
}

// Assigned and graphic by Unicode, but drawn as nothing.
bool is_blank(char32_t c) {
  return c == 0x2800 || c == 0xFFFC || c == 0x1D159 || c == 0x16FE4 ||
         u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_DEFAULT_IGNORABLE_CODE_POINT) != 0;
}

bool is_right_to_left(char32_t c) {
  switch (u_charDirection(static_cast<UChar32>(c))) {
    case U_RIGHT_TO_LEFT:
    case U_RIGHT_TO_LEFT_ARABIC:
    case U_ARABIC_NUMBER:
      return true;
    default:
      return false;
  }
}

// Kind by general category, for what is neither ASCII nor special.
Kind by_category(char32_t c) {
  switch (u_charType(static_cast<UChar32>(c))) {
    case U_CONTROL_CHAR:
      return Kind::kControl;
    case U_SPACE_SEPARATOR:
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR:
      return Kind::kOtherSpace;
    case U_UNASSIGNED:
    case U_PRIVATE_USE_CHAR:
    case U_SURROGATE:
    case U_FORMAT_CHAR:
      return Kind::kInvisible;
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_COMBINING_SPACING_MARK:
      return Kind::kCombining;
    default:
      return is_right_to_left(c) ? Kind::kRightToLeft : Kind::kVisible;
  }
}

// Sets of scripts that people do write in one word (UTS #39 §5.2, Highly Restrictive).
bool may_mix(const std::set<UScriptCode>& scripts) {
  if (scripts.size() <= 1) return true;
  using Set = std::set<UScriptCode>;
  static const std::array<Set, 3> kTogether = {
      Set{USCRIPT_LATIN, USCRIPT_HAN, USCRIPT_HIRAGANA, USCRIPT_KATAKANA},
      Set{USCRIPT_LATIN, USCRIPT_HAN, USCRIPT_BOPOMOFO},
      Set{USCRIPT_LATIN, USCRIPT_HAN, USCRIPT_HANGUL}};
  return std::ranges::any_of(kTogether,
                             [&](const Set& set) { return std::ranges::includes(set, scripts); });
}

UScriptCode script_of(char32_t c) {
  UErrorCode error = U_ZERO_ERROR;
  return uscript_getScript(static_cast<UChar32>(c), &error);
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Full width, mathematical, superscript … forms of ASCII, which UTS #39 leaves to NFKC.
bool is_compatible_with_ascii(std::string_view utf8) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* nfkc = icu::Normalizer2::getNFKCInstance(error);
  if (U_FAILURE(error)) return true;  // cannot tell: mark it
  const icu::UnicodeString text =
      icu::UnicodeString::fromUTF8({utf8.data(), static_cast<int32_t>(utf8.size())});
  const icu::UnicodeString plain = nfkc->normalize(text, error);
  if (U_FAILURE(error)) return true;
  for (int32_t i = 0; i < plain.length(); ++i) {
    if (plain.charAt(i) >= 0x80) return false;
  }
  return true;
}

}  // namespace

Kind kind_of(char32_t c) {
  if (c == ' ') return Kind::kSpace;
  if (c == '\t') return Kind::kTab;
  if (c == '\n') return Kind::kNewline;
  if (c < 0x7F) return c < 0x20 ? Kind::kControl : Kind::kVisible;
  if (u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_BIDI_CONTROL) != 0) {
    return Kind::kBidiControl;
  }
  return is_blank(c) ? Kind::kInvisible : by_category(c);
}

bool is_enclosing(char32_t c) {
  constexpr unsigned kOverlay = 1;  // canonical combining class: strikes its base out
  const auto point = static_cast<UChar32>(c);
  return u_charType(point) == U_ENCLOSING_MARK || u_getCombiningClass(point) == kOverlay;
}

std::string code(char32_t c) {
  char text[16];
  const int size = std::snprintf(text, sizeof text, "U+%04X", static_cast<unsigned>(c));
  return {text, static_cast<std::size_t>(size)};
}

std::string describe(char32_t c) {
  std::string out = code(c);
  const std::string_view control = control_name(c);
  if (!control.empty()) return out + " " + std::string(control);
  char name[128];
  UErrorCode error = U_ZERO_ERROR;
  const int32_t size = u_charName(static_cast<UChar32>(c), U_UNICODE_CHAR_NAME, name,
                                  static_cast<int32_t>(sizeof name), &error);
  if (U_SUCCESS(error) && size > 0) out += " " + std::string(name, static_cast<std::size_t>(size));
  return out;
}

bool is_word(char32_t c) {
  if (c < 0x80) {
    return is_alphanumeric(static_cast<char>(c)) || c == U'_';
  }
  const Kind kind = kind_of(c);
  return (kind == Kind::kVisible && u_isalnum(static_cast<UChar32>(c)) != 0) ||
         kind == Kind::kCombining;
}

bool is_typographic(char32_t c) {
  constexpr std::u32string_view kOrdinary =
      U"\u2018\u2019\u201C\u201D\u201E\u2013\u2014\u2026\u2022\u00B7\u00AB\u00BB\u2039\u203A";
  return kOrdinary.find(c) != std::u32string_view::npos;
}

bool is_latin(char32_t c) {
  return script_of(c) == USCRIPT_LATIN;
}

Confusables::Confusables() {
  UErrorCode error = U_ZERO_ERROR;
  checker_ = uspoof_open(&error);
  if (U_FAILURE(error)) throw std::runtime_error("ICU: no confusables data");
}

Confusables::~Confusables() {
  uspoof_close(static_cast<USpoofChecker*>(checker_));
}

bool Confusables::has_ascii_skeleton(std::string_view utf8) const {
  if (is_compatible_with_ascii(utf8)) return true;
  std::string out(utf8.size() * 8 + 32, '\0');  // longest expansion of one code point: 18 letters
  UErrorCode error = U_ZERO_ERROR;
  int32_t size = uspoof_getSkeletonUTF8(static_cast<USpoofChecker*>(checker_), 0, utf8.data(),
                                        static_cast<int32_t>(utf8.size()), out.data(),
                                        static_cast<int32_t>(out.size()), &error);
  if (U_FAILURE(error)) return true;  // cannot tell: mark it
  return is_ascii(std::string_view(out).substr(0, static_cast<std::size_t>(size)));
}

bool Confusables::looks_like_ascii(char32_t c) const {
  if (c < 0x80) return false;
  std::string text;
  append_utf8(text, c);
  return has_ascii_skeleton(text);
}

bool Confusables::word_deceives(std::string_view word) const {
  if (is_ascii(word)) return false;
  std::set<UScriptCode> scripts;
  for (std::size_t offset = 0; offset < word.size();) {
    const UScriptCode script = script_of(next_code_point(word, offset));
    if (script != USCRIPT_COMMON && script != USCRIPT_INHERITED) scripts.insert(script);
  }
  return !may_mix(scripts) || has_ascii_skeleton(word);
}

}  // namespace keyturn::render
