// A Streamable HTTP server (2025-11-25 and 2026-07-28, "Transports") made of a server that speaks
// over a pipe: a child process, or one beside the agent.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "base/random.h"
#include "connectors/mcp/backend.h"
#include "connectors/mcp/pipe.h"
#include "connectors/mcp/pipe_session.h"
#include "net/loop.h"

namespace keyturn::connectors::mcp {

struct PipePorts {
  net::Loop& loop;
  Random& random;
  // A new server for who asks. Its refusal is the backend's.
  std::function<Task<Result<std::shared_ptr<Pipe>>>(const Forward& forward)> open;
  // Knows the credentials that `open` gave; may be empty.
  std::function<const secrets::Redactor*()> redactor;
};

struct PipeLimits {
  std::size_t sessions_max = 64;                    // of one principal; the longest idle makes room
  Duration modern_idle = std::chrono::minutes(15);  // then a server that nobody asks is ended
  Duration legacy_idle = std::chrono::hours(1);  // the same, where that costs a client its session
  Duration stream_after = std::chrono::seconds(10);  // an answer that takes longer is a stream
  Duration discover_within =
      std::chrono::seconds(20);  // else the server does not know the question
  SessionLimits session;
};

// Legacy: `initialize` begins a server and a session, which is its principal's; whoever else names
// it is told 404. A request's client may go away: what is said to it is kept for Last-Event-ID.
// Modern: all requests of a principal go to one server; a client that goes away cancels its
// request. When a server ends, what is in flight is refused (transfer_failed) in words that say
// how, and its session is 404 from then on.
class PipeBackend final : public Backend {
 public:
  explicit PipeBackend(PipePorts ports, PipeLimits limits = {});
  ~PipeBackend() override;  // ends every server
  Task<Result<std::shared_ptr<Answer>>> send(Forward forward) override;
  const secrets::Redactor* redactor() const override;
  std::size_t sessions() const;  // servers that run

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace keyturn::connectors::mcp
