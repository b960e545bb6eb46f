// Reads libpg_query's parse tree (as JSON) into facts. Private to facts/.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "doc/value.h"
#include "model/action.h"

namespace keyturn::facts {

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
  // Only while walking: what functions in FROM are called there, with the names that their columns
  // may have; and the references "a.b". PostgreSQL reads x.f as f(x) where x has no column f.
  std::map<std::string, std::set<std::string>> from_functions;
  std::set<std::pair<std::string, std::string>> dotted;
};

// Walks with stacks of its own (hostile SQL nests deeply), but for conditions, whose depth the
// JSON reader has bounded. The tree must outlive the walk.
class Walk {
 public:
  // Names of functions and types, besides PostgreSQL's own, that are known to be harmless.
  explicit Walk(const std::vector<std::string>& harmless)
      : harmless_(harmless.begin(), harmless.end()) {}

  void statement(const doc::Value& tree);  // {"SelectStmt": {...}}
  void uninspectable(std::string why);
  Facts facts() &&;

 private:
  struct Pending {
    std::string_view node;
    const doc::Value* body;
    bool nested;
  };

  void one_statement(const Pending& next);
  void unknown_statement(const Pending& next);
  void vet_functions(Statement& s);
  void dotted_calls(Statement& s);
  void later(const doc::Value* wrapped);  // a statement inside another

  void special(const Pending& next, Statement& s);
  void select(const doc::Value& body, Statement& s);
  void insert(const doc::Value& body, Statement& s);
  void merge(const doc::Value& body, Statement& s);
  void drop(const doc::Value& body, Statement& s);
  void copy(const doc::Value& body, Statement& s);
  void explain(const doc::Value& body, Statement& s);
  void also(std::string_view verb, const Statement& s, bool has_where);
  void written_ranges(const doc::Value& body, Statement& s);

  void expressions(const doc::Value& body, Statement& s);
  bool node_member(const doc::Member& m, Statement& s);
  bool field(const doc::Member& m, Statement& s);
  void node(const doc::Member& m, Statement& s);
  void range_function(const doc::Value& body, Statement& s);
  void column(const doc::Value& body, Statement& s);
  void function(const doc::Value& call, Statement& s);
  void operation_name(const doc::Value* names);
  void type(const doc::Value& name, const Statement& s);

  std::set<std::string> harmless_;
  std::vector<Pending> pending_;
  std::vector<Statement> statements_, extra_;
  std::vector<std::string> why_;
  std::set<std::string> notes_;
  std::size_t count_ = 0;  // of statements that stand by themselves
};

// Does a condition let only some rows through, as far as can be told without data? It must look
// at a column: "1=1", "a = a" and "a = 1 OR true" do not restrict.
bool restricts(const doc::Value* condition);

}  // namespace keyturn::facts
