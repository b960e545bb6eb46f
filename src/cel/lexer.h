// Text to tokens (cel-spec "Syntax").
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "cel/reporter.h"

namespace keyturn::cel {

enum class Token : std::uint8_t {
  kEnd,
  kIdent,        // text: the name
  kQuotedIdent,  // `a-b`, text without the quotes; only after a dot or as a field
  kInt,          // text: digits or 0x..., without the sign
  kUint,         // text without the suffix
  kDouble,
  kString,  // text: the whole literal with prefix and quotes
  kBytes,
  kOperator,  // text: one of the operators and punctuation
};

struct Lexeme {
  Token token = Token::kEnd;
  std::uint32_t offset = 0;
  std::string_view text;  // into the source
  bool is(std::string_view op) const { return token == Token::kOperator && text == op; }
};

// All lexemes, the last a kEnd. Stops at the first error, which it reports.
std::vector<Lexeme> lex(std::string_view source, Reporter& reporter);

}  // namespace keyturn::cel
