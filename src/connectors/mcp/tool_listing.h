// The tools of tools.yaml as an MCP server lists them.
#pragma once

#include <string_view>

#include "catalog/tool.h"
#include "doc/value.h"

namespace keyturn::connectors::mcp {

// An MCP client can call it by its own name at the built-in server: exec, sql and grant-only tools
// whose names MCP can write and that are none of Keyturn's own.
bool is_listed(const catalog::Tool& tool);
// A member of tools/list.
doc::Value listed(const catalog::Tool& tool);
// keyturn_request, keyturn_wait and keyturn_status.
doc::Array own_tools();

}  // namespace keyturn::connectors::mcp
