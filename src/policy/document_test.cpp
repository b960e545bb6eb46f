#include "policy/document.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>

#include "doc/yaml.h"
#include "policy/coverage.h"
#include "policy/decide.h"
#include "policy/scalar_place.h"
#include "policy/testing.h"
#include "policy/tests.h"

using namespace keyturn;
using namespace keyturn::policy;
using policy::testing::all;
using policy::testing::rules;

namespace {

std::filesystem::path examples() {
  return std::filesystem::path(__FILE__).parent_path() / "../../examples";
}

std::string example(const std::string& name) {
  const auto path = examples() / name;
  std::ifstream file(path);
  REQUIRE_MESSAGE(file.good(), path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

catalog::Catalog tools(const std::string& text) {
  doc::Problems problems;
  const auto tree = doc::parse_yaml(text, "tools.yaml");
  REQUIRE(tree.has_value());
  auto loaded = catalog::Catalog::load(*tree, problems);
  const std::string said = all(problems);
  CAPTURE(said);
  REQUIRE(loaded.has_value());
  return std::move(*loaded);
}

// Loads a document of one line a rule, after six lines of head, and gives its problems.
doc::Problems problems_of(const std::string& text, const LoadOptions& options = {}) {
  doc::Problems problems;
  (void)Document::load(text, options, problems);
  return problems;
}

const std::string kHead = "apiVersion: keyturn/v1\nkind: Policy\nmetadata: {name: t}\n";

struct Row {
  std::string text, code, says;
  int line, column;  // column 0: any
};

void check_rows(std::span<const Row> rows, bool warnings, const LoadOptions& options = {}) {
  for (const Row& row : rows) {
    CAPTURE(row.text);
    doc::Problems problems;
    const auto document = Document::load(kHead + row.text, options, problems);
    CHECK(document.has_value() == warnings);
    bool found = false;
    for (const auto& p : problems) {
      found |= p.code == row.code && p.warning == warnings &&
               p.message.find(row.says) != std::string::npos &&
               static_cast<int>(p.position.line) == row.line &&
               (row.column == 0 || static_cast<int>(p.position.column) == row.column);
    }
    const std::string said = all(problems);
    CAPTURE(said);
    CHECK(found);
  }
}

}  // namespace

TEST_CASE(
    "every example policy loads without a warning, passes its tests, and they reach every rule") {
  const catalog::Catalog catalog = tools(example("policies/tools.yaml"));
  int loaded = 0;
  for (const auto& entry : std::filesystem::directory_iterator(examples() / "policies")) {
    const std::string name = entry.path().filename().string();
    if (name == "tools.yaml") continue;
    CAPTURE(name);
    doc::Problems problems;
    const auto document =
        Document::load(example("policies/" + name), {.tools = &catalog}, problems);
    const std::string said = all(problems);
    CAPTURE(said);
    REQUIRE(document.has_value());
    CHECK(problems.empty());
    CHECK(document->name() + ".yaml" == name);
    CHECK(document->digest().starts_with("sha256:"));
    for (const TestResult& result : run_tests(*document))
      CHECK_MESSAGE(result.passed, result.message);
    for (const Gap& gap : coverage(*document).gaps) FAIL_CHECK(gap.rule << ": " << gap.message);
    ++loaded;
  }
  CHECK(loaded >= 8);
}

TEST_CASE("the examples that ./run starts with load with their tools, and their tests pass") {
  for (const std::string folder : {"", "demo/"}) {
    std::string text = example(folder + "tools.yaml");
    for (std::size_t at; (at = text.find("@PORT@")) != std::string::npos;)
      text.replace(at, 6, "5432");
    for (std::size_t at; (at = text.find("@PASSWORD_FILE@")) != std::string::npos;)
      text.replace(at, 15, "/tmp/pw");
    const catalog::Catalog catalog = tools(text);
    doc::Problems problems;
    const auto document =
        Document::load(example(folder + "policy.yaml"), {.tools = &catalog}, problems);
    const std::string said = all(problems);
    CAPTURE(said);
    REQUIRE(document.has_value());
    CHECK(document->groups() == std::set<std::string>{"dba", "sre"});
    CHECK_FALSE(run_tests(*document).empty());
  }
}

TEST_CASE("every mistake in a document is refused in its place, with a suggestion") {
  const std::string ok = "rules:\n- {id: a, match: {tool: [t]}, effect: allow}\n";
  const Row rows[] = {
      {"rule: []", "unknown_field", "did you mean \"rules\"?", 4, 0},
      {"rules:\n- {id: a, match: {tool: [t]}, efect: allow}", "unknown_field", "effect", 5, 0},
      {"rules:\n- {id: a, match: {tol: [t]}, effect: allow}", "unknown_field", "tool", 5, 0},
      {"rules:\n- {id: a, match: {tool: [t]}, effect: alow}", "unknown_choice", "alow", 5, 0},
      {"rules:\n- {id: a, effect: allow}", "missing_field", "match", 5, 0},
      {"rules:\n- {match: {}, effect: deny}", "missing_field", "id", 5, 0},
      {"rules:\n- {id: '', match: {}, effect: deny}", "missing_field", "an id that says", 5, 0},
      {"rules:\n- {id: a, match: {tool: [t]}}", "missing_field", "effect", 5, 0},
      {"rules:\n- {id: a, match: {}, effect: deny}\n- {id: a, match: {}, effect: deny}",
       "duplicate_name", "twice", 6, 0},
      {"rules:\n- id: prod-db\n  match: {}\n  when: action.tol == 'x'\n  effect: deny",
       "invalid_expression", "rule \"prod-db\"", 7, 16},
      {"rules:\n- id: a\n  match: {}\n  when: |\n    true &&\n      action.tol == 'x'\n  effect: "
       "deny",
       "invalid_expression", "tol", 9, 0},
      {"rules:\n- id: a\n  match: {}\n  when: request.time\n  effect: deny", "invalid_expression",
       "", 7, 0},
      {"rules:\n- id: a\n  match: {}\n  when: action.tool.matches('(')\n  effect: deny",
       "invalid_expression", "", 7, 0},
      {"rules:\n- id: a\n  match: {}\n  when: action.tool.matches(action.reason)\n  effect: deny",
       "invalid_expression", "constant", 7, 29},
      {"rules:\n- id: a\n  match: {}\n  when: request.time.getHours('Europe/Berlinn') > 3\n  "
       "effect: deny",
       "invalid_expression", "Berlinn", 7, 0},
      {"rules:\n- {id: a, match: {tool: [\"a*b\"]}, effect: deny}", "invalid_glob", "prefix", 5, 0},
      {"rules:\n- {id: a, match: {}, effect: require}", "missing_field", "quorum", 5, 0},
      {"rules:\n- {id: a, match: {}, effect: require, require: {}}", "missing_field", "asks nobody",
       5, 0},
      {"rules:\n- {id: a, match: {}, effect: require, require: {quorum: {dba: 0}}}", "out_of_range",
       "", 5, 0},
      {"rules:\n- {id: a, match: {}, effect: require, require: {quorum: {g: 1}, channels: "
       "[email]}}",
       "unknown_choice", "only notifies", 5, 0},
      {"rules:\n- {id: a, match: {}, effect: require, require: {quorum: {g: 1}, channels: [slak]}}",
       "unknown_choice", "did you mean \"slack\"?", 5, 0},
      {"rules:\n- {id: a, match: {}, effect: deny, require: {quorum: {g: 1}}}", "conflict",
       "require", 5, 0},
      {"rules:\n- {id: a, match: {}, effect: deny, waives: [b]}", "conflict", "waives", 5, 0},
      {"rules:\n- {id: a, match: {}, effect: allow, waives: [bb]}\n- {id: b, match: {}, effect: "
       "deny}",
       "unknown_rule", "bb", 5, 0},
      {"rules:\n- {id: a, match: {}, effect: allow, waives: [b]}\n- {id: b, match: {}, effect: "
       "deny}",
       "not_waivable", "waivable: true", 5, 0},
      {"rules:\n- {id: a, match: {}, effect: modify, modify: {set: {tool: x}}}", "invalid_path",
       "args.NAME", 5, 0},
      {"rules:\n- {id: a, match: {}, effect: defer}", "missing_field", "until", 5, 0},
      {"rules:\n- {id: a, match: {}, effect: defer, defer: {until: '1 + 1'}}", "invalid_expression",
       "", 5, 0},
      {"rules:\n- {id: a, match: {}, effect: deny, tiers: [{when: 'true', effect: deny}, {when: '1 "
       "> 2 || action.tool == \"x\"', effect: deny}]}",
       "shadowed_tier", "never reached", 5, 0},
      {"variables: {a: variables.b, b: variables.a}\n" + ok, "cyclic_variable", "itself", 4, 0},
      {"variables: {a: variables.c}\n" + ok, "invalid_expression", "", 4, 0},
      {"risk: [{when: risk.score > 3, weight: 1, reason: x}]\n" + ok, "cyclic_risk", "itself", 4,
       0},
      {"risk: [{when: 'true', weight: 0, reason: x}]\n" + ok, "out_of_range", "", 4, 0},
      {"mode: watch\n" + ok, "unknown_choice", "observe", 4, 0},
      {"defaults: {onError: allow}\n" + ok, "unknown_choice", "never an approval", 4, 0},
      {"calendar: {freeze: [{start: 2026-01-01, end: 2026-01-02, timezone: Mars}]}\n" + ok,
       "unknown_time_zone", "Mars", 4, 0},
      {ok + "tests:\n- {name: n, set: {action.tool: t}, expect: {effect: deny}}", "test_failed",
       "should be deny and is allow", 7, 0},
      {ok + "tests:\n- {name: n, set: {action.tol: t}, expect: {effect: deny}}", "test_failed",
       "tol", 7, 0},
      {ok + "tests:\n- {name: n, unset: [action.tool], expect: {effect: deny}}", "invalid_path",
       "always there", 7, 0},
      {"rules:\n- {id: a, match: {tool: [t]}, effect: require, require: {quorum: {g: 1}, channels: "
       "[web]}}\n"
       "- {id: b, match: {tool: [t]}, effect: require, require: {quorum: {g: 1}, channels: [cli]}}",
       "no_common_channel", "rule \"a\"", 6, 0},
  };
  check_rows(rows, false);
}

TEST_CASE("what is risky but meant is warned about") {
  const Row rows[] = {
      {"rules:\n- {id: a, match: {}, effect: deny}", "no_selector", "every action", 5, 0},
      {"rules:\n- {id: a, match: {}, effect: allow}", "allows_everything", "", 5, 0},
      {"rules:\n- {id: a, match: {tool: [t]}, when: claims.model == 'm', effect: allow}",
       "depends_on_claims", "allows", 5, 0},
      {"rules:\n- {id: a, match: {tool: [t]}, unless: action.reason != '', effect: deny}",
       "depends_on_claims", "exception", 5, 0},
      {"variables: {m: claims.model}\nrules:\n- {id: a, match: {tool: [t]}, when: variables.m == "
       "'m', effect: allow}",
       "depends_on_claims", "", 6, 0},
      {"defaults: {effect: allow}\nrules: []", "allows_by_default", "", 4, 0},
      {"rules:\n- {id: a, match: {tool: [t]}, when: request.incident != '', effect: require, "
       "require: {quorum: {g: 1}, channels: [web]}}\n"
       "- {id: b, match: {tool: [t]}, effect: require, require: {quorum: {g: 1}, channels: [cli]}}",
       "no_common_channel", "rule \"a\"", 6, 0},
  };
  check_rows(rows, true);
  const auto stricter = problems_of(
      kHead + "rules:\n- {id: a, match: {tool: [t]}, when: claims.model == 'm', effect: deny}");
  CHECK(stricter.empty());
}

TEST_CASE("what a condition may cost is known when it is loaded") {
  const std::string rule = "rules:\n- {id: a, match: {tool: [t]}, effect: deny, when: '";
  const std::string nested = "action.args.a.exists(x, action.args.b.exists(y, x == y.z))'}";
  const Row warned[] = {
      {rule + nested, "may_be_too_costly", "its condition may take ", 5, 0},
      {rule + nested, "may_be_too_costly", "set defaults.costLimit to ", 5, 0},
      {rule + "action.args.text.split(action.args.by).exists(x, x in action.args.all)'}",
       "may_be_too_costly", "lists of 32 items and texts of 1024 bytes", 5, 0},
      {"variables: {v: '[1].exists(x, action.args.a.all(y, y.all(z, z.all(u, u == x))))'}\n" +
           rule + "variables.v'}",
       "may_be_too_costly", "variable \"v\"", 4, 0},
  };
  check_rows(warned, true);
  CHECK(problems_of(kHead + "defaults: {costLimit: 5000000}\n" + rule + nested).empty());
  CHECK(problems_of(kHead + rule + "action.args.a.exists(x, x.b == 1 && x.c in [1, 2])'}").empty());
  std::string many = "request.incident != \"\"";
  for (int i = 0; i < 120; ++i) many += " && request.incident != \"\"";
  const Row refused[] = {{"defaults: {costLimit: 100}\n" + rule + many + "'}", "too_costly",
                          "takes at least 122 steps", 6, 0}};
  check_rows(refused, false);
}

TEST_CASE("arguments are checked with the types of the one tool that a rule names") {
  const catalog::Catalog catalog = tools(
      "tools: {pay: {exec: [/bin/echo, '{{amount}}', '{{to}}'], params: {amount: {type: integer}, "
      "to: {type: string}}}}");
  const LoadOptions options{.tools = &catalog};
  const Row wrong[] = {
      {"rules:\n- {id: a, match: {tool: [pay]}, when: action.args.amont > 3, effect: deny}",
       "invalid_expression", "amont", 5, 0},
      {"rules:\n- {id: a, match: {tool: [pay]}, when: action.args.amount > 'x', effect: deny}",
       "invalid_expression", "", 5, 0},
      {"rules:\n- {id: a, match: {tool: [pay]}, effect: modify, modify: {set: {args.amont: 3}}}",
       "unknown_param", "amont", 5, 0},
      {"rules:\n- {id: a, match: {tool: [pay]}, effect: modify, modify: {set: {args.amount: x}}}",
       "wrong_type", "integer", 5, 0},
  };
  check_rows(wrong, false, options);
  const Row warned[] = {
      {"rules:\n- {id: a, match: {tool: [pai]}, effect: deny}", "unknown_tool",
       "did you mean \"pay\"?", 5, 0},
  };
  check_rows(warned, true, options);
  CHECK(
      problems_of(
          kHead +
              "rules:\n- {id: a, match: {tool: [pay]}, when: action.args.amount > 3, effect: "
              "deny}\n"
              "- {id: b, match: {tool: [pay, \"pa*\"]}, when: action.args.amont > 3, effect: deny}",
          options)
          .empty());
}

TEST_CASE("groups must exist and be able to agree; before the seal that is a warning") {
  const Roster roster{.groups = {{"dba", {"ann"}}, {"sre", {"ann", "bob"}}, {"new", {}}},
                      .owners = {"bob"}};
  struct Check {
    std::string quorum, code;
    bool refused;  // when sealed
  };
  const Check checks[] = {
      {"{quorum: {sre: 1, dba: 1}}", "unsatisfiable",
       false},  // not for agents of bob: ann cannot be both
      {"{quorum: {sre: 2, dba: 1}}", "unsatisfiable", true},
      {"{quorum: {sre: 2}}", "unsatisfiable", false},
      {"{quorum: {dbas: 1}}", "unknown_group", true},
      {"{quorum: {new: 1}}", "unsatisfiable", true},
      {"{any: [{dba: 2}, {dba: 1}]}", "", false},
      {"{stages: [{dba: 1}, {dba: 1}]}", "unsatisfiable", true},
  };
  for (const Check& check : checks) {
    CAPTURE(check.quorum);
    for (const bool sealed : {false, true}) {
      doc::Problems problems;
      const auto document = Document::load(
          kHead + "rules:\n- {id: a, match: {tool: [t]}, effect: require, require: " +
              check.quorum + "}",
          {.roster = &roster, .sealed = sealed}, problems);
      const std::string said = all(problems);
      CAPTURE(said);
      CHECK(document.has_value() == !(sealed && check.refused));
      if (check.code.empty()) {
        CHECK(problems.empty());
      } else {
        REQUIRE_FALSE(problems.empty());
        CHECK(problems[0].code == check.code);
      }
    }
  }
  const Document document =
      rules("- {id: a, match: {tool: [t]}, effect: require, require: {quorum: {dba: 2}}}",
            "tests: [{name: n, set: {action.tool: t}, expect: {effect: require}}]");
  CHECK(run_tests(document)[0].passed);
  CHECK_FALSE(run_tests(document, &roster)[0].passed);
}

TEST_CASE("a digest names what the document says, not how it is written") {
  const std::string rule = "rules: [{id: a, match: {tool: [t]}, effect: deny}]\n";
  const auto digest = [&](const std::string& text) {
    doc::Problems problems;
    const auto document = Document::load(text, {}, problems);
    REQUIRE(document.has_value());
    return document->digest();
  };
  CHECK(digest(kHead + rule) == digest("# a comment\n" + rule + kHead));
  CHECK(digest(kHead + rule) != digest(kHead + "mode: observe\n" + rule));
}

TEST_CASE("rules that no test reaches are found") {
  const Document document = rules(
      "- {id: a, match: {tool: [t]}, effect: allow}\n- {id: b, match: {tool: [u]}, effect: allow}",
      "tests: [{name: n, set: {action.tool: t}, expect: {effect: allow, rules: [a]}}]");
  const Coverage seen = coverage(document);
  REQUIRE(seen.gaps.size() == 1);
  CHECK(seen.gaps[0].rule == "b");
}

TEST_CASE("tests of an observing document say what would be enforced") {
  const Document document = rules(
      "- {id: a, match: {tool: [t]}, effect: deny}",
      "mode: observe\ntests: [{name: n, set: {action.tool: t}, expect: {effect: deny, by: a}}]");
  CHECK(run_tests(document)[0].passed);
}

TEST_CASE("a byte of a scalar is found in its file") {
  struct Place {
    std::string text, needle;
    unsigned line, column;
  };
  const Place places[] = {
      {"k: a == b", "b", 1, 9},          {"k: 'a == b'", "b", 1, 10},
      {"k: \"a == \\\"b\"", "b", 1, 12}, {"k: 'it''s b'", "b", 1, 11},
      {"k: a ==\n  b", "b", 2, 3},       {"k: >-\n  a ==\n    b", "b", 3, 5},
      {"k: |\n  a ==\n  b", "b", 3, 3},
  };
  for (const Place& place : places) {
    CAPTURE(place.text);
    const auto tree = doc::parse_yaml(place.text, "t");
    REQUIRE(tree.has_value());
    const doc::Value& value = *tree->find("k");
    const std::size_t offset = value.as_string().find(place.needle);
    const auto at = place_in_scalar(place.text, value.position(), value.as_string(), offset);
    CHECK(at.line == place.line);
    CHECK(at.column == place.column);
  }
}
