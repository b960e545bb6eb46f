// A duplex of JSON-RPC messages: a child process (child.h), or one beside the agent (attached.h).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/task.h"

namespace keyturn::connectors::mcp {

// I/O thread only; one reader, writes go out in order. Destruction ends the other side.
class Pipe {
 public:
  virtual ~Pipe() = default;
  // One message, one line, without its line break. Codes: closed.
  virtual Task<Result<void>> write(std::string line) = 0;
  // The next line. Codes: closed (it ended; the words say how, with the end of its stderr),
  // too_large.
  virtual Task<Result<std::string>> read() = 0;
  virtual void cut() = 0;
};

}  // namespace keyturn::connectors::mcp
