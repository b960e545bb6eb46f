#include "facts/touch.h"

#include <pg_query.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

#include "base/bytes.h"
#include "doc/json.h"
#include "facts/large_stack.h"
#include "facts/reason.h"
#include "facts/sql_grammar.h"
#include "facts/wire.h"

namespace keyturn::facts {
namespace {

// Field numbers of pg_query.proto (libpg_query 15).
namespace field {
constexpr std::uint32_t kVersion = 1, kStatements = 2;  // ParseResult
constexpr std::uint32_t kStatement = 1;                 // RawStmt
constexpr std::uint32_t kRangeVar = 2, kInsert = 54, kDelete = 55, kUpdate = 56, kSelect = 58,
                        kRangeSubselect = 185;                          // Node
constexpr std::uint32_t kFrom = 4, kWhere = 5, kWith = 16;              // SelectStmt
constexpr std::uint32_t kSubquery = 2, kSubqueryAlias = 3, kAlias = 1;  // RangeSubselect, Alias
}  // namespace field

// Where a statement keeps what decides about its rows.
struct Shape {
  std::uint32_t node, relation, joined, where, with;
  std::string_view joined_key;  // in the JSON
};
constexpr Shape kDelete{field::kDelete, 1, 2, 3, 5, "usingClause"};
constexpr Shape kUpdate{field::kUpdate, 1, 4, 3, 6, "fromClause"};
constexpr std::uint32_t kInsertSelect = 3, kInsertWith = 6;

doc::Value or_null(const doc::Value* value) {
  return value == nullptr ? doc::Value() : *value;
}

// Without the places in the text, of which a copy has others.
doc::Value bare(const doc::Value& value) {
  if (value.is_array()) {
    doc::Array out;
    for (const doc::Value& item : value.as_array()) out.push_back(bare(item));
    return doc::Value(std::move(out));
  }
  if (!value.is_object()) return value;
  doc::Object out;
  for (const doc::Member& member : value.as_object()) {
    if (member.key == "location") continue;
    out.push_back({member.key, bare(member.value), {}});
  }
  return doc::Value(std::move(out));
}

bool same(const doc::Value* a, const doc::Value* b) {
  return bare(or_null(a)) == bare(or_null(b));
}

void visit(const doc::Value& value, const std::function<void(const doc::Member&)>& each) {
  if (value.is_array()) {
    for (const doc::Value& item : value.as_array()) visit(item, each);
  } else if (value.is_object()) {
    for (const doc::Member& member : value.as_object()) {
      each(member);
      visit(member.value, each);
    }
  }
}

std::set<std::int64_t> parameters_in(const doc::Value& value) {
  std::set<std::int64_t> out;
  visit(value, [&](const doc::Member& member) {
    if (member.key == "ParamRef") out.insert(member.value.integer("number"));
  });
  return out;
}

bool changes_rows(const doc::Value& value) {
  constexpr std::array<std::string_view, 5> kChanging{"DeleteStmt", "InsertStmt", "MergeStmt",
                                                      "UpdateStmt", "intoClause"};
  bool found = false;
  visit(value, [&](const doc::Member& member) {
    found = found || std::ranges::find(kChanging, member.key) != kChanging.end();
  });
  return found;
}

Result<doc::Value> parsed_json(const std::string& sql, const SqlLimits& limits) {
  const PgQueryParseResult parsed = pg_query_parse(sql.c_str());
  const std::unique_ptr<const PgQueryParseResult, void (*)(const PgQueryParseResult*)> guard(
      &parsed, [](const PgQueryParseResult* p) { pg_query_free_parse_result(*p); });
  if (parsed.error != nullptr)
    return refuse("not_inspected",
                  short_reason(std::string("not valid SQL: ") + parsed.error->message));
  return doc::parse_json(parsed.parse_tree, {.bytes_max = 64u << 20,
                                             .depth_max = limits.depth_max,
                                             .values_max = 4'000'000,
                                             .number_digits_max = 400});
}

Result<std::string> parsed_wire(const std::string& sql) {
  const PgQueryProtobufParseResult parsed = pg_query_parse_protobuf(sql.c_str());
  const std::unique_ptr<const PgQueryProtobufParseResult,
                        void (*)(const PgQueryProtobufParseResult*)>
      guard(&parsed,
            [](const PgQueryProtobufParseResult* p) { pg_query_free_protobuf_parse_result(*p); });
  if (parsed.error != nullptr)
    return refuse("not_inspected",
                  short_reason(std::string("not valid SQL: ") + parsed.error->message));
  return std::string(parsed.parse_tree.data, parsed.parse_tree.len);
}

std::optional<std::string> written(std::string wire) {
  const PgQueryDeparseResult made =
      pg_query_deparse_protobuf({.len = wire.size(), .data = wire.data()});
  const std::unique_ptr<const PgQueryDeparseResult, void (*)(const PgQueryDeparseResult*)> guard(
      &made, [](const PgQueryDeparseResult* p) { pg_query_free_deparse_result(*p); });
  if (made.error != nullptr || made.query == nullptr) return std::nullopt;
  return std::string(made.query);
}

std::string quoted_name(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

TableName name_of(const doc::Value& range) {
  return {std::string(range.text("schemaname")), std::string(range.text("relname"))};
}

// "SELECT …" of targets alone, with fields of the statement added to it, as text.
std::optional<std::string> select_with(const std::string& targets, const std::string& fields) {
  const Result<std::string> skeleton = parsed_wire(targets);
  if (!skeleton) return std::nullopt;
  const auto top = wire_fields(*skeleton);
  if (!top) return std::nullopt;
  std::string version;
  std::optional<std::string_view> select;
  for (const WireField& one : *top) {
    if (one.number == field::kVersion) version = one.whole;
    if (one.number != field::kStatements) continue;
    const auto node = wire_body(one.body, field::kStatement);
    if (node) select = wire_body(*node, field::kSelect);
  }
  if (!select) return std::nullopt;
  const std::string node = wire_field(field::kSelect, std::string(*select) + fields);
  return written(version + wire_field(field::kStatements, wire_field(field::kStatement, node)));
}

class Reader {
 public:
  Reader(const doc::Value& body, std::string_view wire, bool print_rows, const SqlLimits& limits,
         Touch& out)
      : body_(body), wire_(wire), print_rows_(print_rows), limits_(limits), out_(out) {}

  void read(std::string_view node) {
    out_.has_plan = node == "SelectStmt" || node == "MergeStmt";
    if (node == "SelectStmt" && body_.find("intoClause") != nullptr) out_.has_plan = false;
    if (node == "DeleteStmt") return changes(kDelete);
    if (node == "UpdateStmt") return changes(kUpdate);
    if (node == "InsertStmt") return insert();
    if (node == "TruncateStmt") return truncate();
    const StatementKind kind = statement_kind(node);
    if (kind.operation == "read") return;
    if (const doc::Value* relation = body_.find("relation");
        relation != nullptr && relation->is_object() && node == "MergeStmt")
      out_.tables = {name_of(*relation)};
    out_.not_counted = "rows of " + out_.verb + " are not counted";
  }

 private:
  void changes(const Shape& shape) {
    out_.has_plan = true;
    const doc::Value* relation = body_.find("relation");
    const auto statement = wire_body(wire_, shape.node);
    if (relation == nullptr || !statement) return decline();
    out_.tables = {name_of(*relation)};
    if (changes_rows(body_)) return decline("a part of it changes rows itself");
    const doc::Value* with = body_.find("withClause");
    const doc::Value* joined = body_.find(shape.joined_key);
    const doc::Value* where = body_.find("whereClause");

    std::string fields;
    const auto range = wire_body(*statement, shape.relation);
    if (!range) return decline();
    fields += wire_field(field::kFrom, wire_field(field::kRangeVar, *range));
    for (const std::string_view one : wire_bodies(*statement, shape.joined))
      fields += wire_field(field::kFrom, one);
    if (const auto condition = wire_body(*statement, shape.where))
      fields += wire_field(field::kWhere, *condition);
    if (const auto ctes = wire_body(*statement, shape.with))
      fields += wire_field(field::kWith, *ctes);

    doc::Array asked;
    for (const doc::Value* part : {joined, where, with}) asked.push_back(or_null(part));
    const doc::Value* alias = relation->find("alias");
    const std::string row =
        quoted_name(alias == nullptr ? relation->text("relname") : alias->text("aliasname"));
    const auto text = select_with(
        targets(row, joined != nullptr) + unused_parameters(doc::Value(std::move(asked))), fields);
    if (!text || !is_about(*text, {{"RangeVar", *relation, {}}}, joined, where, with))
      return decline();
    out_.counting = *text;
    out_.prints = print_rows_;
  }

  // A row that a join finds several times is changed once.
  std::string targets(const std::string& row, bool joins) const {
    const std::string place = "(" + row + ".tableoid, " + row + ".ctid)";
    std::string out =
        joins ? "SELECT pg_catalog.count(DISTINCT " + place + ")" : "SELECT pg_catalog.count(*)";
    if (print_rows_) {
      const std::string version = "(" + row + ".tableoid, " + row + ".ctid, " + row + ".xmin)";
      out += std::string(", pg_catalog.sum(") + (joins ? "DISTINCT " : "") +
             "pg_catalog.hashtextextended(" + version + "::pg_catalog.text, 0))";
    }
    return out;
  }

  // The server insists on knowing the type of each parameter that it is given.
  std::string unused_parameters(const doc::Value& used_in) const {
    const std::set<std::int64_t> used = parameters_in(used_in);
    std::string out;
    for (const std::int64_t number : parameters_in(body_)) {
      if (!used.contains(number)) out += ", $" + std::to_string(number) + "::pg_catalog.text";
    }
    return out;
  }

  // Whether what was written asks about the rows of the statement: node by node the same.
  bool is_about(const std::string& text, const doc::Object& first, const doc::Value* joined,
                const doc::Value* where, const doc::Value* with) const {
    const Result<doc::Value> tree = parsed_json(text, limits_);
    const doc::Value* statements = tree ? tree->find("stmts") : nullptr;
    if (statements == nullptr || !statements->is_array() || statements->as_array().size() != 1)
      return false;
    const doc::Value* select = statements->as_array()[0].find_path({"stmt", "SelectStmt"});
    const doc::Value* from = select == nullptr ? nullptr : select->find("fromClause");
    if (from == nullptr || !from->is_array() || from->as_array().empty()) return false;
    doc::Array expected{doc::Value(first)};
    if (joined != nullptr && joined->is_array())
      std::ranges::copy(joined->as_array(), std::back_inserter(expected));
    const doc::Value whole(std::move(expected));
    return same(from, &whole) && same(select->find("whereClause"), where) &&
           same(select->find("withClause"), with) && select->find("groupClause") == nullptr &&
           select->find("limitCount") == nullptr;
  }

  void insert() {
    out_.has_plan = true;
    const doc::Value* relation = body_.find("relation");
    const auto statement = wire_body(wire_, field::kInsert);
    if (relation == nullptr || !statement) return decline();
    out_.tables = {name_of(*relation)};
    out_.at_most = body_.find("onConflictClause") != nullptr;
    if (changes_rows(body_)) return decline("a part of it changes rows itself");
    const doc::Value* with = body_.find("withClause");
    const doc::Value* source = body_.find("selectStmt");
    const doc::Value* select = source == nullptr ? nullptr : source->find("SelectStmt");
    if (select == nullptr) {
      out_.rows = 1;  // DEFAULT VALUES
      return;
    }
    const doc::Value* values = select->find("valuesLists");
    if (values != nullptr && values->is_array() && select->find("limitCount") == nullptr) {
      out_.rows = static_cast<std::int64_t>(values->as_array().size());
      return;
    }
    count_source(*statement, *source, with);
  }

  void count_source(std::string_view statement, const doc::Value& source, const doc::Value* with) {
    const auto subquery = wire_body(statement, kInsertSelect);
    if (!subquery) return decline();
    const std::string alias =
        wire_field(field::kSubqueryAlias, wire_field(field::kAlias, "source"));
    std::string fields = wire_field(
        field::kFrom,
        wire_field(field::kRangeSubselect, wire_field(field::kSubquery, *subquery) + alias));
    if (const auto ctes = wire_body(statement, kInsertWith))
      fields += wire_field(field::kWith, *ctes);
    const doc::Value used(doc::Array{source, or_null(with)});
    const auto text = select_with("SELECT pg_catalog.count(*)" + unused_parameters(used), fields);
    const doc::Value range =
        doc::object({{"subquery", source}, {"alias", doc::object({{"aliasname", "source"}})}});
    if (!text || !is_about(*text, {{"RangeSubselect", range, {}}}, nullptr, nullptr, with))
      return decline();
    out_.counting = *text;
  }

  void truncate() {
    const doc::Value* relations = body_.find("relations");
    out_.cascades = body_.text("behavior") == "DROP_CASCADE";
    if (relations == nullptr || !relations->is_array()) return decline();
    for (const doc::Value& wrapped : relations->as_array()) {
      const doc::Value* range = wrapped.find("RangeVar");
      if (range == nullptr) return decline();
      out_.tables.push_back(name_of(*range));
      out_.counting += std::string(out_.counting.empty() ? "SELECT " : " + ") +
                       "(SELECT pg_catalog.count(*) FROM " + (range->flag("inh") ? "" : "ONLY ") +
                       quoted(out_.tables.back()) + ")";
    }
  }

  void decline(std::string why = "its rows cannot be asked for") {
    out_.counting.clear();
    out_.not_counted = std::move(why);
  }

  const doc::Value& body_;
  std::string_view wire_;
  bool print_rows_;
  const SqlLimits& limits_;
  Touch& out_;
};

std::string text_of(std::string_view sql, const doc::Value& raw) {
  const auto at = static_cast<std::size_t>(std::max<std::int64_t>(raw.integer("stmt_location"), 0));
  const auto length = static_cast<std::size_t>(std::max<std::int64_t>(raw.integer("stmt_len"), 0));
  if (at > sql.size()) return "";
  std::string_view text = length == 0 ? sql.substr(at) : sql.substr(at, length);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? "" : std::string(text.substr(first));
}

Result<std::vector<Touch>> read_all(const std::string& sql, bool print_rows,
                                    const SqlLimits& limits) {
  const Result<doc::Value> tree = parsed_json(sql, limits);
  if (!tree) return std::unexpected(tree.error());
  const Result<std::string> wire = parsed_wire(sql);
  if (!wire) return std::unexpected(wire.error());
  const doc::Value* statements = tree->find("stmts");
  const std::vector<std::string_view> raws = wire_bodies(*wire, field::kStatements);
  if (statements == nullptr || !statements->is_array() || raws.empty() ||
      statements->as_array().size() != raws.size())
    return refuse("not_inspected", "no statement");
  std::vector<Touch> out;
  for (std::size_t i = 0; i < raws.size(); ++i) {
    const doc::Value& raw = statements->as_array()[i];
    const doc::Value* statement = raw.find("stmt");
    const auto node = wire_body(raws[i], field::kStatement);
    if (statement == nullptr || !statement->is_object() || statement->as_object().empty() || !node)
      return refuse("not_inspected", "an empty statement");
    const doc::Member& only = statement->as_object().front();
    const StatementKind kind = statement_kind(only.key);
    Touch touch{.verb = kind.verb.empty() ? unknown_verb(only.key, only.value.text("kind"))
                                          : std::string(kind.verb),
                .text = text_of(sql, raw)};
    Reader(only.value, *node, print_rows, limits, touch).read(only.key);
    out.push_back(std::move(touch));
  }
  return out;
}

}  // namespace

std::string quoted(const TableName& table) {
  return (table.schema.empty() ? "" : quoted_name(table.schema) + ".") + quoted_name(table.name);
}

Result<std::vector<Touch>> touches_of(std::string_view sql, bool print_rows,
                                      const SqlLimits& limits) {
  if (sql.size() > limits.sql_bytes_max)
    return refuse("not_inspected",
                  "longer than " + std::to_string(limits.sql_bytes_max) + " bytes");
  if (sql.contains('\0')) return refuse("not_inspected", "contains a NUL byte");
  if (first_invalid_utf8(sql)) return refuse("not_inspected", "bytes that are not UTF-8");
  Result<std::vector<Touch>> out = refuse("not_inspected", "no memory for the parser");
  on_large_stack(limits.stack_bytes,
                 [&, text = std::string(sql)] { out = read_all(text, print_rows, limits); });
  return out;
}

}  // namespace keyturn::facts
