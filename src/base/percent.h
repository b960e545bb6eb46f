// Percent-encoding (RFC 3986).
#pragma once

#include <string>
#include <string_view>

namespace keyturn {

// Every byte but the unreserved ones (2.3), in upper-case hexadecimal: good for one segment of a
// path, a name or a value of a query, and a form.
std::string percent_encoded(std::string_view text);

}  // namespace keyturn
