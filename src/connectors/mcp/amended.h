// What a client is told when something else ran than it asked for, because people amended the call
// or policy modifies it.
#pragma once

#include "doc/value.h"

namespace keyturn::connectors::mcp {

// `arguments` of a call's parameters; an empty object where there are none.
const doc::Value& arguments_of(const doc::Value& params);
// The result of a tool with a text that says what differs, and with the arguments that ran in
// `_meta` ("keyturn/ran"); as it is when nothing differs. Both arguments are objects; values are
// compared as JSON, whatever the order of members.
doc::Value with_amendment(doc::Value result, const doc::Value& asked, const doc::Value& ran);

}  // namespace keyturn::connectors::mcp
