// Serialising response heads. Pure. Internal to net/.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace keyturn::net {

struct ResponseFraming {
  bool keep_alive = true;
  bool is_chunked = false;  // else Content-Length, or (a stream to HTTP/1.0) neither
  bool has_length = true;
};

// Appends status line, fields and the empty line. False, with nothing usable in `out`, when a field
// could not be sent safely (a name that is no token, a value with control characters).
[[nodiscard]] bool append_response_head(std::string& out, const HttpResponse& response,
                                        const ResponseFraming& framing, std::string_view date);

std::string http_date(
    std::int64_t unix_seconds);  // "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7)

void append_chunk(std::string& out, std::string_view bytes);  // RFC 9112 §7.1; `bytes` not empty
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace keyturn::net
