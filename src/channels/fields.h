// Fields that the configurations of channels have in common.
#pragma once

#include <string>
#include <string_view>

#include "doc/read.h"
#include "secrets/reference.h"

namespace keyturn::channels {

// Whether something may be called that: a-z, 0-9 and -, at most 40, not - at first.
bool is_name(std::string_view name);

// A secret by reference, {secret: "file:/path"}. `what`: what it is, for the message when it is
// missing: "the routing key".
secrets::SecretReference require_secret(doc::ObjectReader& in, std::string_view key,
                                        std::string_view what);

// A URL that secrets may go to (net/url.h); `otherwise` where it is absent, and required when that
// is "".
std::string read_url(doc::ObjectReader& in, std::string_view key, std::string otherwise);

}  // namespace keyturn::channels
