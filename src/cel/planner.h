// From a checked expression to nodes: paths become slots, constants are folded, regexes and time
// zones are found once.
#pragma once

#include <string>
#include <vector>

#include "cel/ast.h"
#include "cel/environment.h"
#include "cel/node.h"
#include "cel/program.h"
#include "cel/reporter.h"

namespace keyturn::cel {

struct Plan {
  NodePtr root;
  std::size_t locals_max = 0;  // how many variables are bound at once, at most
  std::vector<AttributePath> paths;
  std::vector<Slot> slots;  // of the paths
};

// The names are resolved. Invalid constant regexes and time zones are reported.
Plan plan(const Expr& expr, const Environment& environment, const Limits& limits,
          Reporter& reporter);

}  // namespace keyturn::cel
