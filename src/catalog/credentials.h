// Which credentials a tool is run with: by name, never by value.
#pragma once

#include <string>
#include <vector>

#include "catalog/tool.h"

namespace keyturn::catalog {

// The references that the tool's definition, or that of its MCP server, names
// ("file:/etc/keyturn/orders.pw", "env:TOKEN"), sorted, each once. What the record says of an
// execution.
std::vector<std::string> credentials_of(const Tool& tool);

}  // namespace keyturn::catalog
