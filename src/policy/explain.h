// Why a verdict came to be, rule by rule. For people: an agent that could read this would have an
// oracle.
#pragma once

#include "doc/value.h"
#include "policy/document.h"
#include "policy/input.h"

namespace keyturn::policy {

// {"verdict": {...}, "rules": [{"rule", "effect", "selected": bool, "not_selected_by"?: "env",
// "shadow"?,
//   "when"?: {"source", "value" | "error", "reads": {"action.args.amount": 7}}, "unless"?: {...},
//   "tiers"?: [...], "contribution"?: "..."}],
//  "variables": {name: value | {"error"}}, "risk": {"score", "why"}, "calendar": {...}}
doc::Value explain(const Document& document, const PolicyInput& input);

}  // namespace keyturn::policy
