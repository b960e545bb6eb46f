// One function a format. Internal to exports/.
#pragma once

#include "doc/value.h"
#include "exports/format.h"

namespace keyturn::exports {

doc::Value ocsf_event(const Item& item, const LeafView& view);
doc::Value otlp_logs(const Item& item, const LeafView& view);
std::string rfc5424_header(const LeafView& view);  // up to the structured data, with a space
std::string rfc5424_message(const Item& item, const LeafView& view);
std::string cef_line(const Item& item, const LeafView& view);

// On one line for whoever splits it: characters that end lines somewhere, move the cursor or turn
// the direction become <U+000A>, and so do those of `also` (ASCII). At most `bytes_max`, cut
// between characters, "…" at the end then.
std::string one_line(std::string_view text, std::size_t bytes_max = 1024,
                     std::string_view also = {});

// JSON on one line, also for readers that end lines at U+0085, U+2028 or U+2029.
std::string json_line(const doc::Value& value);

}  // namespace keyturn::exports
