// What an expression may cost before it is evaluated: bounds from its form and from how large its
// input may be.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace keyturn::cel {

// How large a value of the input may be.
struct SizeMax {
  std::uint64_t text_bytes = 4096;  // of every text in it
  std::uint64_t items = 256;        // of every list and map in it
  std::uint64_t values = 4096;      // all values in it, keys too
};

struct SizeHints {
  SizeMax otherwise;
  // By path ("facts.sql.statements"): holds for what is below it too, the longest path wins.
  std::map<std::string, SizeMax, std::less<>> paths;
};

// In the unit of Program::evaluate.
struct CostBounds {
  std::uint64_t least = 0;  // no evaluation costs less
  std::uint64_t most = 0;   // none costs more, with input of its types and within the hints
};

}  // namespace keyturn::cel
