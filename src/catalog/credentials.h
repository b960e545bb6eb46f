// Which credentials a tool is run with: by name, never by value.
#pragma once

#include <string>
#include <vector>

#include "catalog/tool.h"

namespace keyturn::catalog {

// The references that the tool's definition, or that of its MCP server, names
// ("file:/etc/keyturn/orders.pw", "env:TOKEN"), and those that are issued for it
// ("credential:orders"), sorted, each once. What the record says of an
// execution.
std::vector<std::string> credentials_of(const Tool& tool);

// A credential of credentials.yaml that a tool is run with, issued for each execution.
struct CredentialUse {
  std::string name, field;
  std::string pointer;  // below the tool: "/env/KEY", "/sql/credential"
  doc::Position position;
  // http: what it is sent to, the URL up to its first parameter; then an empty field is the one
  // that stands in a header. "": it is handed to a program or a database.
  std::string sent_to;
};
std::vector<CredentialUse> credential_uses(const Tool& tool);

}  // namespace keyturn::catalog
