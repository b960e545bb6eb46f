#include "connectors/mcp/pieces.h"

#include "doc/json.h"
#include "mcp/sse.h"

namespace keyturn::connectors::mcp {

Piece with_message(const Piece& piece, bool is_stream, doc::Value message) {
  Piece out;
  const std::string text = doc::write_json(message);
  out.raw = is_stream ? rpc::sse_event(text, piece.event_id) : text;
  out.event_id = piece.event_id;
  if (Result<rpc::Message> read = rpc::read(std::move(message))) out.message = std::move(*read);
  return out;
}

void redact(Piece& piece, const secrets::Redactor* redactor) {
  if (redactor == nullptr || redactor->empty()) return;
  piece.raw = redactor->redact(piece.raw);
  piece.event_id = redactor->redact(piece.event_id);
  if (!piece.message) return;
  // Escaped in another way than is looked for in the text.
  const doc::Value before = piece.message->value;
  redactor->redact(piece.message->value);
  if (piece.message->value == before) return;
  const std::string text = doc::write_json(piece.message->value);
  const bool is_event = !piece.raw.starts_with("{");
  piece.raw = is_event ? rpc::sse_event(text, piece.event_id) : text;
  if (Result<rpc::Message> read = rpc::read(piece.message->value)) piece.message = std::move(*read);
}

Refusal cleaned(const Backend& backend, Refusal why) {
  if (const secrets::Redactor* known = backend.redactor()) why.message = known->redact(why.message);
  return why;
}

}  // namespace keyturn::connectors::mcp
