// What a program or a database said, made fit to be kept and shown: known secrets are redacted,
// bytes that are no UTF-8 are written \xNN, and the length is capped.
#pragma once

#include <string>
#include <string_view>

#include "secrets/redact.h"

namespace keyturn::connectors {

// Whether all that was said is there: of what is not, no half of a secret is left.
using Missing = secrets::Redactor::Missing;

// Redacts before it cuts, so that no half of a secret is left at the end. Sets `truncated` when it
// cut.
std::string presentable(std::string_view raw, const secrets::Redactor& redactor,
                        std::size_t bytes_max, bool& truncated,
                        Missing missing = Missing::kNothing);

// The same of its end: what was said last, at most `bytes_max` bytes of it.
std::string presentable_end(std::string_view raw, const secrets::Redactor& redactor,
                            std::size_t bytes_max, Missing missing);

// How much of a raw output to keep beyond the cap: what redaction makes shorter is filled from it.
constexpr std::size_t kRedactionSlack = 64 << 10;

}  // namespace keyturn::connectors
