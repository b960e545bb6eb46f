// Who must agree, in words. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/verdict.h"

namespace keyturn::render {

// "1 of dba and 2 of sre"; "nobody".
std::string in_words(const Quorum& quorum);
std::string in_words(const std::vector<Quorum>& list, std::string_view between);
// All of it in one line: "1 of dba; and 1 of finance, or 2 of lead; at least: passkey".
std::string in_words(const Plan& plan);

}  // namespace keyturn::render
