// HTTP messages as plain structs: what crosses the border of net/. No Asio, no Beast.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/task.h"

namespace keyturn::net {

struct Header {
  std::string name;  // as it came; compared without regard to case
  std::string value;
};

// Header fields in the order they came. A message has few: lookups are linear.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> fields) : fields_(fields) {}
  // The value of the first field of that name; borrowed until the headers change.
  std::optional<std::string_view> find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  void add(std::string name, std::string value);
  void set(std::string name, std::string value);  // replaces all of that name
  const std::vector<Header>& all() const { return fields_; }

 private:
  std::vector<Header> fields_;
};

struct QueryParam {
  std::string name;  // decoded: %XX and '+' (as space); valid UTF-8 without control characters
  std::string value;
};

// A request that passed every check of parse_request_head() (net/request_head.h).
struct HttpRequest {
  std::string
      method;  // upper case. A HEAD arrives as "GET" with is_head: the server drops the body
  bool is_head = false;
  std::string target;  // origin form, as sent: "/v1/actions?limit=5"
  // Percent-decoded and already normal: starts with '/', no empty, "." or ".." segment, no '\', no
  // control character, no encoded '/' or '%' (those are 400 before any handler). One trailing '/'
  // may stay.
  std::string path;
  std::vector<QueryParam> query;  // in order; a name may repeat
  Headers headers;
  std::string body;  // whole; de-chunked; at most ServerOptions::body_bytes_max
  std::string host;  // the Host header in lower case, without port
  std::string peer;  // "192.0.2.7" or "unix"
  bool is_tls = false;

  // First parameter of that name.
  std::optional<std::string_view> param(std::string_view name) const;
  std::optional<std::string_view> header(std::string_view name) const { return headers.find(name); }
  // The cookie's value, or nothing; a cookie that is sent twice is nothing too.
  std::optional<std::string_view> cookie(std::string_view name) const;
};

// The body of a response that is written while it is made. Borrowed by the stream function for as
// long as its task runs. Back-pressure: write() returns once the kernel has taken all of it, so at
// most one piece is in flight; a client that does not read for ServerOptions::write_deadline is cut
// off.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  // False when the client is gone (or was cut off): write no more, return.
  virtual Task<bool> write(std::string bytes) = 0;
};

// text/event-stream (HTML Standard §9.2). Event name and id must hold no line break (they are cut
// out); data may: it becomes several data: lines.
class EventWriter {
 public:
  explicit EventWriter(BodyWriter& out) : out_(out) {}
  Task<bool> write(std::string_view event, std::string_view id, std::string_view data);
  Task<bool> comment(std::string_view text = "");  // a heartbeat; send one every 15 s or so

 private:
  BodyWriter& out_;
};

struct HttpResponse {
  int status = 200;
  Headers headers;   // Content-Length, Connection, Date and Transfer-Encoding are the server's
  std::string body;  // sent as it is; empty with 204 and 304
  // If set, `body` is ignored and the response is chunked. Called once, after the head is sent; the
  // response ends when the task does. An exception cuts the connection (the client sees a broken
  // body). Make it a plain lambda that calls a coroutine function (no capturing lambda coroutines).
  std::move_only_function<Task<void>(BodyWriter&)> stream;
};

HttpResponse json_response(int status,
                           std::string body);  // application/json, Cache-Control: no-store
// RFC 9457: {"type": "urn:keyturn:problem:CODE", "title", "status", "detail", "code"[,
// "pointer"]}.
HttpResponse problem_response(int status, std::string_view code, std::string_view detail,
                              std::string_view pointer = {});
// 200 text/event-stream that runs `stream`.
HttpResponse event_stream(std::move_only_function<Task<void>(BodyWriter&)> stream);

std::string_view reason_phrase(int status);                        // "Not Found"; "" if unknown
bool equal_ignoring_case(std::string_view a, std::string_view b);  // ASCII

}  // namespace keyturn::net
