// The MCP servers of tools.yaml, with what they say of their tools and what of that is used.
#pragma once

#include "doc/value.h"
#include "gate/world.h"
#include "model/principal.h"

namespace keyturn::admin {

// An array, a server each, in written order. People see every definition that is accepted and what
// the server says instead; an agent the servers and tools that it may use.
doc::Value shown_upstreams(const gate::World& world, const Principal& reader);

}  // namespace keyturn::admin
