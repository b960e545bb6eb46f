#include "facts/sql_grammar.h"

#include <algorithm>
#include <array>

namespace keyturn::facts {
namespace {

using namespace std::string_view_literals;

// Each table is sorted: looked up by binary search, checked by a test.
constexpr std::array kPlainNodes = {
    "A_ArrayExpr"sv, "A_Const"sv, "A_Expr"sv, "A_Indices"sv, "A_Star"sv, "Alias"sv, "AlterTableCmd"sv,
    "BoolExpr"sv, "Boolean"sv, "BooleanTest"sv, "CaseExpr"sv, "CaseWhen"sv, "CoalesceExpr"sv,
    "CollateClause"sv, "ColumnDef"sv, "ColumnRef"sv, "CommonTableExpr"sv, "Constraint"sv, "DefElem"sv,
    "Float"sv, "FuncCall"sv, "GroupingFunc"sv, "GroupingSet"sv, "IndexElem"sv, "Integer"sv,
    "JoinExpr"sv, "List"sv, "LockingClause"sv, "MergeWhenClause"sv, "MinMaxExpr"sv, "MultiAssignRef"sv,
    "NamedArgExpr"sv, "NullTest"sv, "ParamRef"sv, "PartitionElem"sv, "RangeFunction"sv,
    "RangeSubselect"sv, "RangeTableSample"sv, "RangeVar"sv, "ResTarget"sv, "RowExpr"sv,
    "SQLValueFunction"sv, "SetToDefault"sv, "SortBy"sv, "String"sv, "SubLink"sv, "TypeCast"sv,
    "TypeName"sv, "WindowDef"sv};

constexpr std::array kHarmless = {
    "abs"sv, "age"sv, "array_agg"sv, "array_length"sv, "array_position"sv, "array_to_string"sv, "avg"sv,
    "bit_length"sv, "bool_and"sv, "bool_or"sv, "btrim"sv, "cardinality"sv, "ceil"sv, "ceiling"sv,
    "char_length"sv, "character_length"sv, "clock_timestamp"sv, "coalesce"sv, "concat"sv,
    "concat_ws"sv, "corr"sv, "count"sv, "cume_dist"sv, "current_database"sv, "current_schema"sv,
    "date_bin"sv, "date_part"sv, "date_trunc"sv, "decode"sv, "dense_rank"sv, "encode"sv, "every"sv,
    "exp"sv, "extract"sv, "first_value"sv, "floor"sv, "format"sv, "generate_series"sv, "generate_subscripts"sv,
    "greatest"sv, "initcap"sv, "json_agg"sv, "json_array_elements"sv, "json_array_length"sv,
    "json_build_array"sv, "json_build_object"sv, "json_extract_path_text"sv, "json_object_agg"sv,
    "jsonb_agg"sv, "jsonb_array_elements"sv, "jsonb_array_length"sv, "jsonb_build_array"sv,
    "jsonb_build_object"sv, "jsonb_object_agg"sv, "justify_days"sv, "justify_hours"sv,
    "lag"sv, "last_value"sv, "lead"sv, "least"sv, "left"sv, "length"sv, "ln"sv, "localtimestamp"sv,
    "log"sv, "lower"sv, "lpad"sv, "ltrim"sv, "make_date"sv, "make_interval"sv, "make_timestamp"sv,
    "max"sv, "md5"sv, "min"sv, "mod"sv, "mode"sv, "now"sv, "nth_value"sv, "ntile"sv, "nullif"sv,
    "octet_length"sv, "overlaps"sv, "overlay"sv, "percent_rank"sv, "percentile_cont"sv, "percentile_disc"sv,
    "pg_backend_pid"sv, "pg_database_size"sv, "pg_relation_size"sv, "pg_size_pretty"sv,
    "pg_table_size"sv, "pg_total_relation_size"sv, "pg_typeof"sv, "position"sv, "power"sv, "rank"sv,
    "regexp_match"sv, "regexp_matches"sv, "regexp_replace"sv, "regexp_split_to_table"sv, "repeat"sv,
    "replace"sv, "reverse"sv, "right"sv, "round"sv, "row_number"sv, "row_to_json"sv, "rpad"sv, "rtrim"sv,
    "sha256"sv, "sign"sv, "split_part"sv, "sqrt"sv, "starts_with"sv, "statement_timestamp"sv,
    "stddev"sv, "stddev_pop"sv, "stddev_samp"sv, "string_agg"sv, "string_to_array"sv, "strpos"sv,
    "substr"sv, "substring"sv, "sum"sv, "timezone"sv, "to_char"sv, "to_date"sv, "to_json"sv,
    "to_jsonb"sv, "to_number"sv, "to_timestamp"sv, "transaction_timestamp"sv, "translate"sv, "trim"sv,
    "trunc"sv, "unnest"sv, "upper"sv, "var_pop"sv, "var_samp"sv, "variance"sv, "version"sv,
    "width_bucket"sv};

constexpr std::array kBuiltInTypes = {
    "bit"sv, "bool"sv, "bpchar"sv, "bytea"sv, "char"sv, "cidr"sv, "date"sv, "float4"sv, "float8"sv,
    "inet"sv, "int2"sv, "int4"sv, "int8"sv, "interval"sv, "json"sv, "jsonb"sv, "macaddr"sv, "name"sv,
    "numeric"sv, "oid"sv, "regclass"sv, "text"sv, "time"sv, "timestamp"sv, "timestamptz"sv, "timetz"sv, "uuid"sv,
    "varbit"sv, "varchar"sv};

struct NamedKind {
  std::string_view node;
  StatementKind kind;
};
constexpr std::array kStatements = {
    NamedKind{"AlterTableStmt"sv, {"ALTER"sv, "table"sv, "write"sv}},
    NamedKind{"CopyStmt"sv, {"COPY"sv, ""sv, "execute"sv}},
    NamedKind{"CreateSchemaStmt"sv, {"CREATE SCHEMA"sv, "schema"sv, "write"sv}},
    NamedKind{"CreateStmt"sv, {"CREATE TABLE"sv, "table"sv, "write"sv}},
    NamedKind{"CreateTableAsStmt"sv, {"CREATE TABLE AS"sv, "table"sv, "write"sv}},
    NamedKind{"DeleteStmt"sv, {"DELETE"sv, "table"sv, "write"sv}},
    NamedKind{"DropStmt"sv, {"DROP"sv, ""sv, "write"sv}},
    NamedKind{"ExplainStmt"sv, {"EXPLAIN"sv, ""sv, "read"sv}},
    NamedKind{"GrantStmt"sv, {"GRANT"sv, ""sv, "execute"sv}},
    NamedKind{"IndexStmt"sv, {"CREATE INDEX"sv, "index"sv, "write"sv}},
    NamedKind{"InsertStmt"sv, {"INSERT"sv, "table"sv, "write"sv}},
    NamedKind{"LockStmt"sv, {"LOCK"sv, "table"sv, "execute"sv}},
    NamedKind{"MergeStmt"sv, {"MERGE"sv, "table"sv, "write"sv}},
    NamedKind{"RenameStmt"sv, {"ALTER"sv, ""sv, "write"sv}},
    NamedKind{"SelectStmt"sv, {"SELECT"sv, ""sv, "read"sv}},
    NamedKind{"TruncateStmt"sv, {"TRUNCATE"sv, "table"sv, "write"sv}},
    NamedKind{"UpdateStmt"sv, {"UPDATE"sv, "table"sv, "write"sv}},
    NamedKind{"VacuumStmt"sv, {"VACUUM"sv, ""sv, "execute"sv}},
    NamedKind{"VariableShowStmt"sv, {"SHOW"sv, ""sv, "read"sv}},
    NamedKind{"ViewStmt"sv, {"CREATE VIEW"sv, "view"sv, "write"sv}}};

}  // namespace

bool is_plain_node(std::string_view node) { return std::ranges::binary_search(kPlainNodes, node); }
bool is_harmless_function(std::string_view name) { return std::ranges::binary_search(kHarmless, name); }
bool is_built_in_type(std::string_view name) { return std::ranges::binary_search(kBuiltInTypes, name); }

StatementKind statement_kind(std::string_view node) {
  const auto at = std::ranges::find(kStatements, node, &NamedKind::node);
  return at == kStatements.end() ? StatementKind{} : at->kind;
}

static_assert(std::ranges::is_sorted(kPlainNodes));
static_assert(std::ranges::is_sorted(kHarmless));
static_assert(std::ranges::is_sorted(kBuiltInTypes));

}  // namespace keyturn::facts
