// Strict parsing of the heads of HTTP/1.1 responses (RFC 9112 §4, §6.3): what two parsers could
// read differently is refused. Pure. Internal to net/, apart from the tests and fuzz targets.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "base/time.h"
#include "net/http.h"
#include "net/request_head.h"

namespace keyturn::net {

struct AnswerHead {
  enum class Body { kNone, kLength, kChunked, kUntilClose };
  int status = 0;
  Headers headers;
  Body body = Body::kNone;
  std::uint64_t length = 0;      // with kLength
  bool keep_alive = true;        // the connection may carry another exchange
  std::optional<Duration> idle;  // for how long, where the server says so (Keep-Alive: timeout=5)
};

// `head` is one whole head, CRLF CRLF included (find_head_end); `method` the request's. Refuses
// what parse_request_head() refuses of field lines and framing: doubled lengths, a length beside a
// transfer coding, other codings than "chunked".
std::expected<AnswerHead, Malformed> parse_answer_head(std::string_view head,
                                                       std::string_view method);

}  // namespace keyturn::net
