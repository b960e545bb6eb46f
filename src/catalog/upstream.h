// An MCP server that tools.yaml names under `upstreams:`. Its tools are known by their pinned
// definitions (pins.h); each becomes a Tool of kind kMcp, "UPSTREAM.TOOL".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "catalog/tool.h"

namespace keyturn::catalog {

// A header that Keyturn adds to what it sends: `Authorization: {secret: "env:TOKEN", prefix:
// "Bearer "}`, or plain text.
struct UpstreamHeader {
  std::string name;
  std::string text;                 // plain, or the prefix of the secret
  std::optional<SecretRef> secret;  // resolved when a connection needs it
};

struct Upstream {
  enum class Kind {
    kHttp,      // `url:`, Streamable HTTP
    kCommand,   // `command:`, a child process of Keyturn for each session
    kAttached,  // `attached: true`: a child of `keyturn mcp -- COMMAND`, beside the agent
  };
  // What Keyturn does with a tool that it has not seen before. A definition that differs from the
  // pinned one is never used before people accept it, either way.
  enum class Pinning { kFirstUse, kReview };

  std::string name;  // lower case letters, digits, "-"; not "keyturn"
  Kind kind = Kind::kHttp;
  std::string url, ca_file;
  std::vector<UpstreamHeader> headers;
  std::vector<std::string> command;  // absolute program
  std::map<std::string, std::string> env;
  std::map<std::string, SecretRef> secret_env;
  std::string cwd = "/";
  Sandbox sandbox;
  Limits limits;
  Resource resource;  // default {kind: mcp, name: NAME}
  // Which agents may use which of its tools, by glob ("read_*"); "*" is every agent that is not
  // named. Empty: every agent all of them. What an agent may not use is not listed to it.
  std::map<std::string, std::vector<std::string>> agents;
  // Operation by glob of the tool's name, the first that matches; none: "execute", or what the
  // server's annotations say (readOnlyHint: read) where they are trusted.
  std::vector<std::pair<std::string, std::string>> operations;
  bool trust_annotations = false;
  // Methods besides tools/call that policy decides: "resources/read", "prompts/get",
  // "resources/subscribe", "completion/complete". Each is a tool "NAME.METHOD", operation read.
  std::vector<std::string> gates;
  Pinning pinning = Pinning::kFirstUse;
  Duration timeout = std::chrono::minutes(10);  // of one released call
  Duration hold = std::chrono::minutes(10);     // how long a call is held for people, at most
  // How long one round trip is held: of a modern client, which comes back by itself, and the whole
  // of a client that shows no sign of patience.
  Duration leg = std::chrono::seconds(50);
  std::int64_t result_bytes_max = 1 << 20;  // of a result that is recorded; more is cut there
  std::string digest;                       // "sha256:…" over the canonical definition

  bool may_use(std::string_view agent, std::string_view tool) const;
  // Whether the agent may speak to it at all.
  bool may_enter(std::string_view agent) const;
};

// `*` any characters, `?` one; the whole text.
bool matches_glob(std::string_view glob, std::string_view text);

}  // namespace keyturn::catalog
