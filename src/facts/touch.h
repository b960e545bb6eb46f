// Which rows would this SQL touch? The questions that a database can be asked about a statement
// before it runs, written from its own parse tree. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
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

// A table that a statement, or a part of it, changes.
struct Target {
  TableName table;
  std::set<std::string> verbs;  // INSERT, UPDATE, DELETE, TRUNCATE
  bool whole = true;            // with the tables that inherit from it: not ONLY
  bool operator==(const Target&) const = default;
};

// One statement that stands by itself. Without targets, `rows`, `counting` and `not_counted` it
// surely only reads.
struct Touch {
  std::string verb;             // "DELETE"
  std::string text;             // the statement alone
  std::vector<Target> targets;  // whose rows it deletes, changes or adds to
  bool has_plan = false;        // EXPLAIN takes it
  // A SELECT of one row: how many rows of the table the statement would delete, change or insert
  // if it ran now, and (`prints`) a number that is another one when these are other rows or other
  // versions of them. A row that a join finds twice counts once. It has the statement's parameters
  // ($1 …), each of them. "": not counted.
  std::string counting;
  bool prints = false;
  // A SELECT of one row, where these rows lie: an array of tableoid, one of ctid.
  std::string placing;
  std::string finding;  // a SELECT of these rows, whole; of a join some perhaps several times
  // Functions (the last part of their names) that decide which rows these are: with one whose
  // answer is another one each time, `counting` counts other rows.
  std::set<std::string> deciding;
  // Functions that are called once for each row: with one that returns a set, `rows` is wrong; with
  // that and one whose answer is another one each time, so is `counting`.
  std::set<std::string> yielding;
  std::string not_counted;           // why not, in words; "" where there is nothing to count
  std::optional<std::int64_t> rows;  // known from the text alone: INSERT … VALUES
  bool at_most = false;              // perhaps fewer: ON CONFLICT, or an earlier one deletes some
  bool cascades = false;             // TRUNCATE … CASCADE

  void decline(std::string why);  // its rows are not counted
};

// The statements of a text, in order. `print_rows`: Touch::prints, where it can be. `harmless`: as
// of classify_sql(). What the count asks is compared with the statement, node by node, so that it
// is about the same rows or is not asked; nor is it where an earlier statement of the text changes
// what it asks about. Preconditions: standard_conforming_strings on, UTF-8. Refuses not_inspected
// (too long, no SQL, …).
[[nodiscard]] Result<std::vector<Touch>> touches_of(std::string_view sql, bool print_rows,
                                                    const std::vector<std::string>& harmless = {},
                                                    const SqlLimits& limits = {});

// Quoted, "schema"."name": to name it in SQL, or to to_regclass().
std::string quoted(const TableName& table);

}  // namespace keyturn::facts
