#include "policy/diff.h"

#include <doctest/doctest.h>

#include "doc/json.h"
#include "doc/yaml.h"

using namespace keyturn;
using namespace keyturn::policy;

namespace {

std::string diff(const std::string& before, const std::string& after) {
  const auto a = doc::parse_yaml(before, "a"), b = doc::parse_yaml(after, "b");
  REQUIRE(a.has_value());
  REQUIRE(b.has_value());
  std::string out;
  for (const Difference& one : differences(*a, *b)) {
    out += one.section + " " + one.name + " " + std::string(to_text(one.kind));
    if (one.kind == Difference::Kind::kChanged) {
      for (const Difference::Field& field : one.fields) {
        out += " " + field.path + ":" + (field.before ? doc::write_json(*field.before) : "-") +
               ">" + (field.after ? doc::write_json(*field.after) : "-");
      }
    }
    out += "\n";
  }
  return out;
}

}  // namespace

TEST_CASE("what differs is told by section, name and field") {
  struct Row {
    std::string name, before, after, says;
  };
  const Row table[] = {
      {"order, comments and layout are no difference",
       "rules: [{id: a, effect: allow}, {id: b, effect: deny}]",
       "rules:  # two\n- {effect: deny, id: b}\n- {id: a, effect: allow}", ""},
      {"a rule more", "rules: []", "rules: [{id: a, effect: allow}]", "rules a added\n"},
      {"a rule less", "rules: [{id: a, effect: allow}]", "rules: []", "rules a removed\n"},
      {"no rules section at all", "rules: [{id: a, effect: allow}]", "kind: Policy",
       "kind  added\nrules a removed\n"},
      {"fields, down to the place of a quorum",
       "rules: [{id: a, when: 'x', require: {quorum: {dba: 1}, expires: 1h}}]",
       "rules: [{id: a, unless: 'y', require: {quorum: {dba: 2}, expires: 1h}}]",
       "rules a changed when:\"x\">- require.quorum.dba:1>2 unless:->\"y\"\n"},
      {"lists are one value", "rules: [{id: a, match: {tool: [x]}}]",
       "rules: [{id: a, match: {tool: [x, y]}}]",
       "rules a changed match.tool:[\"x\"]>[\"x\",\"y\"]\n"},
      {"defaults, mode and revision",
       "{metadata: {name: n, revision: 1}, defaults: {effect: deny}}",
       "{metadata: {name: n, revision: 2}, defaults: {effect: allow}, mode: observe}",
       "metadata revision changed :1>2\nmode  added\ndefaults effect changed "
       ":\"deny\">\"allow\"\n"},
      {"variables and calendar", "{variables: {a: '1', b: '2'}, calendar: {f: [{start: s}]}}",
       "{variables: {a: '1', b: '3'}}", "variables b changed :\"2\">\"3\"\ncalendar f removed\n"},
      {"risk terms by their reason", "risk: [{when: 'x', weight: 5, reason: r}]",
       "risk: [{when: 'x', weight: 6, reason: r}]", "risk r changed weight:5>6\n"},
      {"tests by name, also when two share one",
       "tests: [{name: t, expect: {effect: deny}}, {name: t, expect: {effect: allow}}]",
       "tests: [{name: t, expect: {effect: deny}}, {name: t, expect: {effect: deny}}]",
       "tests t #2 changed expect.effect:\"allow\">\"deny\"\n"},
      {"what no document has", "{}", "{surprise: 1}", "surprise  added\n"},
  };
  for (const Row& row : table) {
    CAPTURE(row.name);
    CHECK(diff(row.before, row.after) == row.says);
  }
}
