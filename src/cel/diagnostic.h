// What is wrong with an expression, and where.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace keyturn::cel {

struct Diagnostic {
  std::size_t offset = 0;    // byte offset in the expression, from 0
  std::uint32_t line = 1;    // from 1
  std::uint32_t column = 1;  // from 1, in bytes
  std::string message;       // `unknown field "amont" of action.args`
  std::string suggestion;    // `action.args.amount`, or ""
};

// "1:9: message (did you mean suggestion?)"
std::string to_text(const Diagnostic& diagnostic);

using Diagnostics = std::vector<Diagnostic>;

}  // namespace keyturn::cel
