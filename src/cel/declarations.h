// The standard functions and the extensions, as declarations (cel-spec "Standard Definitions";
// cel-go ext).
#pragma once

#include <vector>

#include "cel/environment.h"

namespace keyturn::cel {

std::vector<Function> standard_functions();

}  // namespace keyturn::cel
