// Strict parsing of HTTP/1.1 request heads (RFC 9112): what two parsers could read differently is
// refused. Pure. Internal to net/, apart from the tests and fuzz targets.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"

namespace keyturn::net {

struct Malformed {
  int status = 400;
  std::string_view code;  // malformed_request, request_too_large, ...
  std::string detail;
};

struct HeadLimits {
  std::size_t headers_max = 64;
  std::size_t target_bytes_max = 8 * 1024;  // 414
  std::size_t params_max = 64;
};

struct RequestHead {
  HttpRequest request;  // all but body, peer and is_tls
  bool is_http_1_0 = false;
  bool keep_alive = true;
  bool is_chunked = false;
  bool expects_continue = false;
  std::uint64_t content_length = 0;
};

// Where a head ends: the offset past the CRLF CRLF, nullopt while more bytes are needed, or a
// Malformed at the first LF without a CR. `from` (at first 0) is how far an earlier call on the
// same bytes has looked.
std::expected<std::optional<std::size_t>, Malformed> find_head_end(std::string_view bytes,
                                                                   std::size_t& from);

// `head` is one whole head, CRLF CRLF included. Refuses, besides bad syntax: obs-fold, space before
// the colon, Host that is missing, doubled or no authority, a second Content-Length, Authorization,
// Cookie, Content-Type, Origin or Expect, `Content-Length: 5,5`, Transfer-Encoding with
// Content-Length or in HTTP/1.0 or other than "chunked", Content-Encoding, an absolute-form target
// that does not agree with Host, and targets whose path is not in normal form.
std::expected<RequestHead, Malformed> parse_request_head(std::string_view head,
                                                         const HeadLimits& limits);

// Decodes and checks an origin-form target ("/a/b?x=1"); see HttpRequest::path.
struct Target {
  std::string path;
  std::vector<QueryParam> query;
};
std::expected<Target, Malformed> parse_target(std::string_view target, const HeadLimits& limits);

// "Example.com:8080" -> "example.com"; nullopt when it is no host[:port].
std::optional<std::string> host_of_authority(std::string_view authority);

bool is_token(std::string_view text);        // RFC 9110 §5.6.2
bool is_field_value(std::string_view text);  // no control characters but tab

}  // namespace keyturn::net
