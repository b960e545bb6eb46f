// Keyturn as a client of an MCP server: for calls that no MCP client waits for (the HTTP API,
// runbooks).
#pragma once

#include <memory>

#include "connectors/mcp/backend.h"
#include "gate/executor.h"
#include "net/loop.h"

namespace keyturn::connectors::mcp {

// Opens a session (legacy; a server that knows none of it is asked in the modern way), looks at
// the tool's definition once more, makes the call, and ends the session. A refusal: the call was
// not sent. Codes: those of Backend::send, definition_changed, bad_session.
Task<Result<Outcome>> call_alone(net::Loop& loop, std::shared_ptr<Backend> backend,
                                 gate::Order order);

}  // namespace keyturn::connectors::mcp
