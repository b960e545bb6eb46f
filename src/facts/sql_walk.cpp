#include "facts/sql_walk.h"

#include <algorithm>
#include <array>

#include "facts/reason.h"
#include "facts/sql_grammar.h"

namespace keyturn::facts {
namespace {

constexpr std::size_t kWalkReasonsMax = 20;

bool is_node_name(std::string_view key) {
  return !key.empty() && key[0] >= 'A' && key[0] <= 'Z';
}

bool is_wrapped(const doc::Value& value) {
  return value.is_object() && value.as_object().size() == 1 &&
         is_node_name(value.as_object().front().key);
}

// The texts of a list of String nodes; "?" for any other node.
std::vector<std::string> texts(const doc::Value* list) {
  std::vector<std::string> out;
  if (list == nullptr || !list->is_array()) return out;
  for (const doc::Value& entry : list->as_array()) {
    const doc::Value* string = entry.find("String");
    out.emplace_back(string == nullptr ? "?" : string->text("sval"));
  }
  return out;
}

void add(Statement& s, std::string_view schema, std::string_view name, bool write) {
  if (!write && s.relations.contains({std::string(schema), std::string(name), true})) return;
  if (write) s.relations.erase({std::string(schema), std::string(name), false});
  s.relations.insert({std::string(schema), std::string(name), write});
}

void add_range(Statement& s, const doc::Value* range_var, bool write) {
  if (range_var != nullptr && range_var->is_object())
    add(s, range_var->text("schemaname"), range_var->text("relname"), write);
}

void at_least_write(Statement& s) {
  if (s.operation == "read") s.operation = "write";
}

std::string object_kind(std::string_view type) {  // OBJECT_TABLE
  if (type.starts_with("OBJECT_")) type.remove_prefix(7);
  std::string out(type);
  std::ranges::transform(out, out.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
  });
  return out;
}

// Fields that hold a structure without its node's name. Any other such field is not understood.
constexpr std::array<std::string_view, 22> kStructures = {
    "alias",      "argType",      "boolval", "bsval",
    "collClause", "cycle_clause", "fval",    "infer",
    "into",       "intoClause",   "ival",    "larg",
    "newowner",   "ofTypename",   "over",    "onConflictClause",
    "partspec",   "pktable",      "rarg",    "relation",
    "sval",       "typeName"};

bool is_known_structure(std::string_view key) {
  return std::ranges::find(kStructures, key) != kStructures.end() || key == "view" ||
         key == "rel" || key == "withClause" || key == "search_clause" || key == "partbound";
}

}  // namespace

void Walk::uninspectable(std::string why) {
  why = short_reason(std::move(why));
  if (why_.size() >= kWalkReasonsMax || std::ranges::find(why_, why) != why_.end()) return;
  why_.push_back(std::move(why));
}

void Walk::statement(const doc::Value& tree) {
  if (!is_wrapped(tree)) return uninspectable("a statement that cannot be told");
  ++count_;
  pending_.push_back({tree.as_object().front().key, &tree.as_object().front().value, false});
  while (!pending_.empty()) {
    const Pending next = pending_.back();
    pending_.pop_back();
    one_statement(next);
  }
}

void Walk::later(const doc::Value* wrapped) {
  if (wrapped == nullptr) return;
  if (!is_wrapped(*wrapped)) return uninspectable("a statement that cannot be told");
  pending_.push_back({wrapped->as_object().front().key, &wrapped->as_object().front().value, true});
}

void Walk::one_statement(const Pending& next) {
  const StatementKind kind = statement_kind(next.node);
  if (kind.verb.empty() || !next.body->is_object()) return unknown_statement(next);
  Statement s{.verb = std::string(kind.verb),
              .object = std::string(kind.object),
              .operation = std::string(kind.operation)};
  s.nested = next.nested;
  special(next, s);
  expressions(*next.body, s);
  dotted_calls(s);
  vet_functions(s);
  statements_.push_back(std::move(s));
  std::ranges::move(extra_, std::back_inserter(statements_));
  extra_.clear();
}

void Walk::unknown_statement(const Pending& next) {
  Statement s{.verb = unknown_verb(next.node, next.body->text("kind")), .operation = "execute"};
  uninspectable("the statement " + s.verb + " is not inspected");
  s.nested = next.nested;
  statements_.push_back(std::move(s));
}

void Walk::vet_functions(Statement& s) {
  const bool reads = s.operation == "read";
  for (const std::string& name : s.functions) {
    if (is_harmless_function(name) || harmless_.contains(name)) continue;
    if (!reads && is_sequence_function(name)) continue;
    s.operation = "execute";
    if (notes_.size() < kWalkReasonsMax)
      notes_.insert("calls " + name + ", which is not known to be harmless");
  }
}

void Walk::dotted_calls(Statement& s) {
  for (const auto& [of, name] : s.dotted) {
    const auto at = s.from_functions.find(of);
    if (at != s.from_functions.end() && !at->second.contains(name)) s.functions.insert(name);
  }
}

// What a statement's own fields mean, beyond the expressions in it.
void Walk::special(const Pending& next, Statement& s) {
  const doc::Value& body = *next.body;
  if (next.node == "SelectStmt") return select(body, s);
  if (next.node == "DropStmt") return drop(body, s);
  if (next.node == "CopyStmt") return copy(body, s);
  if (next.node == "ExplainStmt") return explain(body, s);
  add_range(s, body.find("relation"), true);
  add_range(s, body.find("view"), true);
  if (const doc::Value* into = body.find("into")) add_range(s, into->find("rel"), true);
  written_ranges(body, s);
  later(body.find("query"));
  if (next.node == "UpdateStmt" || next.node == "DeleteStmt")
    s.has_where = restricts(body.find("whereClause"));
  if (next.node == "InsertStmt") insert(body, s);
  if (next.node == "MergeStmt") merge(body, s);
  if (next.node == "GrantStmt" && !body.flag("is_grant")) s.verb = "REVOKE";
  if (next.node == "VacuumStmt" && !body.flag("is_vacuumcmd")) s.verb = "ANALYZE";
  if (next.node == "AlterTableStmt" || next.node == "CreateTableAsStmt")
    s.object = object_kind(body.text("objtype"));
  if (s.object == "matview" && s.verb == "CREATE TABLE AS") s.verb = "CREATE MATERIALIZED VIEW";
  if (next.node == "RenameStmt") s.object = object_kind(body.text("renameType"));
  if (body.find("schemaElts") != nullptr) uninspectable("CREATE SCHEMA with statements inside");
}

void Walk::select(const doc::Value& body, Statement& s) {
  if (body.find("valuesLists") != nullptr) s.verb = "VALUES";
  s.has_where = restricts(body.find("whereClause"));
  const doc::Value* limit = body.find("limitCount");
  s.has_limit = limit != nullptr && limit->find_path({"A_Const", "isnull"}) == nullptr;
}

// A second effect of the same statement, for policies that look for a verb.
void Walk::also(std::string_view verb, const Statement& s, bool has_where) {
  Statement extra{.verb = std::string(verb), .object = s.object, .operation = "write"};
  for (const Relation& r : s.relations) {
    if (r.write) extra.relations.insert(r);
  }
  extra.has_where = has_where;
  extra.nested = true;
  extra_.push_back(std::move(extra));
}

void Walk::insert(const doc::Value& body, Statement& s) {
  const doc::Value* conflict = body.find("onConflictClause");
  if (conflict != nullptr && conflict->text("action") == "ONCONFLICT_UPDATE")
    also("UPDATE", s, true);  // only the row in the way
}

void Walk::merge(const doc::Value& body, Statement& s) {
  s.has_where = restricts(body.find("joinCondition"));
  const doc::Value* clauses = body.find("mergeWhenClauses");
  if (clauses == nullptr || !clauses->is_array()) return;
  std::set<std::string_view> seen;
  for (const doc::Value& entry : clauses->as_array()) {
    const doc::Value* clause = entry.find("MergeWhenClause");
    if (clause == nullptr) continue;
    const std::string_view command = clause->text("commandType");
    if (command == "CMD_NOTHING" || !seen.insert(command).second) continue;
    if (command == "CMD_DELETE" || command == "CMD_UPDATE" || command == "CMD_INSERT")
      also(command.substr(4), s, s.has_where);
    else
      uninspectable("MERGE with an unknown action");
  }
}

void Walk::drop(const doc::Value& body, Statement& s) {
  s.object = object_kind(body.text("removeType"));
  const doc::Value* objects = body.find("objects");
  if (objects == nullptr || !objects->is_array()) return;
  const bool of_table = s.object == "trigger" || s.object == "rule" || s.object == "policy";
  for (const doc::Value& entry : objects->as_array()) {
    const doc::Value* items = entry.find_path({"List", "items"});
    if (items == nullptr) items = entry.find_path({"ObjectWithArgs", "objname"});
    if (items == nullptr) items = entry.find_path({"TypeName", "names"});
    std::vector<std::string> names = texts(items);
    if (const doc::Value* single = entry.find("String"))
      names = {std::string(single->text("sval"))};
    if (of_table && !names.empty()) names.pop_back();
    if (names.empty()) continue;
    if (s.object == "schema")
      add(s, names.back(), "", true);
    else
      add(s, names.size() > 1 ? names[names.size() - 2] : "", names.back(), true);
  }
}

void Walk::copy(const doc::Value& body, Statement& s) {
  const bool from = body.flag("is_from");
  s.operation = from ? "write" : "export";
  if (body.flag("is_program"))
    uninspectable("COPY runs a program");
  else if (body.find("filename") == nullptr)
    uninspectable("COPY speaks a protocol of its own; use SELECT or INSERT");
  add_range(s, body.find("relation"), from);
  later(body.find("query"));
}

void Walk::explain(const doc::Value& body, Statement& s) {
  if (const doc::Value* options = body.find("options"); options && options->is_array()) {
    for (const doc::Value& option : options->as_array()) {
      const doc::Value* element = option.find("DefElem");
      // Even "analyze false": another may follow, and the last one counts.
      if (element != nullptr && element->text("defname") == "analyze") s.verb = "EXPLAIN ANALYZE";
    }
  }
  later(body.find("query"));
}

void Walk::written_ranges(const doc::Value& body, Statement& s) {
  for (const char* key : {"relations", "rels", "objects"}) {
    const doc::Value* ranges = body.find(key);
    if (ranges == nullptr || !ranges->is_array()) continue;
    for (const doc::Value& range : ranges->as_array()) {
      add_range(s, range.find("RangeVar"), true);
      add_range(s, range.find_path({"VacuumRelation", "relation"}), true);
    }
  }
}

namespace {

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

// read < write < export < execute: what needs the most care names the whole.
int weight(std::string_view operation) {
  if (operation == "read") return 0;
  if (operation == "write") return 1;
  return operation == "export" ? 2 : 3;
}

}  // namespace

Facts Walk::facts() && {
  Facts out;
  out.uninspectable = !why_.empty();
  out.operation = statements_.empty() || out.uninspectable ? "execute" : "read";
  std::set<Relation> relations;
  std::set<std::string> functions;
  doc::Array list;
  for (const Statement& s : statements_) {
    if (weight(s.operation) > weight(out.operation)) out.operation = s.operation;
    relations.insert(s.relations.begin(), s.relations.end());
    functions.insert(s.functions.begin(), s.functions.end());
    list.push_back(to_value(s));
  }
  std::vector<std::string> why = why_;
  why.insert(why.end(), notes_.begin(), notes_.end());
  out.tree = doc::object({{"uninspectable", out.uninspectable},
                          {"why", doc::array_of(why)},
                          {"sql", doc::object({{"statements", list},
                                               {"count", static_cast<std::int64_t>(count_)},
                                               {"relations", to_value(relations)},
                                               {"functions", to_value(functions)}})}});
  return out;
}

void Walk::expressions(const doc::Value& body, Statement& s) {
  std::vector<const doc::Value*> stack;
  const auto push = [&](const doc::Member& m, bool top) {
    if (top && (m.key == "query" || m.key == "relation" || m.key == "view")) return;
    if (is_node_name(m.key) ? node_member(m, s) : field(m, s)) stack.push_back(&m.value);
  };
  for (const doc::Member& m : body.as_object()) push(m, true);
  while (!stack.empty()) {
    const doc::Value* v = stack.back();
    stack.pop_back();
    if (v->is_array()) {
      for (const doc::Value& e : v->as_array()) stack.push_back(&e);
    } else if (v->is_object()) {
      for (const doc::Member& m : v->as_object()) push(m, false);
    }
  }
}

// True when the walk should go on below.
bool Walk::node_member(const doc::Member& m, Statement& s) {
  if (m.key == "SelectStmt") return true;  // a subselect belongs to the statement it stands in
  if (m.key.ends_with("Stmt")) {           // a data-modifying CTE
    pending_.push_back({m.key, &m.value, true});
    return false;
  }
  if (!is_plain_node(m.key))
    uninspectable("the expression " + m.key + " is not inspected");
  else
    node(m, s);
  return true;
}

// A field of a node. True when the walk should go on below.
bool Walk::field(const doc::Member& m, Statement& s) {
  const std::string_view key = m.key;
  if (key == "typeName" || key == "ofTypename" || key == "argType") {
    type(m.value, s);
  } else if (key == "intoClause") {
    if (s.verb == "SELECT" || s.verb == "VALUES") s.verb = "SELECT INTO";
    at_least_write(s);
    add_range(s, m.value.find("rel"), true);
    return false;
  } else if (key == "into") {
    return false;
  } else if (key == "lockingClause") {
    at_least_write(s);
  } else if (key == "relation" || key == "pktable") {
    if (!is_wrapped(m.value)) add_range(s, &m.value, false);
  } else if (key == "useOp" || key == "operName") {
    operation_name(&m.value);
  } else if (key == "exclusions") {
    uninspectable("an exclusion constraint");
  } else if (key == "query") {
    uninspectable("a query inside an expression");
  }
  if (m.value.is_object() && !m.value.as_object().empty() && !is_wrapped(m.value) &&
      !is_known_structure(key))
    uninspectable("the field " + m.key + " is not inspected");
  return true;
}

void Walk::node(const doc::Member& m, Statement& s) {
  const doc::Value& body = m.value;
  if (m.key == "RangeVar") {
    add_range(s, &body, false);
  } else if (m.key == "FuncCall") {
    function(body, s);
  } else if (m.key == "A_Expr") {
    if (!body.text("kind").contains("BETWEEN")) operation_name(body.find("name"));
  } else if (m.key == "TypeName") {
    type(body, s);
  } else if (m.key == "RangeFunction") {
    range_function(body, s);
  } else if (m.key == "ColumnRef") {
    column(body, s);
  } else if (m.key == "A_Indirection") {
    const doc::Value* steps = body.find("indirection");
    for (const std::string& name : texts(steps)) {
      if (name != "?") uninspectable("(…)." + name + " may call a function");
    }
  } else if (m.key == "RangeTableSample") {
    const std::vector<std::string> method = texts(body.find("method"));
    if (method.size() != 1 || (method[0] != "bernoulli" && method[0] != "system"))
      uninspectable("a sampling method of its own");
  } else if (m.key == "DefElem" && body.text("defname") == "as") {
    uninspectable("a statement with code inside");
  }
}

void Walk::range_function(const doc::Value& body, Statement& s) {
  std::set<std::string> columns{"value", "key", "ordinality"};
  const doc::Value* alias = body.find("alias");
  if (alias != nullptr) {
    for (std::string& name : texts(alias->find("colnames"))) columns.insert(std::move(name));
    columns.insert(std::string(alias->text("aliasname")));
  }
  std::vector<const doc::Value*> stack{body.find("functions"), body.find("coldeflist")};
  std::set<std::string> names;
  while (!stack.empty()) {  // the calls stand a list or two down
    const doc::Value* v = stack.back();
    stack.pop_back();
    if (v == nullptr) continue;
    if (v->is_array()) {
      for (const doc::Value& e : v->as_array()) stack.push_back(&e);
    } else if (const doc::Value* call = v->find("FuncCall")) {
      if (const auto name = texts(call->find("funcname")); !name.empty()) names.insert(name.back());
    } else if (const doc::Value* column = v->find("ColumnDef")) {
      columns.insert(std::string(column->text("colname")));
    } else if (const doc::Value* items = v->find_path({"List", "items"})) {
      stack.push_back(items);
    }
  }
  columns.insert(names.begin(), names.end());
  if (alias != nullptr) names = {std::string(alias->text("aliasname"))};
  for (const std::string& name : names)
    s.from_functions[name].insert(columns.begin(), columns.end());
}

void Walk::column(const doc::Value& body, Statement& s) {
  const std::vector<std::string> names = texts(body.find("fields"));
  if (names.size() < 2 || names.back() == "?") return;
  s.dotted.emplace(names[names.size() - 2], names.back());
}

void Walk::function(const doc::Value& call, Statement& s) {
  const std::vector<std::string> names = texts(call.find("funcname"));
  if (names.empty()) return uninspectable("a function without a name");
  if (names.size() == 1 || (names.size() == 2 && names[0] == "pg_catalog"))
    s.functions.insert(names.back());
  else
    s.functions.insert(names[names.size() - 2] + "." + names.back());
}

void Walk::operation_name(const doc::Value* names) {
  const std::vector<std::string> parts = texts(names);
  if (parts.empty() || parts.size() > 2 || (parts.size() == 2 && parts[0] != "pg_catalog"))
    return uninspectable("an operator with a schema of its own");
  if (!is_built_in_operator(parts.back()))
    uninspectable("the operator " + parts.back() + " is not a built-in one");
}

void Walk::type(const doc::Value& name, const Statement& s) {
  const std::vector<std::string> parts = texts(name.find("names"));
  if (parts.empty()) return uninspectable("a type without a name");
  const std::string& last = parts.back();
  if (parts.size() == 1 || (parts.size() == 2 && parts[0] == "pg_catalog")) {
    if (is_built_in_type(last) || (parts.size() == 1 && harmless_.contains(last))) return;
    const bool of_column = s.verb == "CREATE TABLE" || s.verb == "ALTER";
    if (of_column && (last == "serial" || last == "bigserial" || last == "smallserial")) return;
  } else if (harmless_.contains(parts[parts.size() - 2] + "." + last)) {
    return;
  }
  uninspectable("the type " + last + " is not a built-in one; a cast to it may run code");
}

}  // namespace keyturn::facts
