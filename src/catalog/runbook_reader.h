// What of a runbook's document makes it a tool: its name, inputs, resource and operation. The rest
// is read by runbook/. Private to catalog/.
#pragma once

#include "catalog/tool_reader.h"

namespace keyturn::catalog {

class RunbookReader : ToolReader {
 public:
  RunbookReader(const doc::Value& document, const LoadOptions& options, doc::Problems& problems)
      : ToolReader(document, "", options, problems) {}

  Tool read();
};

}  // namespace keyturn::catalog
