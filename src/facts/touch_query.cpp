#include "facts/touch_query.h"

#include <pg_query.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>

#include "doc/json.h"
#include "facts/reason.h"
#include "facts/wire.h"

namespace keyturn::facts {
namespace {

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

std::optional<std::string> written(std::string wire) {
  const PgQueryDeparseResult made =
      pg_query_deparse_protobuf({.len = wire.size(), .data = wire.data()});
  const std::unique_ptr<const PgQueryDeparseResult, void (*)(const PgQueryDeparseResult*)> guard(
      &made, [](const PgQueryDeparseResult* p) { pg_query_free_deparse_result(*p); });
  if (made.error != nullptr || made.query == nullptr) return std::nullopt;
  return std::string(made.query);
}

}  // namespace

doc::Value or_null(const doc::Value* value) {
  return value == nullptr ? doc::Value() : *value;
}

bool same(const doc::Value* a, const doc::Value* b) {
  return bare(or_null(a)) == bare(or_null(b));
}

std::set<std::int64_t> parameters_in(const doc::Value& value) {
  std::set<std::int64_t> out;
  visit(value, [&](const doc::Member& member) {
    if (member.key == "ParamRef") out.insert(member.value.integer("number"));
  });
  return out;
}

std::string last_name(const doc::Value* names) {
  if (names == nullptr || !names->is_array() || names->as_array().empty()) return "";
  const doc::Value& last = names->as_array().back();
  if (last.find("A_Star") != nullptr) return "*";
  const doc::Value* string = last.find("String");
  return string == nullptr ? "" : std::string(string->text("sval"));
}

std::set<std::string> functions_in(const doc::Value& value) {
  std::set<std::string> out;
  visit(value, [&](const doc::Member& member) {
    if (member.key == "FuncCall") out.insert(last_name(member.value.find("funcname")));
  });
  return out;
}

std::set<std::string> columns_in(const doc::Value& value) {
  std::set<std::string> out;
  visit(value, [&](const doc::Member& member) {
    if (member.key == "ColumnRef") out.insert(last_name(member.value.find("fields")));
    if (member.key != "JoinExpr") return;
    if (member.value.flag("isNatural")) out.insert("*");
    const doc::Value* shared = member.value.find("usingClause");
    if (shared == nullptr || !shared->is_array()) return;
    for (const doc::Value& one : shared->as_array()) {
      if (const doc::Value* string = one.find("String")) out.emplace(string->text("sval"));
    }
  });
  return out;
}

std::set<std::string> relations_in(const doc::Value& value) {
  std::set<std::string> out;
  visit(value, [&](const doc::Member& member) {
    if (member.key == "RangeVar") out.emplace(member.value.text("relname"));
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

bool draws_lots(const doc::Value& value) {
  bool found = false;
  visit(value, [&](const doc::Member& member) {
    found =
        found || (member.key == "RangeTableSample" && member.value.find("repeatable") == nullptr);
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

std::string quoted_name(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

}  // namespace keyturn::facts
