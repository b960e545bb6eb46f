// A message of MCP is read in one way, and what is read is read again the same; headers that pass
// say what the body says.
#include "doc/json.h"
#include "mcp/message.h"
#include "require.h"

using namespace keyturn;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto message = mcp::parse(text);
  if (!message) {
    const std::string& code = message.error().code;
    fuzz::require(code == "parse_error" || code == "invalid_request");
    return 0;
  }
  const bool is_response = message->kind == mcp::Kind::kResponse;
  fuzz::require(message->method.empty() == is_response);
  fuzz::require(message->kind != mcp::Kind::kRequest || !mcp::id_text(message->id).empty());
  const auto again = mcp::parse(doc::write_json(message->value));
  fuzz::require(again.has_value() && again->kind == message->kind &&
                again->method == message->method &&
                mcp::id_text(again->id) == mcp::id_text(message->id));
  const mcp::Era era = mcp::era_of(*message, mcp::kModernVersion);
  const doc::Value* name = message->params() == nullptr ? nullptr : message->params()->find("name");
  const bool passes =
      mcp::check_headers(*message, mcp::kModernVersion, "tools/call", "drop").has_value();
  if (passes && era == mcp::Era::kModern && message->kind == mcp::Kind::kRequest) {
    fuzz::require(message->method == "tools/call");
    fuzz::require(name == nullptr || !name->is_string() || name->as_string() == "drop");
  }
  return 0;
}
