// Rows of a result, as JSON objects, up to a number of rows and bytes.
#pragma once

#include <libpq-fe.h>

#include <string>
#include <vector>

#include "doc/value.h"
#include "secrets/redact.h"

namespace keyturn::connectors::sql {

class Rows {
 public:
  Rows(std::int64_t rows_max, std::int64_t bytes_max, const secrets::Redactor& redactor)
      : rows_max_(rows_max), bytes_left_(bytes_max), redactor_(redactor) {}

  // Adds the rows of one result; false when some did not fit (`full`).
  bool add(const PGresult* result);
  bool full() const { return full_; }
  bool any() const { return any_; }
  doc::Value take() { return doc::Value(std::move(rows_)); }

 private:
  doc::Value cell(const PGresult* result, int row, int column);

  std::int64_t rows_max_;
  std::int64_t bytes_left_;
  const secrets::Redactor& redactor_;
  doc::Array rows_;
  bool full_ = false;
  bool any_ = false;  // some statement returned rows, perhaps none
};

// Names for the columns, each different: "id", "id_2".
std::vector<std::string> column_names(const PGresult* result);

// A value in PostgreSQL's text form as JSON: whole and exact numbers as numbers, booleans, else
// text.
doc::Value json_value(std::string_view text, Oid type);

}  // namespace keyturn::connectors::sql
