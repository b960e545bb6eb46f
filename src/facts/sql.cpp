#include <pg_query.h>
#include <pthread.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <memory>
#include <set>
#include <utility>

#include "doc/json.h"
#include "facts/classify.h"
#include "facts/sql_grammar.h"

namespace keyturn::facts {
namespace {

struct Relation {
  std::string schema, name;
  bool write = false;
  auto operator<=>(const Relation&) const = default;
};

struct Statement {
  std::string verb, object, operation;
  std::set<Relation> relations;
  std::set<std::string> functions;
  bool has_where = false, has_limit = false, nested = false;
};

doc::Value to_value(const std::set<Relation>& relations) {
  doc::Array out;
  for (const Relation& r : relations) {
    out.push_back(doc::object(
        {{"schema", r.schema}, {"name", r.name}, {"access", r.write ? "write" : "read"}}));
  }
  return out;
}

doc::Value to_value(const std::set<std::string>& names) {
  return doc::array_of(std::vector<std::string>(names.begin(), names.end()));
}

doc::Value to_value(const Statement& s) {
  return doc::object({{"verb", s.verb},
                      {"object", s.object},
                      {"operation", s.operation},
                      {"relations", to_value(s.relations)},
                      {"functions", to_value(s.functions)},
                      {"has_where", s.has_where},
                      {"has_limit", s.has_limit},
                      {"nested", s.nested}});
}

std::string last_name(const doc::Value* names) {
  if (names == nullptr || !names->is_array() || names->as_array().empty()) return {};
  const doc::Value* string = names->as_array().back().find("String");
  return string == nullptr ? std::string() : std::string(string->text("sval"));
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return text;
}

bool is_node_name(std::string_view key) {
  return !key.empty() && key[0] >= 'A' && key[0] <= 'Z';
}

// Walks a parse tree with an explicit stack: hostile SQL nests deeply.
class Walk {
 public:
  explicit Walk(const std::vector<std::string>& harmless)
      : harmless_(harmless.begin(), harmless.end()) {}

  void statement(const doc::Value& tree, bool nested) {
    pending_.push_back({&tree, nested});
    while (!pending_.empty()) {
      const auto [next, is_nested] = pending_.back();
      pending_.pop_back();
      one_statement(*next, is_nested);
    }
  }

  void uninspectable(std::string why) {
    if (std::ranges::find(why_, why) == why_.end()) why_.push_back(std::move(why));
  }

  Facts facts() &&;

 private:
  void one_statement(const doc::Value& tree, bool nested) {
    if (!tree.is_object() || tree.as_object().size() != 1)
      return uninspectable("an empty statement node");
    const auto& [node, body, position] = tree.as_object().front();
    const StatementKind kind = statement_kind(node);
    if (kind.verb.empty()) return unknown_statement(node, nested);
    Statement s{std::string(kind.verb), std::string(kind.object), std::string(kind.operation)};
    s.nested = nested;
    special(node, body, s);
    expressions(body, s);
    if (s.operation == "read" && !s.functions.empty()) vet_functions(s);
    statements_.push_back(std::move(s));
  }

  void unknown_statement(std::string_view node, bool nested) {
    std::string name(node.substr(0, node.size() - (node.ends_with("Stmt") ? 4 : 0)));
    uninspectable("statement " + name + " is not inspected");
    Statement s{lower(name) == "do" ? "DO" : name, "", "execute"};
    std::ranges::transform(s.verb, s.verb.begin(), [](unsigned char c) { return std::toupper(c); });
    s.nested = nested;
    statements_.push_back(std::move(s));
  }

  void vet_functions(Statement& s) {
    for (const std::string& name : s.functions) {
      if (is_harmless_function(name) || harmless_.contains(name)) continue;
      s.operation = "execute";
      notes_.insert("calls " + name + ", which is not known to be harmless");
    }
  }

  void target(const doc::Value* range_var, Statement& s) {
    if (range_var == nullptr) return;
    s.relations.insert({std::string(range_var->text("schemaname")),
                        std::string(range_var->text("relname")), true});
  }

  // What a statement's own fields mean, beyond the expressions in it.
  void special(std::string_view node, const doc::Value& body, Statement& s) {
    if (node == "SelectStmt") return select(body, s);
    if (node == "DropStmt") return drop(body, s);
    if (node == "CopyStmt") return copy(body, s);
    if (node == "ExplainStmt") return explain(body, s);
    if (node == "TruncateStmt" || node == "LockStmt" || node == "VacuumStmt")
      written_ranges(body, s);
    if (node == "UpdateStmt" || node == "DeleteStmt")
      s.has_where = looks_at_a_column(body.find("whereClause"));
    if (node == "MergeStmt") s.has_where = true;
    if (node == "CreateTableAsStmt") {
      if (const doc::Value* into = body.find("into")) target(into->find("rel"), s);
    }
    if (node == "CreateSchemaStmt" && body.find("schemaElts") != nullptr)
      uninspectable("CREATE SCHEMA with statements inside");
    target(body.find("relation"), s);
    target(body.find("view"), s);
  }

  void select(const doc::Value& body, Statement& s) {
    s.has_where = looks_at_a_column(body.find("whereClause"));
    s.has_limit = body.find("limitCount") != nullptr;
    if (const doc::Value* into = body.find("intoClause")) {
      s.verb = "SELECT INTO";
      s.operation = "write";
      target(into->find("rel"), s);
    }
    if (body.find("lockingClause") != nullptr) s.operation = "write";
  }

  void drop(const doc::Value& body, Statement& s) {
    s.object = lower(std::string(body.text("removeType")));
    if (s.object.starts_with("object_")) s.object = s.object.substr(7);
    const doc::Value* objects = body.find("objects");
    if (objects == nullptr) return;
    for (const doc::Value& entry : objects->as_array()) {
      const doc::Value* items = entry.find_path({"List", "items"});
      if (items == nullptr) continue;
      const doc::Array& names = items->as_array();
      std::string schema;
      if (names.size() > 1) {
        if (const doc::Value* first = names[names.size() - 2].find("String"))
          schema = first->text("sval");
      }
      s.relations.insert({schema, last_name(items), true});
    }
  }

  void copy(const doc::Value& body, Statement& s) {
    const bool from = body.flag("is_from");
    if (body.flag("is_program")) {
      uninspectable("COPY runs a program");
    } else if (body.find("filename") != nullptr) {
      s.operation = from ? "write" : "export";
    } else {
      s.operation = from ? "write" : "export";
      uninspectable("COPY speaks a protocol of its own; use SELECT or INSERT");
    }
    if (from) target(body.find("relation"), s);
    queue_query(body);
  }

  void explain(const doc::Value& body, Statement& s) {
    bool runs = false;
    if (const doc::Value* options = body.find("options")) {
      for (const doc::Value& option : options->as_array()) {
        const doc::Value* element = option.find("DefElem");
        if (element != nullptr && element->text("defname") == "analyze")
          runs = true;  // even "analyze false": others follow
      }
    }
    s.verb = runs ? "EXPLAIN ANALYZE" : "EXPLAIN";
    queue_query(body);
  }

  void queue_query(const doc::Value& body) {
    if (const doc::Value* query = body.find("query")) pending_.push_back({query, true});
  }

  void written_ranges(const doc::Value& body, Statement& s) {
    for (const char* key : {"relations", "rels"}) {
      const doc::Value* ranges = body.find(key);
      if (ranges == nullptr || !ranges->is_array()) continue;
      for (const doc::Value& range : ranges->as_array()) {
        if (const doc::Value* relation = range.find("RangeVar"))
          target(relation, s);
        else if (const doc::Value* inside = range.find_path({"VacuumRelation", "relation"}))
          target(inside, s);
      }
    }
  }

  static bool looks_at_a_column(const doc::Value* condition) {
    if (condition == nullptr) return false;
    std::vector<const doc::Value*> stack{condition};
    while (!stack.empty()) {
      const doc::Value* v = stack.back();
      stack.pop_back();
      if (v->is_array()) {
        for (const doc::Value& e : v->as_array()) stack.push_back(&e);
      } else if (v->is_object()) {
        for (const doc::Member& m : v->as_object()) {
          if (m.key == "ColumnRef") return true;
          if (m.key == "CurrentOfExpr") return true;
          stack.push_back(&m.value);
        }
      }
    }
    return false;
  }

  void expressions(const doc::Value& body, Statement& s) {
    std::vector<const doc::Value*> stack{&body};
    while (!stack.empty()) {
      const doc::Value* v = stack.back();
      stack.pop_back();
      if (v->is_array()) {
        for (const doc::Value& e : v->as_array()) stack.push_back(&e);
      } else if (v->is_object()) {
        for (const doc::Member& m : v->as_object()) {
          if (member(m, s)) stack.push_back(&m.value);
        }
      }
    }
  }

  // True when the walk should go on below this member.
  bool member(const doc::Member& m, Statement& s) {
    if (!is_node_name(m.key)) return m.key != "query";
    if (m.key == "SelectStmt") {  // a subselect belongs to the statement it stands in
      if (m.value.find("intoClause") != nullptr || m.value.find("lockingClause") != nullptr)
        s.operation = worse(s.operation, "write");
      return true;
    }
    if (m.key.ends_with("Stmt")) {  // a data-modifying CTE, CREATE … AS
      nested_nodes(m);
      return false;
    }
    if (m.key == "VacuumRelation" || m.key == "AccessPriv" || m.key == "RoleSpec" ||
        m.key == "ObjectWithArgs")
      return true;
    if (!is_plain_node(m.key)) {
      uninspectable("expression " + m.key + " is not inspected");
      return true;
    }
    node(m, s);
    return true;
  }

  void nested_nodes(const doc::Member& m) {
    owned_.push_back(std::make_unique<doc::Value>(doc::object({{m.key, m.value}})));
    pending_.push_back({owned_.back().get(), true});
  }

  static std::string worse(const std::string& a, std::string_view b) {
    return a == "read" ? std::string(b) : a;
  }

  void node(const doc::Member& m, Statement& s) {
    if (m.key == "RangeVar") {
      const Relation r{std::string(m.value.text("schemaname")),
                       std::string(m.value.text("relname")), false};
      if (!s.relations.contains({r.schema, r.name, true})) s.relations.insert(r);
    } else if (m.key == "FuncCall") {
      function(m.value, s);
    } else if (m.key == "A_Expr") {
      if (const doc::Value* name = m.value.find("name");
          name != nullptr && name->as_array().size() > 1) {
        const doc::Value* schema = name->as_array().front().find("String");
        if (schema == nullptr || schema->text("sval") != "pg_catalog")
          uninspectable("an operator with a schema of its own");
      }
    } else if (m.key == "TypeName") {
      type(m.value);
    } else if (m.key == "DefElem" && m.value.text("defname") == "as") {
      uninspectable("a statement with code inside");
    }
  }

  void function(const doc::Value& call, Statement& s) {
    const doc::Value* names = call.find("funcname");
    std::string name = lower(last_name(names));
    const doc::Array& parts = names->as_array();
    if (parts.size() > 1) {
      const doc::Value* schema = parts[parts.size() - 2].find("String");
      const std::string prefix = schema == nullptr ? "?" : lower(std::string(schema->text("sval")));
      if (prefix != "pg_catalog" || parts.size() > 2) name = prefix + "." + name;
    }
    s.functions.insert(std::move(name));
  }

  void type(const doc::Value& name) {
    const doc::Value* names = name.find("names");
    const std::string last = lower(last_name(names));
    if (last.empty() || is_built_in_type(last)) return;
    if (name.find("typeOid") != nullptr) return;
    uninspectable("type " + last + " is not a built-in one; a cast to it may run code");
  }

  std::set<std::string> harmless_;
  std::vector<std::pair<const doc::Value*, bool>> pending_;
  std::vector<std::unique_ptr<doc::Value>> owned_;
  std::vector<Statement> statements_;
  std::vector<std::string> why_;
  std::set<std::string> notes_;
};

// read < write < export < execute: what needs the most care names the whole.
int weight(std::string_view operation) {
  if (operation == "read") return 0;
  if (operation == "write") return 1;
  return operation == "export" ? 2 : 3;
}

Facts Walk::facts() && {
  Facts out;
  out.uninspectable = !why_.empty();
  out.operation = statements_.empty() ? "execute" : "read";
  std::set<Relation> relations;
  std::set<std::string> functions;
  doc::Array list;
  for (const Statement& s : statements_) {
    if (weight(s.operation) > weight(out.operation)) out.operation = s.operation;
    relations.insert(s.relations.begin(), s.relations.end());
    functions.insert(s.functions.begin(), s.functions.end());
    list.push_back(to_value(s));
  }
  if (out.uninspectable) out.operation = "execute";
  std::vector<std::string> why = why_;
  why.insert(why.end(), notes_.begin(), notes_.end());
  out.tree = doc::object({{"uninspectable", out.uninspectable},
                          {"why", doc::array_of(why)},
                          {"sql", doc::object({{"statements", list},
                                               {"count", static_cast<std::int64_t>(list.size())},
                                               {"relations", to_value(relations)},
                                               {"functions", to_value(functions)}})}});
  return out;
}

Facts only_uninspectable(const std::vector<std::string>& harmless, std::string why) {
  Walk walk(harmless);
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
    return only_uninspectable(harmless, std::string("not valid SQL: ") + parsed.error->message);
  doc::ParseLimits json;
  json.bytes_max = 64u << 20;
  json.depth_max = limits.depth_max;
  json.values_max = 4'000'000;
  const Result<doc::Value> tree = doc::parse_json(parsed.parse_tree, json);
  if (!tree) return only_uninspectable(harmless, "too deeply nested or too large to inspect");
  Walk walk(harmless);
  const doc::Value* statements = tree->find("stmts");
  if (statements == nullptr || statements->as_array().empty())
    return only_uninspectable(harmless, "no statement");
  for (const doc::Value& raw : statements->as_array()) {
    if (const doc::Value* statement = raw.find("stmt"))
      walk.statement(*statement, false);
    else
      walk.uninspectable("an empty statement");
  }
  return std::move(walk).facts();
}

// Runs `work` on a thread with a stack of its own: the parser recurses with the SQL.
bool on_large_stack(std::size_t stack_bytes, const std::function<void()>& work) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_t thread;
  const bool started = pthread_attr_setstacksize(&attributes, stack_bytes) == 0 &&
                       pthread_create(
                           &thread, &attributes,
                           [](void* w) -> void* {
                             (*static_cast<const std::function<void()>*>(w))();
                             return nullptr;
                           },
                           const_cast<void*>(static_cast<const void*>(&work))) == 0;
  pthread_attr_destroy(&attributes);
  return started && pthread_join(thread, nullptr) == 0;
}

}  // namespace

Facts classify_sql(std::string_view sql, const std::vector<std::string>& harmless_functions,
                   const SqlLimits& limits) {
  if (sql.size() > limits.sql_bytes_max) {
    return only_uninspectable(harmless_functions,
                              "longer than " + std::to_string(limits.sql_bytes_max) + " bytes");
  }
  if (sql.find('\0') != std::string_view::npos)
    return only_uninspectable(harmless_functions, "contains a NUL byte");
  Facts facts;
  const bool ran = on_large_stack(limits.stack_bytes,
                                  [&] { facts = parse_and_walk(sql, harmless_functions, limits); });
  if (!ran) return only_uninspectable(harmless_functions, "no memory for the parser");
  return facts;
}

}  // namespace keyturn::facts
