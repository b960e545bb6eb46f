// One HTTP exchange with Keyturn's /mcp/UPSTREAM, and what came of it.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/app.h"
#include "net/http.h"

namespace keyturn::cli::bridge {

struct Sending {
  std::string method = "POST";
  net::Headers headers;  // besides those of every request
  std::string body;
  std::chrono::seconds timeout{0};  // of the whole; 0: none
  // A JSON text that came; on the thread of send().
  std::function<void(std::string_view json)> heard;
  std::function<void(const net::Headers& headers)> begun;  // the answer began, with a 2xx status
  std::function<bool()> keep_going;                        // about once a second
};

struct Came {
  enum class Kind {
    kDone,     // 2xx, to its end
    kAway,     // nobody is there, or the connection broke: worth another try
    kRefused,  // any other status
    kStopped,  // keep_going said no
  };
  Kind kind = Kind::kDone;
  int status = 0;
  Refusal why;       // of kAway and kRefused, for people
  std::string body;  // of kRefused
  bool is_stream = false;
  std::string last_id;  // of a stream's events; "" none
  std::optional<std::chrono::milliseconds> retry;
};

class Door {
 public:
  Door(Environment environment, std::string upstream);
  Came send(const Sending& sending) const;         // thread-safe
  const std::string& url() const { return url_; }  // of Keyturn
  const std::string& upstream() const { return upstream_; }
  bool has_token() const { return !environment_.token.empty(); }

 private:
  Environment environment_;
  std::string upstream_, url_;
};

// What to do about a status that Keyturn answered with, in words for whoever runs the agent.
// `detail` and `code` are the server's own.
std::string advice(int status, std::string_view code, std::string_view detail, const Door& door);

}  // namespace keyturn::cli::bridge
