// Changing what a piece of an answer says, in the form that it came in.
#pragma once

#include "connectors/mcp/backend.h"

namespace keyturn::connectors::mcp {

// The piece with another message in it: an event stays an event, with its id.
Piece with_message(const Piece& piece, bool is_stream, doc::Value message);
// Credentials that Keyturn gave the server are taken out; unchanged when there are none in it.
void redact(Piece& piece, const secrets::Redactor* redactor);
// The same for what is said about the server.
Refusal cleaned(const Backend& backend, Refusal why);

}  // namespace keyturn::connectors::mcp
