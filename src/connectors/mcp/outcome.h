// What a server's answer to a released call means for the record.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "doc/value.h"
#include "model/action.h"

namespace keyturn::connectors::mcp {

// Of the response to the call, a JSON-RPC message: a result is succeeded, one with isError and an
// error are failed. The result is kept whole up to `bytes_max`; of a longer one its beginning, size
// and SHA-256.
Outcome outcome_of(const doc::Value& response, std::int64_t bytes_max);
Outcome failed(std::string why);
// At most so many bytes of it, whole characters, and "…" when there was more.
std::string beginning(std::string_view text, std::size_t most);
Outcome unknown(std::string why);

// A CallToolResult that says an outcome of Keyturn's own connectors (exec, sql): for the tools of
// tools.yaml.
doc::Value result_of(const Outcome& outcome, bool modern);

}  // namespace keyturn::connectors::mcp
