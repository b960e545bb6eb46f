// Doubles as text.
#pragma once

#include <string>

namespace keyturn::cel {

std::string double_text(
    double value);  // shortest that reads back: "123.456", "6.02e+23", "NaN", "-Infinity"

}  // namespace keyturn::cel
