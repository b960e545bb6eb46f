// How many rows of other tables go, or lose their reference, with rows that are deleted.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "connectors/sql/questions.h"

namespace keyturn::connectors::sql {

struct Cascade {
  // By the table, as the server writes it: rows that are deleted, rows that are changed.
  std::map<std::string, std::int64_t> deleted, changed;
  std::string not_counted;  // why not; then both are empty
};

// `finding`: a SELECT of the rows that are deleted from `table` (quoted), whole; `values` its
// parameters. Exact for the moment, through ON DELETE CASCADE of any depth; not counted through
// partitions, inheritance, circles and row security.
Cascade count_cascade(Questions& questions, const std::string& table, const std::string& finding,
                      const Values& values);

}  // namespace keyturn::connectors::sql
