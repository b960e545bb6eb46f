#include "facts/sql_grammar.h"

#include <algorithm>
#include <array>

namespace keyturn::facts {
namespace {

using namespace std::string_view_literals;

// Each table is sorted: looked up by binary search, checked by a test.
constexpr std::array kPlainNodes = {"A_ArrayExpr"sv,      "A_Const"sv,
                                    "A_Expr"sv,           "A_Indices"sv,
                                    "A_Indirection"sv,    "A_Star"sv,
                                    "AccessPriv"sv,       "Alias"sv,
                                    "AlterTableCmd"sv,    "BoolExpr"sv,
                                    "Boolean"sv,          "BooleanTest"sv,
                                    "CaseExpr"sv,         "CaseWhen"sv,
                                    "CoalesceExpr"sv,     "CollateClause"sv,
                                    "ColumnDef"sv,        "ColumnRef"sv,
                                    "CommonTableExpr"sv,  "Constraint"sv,
                                    "DefElem"sv,          "Float"sv,
                                    "FuncCall"sv,         "FunctionParameter"sv,
                                    "GroupingFunc"sv,     "GroupingSet"sv,
                                    "IndexElem"sv,        "Integer"sv,
                                    "JoinExpr"sv,         "List"sv,
                                    "LockingClause"sv,    "MergeWhenClause"sv,
                                    "MinMaxExpr"sv,       "MultiAssignRef"sv,
                                    "NamedArgExpr"sv,     "NullTest"sv,
                                    "ObjectWithArgs"sv,   "ParamRef"sv,
                                    "PartitionElem"sv,    "RangeFunction"sv,
                                    "RangeSubselect"sv,   "RangeTableSample"sv,
                                    "RangeVar"sv,         "ResTarget"sv,
                                    "RoleSpec"sv,         "RowExpr"sv,
                                    "SQLValueFunction"sv, "SetToDefault"sv,
                                    "SortBy"sv,           "String"sv,
                                    "SubLink"sv,          "TableLikeClause"sv,
                                    "TypeCast"sv,         "TypeName"sv,
                                    "VacuumRelation"sv,   "WindowDef"sv};

constexpr std::array kHarmless = {"abbrev"sv,
                                  "abs"sv,
                                  "acos"sv,
                                  "age"sv,
                                  "array_agg"sv,
                                  "array_append"sv,
                                  "array_cat"sv,
                                  "array_dims"sv,
                                  "array_length"sv,
                                  "array_lower"sv,
                                  "array_ndims"sv,
                                  "array_position"sv,
                                  "array_positions"sv,
                                  "array_prepend"sv,
                                  "array_remove"sv,
                                  "array_replace"sv,
                                  "array_to_json"sv,
                                  "array_to_string"sv,
                                  "array_upper"sv,
                                  "ascii"sv,
                                  "asin"sv,
                                  "atan"sv,
                                  "atan2"sv,
                                  "avg"sv,
                                  "bit_and"sv,
                                  "bit_length"sv,
                                  "bit_or"sv,
                                  "bit_xor"sv,
                                  "bool_and"sv,
                                  "bool_or"sv,
                                  "broadcast"sv,
                                  "btrim"sv,
                                  "cardinality"sv,
                                  "cbrt"sv,
                                  "ceil"sv,
                                  "ceiling"sv,
                                  "char_length"sv,
                                  "character_length"sv,
                                  "chr"sv,
                                  "clock_timestamp"sv,
                                  "concat"sv,
                                  "concat_ws"sv,
                                  "corr"sv,
                                  "cos"sv,
                                  "cot"sv,
                                  "count"sv,
                                  "covar_pop"sv,
                                  "covar_samp"sv,
                                  "cume_dist"sv,
                                  "current_database"sv,
                                  "current_schema"sv,
                                  "date_bin"sv,
                                  "date_part"sv,
                                  "date_trunc"sv,
                                  "decode"sv,
                                  "degrees"sv,
                                  "dense_rank"sv,
                                  "div"sv,
                                  "encode"sv,
                                  "every"sv,
                                  "exp"sv,
                                  "extract"sv,
                                  "factorial"sv,
                                  "family"sv,
                                  "first_value"sv,
                                  "floor"sv,
                                  "format"sv,
                                  "gcd"sv,
                                  "gen_random_uuid"sv,
                                  "generate_series"sv,
                                  "generate_subscripts"sv,
                                  "host"sv,
                                  "hostmask"sv,
                                  "inet_same_family"sv,
                                  "initcap"sv,
                                  "is_normalized"sv,
                                  "isempty"sv,
                                  "isfinite"sv,
                                  "json_agg"sv,
                                  "json_array_elements"sv,
                                  "json_array_elements_text"sv,
                                  "json_array_length"sv,
                                  "json_build_array"sv,
                                  "json_build_object"sv,
                                  "json_each"sv,
                                  "json_each_text"sv,
                                  "json_extract_path"sv,
                                  "json_extract_path_text"sv,
                                  "json_object"sv,
                                  "json_object_agg"sv,
                                  "json_object_keys"sv,
                                  "json_strip_nulls"sv,
                                  "json_typeof"sv,
                                  "jsonb_agg"sv,
                                  "jsonb_array_elements"sv,
                                  "jsonb_array_elements_text"sv,
                                  "jsonb_array_length"sv,
                                  "jsonb_build_array"sv,
                                  "jsonb_build_object"sv,
                                  "jsonb_each"sv,
                                  "jsonb_each_text"sv,
                                  "jsonb_extract_path"sv,
                                  "jsonb_extract_path_text"sv,
                                  "jsonb_insert"sv,
                                  "jsonb_object"sv,
                                  "jsonb_object_agg"sv,
                                  "jsonb_object_keys"sv,
                                  "jsonb_path_exists"sv,
                                  "jsonb_path_match"sv,
                                  "jsonb_path_query"sv,
                                  "jsonb_path_query_array"sv,
                                  "jsonb_path_query_first"sv,
                                  "jsonb_pretty"sv,
                                  "jsonb_set"sv,
                                  "jsonb_strip_nulls"sv,
                                  "jsonb_typeof"sv,
                                  "justify_days"sv,
                                  "justify_hours"sv,
                                  "justify_interval"sv,
                                  "lag"sv,
                                  "last_value"sv,
                                  "lcm"sv,
                                  "lead"sv,
                                  "left"sv,
                                  "length"sv,
                                  "like_escape"sv,
                                  "ln"sv,
                                  "log"sv,
                                  "log10"sv,
                                  "lower"sv,
                                  "lower_inc"sv,
                                  "lower_inf"sv,
                                  "lpad"sv,
                                  "ltrim"sv,
                                  "make_date"sv,
                                  "make_interval"sv,
                                  "make_time"sv,
                                  "make_timestamp"sv,
                                  "make_timestamptz"sv,
                                  "masklen"sv,
                                  "max"sv,
                                  "md5"sv,
                                  "min"sv,
                                  "min_scale"sv,
                                  "mod"sv,
                                  "mode"sv,
                                  "netmask"sv,
                                  "network"sv,
                                  "normalize"sv,
                                  "now"sv,
                                  "nth_value"sv,
                                  "ntile"sv,
                                  "octet_length"sv,
                                  "overlaps"sv,
                                  "overlay"sv,
                                  "percent_rank"sv,
                                  "percentile_cont"sv,
                                  "percentile_disc"sv,
                                  "pg_backend_pid"sv,
                                  "pg_database_size"sv,
                                  "pg_relation_size"sv,
                                  "pg_size_pretty"sv,
                                  "pg_table_size"sv,
                                  "pg_total_relation_size"sv,
                                  "pg_typeof"sv,
                                  "pi"sv,
                                  "position"sv,
                                  "power"sv,
                                  "quote_ident"sv,
                                  "quote_literal"sv,
                                  "quote_nullable"sv,
                                  "radians"sv,
                                  "random"sv,
                                  "range_agg"sv,
                                  "rank"sv,
                                  "regexp_count"sv,
                                  "regexp_instr"sv,
                                  "regexp_like"sv,
                                  "regexp_match"sv,
                                  "regexp_matches"sv,
                                  "regexp_replace"sv,
                                  "regexp_split_to_array"sv,
                                  "regexp_split_to_table"sv,
                                  "regexp_substr"sv,
                                  "regr_count"sv,
                                  "regr_intercept"sv,
                                  "regr_r2"sv,
                                  "regr_slope"sv,
                                  "repeat"sv,
                                  "replace"sv,
                                  "reverse"sv,
                                  "right"sv,
                                  "round"sv,
                                  "row_number"sv,
                                  "row_to_json"sv,
                                  "rpad"sv,
                                  "rtrim"sv,
                                  "scale"sv,
                                  "set_masklen"sv,
                                  "sha224"sv,
                                  "sha256"sv,
                                  "sha384"sv,
                                  "sha512"sv,
                                  "sign"sv,
                                  "similar_to_escape"sv,
                                  "sin"sv,
                                  "split_part"sv,
                                  "sqrt"sv,
                                  "starts_with"sv,
                                  "statement_timestamp"sv,
                                  "stddev"sv,
                                  "stddev_pop"sv,
                                  "stddev_samp"sv,
                                  "string_agg"sv,
                                  "string_to_array"sv,
                                  "string_to_table"sv,
                                  "strpos"sv,
                                  "substr"sv,
                                  "substring"sv,
                                  "sum"sv,
                                  "tan"sv,
                                  "timeofday"sv,
                                  "timezone"sv,
                                  "to_char"sv,
                                  "to_date"sv,
                                  "to_hex"sv,
                                  "to_json"sv,
                                  "to_jsonb"sv,
                                  "to_number"sv,
                                  "to_timestamp"sv,
                                  "transaction_timestamp"sv,
                                  "translate"sv,
                                  "trim_scale"sv,
                                  "trunc"sv,
                                  "unnest"sv,
                                  "upper"sv,
                                  "upper_inc"sv,
                                  "upper_inf"sv,
                                  "var_pop"sv,
                                  "var_samp"sv,
                                  "variance"sv,
                                  "version"sv,
                                  "width_bucket"sv};

constexpr std::array kBuiltInTypes = {
    "bit"sv,       "bool"sv,         "box"sv,         "bpchar"sv,  "bytea"sv,     "char"sv,
    "cid"sv,       "cidr"sv,         "circle"sv,      "date"sv,    "daterange"sv, "float4"sv,
    "float8"sv,    "inet"sv,         "int2"sv,        "int4"sv,    "int4range"sv, "int8"sv,
    "int8range"sv, "interval"sv,     "json"sv,        "jsonb"sv,   "jsonpath"sv,  "line"sv,
    "lseg"sv,      "macaddr"sv,      "macaddr8"sv,    "money"sv,   "name"sv,      "numeric"sv,
    "numrange"sv,  "oid"sv,          "path"sv,        "pg_lsn"sv,  "point"sv,     "polygon"sv,
    "regclass"sv,  "regnamespace"sv, "regrole"sv,     "regtype"sv, "text"sv,      "tid"sv,
    "time"sv,      "timestamp"sv,    "timestamptz"sv, "timetz"sv,  "tsquery"sv,   "tsrange"sv,
    "tstzrange"sv, "tsvector"sv,     "uuid"sv,        "varbit"sv,  "varchar"sv,   "xid"sv,
    "xid8"sv};

constexpr std::array kBuiltInOperators = {
    "!!"sv,   "!~"sv,  "!~*"sv, "!~~"sv, "!~~*"sv, "#"sv,  "##"sv,  "#-"sv,   "#>"sv,  "#>>"sv,
    "%"sv,    "&"sv,   "&&"sv,  "&<"sv,  "&<|"sv,  "&>"sv, "*"sv,   "*<"sv,   "*<="sv, "*<>"sv,
    "*="sv,   "*>"sv,  "*>="sv, "+"sv,   "-"sv,    "->"sv, "->>"sv, "-|-"sv,  "/"sv,   "<"sv,
    "<->"sv,  "<<"sv,  "<<="sv, "<<|"sv, "<="sv,   "<>"sv, "<@"sv,  "<^"sv,   "="sv,   ">"sv,
    ">="sv,   ">>"sv,  ">>="sv, ">^"sv,  "?"sv,    "?#"sv, "?&"sv,  "?-"sv,   "?-|"sv, "?|"sv,
    "?||"sv,  "@"sv,   "@-@"sv, "@>"sv,  "@?"sv,   "@@"sv, "@@@"sv, "^"sv,    "^@"sv,  "|"sv,
    "|&>"sv,  "|/"sv,  "|>>"sv, "||"sv,  "||/"sv,  "~"sv,  "~*"sv,  "~<=~"sv, "~<~"sv, "~="sv,
    "~>=~"sv, "~>~"sv, "~~"sv,  "~~*"sv};

constexpr std::array kSequenceFunctions = {"currval"sv, "lastval"sv, "nextval"sv, "setval"sv};

// What people call a statement that is not inspected, where its node's name does not say it.
struct Verb {
  std::string_view node, verb;
};
constexpr std::array kVerbs = {Verb{"CreatedbStmt", "CREATE DATABASE"},
                               Verb{"CreateFunctionStmt", "CREATE FUNCTION"},
                               Verb{"DeclareCursorStmt", "DECLARE"},
                               Verb{"DropdbStmt", "DROP DATABASE"},
                               Verb{"DropRoleStmt", "DROP ROLE"},
                               Verb{"RefreshMatViewStmt", "REFRESH MATERIALIZED VIEW"},
                               Verb{"CreateTrigStmt", "CREATE TRIGGER"},
                               Verb{"VariableSetStmt", "SET"}};

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

bool is_plain_node(std::string_view node) {
  return std::ranges::binary_search(kPlainNodes, node);
}
bool is_harmless_function(std::string_view name) {
  return std::ranges::binary_search(kHarmless, name);
}
bool is_built_in_type(std::string_view name) {
  return std::ranges::binary_search(kBuiltInTypes, name);
}

bool is_built_in_operator(std::string_view name) {
  return std::ranges::binary_search(kBuiltInOperators, name);
}
bool is_sequence_function(std::string_view name) {
  return std::ranges::binary_search(kSequenceFunctions, name);
}

std::string unknown_verb(std::string_view node, std::string_view kind) {
  if (node == "TransactionStmt" && kind.starts_with("TRANS_STMT_")) {
    std::string verb(kind.substr(11));
    std::ranges::replace(verb, '_', ' ');
    return verb == "PREPARE" ? "PREPARE TRANSACTION" : verb;
  }
  const auto at = std::ranges::find(kVerbs, node, &Verb::node);
  if (at != kVerbs.end()) return std::string(at->verb);
  std::string verb;  // "AlterSystemStmt" -> "ALTER SYSTEM"
  for (const char c : node.substr(0, node.size() - (node.ends_with("Stmt") ? 4 : 0))) {
    const bool capital = c >= 'A' && c <= 'Z';
    if (capital && !verb.empty()) verb += ' ';
    verb += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  }
  return verb;
}

StatementKind statement_kind(std::string_view node) {
  const auto at = std::ranges::find(kStatements, node, &NamedKind::node);
  return at == kStatements.end() ? StatementKind{} : at->kind;
}

static_assert(std::ranges::is_sorted(kPlainNodes));
static_assert(std::ranges::is_sorted(kHarmless));
static_assert(std::ranges::is_sorted(kBuiltInTypes));
static_assert(std::ranges::is_sorted(kBuiltInOperators));
static_assert(std::ranges::is_sorted(kSequenceFunctions));

}  // namespace keyturn::facts
