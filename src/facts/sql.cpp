#include <pg_query.h>

#include <memory>

#include "base/bytes.h"
#include "doc/json.h"
#include "facts/classify.h"
#include "facts/large_stack.h"
#include "facts/sql_walk.h"

namespace keyturn::facts {
namespace {

Facts only_uninspectable(std::string why) {
  Walk walk({});
  walk.uninspectable(std::move(why));
  return std::move(walk).facts();
}

Facts parse_and_walk(std::string_view sql, const std::vector<std::string>& harmless,
                     const SqlLimits& limits) {
  const std::string text(sql);
  const PgQueryParseResult parsed = pg_query_parse(text.c_str());
  const std::unique_ptr<const PgQueryParseResult, void (*)(const PgQueryParseResult*)> guard(
      &parsed, [](const PgQueryParseResult* p) { pg_query_free_parse_result(*p); });
  if (parsed.error != nullptr)
    return only_uninspectable(std::string("not valid SQL: ") + parsed.error->message);
  const doc::ParseLimits json{.bytes_max = 64u << 20,
                              .depth_max = limits.depth_max,
                              .values_max = 4'000'000,
                              .number_digits_max = 400};
  const Result<doc::Value> tree = doc::parse_json(parsed.parse_tree, json);
  if (!tree) return only_uninspectable("cannot be inspected: " + tree.error().message);
  const doc::Value* statements = tree->find("stmts");
  if (statements == nullptr || !statements->is_array() || statements->as_array().empty())
    return only_uninspectable("no statement");
  Walk walk(harmless);
  for (const doc::Value& raw : statements->as_array()) {
    if (const doc::Value* statement = raw.find("stmt"))
      walk.statement(*statement);
    else
      walk.uninspectable("an empty statement");
  }
  return std::move(walk).facts();
}

}  // namespace

Facts classify_sql(std::string_view sql, const std::vector<std::string>& harmless_functions,
                   const SqlLimits& limits) {
  if (sql.size() > limits.sql_bytes_max)
    return only_uninspectable("longer than " + std::to_string(limits.sql_bytes_max) + " bytes");
  if (sql.contains('\0')) return only_uninspectable("contains a NUL byte");
  if (first_invalid_utf8(sql)) return only_uninspectable("bytes that are not UTF-8");
  if (sql.size() <= limits.callers_stack_sql_bytes_max)
    return parse_and_walk(sql, harmless_functions, limits);
  Facts facts;
  const bool ran = on_large_stack(limits.stack_bytes,
                                  [&] { facts = parse_and_walk(sql, harmless_functions, limits); });
  if (!ran) return only_uninspectable("no memory for the parser");
  return facts;
}

}  // namespace keyturn::facts
