// Does one condition hold wherever another does? For tiers that are never reached.
#pragma once

#include <string_view>

namespace keyturn::policy {

// True when `to` certainly holds whenever `from` does: they say the same, one has a conjunct of the
// other, or they compare one thing with numbers (`x > 10` implies `x > 1`). False when that is not
// known. Neither needs to be well typed; what does not parse implies nothing.
bool implies(std::string_view from, std::string_view to);

}  // namespace keyturn::policy
