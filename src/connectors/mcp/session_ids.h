// The session ids that clients see: the server's own, bound to who opened it and where. They hold
// over a restart of Keyturn, and are nobody else's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "model/principal.h"

namespace keyturn::connectors::mcp {

std::string wrap_session(const Secret& key, const Principal& who, std::string_view upstream,
                         std::string_view server_session);
// Nothing: it is not ours, or another's.
std::optional<std::string> unwrap_session(const Secret& key, const Principal& who,
                                          std::string_view upstream, std::string_view text);

// Agents and people have names of their own: "agent/ops-bot".
std::string name_of(const Principal& who);

}  // namespace keyturn::connectors::mcp
