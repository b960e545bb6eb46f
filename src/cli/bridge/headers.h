// The HTTP headers that the revision 2026-07-28 wants of a message, made from the message itself:
// on stdio there are none.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "mcp/message.h"
#include "net/http.h"

namespace keyturn::cli::bridge {

namespace rpc = keyturn::mcp;

// MCP-Protocol-Version, Mcp-Method, Mcp-Name ("Standard Request Headers"). Nothing for a message
// of the revisions before.
void add_standard_headers(const rpc::Message& message, net::Headers& headers);

// A text as the value of a header: as it is, or "=?base64?…?=" where it could not stand there.
std::string header_value(const std::string& text);

// Mcp-Param-NAME of the parameters that a tool's inputSchema marks with "x-mcp-header".
// Thread-safe.
class ParameterHeaders {
 public:
  // The `result` of a tools/list. A definition that breaks the rules of the marks has none.
  void learn(const doc::Value& result);
  // Of a tools/call.
  void add(const rpc::Message& call, net::Headers& headers) const;

 private:
  struct Mark {
    std::string name;
    std::vector<std::string> path;  // of keys of `arguments`
  };
  static bool collect(const doc::Value& schema, std::vector<std::string>& path,
                      std::vector<Mark>& out);

  mutable std::mutex mutex_;
  std::map<std::string, std::vector<Mark>> marks_;  // by tool
};

}  // namespace keyturn::cli::bridge
