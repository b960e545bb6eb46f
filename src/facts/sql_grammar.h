// What the SQL classifier knows of PostgreSQL 15's parse tree: which nodes are understood, which
// functions are harmless.
#pragma once

#include <string>
#include <string_view>

namespace keyturn::facts {

// Nodes below a statement that cannot hide an effect of their own. Anything else is uninspectable.
bool is_plain_node(std::string_view node);

// Functions of pg_catalog that read only their arguments, the clock or the session: no file, no
// lock, no sequence, no notification, no setting, no other relation, no SQL text run. Lower case,
// unqualified. Reading the size of a relation is harmless; so are random numbers.
bool is_harmless_function(std::string_view name);

// Types of pg_catalog whose casts run only built-in code.
bool is_built_in_type(std::string_view name);

// Operators that pg_catalog defines, whatever else may be defined under the same name.
bool is_built_in_operator(std::string_view name);

// Functions of pg_catalog that change or read sequences: usual in a write, more than a read.
bool is_sequence_function(std::string_view name);

// What to call a statement that is not inspected: "CREATE FUNCTION", "ROLLBACK TO". `kind` is its
// field of that name, or "".
std::string unknown_verb(std::string_view node, std::string_view kind);

struct StatementKind {
  std::string_view verb;       // "DELETE", "CREATE VIEW" …
  std::string_view object;     // "table", "view", "" when the statement says it itself (DROP)
  std::string_view operation;  // read, write, execute, export
};
// Null verb when the statement is not known: uninspectable.
StatementKind statement_kind(std::string_view node);

}  // namespace keyturn::facts
