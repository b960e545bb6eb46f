// A blocking HTTP(S) client over libcurl, for the command line and for pools. Redirects are not
// followed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "net/http.h"

namespace keyturn::net {

struct ClientRequest {
  std::string method = "GET";
  std::string url;  // http or https
  Headers headers;
  std::string body;
  std::string
      unix_socket;      // path: connect there instead (the URL's host only names the Host header)
  std::string ca_file;  // PEM of trusted roots instead of the system's
  Duration connect_timeout = std::chrono::seconds(10);
  Duration timeout = std::chrono::seconds(60);  // of the whole exchange; zero: none (streams)
  Duration silence_timeout{};  // without a byte for so long: timeout; zero: none. In whole seconds
  std::size_t body_bytes_max = 16 << 20;
  // If set, told once that the head of the answer is there, before any byte of its body.
  std::function<void(int status, const Headers& headers)> on_head;
  // If set, body bytes of a 2xx answer go here as they come and are not kept; false ends the
  // exchange.
  std::function<bool(std::string_view)> on_bytes;
  // If set, asked about once a second while the exchange goes on; false ends it (stopped).
  std::function<bool()> keep_going;
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

// Connections are kept open per thread for the next call. Refuses with code cannot_connect,
// timeout, too_large, bad_url, tls_failed, stopped (on_bytes said so) or transfer_failed. Any HTTP
// status is an answer. Thread-safe.
[[nodiscard]] Result<ClientResponse> fetch(const ClientRequest& request);

// Parses text/event-stream (HTML Standard §9.2.6) from pieces of any size.
struct ServerEvent {
  std::string event;  // "message" when unnamed
  std::string id;     // the last id seen
  std::string data;
};

class EventReader {
 public:
  // False as soon as `on_event` says so, or a line or event passes `bytes_max`.
  bool feed(std::string_view bytes, const std::function<bool(const ServerEvent&)>& on_event);
  std::size_t bytes_max = 4 << 20;
  // Where to go on after the stream breaks, and how long the server wants one to wait before that.
  const std::string& last_id() const { return event_.id; }
  std::optional<std::chrono::milliseconds> retry() const { return retry_; }

 private:
  bool take_line(std::string_view line, const std::function<bool(const ServerEvent&)>& on_event);
  std::string pending_;
  ServerEvent event_{"message", "", ""};
  std::optional<std::chrono::milliseconds> retry_;
  bool has_data_ = false;
  bool last_was_cr_ = false;
};

}  // namespace keyturn::net
