// What changes with a table: its triggers and rules, and those of the tables that are changed with
// it, as the database's own catalog says.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "connectors/sql/questions.h"
#include "facts/touch.h"

namespace keyturn::connectors::sql {

// A foreign key by which rows of another table go or change as well.
struct Reference {
  std::string table, name;  // whose key it is, as the server writes it; the constraint
  std::string verb;         // DELETE, UPDATE or TRUNCATE of what it refers to
  char how = 'c';           // pg_constraint.confdeltype: c cascade, n set null, d set default
};

struct Reach {
  bool found = false;
  std::string name, kind;  // "public.orders", "partitioned table"
  bool row_security = false;
  std::vector<std::string> triggers, rules, foreign;  // in words, also of the tables below
  std::vector<Reference> references;
  std::string unknown;  // why it could not be asked; else ""
  // Why a count of its rows would be of others than the statement touches; "" it is of these.
  std::string not_counted;
};

// The whole of it: partitions, tables that inherit, what a view is of, foreign keys of any depth.
// `cascades`: of TRUNCATE. Rather too much is said than too little: of a view every table that it
// reads.
Reach reach_of(Questions& questions, const facts::Target& target, bool cascades);

// How words of a reference sound.
std::string effect_of(const Reference& reference);

}  // namespace keyturn::connectors::sql
