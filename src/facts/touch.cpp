#include "facts/touch.h"

#include <algorithm>

#include "base/bytes.h"
#include "facts/large_stack.h"
#include "facts/sql_grammar.h"
#include "facts/touch_before.h"
#include "facts/touch_query.h"
#include "facts/wire.h"

namespace keyturn::facts {
namespace {

// Where a statement keeps what decides about its rows.
struct Shape {
  std::uint32_t node, relation, joined, where, with;
  std::string_view joined_key;  // in the JSON
};
constexpr Shape kDelete{field::kDelete, 1, 2, 3, 5, "usingClause"};
constexpr Shape kUpdate{field::kUpdate, 1, 4, 3, 6, "fromClause"};
constexpr std::uint32_t kInsertSelect = 3, kInsertWith = 6;

constexpr const char* kPartChangesRows = "a part of it changes rows itself";

// "count(*)", or something else, of the rows of `row`, as the targets of a SELECT.
struct Targets {
  std::string count, place, all;
};

bool is_named_by_with(const doc::Value& relation, const doc::Value* with) {
  const doc::Value* ctes = with == nullptr ? nullptr : with->find("ctes");
  if (ctes == nullptr || !ctes->is_array() || !relation.text("schemaname").empty()) return false;
  return std::ranges::any_of(ctes->as_array(), [&](const doc::Value& wrapped) {
    const doc::Value* cte = wrapped.find("CommonTableExpr");
    return cte == nullptr || cte->text("ctename") == relation.text("relname");
  });
}

bool says_analyze(const doc::Value& explain) {
  const doc::Value* options = explain.find("options");
  if (options == nullptr || !options->is_array()) return false;
  return std::ranges::any_of(options->as_array(), [](const doc::Value& option) {
    const doc::Value* element = option.find("DefElem");
    return element == nullptr || element->text("defname") == "analyze";
  });
}

// Every table that the statement, or a part of it, changes.
std::vector<Target> targets_of(const Facts& facts, const doc::Value& body) {
  std::vector<Target> out;
  const doc::Value* statements = facts.tree.find_path({"sql", "statements"});
  if (statements == nullptr || !statements->is_array()) return out;
  const doc::Value* main = body.find("relation");
  for (const doc::Value& statement : statements->as_array()) {
    const std::string verb(statement.text("verb"));
    if (verb != "INSERT" && verb != "UPDATE" && verb != "DELETE" && verb != "TRUNCATE") continue;
    for (const doc::Value& relation : statement.find("relations")->as_array()) {
      if (relation.text("access") != "write") continue;
      const TableName name{std::string(relation.text("schema")),
                           std::string(relation.text("name"))};
      auto at = std::ranges::find(out, name, &Target::table);
      if (at == out.end()) at = out.insert(out.end(), Target{.table = name});
      at->verbs.insert(verb);
      const bool is_main = main != nullptr && !statement.flag("nested");
      if (is_main && !main->flag("inh")) at->whole = false;
    }
  }
  // Another part may mean all of it.
  if (std::ranges::count_if(statements->as_array(),
                            [](const doc::Value& one) { return one.flag("nested"); }) > 0) {
    for (Target& one : out) one.whole = true;
  }
  return out;
}

class TouchReader {
 public:
  TouchReader(const doc::Value& body, std::string_view wire, bool print_rows,
              const std::vector<std::string>& harmless, const SqlLimits& limits, Touch& out)
      : body_(body),
        wire_(wire),
        print_rows_(print_rows),
        harmless_(harmless),
        limits_(limits),
        out_(out) {}

  Looked read(std::string_view node, const Facts& facts) {
    out_.has_plan = node == "SelectStmt" || node == "MergeStmt";
    if (node == "SelectStmt" && body_.find("intoClause") != nullptr) out_.has_plan = false;
    out_.targets = targets_of(facts, body_);
    if (node == "DeleteStmt") {
      changes(kDelete);
    } else if (node == "UpdateStmt") {
      changes(kUpdate);
    } else if (node == "InsertStmt") {
      insert();
    } else if (node == "TruncateStmt") {
      truncate();
    } else if (node == "ExplainStmt" && !says_analyze(body_)) {
      out_.targets.clear();  // it only plans
    } else if (facts.uninspectable || facts.operation != "read") {
      if (node == "ExplainStmt")
        decline("EXPLAIN ANALYZE runs the statement");
      else if (node == "SelectStmt")
        decline(changes_rows(body_) ? kPartChangesRows : "it does more than read");
      else
        decline("rows of " + out_.verb + " are not counted");
    }
    if (!out_.counting.empty() && !is_read(out_.counting))
      decline("to find its rows is no mere read");
    return std::move(looked_);
  }

 private:
  bool is_read(const std::string& sql) const {
    std::vector<std::string> harmless = harmless_;
    harmless.emplace_back("hashtextextended");
    const Facts facts = classify_sql(sql, harmless, limits_);
    return !facts.uninspectable && facts.operation == "read";
  }

  void looks_at(doc::Array parts) {
    const doc::Value whole(std::move(parts));
    looked_.relations = relations_in(whole);
    looked_.columns = columns_in(whole);
    out_.deciding = functions_in(whole);
  }

  void changes(const Shape& shape) {
    out_.has_plan = true;
    const doc::Value* relation = body_.find("relation");
    const auto statement = wire_body(wire_, shape.node);
    if (relation == nullptr || !statement) return decline();
    if (changes_rows(body_)) return decline(kPartChangesRows);
    const doc::Value* with = body_.find("withClause");
    const doc::Value* joined = body_.find(shape.joined_key);
    const doc::Value* where = body_.find("whereClause");
    // Where rows are changed, the name is the table's; in a SELECT it would be the query's.
    if (is_named_by_with(*relation, with)) return decline("a WITH query goes by the table's name");

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
    if (draws_lots(doc::Value(asked))) return decline("TABLESAMPLE finds other rows each time");
    const std::string unused = unused_parameters(doc::Value(asked));
    looks_at(std::move(asked));
    const doc::Value* alias = relation->find("alias");
    const Targets of = targets(
        quoted_name(alias == nullptr ? relation->text("relname") : alias->text("aliasname")),
        joined != nullptr);
    const auto select = [&](const std::string& what) -> std::string {
      const auto text = select_with(what + unused, fields);
      const bool fits = text && is_about(*text, {{"RangeVar", *relation, {}}}, joined, where, with);
      return fits ? *text : "";
    };
    out_.counting = select(of.count);
    if (out_.counting.empty()) return decline();
    out_.finding = select(of.all);
    out_.placing = select(of.place);
    out_.prints = print_rows_;
  }

  // A row that a join finds several times is changed once.
  Targets targets(const std::string& row, bool joins) const {
    const std::string place = "(" + row + ".tableoid, " + row + ".ctid)";
    Targets out;
    out.count =
        joins ? "SELECT pg_catalog.count(DISTINCT " + place + ")" : "SELECT pg_catalog.count(*)";
    if (print_rows_) {
      out.count +=
          std::string(", pg_catalog.sum(") + (joins ? "DISTINCT " : "") + version_of(row) + ")";
    }
    out.place =
        "SELECT pg_catalog.array_agg(" + row + ".tableoid), pg_catalog.array_agg(" + row + ".ctid)";
    out.all = "SELECT " + row + ".*";
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
           select->find("limitCount") == nullptr && select->find("limitOffset") == nullptr;
  }

  void insert() {
    out_.has_plan = true;
    const auto statement = wire_body(wire_, field::kInsert);
    if (!statement) return decline();
    out_.at_most = body_.find("onConflictClause") != nullptr;
    if (changes_rows(body_)) return decline(kPartChangesRows);
    const doc::Value* source = body_.find("selectStmt");
    const doc::Value* select = source == nullptr ? nullptr : source->find("SelectStmt");
    if (select == nullptr) {
      out_.rows = 1;  // DEFAULT VALUES
      return;
    }
    const doc::Value* values = select->find("valuesLists");
    const bool all =
        select->find("limitCount") == nullptr && select->find("limitOffset") == nullptr;
    if (values != nullptr && values->is_array() && all) {
      out_.rows = static_cast<std::int64_t>(values->as_array().size());
      out_.yielding = functions_in(*values);
      return;
    }
    count_source(*statement, *source, *select);
  }

  void count_source(std::string_view statement, const doc::Value& source,
                    const doc::Value& select) {
    const doc::Value* with = body_.find("withClause");
    const auto subquery = wire_body(statement, kInsertSelect);
    if (!subquery) return decline();
    if (draws_lots(body_)) return decline("TABLESAMPLE finds other rows each time");
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
    looks_at({source, or_null(with)});
    yields(select, with);
  }

  // What stands in each row does not decide how many there are, unless rows are put together.
  void yields(const doc::Value& select, const doc::Value* with) {
    const doc::Value* given = select.find("targetList");
    if (given == nullptr || select.find("distinctClause") != nullptr ||
        select.find("groupClause") != nullptr || select.find("havingClause") != nullptr)
      return;
    doc::Array rest{or_null(with)};
    for (const doc::Member& member : select.as_object()) {
      if (member.key != "targetList") rest.push_back(member.value);
    }
    out_.deciding = functions_in(doc::Value(std::move(rest)));
    out_.yielding = functions_in(*given);
  }

  void truncate() {
    const doc::Value* relations = body_.find("relations");
    out_.cascades = body_.text("behavior") == "DROP_CASCADE";
    if (relations == nullptr || !relations->is_array()) return decline();
    out_.targets.clear();
    std::string count, print;
    for (const doc::Value& wrapped : relations->as_array()) {
      const doc::Value* range = wrapped.find("RangeVar");
      if (range == nullptr) return decline();
      const Target one{
          .table = {std::string(range->text("schemaname")), std::string(range->text("relname"))},
          .verbs = {"TRUNCATE"},
          .whole = range->flag("inh")};
      const std::string from =
          std::string(" FROM ") + (one.whole ? "" : "ONLY ") + quoted(one.table) + " AS t)";
      count += (count.empty() ? "" : " + ") + std::string("(SELECT pg_catalog.count(*)") + from;
      print += ", (SELECT pg_catalog.sum(" + version_of("t") + ")" + from;
      out_.targets.push_back(one);
    }
    out_.counting = "SELECT " + count;
    out_.prints = print_rows_;
    if (print_rows_) out_.counting += ", pg_catalog.concat_ws(','" + print + ")";
  }

  static std::string version_of(const std::string& row) {
    return "pg_catalog.hashtextextended((" + row + ".tableoid, " + row + ".ctid, " + row +
           ".xmin)::pg_catalog.text, 0)";
  }

  void decline(std::string why = "its rows cannot be asked for") { out_.decline(std::move(why)); }

  const doc::Value& body_;
  std::string_view wire_;
  bool print_rows_;
  const std::vector<std::string>& harmless_;
  const SqlLimits& limits_;
  Touch& out_;
  Looked looked_;
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
                                    const std::vector<std::string>& harmless,
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
  Before before;
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
    const Facts facts = classify_sql(touch.text, harmless, limits);
    const Looked looked =
        TouchReader(only.value, *node, print_rows, harmless, limits, touch).read(only.key, facts);
    before.limit(looked, touch);
    before.add(only.key, only.value, facts);
    out.push_back(std::move(touch));
  }
  return out;
}

}  // namespace

void Touch::decline(std::string why) {
  counting.clear();
  finding.clear();
  placing.clear();
  prints = at_most = false;
  not_counted = std::move(why);
}

std::string quoted(const TableName& table) {
  return (table.schema.empty() ? "" : quoted_name(table.schema) + ".") + quoted_name(table.name);
}

Result<std::vector<Touch>> touches_of(std::string_view sql, bool print_rows,
                                      const std::vector<std::string>& harmless,
                                      const SqlLimits& limits) {
  if (sql.size() > limits.sql_bytes_max)
    return refuse("not_inspected",
                  "longer than " + std::to_string(limits.sql_bytes_max) + " bytes");
  if (sql.contains('\0')) return refuse("not_inspected", "contains a NUL byte");
  if (first_invalid_utf8(sql)) return refuse("not_inspected", "bytes that are not UTF-8");
  Result<std::vector<Touch>> out = refuse("not_inspected", "no memory for the parser");
  on_large_stack(limits.stack_bytes, [&, text = std::string(sql)] {
    out = read_all(text, print_rows, harmless, limits);
  });
  return out;
}

}  // namespace keyturn::facts
