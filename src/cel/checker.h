// Types (cel-spec "Gradual Type Checking"). Every problem is reported; a refused part has the error
// type and causes no further reports.
#pragma once

#include "cel/ast.h"
#include "cel/environment.h"
#include "cel/reporter.h"

namespace keyturn::cel {

// The names are resolved. Sets expr.type and expr.overloads throughout; returns the type of the
// whole.
Type check(Expr& expr, const Environment& environment, Reporter& reporter);

}  // namespace keyturn::cel
