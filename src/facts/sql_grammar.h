// What the SQL classifier knows of PostgreSQL 15's parse tree: which nodes are understood, which
// functions are harmless.
#pragma once

#include <string_view>

namespace keyturn::facts {

// Nodes below a statement that cannot hide an effect of their own. Anything else is uninspectable.
bool is_plain_node(std::string_view node);

// Functions of pg_catalog that read only their arguments, the clock or the session: no file, no
// lock, no sequence, no notification, no setting, no other relation, no SQL text run. Lower case,
// unqualified.
bool is_harmless_function(std::string_view name);

// Types of pg_catalog whose casts run only built-in code.
bool is_built_in_type(std::string_view name);

struct StatementKind {
  std::string_view verb;       // "DELETE", "CREATE VIEW" …
  std::string_view object;     // "table", "view", "" when the statement says it itself (DROP)
  std::string_view operation;  // read, write, execute, export
};
// Null verb when the statement is not known: uninspectable.
StatementKind statement_kind(std::string_view node);

}  // namespace keyturn::facts
