// Which rows would this SQL touch? The questions that a database can be asked about a statement
// before it runs, written from its own parse tree. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "facts/classify.h"

namespace keyturn::facts {

// As written, and folded as PostgreSQL folds it; schema "" where none is written.
struct TableName {
  std::string schema, name;
  bool operator==(const TableName&) const = default;
};

// One statement that stands by itself.
struct Touch {
  std::string verb;               // "DELETE"
  std::string text;               // the statement alone
  std::vector<TableName> tables;  // whose rows it deletes, changes or adds to
  bool has_plan = false;          // EXPLAIN takes it
  // A SELECT of one row: how many rows of the table the statement would delete, change or insert
  // if it ran now, and (`prints`) a number that is another one when these are other rows or other
  // versions of them. A row that a join finds twice counts once. It has the statement's parameters
  // ($1 …), each of them. "": not counted.
  std::string counting;
  bool prints = false;
  std::string not_counted;           // why not, in words; "" where there is nothing to count
  std::optional<std::int64_t> rows;  // known from the text alone: INSERT … VALUES
  bool at_most = false;              // ON CONFLICT: perhaps fewer
  bool cascades = false;             // TRUNCATE … CASCADE
};

// The statements of a text, in order. `print_rows`: Touch::prints, where it can be. What the count
// asks is compared with the statement, node by node, so that it is about the same rows or is not
// asked. Preconditions: standard_conforming_strings on, UTF-8. Refuses not_inspected (too long, no
// SQL, …).
[[nodiscard]] Result<std::vector<Touch>> touches_of(std::string_view sql, bool print_rows,
                                                    const SqlLimits& limits = {});

// Quoted, "schema"."name": to name it in SQL, or to to_regclass().
std::string quoted(const TableName& table);

}  // namespace keyturn::facts
