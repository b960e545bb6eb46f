// What does this SQL do, what does this argv run? Keyturn's own classification, from the bytes
// alone (promise own-facts). What cannot be told is said as a fact: "uninspectable", never
// "harmless". Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/action.h"

namespace keyturn::facts {

struct SqlLimits {
  std::size_t sql_bytes_max = 64 * 1024;
  std::size_t depth_max = 4'000;  // of the parse tree's JSON
  std::size_t stack_bytes = 512ull
                            << 20;  // of the parser's thread: address space, touched only as needed
};

// PostgreSQL's own grammar (libpg_query 15). Gives Facts.tree:
//   {"uninspectable": bool, "why": [...],
//    "sql": {"statements": [{"verb": "DELETE", "object": "table", "relations": [{"schema", "name",
//    "access": "read"|"write"}],
//            "functions": ["lower"], "has_where": bool, "has_limit": bool, "nested": bool}],
//            "count": n, "relations": [...], "functions": [...]}}
// A data-modifying CTE, the query inside EXPLAIN, COPY, PREPARE or CREATE … AS is a statement of
// its own with nested: true. has_where is true only when the condition looks at a column: WHERE 1=1
// is none. operation: "read" only if every statement is a SELECT, VALUES, SHOW or EXPLAIN that
// locks nothing, writes nothing and calls only functions known to be harmless (PostgreSQL's own
// pure ones, and `harmless_functions`, lower case); "write" for data and schema changes; "export"
// for COPY to a file or program; else "execute".
Facts classify_sql(std::string_view sql, const std::vector<std::string>& harmless_functions = {},
                   const SqlLimits& limits = {});

// What an argv really runs, looking through shells and wrappers (sh -c, busybox, env -S, xargs,
// find -exec, sudo, nohup, timeout …). Gives Facts.tree:
//   {"uninspectable": bool, "why": [...], "argv": [...],
//    "shell": {"programs": ["rm", …], "inline": bool, "uninspectable": bool}}
// Code handed to an interpreter (python -c, perl -e, eval, command substitution, a pipe into a
// shell) is uninspectable. operation is always "execute": what a program does cannot be told from
// its name.
Facts classify_argv(const std::vector<std::string>& argv);

}  // namespace keyturn::facts
