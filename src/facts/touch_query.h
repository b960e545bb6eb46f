// Reading a statement's parse tree, as JSON and as the message on the wire, and writing a SELECT
// with parts of it. Private to facts/.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "doc/value.h"
#include "facts/classify.h"

namespace keyturn::facts {

// Field numbers of pg_query.proto (libpg_query 15).
namespace field {
inline constexpr std::uint32_t kVersion = 1, kStatements = 2;  // ParseResult
inline constexpr std::uint32_t kStatement = 1;                 // RawStmt
inline constexpr std::uint32_t kRangeVar = 2, kInsert = 54, kDelete = 55, kUpdate = 56,
                               kSelect = 58, kRangeSubselect = 185;            // Node
inline constexpr std::uint32_t kFrom = 4, kWhere = 5, kWith = 16;              // SelectStmt
inline constexpr std::uint32_t kSubquery = 2, kSubqueryAlias = 3, kAlias = 1;  // RangeSubselect …
}  // namespace field

// Code not_inspected.
Result<doc::Value> parsed_json(const std::string& sql, const SqlLimits& limits);
Result<std::string> parsed_wire(const std::string& sql);

// "SELECT …" of targets alone, with fields of another statement added to it, as text.
std::optional<std::string> select_with(const std::string& targets, const std::string& fields);

// The same but for the places in the text; null is the same as null.
bool same(const doc::Value* a, const doc::Value* b);
doc::Value or_null(const doc::Value* value);

// Names, as PostgreSQL folds them.
std::set<std::int64_t> parameters_in(const doc::Value& value);  // $1 is 1
std::set<std::string> functions_in(const doc::Value& value);    // "lower", also of s.lower
std::set<std::string> columns_in(const doc::Value& value);      // "*" for whole rows
std::set<std::string> relations_in(const doc::Value& value);    // without their schemas

// Whether a part of it changes rows of a table by itself.
bool changes_rows(const doc::Value& value);
// Whether it draws a sample that is another one each time.
bool draws_lots(const doc::Value& value);

// A list of nodes in which strings stand: their last one, "*" for a star.
std::string last_name(const doc::Value* names);

std::string quoted_name(std::string_view name);  // "a""b"

}  // namespace keyturn::facts
