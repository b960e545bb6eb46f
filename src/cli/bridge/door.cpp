#include "cli/bridge/door.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/percent.h"
#include "cli/remote.h"
#include "doc/json.h"
#include "net/client.h"

namespace keyturn::cli::bridge {
namespace {

constexpr std::size_t kBodyBytesMax = 16 << 20;

// Bytes of an answer, as they come: events of a stream, or one JSON text.
class Body {
 public:
  explicit Body(const Sending& sending) : sending_(sending) { events_.bytes_max = kBodyBytesMax; }

  void begin(int status, const net::Headers& headers) {
    if (status < 200 || status > 299) return;
    const std::string_view type = headers.find("content-type").value_or("");
    is_stream_ = type.starts_with("text/event-stream");
    if (sending_.begun) sending_.begun(headers);
  }
  // False: too large.
  bool feed(std::string_view bytes) {
    is_too_large_ = !take(bytes);
    return !is_too_large_;
  }
  void end() {
    if (!is_stream_ && !json_.empty() && sending_.heard) sending_.heard(json_);
  }
  bool is_stream() const { return is_stream_; }
  bool is_too_large() const { return is_too_large_; }
  const net::EventReader& events() const { return events_; }

 private:
  bool take(std::string_view bytes) {
    if (is_stream_) {
      return events_.feed(bytes, [&](const net::ServerEvent& event) {
        // An event without data only says where the stream stands.
        if (event.event == "message" && !event.data.empty() && sending_.heard)
          sending_.heard(event.data);
        return true;
      });
    }
    if (json_.size() + bytes.size() > kBodyBytesMax) return false;
    json_ += bytes;
    return true;
  }

  const Sending& sending_;
  bool is_stream_ = false, is_too_large_ = false;
  net::EventReader events_;
  std::string json_;
};

// What stands between us and Keyturn says so when there is no Keyturn behind it; and Keyturn, when
// it starts or stops.
bool is_away(int status) {
  return status >= 502 && status <= 504;
}

}  // namespace

Door::Door(Environment environment, std::string upstream)
    : environment_(std::move(environment)), upstream_(std::move(upstream)) {
  while (environment_.url.ends_with('/')) environment_.url.pop_back();
  url_ = environment_.url;
}

Came Door::send(const Sending& sending) const {
  net::ClientRequest request;
  request.method = sending.method;
  request.url = url_ + "/mcp/" + percent_encoded(upstream_);
  request.headers = sending.headers;
  request.headers.set("Authorization", "Bearer " + environment_.token);
  request.headers.set("Accept", sending.method == "GET" ? "text/event-stream"
                                                        : "application/json, text/event-stream");
  if (sending.method == "POST") request.headers.set("Content-Type", "application/json");
  request.body = sending.body;
  request.timeout = sending.timeout;
  request.keep_going = sending.keep_going;
  Body body(sending);
  request.on_head = [&](int status, const net::Headers& headers) { body.begin(status, headers); };
  request.on_bytes = [&](std::string_view bytes) { return body.feed(bytes); };

  const Result<net::ClientResponse> response = net::fetch(request);
  Came came;
  came.is_stream = body.is_stream();
  came.last_id = body.events().last_id();
  came.retry = body.events().retry();
  if (!response) {
    came.why = response.error();
    if (body.is_too_large()) came.why = {"too_large", "the answer is too large", ""};
    came.kind = came.why.code == "stopped" ? Came::Kind::kStopped : Came::Kind::kAway;
    if (came.why.code == "bad_url")
      came.why.message = "KEYTURN_URL is not the URL of a Keyturn: " + came.why.message;
    if (came.why.code == "bad_url" || came.why.code == "bad_header" || came.why.code == "too_large")
      came.kind = Came::Kind::kRefused;
    return came;
  }
  came.status = response->status;
  if (response->status >= 200 && response->status <= 299) {
    body.end();
    return came;
  }
  came.kind = is_away(response->status) ? Came::Kind::kAway : Came::Kind::kRefused;
  came.body = response->body;
  const Result<doc::Value> problem = doc::parse_json(response->body);
  const std::string_view code = problem ? problem->text("code") : std::string_view();
  const std::string_view detail = problem ? problem->text("detail") : std::string_view();
  came.why = {code.empty() ? "not_keyturn" : std::string(code),
              advice(response->status, code, detail, *this), ""};
  return came;
}

std::string advice(int status, std::string_view code, std::string_view detail, const Door& door) {
  const std::string says =
      detail.empty() ? fmt::format("HTTP {}", status) : std::string(one_line(detail));
  if (status == 401) {
    return fmt::format(
        "Keyturn at {} refused KEYTURN_TOKEN ({}). Make a token for the agent (keyturn token "
        "create --agent NAME) and set KEYTURN_TOKEN in the environment of this MCP server.",
        door.url(), says);
  }
  if (status == 404) {
    return fmt::format(
        "Keyturn at {} has no MCP server \"{}\" for this agent ({}). tools.yaml names them under "
        "upstreams.",
        door.url(), door.upstream(), says);
  }
  if (code.empty() && detail.empty()) {
    return fmt::format(
        "{} answered HTTP {} and no explanation: is it Keyturn? KEYTURN_URL says where it is "
        "looked for.",
        door.url(), status);
  }
  return fmt::format("Keyturn at {} refused: {}", door.url(), says);
}

}  // namespace keyturn::cli::bridge
