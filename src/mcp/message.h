// JSON-RPC 2.0 messages of the Model Context Protocol, revisions 2025-11-25 and 2026-07-28. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "doc/value.h"

namespace keyturn::mcp {

// JSON-RPC 2.0 §5.1, and Keyturn's own from the range that servers may define.
inline constexpr std::int64_t kParseError = -32700, kInvalidRequest = -32600,
                              kMethodNotFound = -32601, kInvalidParams = -32602,
                              kInternalError = -32603;
inline constexpr std::int64_t kHeaderMismatch = -32020;                     // 2026-07-28
inline constexpr std::int64_t kNotAllowed = -32001, kUnavailable = -32002;  // ours

enum class Kind { kRequest, kNotification, kResponse };

struct Message {
  Kind kind = Kind::kNotification;
  doc::Value id;                     // a string or an integer; of requests and responses
  std::string method;                // "" for a response
  doc::Value value;                  // the whole, as it came
  const doc::Value* params() const;  // null: none
  const doc::Value* meta() const;    // params._meta; null: none
};

// One message, no batch. Codes: parse_error (not JSON, duplicate keys, too deep), invalid_request.
[[nodiscard]] Result<Message> parse(std::string_view text, std::size_t bytes_max = 16 << 20);
[[nodiscard]] Result<Message> read(doc::Value value);

std::string id_text(const doc::Value& id);  // "n:7", "s:abc": for maps
doc::Value request(doc::Value id, std::string_view method, doc::Value params);
doc::Value notification(std::string_view method, doc::Value params);
doc::Value result(const doc::Value& id, doc::Value result);
doc::Value error(const doc::Value& id, std::int64_t code, std::string_view message,
                 doc::Value data = {});

enum class Era {
  kLegacy,  // up to 2025-11-25: initialize, sessions
  kModern,  // from 2026-07-28: every request carries what it needs
};
inline constexpr std::string_view kModernVersion = "2026-07-28", kLegacyVersion = "2025-11-25";
inline constexpr std::string_view kVersionKey = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view kClientInfoKey = "io.modelcontextprotocol/clientInfo";
inline constexpr std::string_view kCapabilitiesKey = "io.modelcontextprotocol/clientCapabilities";
inline constexpr std::string_view kTasksExtension = "io.modelcontextprotocol/tasks";

// Modern when the message says its version in _meta, or `version_header` is of that era.
Era era_of(const Message& message, std::string_view version_header);

// 2026-07-28: MCP-Protocol-Version, Mcp-Method and Mcp-Name must say what the body says (headers
// that are missing or differ: code header_mismatch). Legacy messages pass.
[[nodiscard]] Result<void> check_headers(const Message& message, std::string_view version,
                                         std::string_view method, std::string_view name);

}  // namespace keyturn::mcp
