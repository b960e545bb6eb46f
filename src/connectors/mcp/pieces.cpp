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
  std::string redacted = redactor->redact(piece.raw);
  if (redacted == piece.raw) return;
  piece.raw = std::move(redacted);
  if (!piece.message) return;
  redactor->redact(piece.message->value);
}

}  // namespace keyturn::connectors::mcp
