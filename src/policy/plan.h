// `require:` as rules and hold points of runbooks say it.
#pragma once

#include <string>

#include "doc/read.h"
#include "model/verdict.h"

namespace keyturn::policy {

// Whom to ask, and how (docs/formats/policy.md). Problems are positioned; what has one keeps its
// default.
Plan read_plan(const doc::Value& value, const std::string& pointer, doc::Problems& problems);

}  // namespace keyturn::policy
