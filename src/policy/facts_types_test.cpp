// The facts that facts/ produces and the facts that a policy may name are the same, with the same
// types: a fact without a declared type could not be used, a declared one that is never there would
// deny.
#include <set>

#include "facts/classify.h"
#include "policy/testing.h"
#include "policy/types.h"

using namespace keyturn;
using namespace keyturn::policy;

namespace {

using Lines = std::set<std::string>;

std::string kind_of(const doc::Value& value) {
  if (value.is_bool()) return "bool";
  if (value.is_string()) return "string";
  return value.is_number() ? "int" : "?";
}

// "facts.sql.statements[].verb: string", for every leaf.
void list_value(const doc::Value& value, const std::string& path, Lines& out) {
  if (value.is_object()) {
    for (const doc::Member& m : value.as_object()) list_value(m.value, path + "." + m.key, out);
  } else if (value.is_array()) {
    for (const doc::Value& item : value.as_array()) list_value(item, path + "[]", out);
  } else {
    out.insert(path + ": " + kind_of(value));
  }
}

void list_type(const cel::Type& type, const std::string& path, Lines& out) {
  if (type.is(cel::TypeKind::kObject)) {
    CAPTURE(path);
    CHECK_FALSE(type.open());  // a misspelt fact must not pass the checker
    for (const cel::Field& field : type.fields()) {
      list_type(field.type, path + "." + field.name, out);
    }
  } else if (type.is(cel::TypeKind::kList)) {
    list_type(type.parameter_at(0), path + "[]", out);
  } else {
    out.insert(path + ": " + cel::to_text(type));
  }
}

// Leaves of everything that the classifiers say. Between them these fill every list.
Lines produced() {
  Lines out;
  for (const std::string_view sql :
       {"SELECT lower(name) FROM s.a WHERE id = 1 LIMIT 1", "DROP TABLE t",
        "WITH d AS (DELETE FROM a RETURNING id) SELECT id FROM d", "COPY t TO '/x'", "DO 'x'",
        ""}) {
    list_value(facts::classify_sql(sql).tree, "facts", out);
  }
  for (const std::vector<std::string>& argv :
       {std::vector<std::string>{"/bin/sh", "-c", "rm -rf /x | cat"},
        {"/usr/bin/python3", "-c", "1"},
        {"/bin/ls"},
        {}}) {
    list_value(facts::classify_argv(argv).tree, "facts", out);
  }
  list_value(facts::classify_kubernetes({.method = "GET", .url = "https://k/healthz?x=1"}).tree,
             "facts", out);
  return out;
}

Lines declared() {
  Lines out;
  list_type(*base_environment(Calendar{}).find_variable("facts"), "facts", out);
  return out;
}

}  // namespace

TEST_CASE("the facts that are produced are the facts that policy types declare") {
  const Lines made = produced(), known = declared();
  for (const std::string& line : made) {
    CAPTURE(line);
    CHECK(known.contains(line));
  }
  for (const std::string& line : known) {
    CAPTURE(line);
    CHECK(made.contains(line));
  }
}

TEST_CASE("a rule may name what a statement does, and code in an argv") {
  const Document document = policy::testing::rules(
      "- {id: a, match: {}, when: 'facts.sql.statements.exists(s, s.operation == \"export\")', "
      "effect: deny}\n"
      "- {id: b, match: {}, when: facts.shell.inline, effect: deny}\n");
  CHECK(document.rule_count() == 2);
}

TEST_CASE("a misspelt fact is an error") {
  for (const std::string_view path : {"facts.shell.inlin", "facts.sql.counts > 1"}) {
    doc::Problems problems;
    CHECK_FALSE(
        Document::load("apiVersion: keyturn/v1\nkind: Policy\nmetadata: {name: t}\nrules:\n"
                       "- {id: a, match: {}, when: " +
                           std::string(path) + ", effect: deny}\n",
                       {}, problems));
    CHECK(policy::testing::all(problems).find("did you mean") != std::string::npos);
  }
}
