// Takes known secret values out of outputs.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/secret.h"
#include "doc/value.h"

namespace keyturn::secrets {

// Replaces every known value by "[redacted:NAME]", also where it stands as
//  - base64, standard or URL-safe, at any of the three alignments inside a longer encoded text,
//  - percent-encoding (reserved characters only or every byte, either case, space as %20 or +),
//  - hexadecimal (either case),
//  - a JSON string body (short escapes or \u00XX, "/" escaped or not; of ASCII all as \u00XX),
//  - one line of a value of several lines, from 16 bytes on (wrapped or indented keys).
// Values shorter than kBytesMin cannot be told from ordinary text and are not redacted. What
// overlaps is replaced together. It is a safety net: a program that transforms a secret in another
// way gets past it.
class Redactor {
 public:
  static constexpr std::size_t kBytesMin = 4;

  // False when the value is too short to be redacted.
  bool add(const std::string& name, const Secret& value);
  bool empty() const { return patterns_.empty(); }
  std::string redact(std::string_view text) const;  // linear in the text for practical values
  void redact(doc::Value& value) const;  // every string and key; numbers as they are written
  // The same of a piece of a longer text of which the rest is not there: what the piece ends with
  // (begins with) is replaced as well when it is how a known value begins (ends), from kBytesMin
  // bytes on.
  enum class Missing { kNothing, kBehind, kBefore };
  std::string redact_piece(std::string_view piece, Missing missing) const;

 private:
  friend class StreamRedactor;
  struct Pattern {
    Secret text;
    std::size_t name;
  };
  struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::vector<std::size_t> names;
  };
  void add_pattern(std::string text, std::size_t name);
  const Pattern* longest_at(std::string_view text, std::size_t at) const;
  std::vector<Span> find(std::string_view text) const;
  // Begun before the piece (kBefore) or not ended in it (kBehind): the most that can be of a value.
  std::vector<Span> find_halves(std::string_view piece, Missing missing) const;
  static std::vector<Span> together(std::vector<Span> spans);  // sorted, those that overlap as one
  // Appends text[from, to) with `spans` replaced.
  void append_redacted(std::string& out, std::string_view text, std::size_t to,
                       const std::vector<Span>& spans) const;

  std::vector<std::string> names_;
  std::vector<Pattern> patterns_;
  std::unordered_map<std::uint32_t, std::vector<std::size_t>>
      by_start_;  // first four bytes -> patterns
  std::bitset<65536>
      first_two_;  // the first two bytes of every pattern: rejects nearly all positions
  std::size_t longest_ = 0;
};

// The same for text that comes in pieces: a value cut in two by a buffer's end is still found.
// Borrows the redactor.
class StreamRedactor {
 public:
  explicit StreamRedactor(const Redactor& redactor) : redactor_(redactor) {}
  // What is certain so far; keeps back as many bytes as the longest pattern might still need.
  std::string feed(std::string_view bytes);
  std::string finish();

 private:
  const Redactor& redactor_;
  std::string held_;
};

}  // namespace keyturn::secrets
