// The way to one MCP server, in the shape of Streamable HTTP whatever the server speaks: the front
// sends on what a client's HTTP request said, and reads the answer piece by piece.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "catalog/upstream.h"
#include "mcp/message.h"
#include "model/principal.h"
#include "net/abort.h"
#include "net/http.h"
#include "secrets/redact.h"

namespace keyturn::connectors::mcp {

namespace rpc = keyturn::mcp;

inline constexpr std::int64_t kSessionNotFound = -32001;  // as servers and SDKs say it

struct Forward {
  std::string method = "POST";  // GET: the session's own stream; DELETE: its end
  std::string session;          // the server's own id; "" none
  std::string attachment;       // of `keyturn mcp -- COMMAND`; "" none
  net::Headers headers;  // of the client, those that concern MCP: Accept, MCP-Protocol-Version,
                         // Mcp-Method, Mcp-Name, Last-Event-ID, traceparent
  std::optional<rpc::Message> message;  // POST
  Principal who;
  // Ends the sending, also before there is an answer: send() then refuses with `stopped`. Null:
  // nobody does.
  std::shared_ptr<net::Abort> abort;

  // "" when the client did not send it.
  std::string_view header(std::string_view name) const { return headers.find(name).value_or(""); }
};

// A piece of an answer's body. `raw` goes to the client as it is, unless the front changes it.
struct Piece {
  std::string raw;  // an event of the stream with its blank line, or the JSON body
  std::optional<rpc::Message> message;  // what it says; none: a comment, priming, not JSON
  std::string event_id;                 // of an event
};

// Ends (cuts) the exchange when it is destroyed before its end.
class Answer {
 public:
  virtual ~Answer() = default;
  int status = 200;
  net::Headers
      headers;  // Content-Type, Mcp-Session-Id (the server's own), Allow, WWW-Authenticate…
  bool is_stream = false;  // text/event-stream: several pieces; else at most one
  // The next piece; nullopt: that was all. Codes: timeout, transfer_failed, too_large.
  virtual Task<Result<std::optional<Piece>>> next() = 0;
  virtual void cut() {}
};

class Backend {
 public:
  virtual ~Backend() = default;
  // Codes: unavailable (cannot be reached or started), no_secret, unknown_session: nothing was
  // sent. server_refused: it was, and the server did not take it, so that nothing was done there.
  // timeout, transfer_failed, too_large, stopped: it may have been sent, and done.
  virtual Task<Result<std::shared_ptr<Answer>>> send(Forward forward) = 0;
  // Knows the credentials that were given to the server, so that they are taken out of what it
  // says. Null: none were.
  virtual const secrets::Redactor* redactor() const { return nullptr; }
};

}  // namespace keyturn::connectors::mcp
