// How an action stands, in a sentence for models.
#pragma once

#include <string>

#include "gate/record.h"

namespace keyturn::connectors::mcp {

std::string words_of(const gate::ActionRecord& record);

}  // namespace keyturn::connectors::mcp
