// The definitions of MCP tools that people (or the first use) accepted, and those that a server
// offers instead. Pure: folded from the streams "upstream/NAME".
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "doc/value.h"
#include "model/event.h"

namespace keyturn::catalog {

class Catalog;
struct Upstream;

// Letters, digits, "_", ".", "/" and "-", at most 128. A tool with another name is never used.
bool is_mcp_tool_name(std::string_view name);
// Such a name, and not that of a method that the server's `gates` name.
bool can_be_offered(const Upstream& upstream, std::string_view tool);

// One member of a server's tools/list, as it said it.
struct Definition {
  doc::Value value;    // null: the server does not have the tool any more
  std::string digest;  // definition_digest(value); "" then
  Time since{};        // of the event
};

// "sha256:…" over the RFC 8785 form of the whole definition but `icons` and `_meta`. Code
// invalid_definition: it has none (numbers that are not exact).
Result<std::string> definition_digest(const doc::Value& definition);

class Pins {
 public:
  // Null: none.
  const Definition* pinned(std::string_view upstream, std::string_view tool) const;
  // What the server says now, where that is not what is pinned.
  const Definition* offered(std::string_view upstream, std::string_view tool) const;
  using Tools = std::map<std::string, Definition, std::less<>>;
  const Tools& all_pinned(std::string_view upstream) const;
  const Tools& all_offered(std::string_view upstream) const;
  bool knows(std::string_view upstream) const;  // anything was ever pinned there

  // Folds "upstream.pinned" and "upstream.offered"; true when the tools that can be used changed.
  // What is offered as it is pinned is a difference no more; a digest "" is a tool that is gone.
  bool evolve(const Event& event);

 private:
  struct One {
    Tools pinned, offered;
  };
  std::map<std::string, One, std::less<>> upstreams_;
};

// The catalog with a Tool for every pinned definition of its upstreams and for every method that
// they gate. Its digest stays that of tools.yaml; each Tool's own digest covers upstream and
// definition.
std::shared_ptr<const Catalog> with_pins(const Catalog& configured, const Pins& pins);

}  // namespace keyturn::catalog
