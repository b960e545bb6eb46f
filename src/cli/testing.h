// For the tests of this room.
#pragma once

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include "cli/app.h"

namespace keyturn::cli::testing {

struct Ran {
  int exit = 0;
  std::string out, err;
};

// `keyturn WORDS…` off a terminal, with nothing to reach.
inline Ran ran(std::vector<const char*> words, const std::string& input = {}) {
  std::ostringstream out, err;
  std::istringstream in(input);
  Console console{.out = out, .err = err, .in = in};
  words.insert(words.begin(), "keyturn");
  const int exit = run(static_cast<int>(words.size()), words.data(), console,
                       {.url = "http://127.0.0.1:1", .token = ""});
  return {exit, out.str(), err.str()};
}

}  // namespace keyturn::cli::testing
