// An expression in the text form of cel-go's debug printer: the form of the reference trees in
// @bufbuild/cel-spec.
#pragma once

#include <string>

#include "cel/ast.h"

namespace keyturn {

// Adorned with the kind of every part: `a^#*expr.Expr_IdentExpr#`.
std::string parsed_text(const cel::Expr& expr);

// Adorned with types and with what was resolved: `a~int^a`, `f(a~int^a)~int^f_int`.
std::string checked_text(const cel::Expr& expr);

}  // namespace keyturn
