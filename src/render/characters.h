// What kind of character a code point is, for the renderer.
#pragma once

#include <string>
#include <string_view>

namespace keyturn::render {

enum class Kind {
  kVisible,  // shown as itself
  kSpace,    // U+0020
  kTab,
  kNewline,
  kCombining,    // shown as itself on a base, a few at most
  kRightToLeft,  // a strong right-to-left letter or digit: shown as itself, apart
  kControl,
  kInvisible,  // nothing to see, private use, or not assigned: may look like anything
  kBidiControl,
  kOtherSpace,  // a space that is not U+0020
};
Kind kind_of(char32_t c);
bool is_enclosing(char32_t c);  // a mark that hides its base, or strikes it out

std::string code(char32_t c);      // "U+202E"
std::string describe(char32_t c);  // "U+202E RIGHT-TO-LEFT OVERRIDE"; without a name: "U+E000"

bool is_word(char32_t c);         // letters, digits, marks, "_"
bool is_typographic(char32_t c);  // quotes, dashes, ellipsis, bullet of ordinary prose
bool is_latin(char32_t c);

// Look-alikes of ASCII by UTS #39. Opens ICU's tables once; not to be shared between threads.
class Confusables {
 public:
  Confusables();
  ~Confusables();
  Confusables(const Confusables&) = delete;
  Confusables& operator=(const Confusables&) = delete;

  bool looks_like_ascii(char32_t c) const;  // c is not ASCII, but reads like it
  // A word that is not ASCII, but reads like it, or mixes scripts that no language mixes.
  bool word_deceives(std::string_view utf8_word) const;

 private:
  bool has_ascii_skeleton(std::string_view utf8) const;
  void* checker_;
};

}  // namespace keyturn::render
