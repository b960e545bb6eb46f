// One broken document for each check of a load: where it is wrong, and what to do.
#include <span>

#include "doc/yaml.h"
#include "policy/implies.h"
#include "policy/testing.h"

using namespace keyturn;
using namespace keyturn::policy;
using policy::testing::all;

namespace {

constexpr const char* kHead = "apiVersion: keyturn/v1\nkind: Policy\nmetadata: {name: t}\nrules:\n";
constexpr bool kError = false, kWarning = true;

struct Row {
  std::string rules;  // the first line of it is line 5
  bool warning;
  std::string code;
  int line, column;
  std::string says, suggests;
};

catalog::Catalog tools() {
  doc::Problems problems;
  const auto tree = doc::parse_yaml(
      "tools: {pay: {exec: [/bin/echo, '{{amount}}', '{{to}}'], operation: transfer, params: "
      "{amount: {type: integer}, to: {type: string}}, resource: {kind: account, name: main, env: "
      "prod}}}",
      {}, problems);
  REQUIRE(tree.has_value());
  auto loaded = catalog::Catalog::load(*tree, problems);
  REQUIRE(loaded.has_value());
  return std::move(*loaded);
}

void check(const Row& row, const LoadOptions& options) {
  CAPTURE(row.rules);
  doc::Problems problems;
  const auto document = Document::load(kHead + row.rules, options, problems);
  const std::string said = all(problems);
  CAPTURE(said);
  CHECK(document.has_value() == row.warning);
  bool found = false;
  for (const doc::Problem& p : problems) {
    found |= p.code == row.code && p.warning == row.warning &&
             static_cast<int>(p.position.line) == row.line &&
             static_cast<int>(p.position.column) == row.column &&
             p.message.find(row.says) != std::string::npos &&
             p.message.find(row.suggests) != std::string::npos;
  }
  CHECK(found);
}

void check_all(std::span<const Row> rows, const LoadOptions& options = {}) {
  for (const Row& row : rows) check(row, options);
}

// A rule for the tool t, an attribute a line.
std::string rule(const std::string& id, const std::string& more) {
  return "- id: " + id + "\n  match: {tool: [pay]}\n  " + more + "\n";
}

}  // namespace

TEST_CASE("an expression that is wrong is shown in its place, with what was meant") {
  const auto when = [](const std::string& text) {
    return rule("a", "when: " + text + "\n  effect: deny");
  };
  const std::string code = "invalid_expression";
  const Row rows[] = {
      {when("request.time"), kError, code, 7, 9, "of type timestamp, expected bool", "comparison"},
      {when("actor.groups == 'x'"), kError, code, 7, 22, "list(string), string", "ELEMENT in LIST"},
      {when("risk.score + 'x' == ''"), kError, code, 7, 20, "(int, string)", "string(...)"},
      {when("request.time > 3"), kError, code, 7, 22, "timestamp, int", "timestamp(\""},
      {when("risk.score in 3"), kError, code, 7, 20, "(int, int)", "KEY in MAP"},
      {when("acton.tool == ''"), kError, code, 7, 9, "\"acton\"", "did you mean action?"},
      {when("operation == ''"), kError, code, 7, 9, "\"operation\"", "action.operation?"},
      {when("action.tol == ''"), kError, code, 7, 16, "\"tol\"", "action.tool?"},
      {when("action.tool.startWith('x')"), kError, code, 7, 21, "startWith", "startsWith?"},
      {when("variables.x == 1"), kError, code, 7, 19, "\"x\"", ""},
      {when("calendar.in_freze"), kError, code, 7, 18, "in_freze", "calendar.in_freeze?"},
      {when("action.args.amont > 3"), kError, code, 7, 21, "amont", "action.args.amount?"},
      {when("action.args.amount > 'x'"), kError, code, 7, 28, "(int, string)", ""},
      {when("action.tool = 'x'"), kError, code, 7, 21, "no operator", "==?"},
      {when("action.tool.matches('(')"), kError, code, 7, 29, "regular expression", "missing )"},
      {when("action.tool.matches(action.reason)"), kError, code, 7, 29, "constant", "startsWith()"},
      {when("matches(action.tool, 'a' + action.reason)"), kError, code, 7, 34, "constant",
       "contains()"},
      {when("request.time.getHours('Mars') > 3"), kError, code, 7, 31, "\"Mars\"",
       "\"Europe/Berlin\""},
      {when("request.time.getHours(action.reason) > 3"), kError, code, 7, 31, "constant",
       "\"Europe/Berlin\""},
  };
  const catalog::Catalog catalog = tools();
  check_all(rows, {.tools = &catalog});
  for (const char* good : {"action.tool.matches('a' + '.*')", "action.tool.matches(('x'))",
                           "action.reason == '.matches(x) .getHours(\"Mars\")'",
                           "request.time.getHours('+02:00') > 1"}) {
    doc::Problems problems;
    CHECK(Document::load(kHead + when(good), {}, problems).has_value());
    CHECK(all(problems) == "");
  }
}

TEST_CASE("a word that nobody knows is shown in its place, with the nearest that is known") {
  const std::string plan = "effect: require\n  require: {quorum: {g: 1}, ";
  const Row rows[] = {
      {"- {id: a, match: {tol: [pay]}, effect: deny}", kError, "unknown_field", 5, 19, "tol",
       "\"tool\""},
      {"- {id: a, match: {tool: [pay]}, efect: deny}", kError, "unknown_field", 5, 33, "efect",
       "\"effect\""},
      {rule("a", "effect: alow"), kError, "unknown_choice", 7, 11, "alow", "\"allow\""},
      {rule("a", "effect: deny\n  mode: shaddow"), kError, "unknown_choice", 8, 9, "mode",
       "enforce or shadow"},
      {rule("a", plan + "assurance: paskey}"), kError, "unknown_choice", 8, 40, "assurance",
       "\"passkey\""},
      {rule("a", plan + "channels: [slak]}"), kError, "unknown_choice", 8, 39, "slak", "\"slack\""},
      {rule("a", plan + "notify: [emai]}"), kError, "unknown_choice", 8, 37, "emai", "\"email\""},
      {rule("a", plan + "evidence: cosignd}"), kError, "unknown_choice", 8, 39, "cosignd",
       "\"cosigned\""},
      {rule("a", plan + "retype: resource.nam}"), kError, "unknown_choice", 8, 37, "resource.nam",
       "\"resource.name\""},
      {rule("a", plan + "expires: 1 hour}"), kError, "bad_duration", 8, 38, "no duration", "4h"},
      {rule("a", "effect: modify\n  modify: {set: {args.amont: 3}}"), kError, "unknown_param", 8,
       18, "amont", "\"amount\""},
      {rule("a", "effect: modify\n  modify: {set: {args.amount: x}}"), kError, "wrong_type", 8, 31,
       "args.amount", "integer"},
      {"- {id: a, match: {tool: [pai]}, effect: deny}", kWarning, "unknown_tool", 5, 18, "pai",
       "\"pay\""},
      {"- {id: a, match: {tool: [\"iam.*\"]}, effect: deny}", kWarning, "unknown_tool", 5, 18,
       "iam.", "define one"},
      {"- {id: a, match: {env: [prodd]}, effect: deny}", kWarning, "unknown_env", 5, 18, "prodd",
       "\"prod\""},
      {"- {id: a, match: {kind: [acount]}, effect: deny}", kWarning, "unknown_kind", 5, 18,
       "acount", "\"account\""},
      {"- {id: a, match: {operation: [tranfer]}, effect: deny}", kWarning, "unknown_operation", 5,
       18, "tranfer", "\"transfer\""},
      {rule("a", "effect: allow\n  waives: [freze]") + rule("freeze", "effect: deny"), kError,
       "unknown_rule", 8, 11, "freze", "\"freeze\""},
      {rule("a", "effect: deny") + "tests:\n- {name: n, expect: {by: aa}}", kError, "unknown_rule",
       9, 21, "aa", "is no rule"},
      {rule("freeze", "effect: deny") + "tests:\n- {name: n, expect: {rules: [freze]}}", kError,
       "unknown_rule", 9, 21, "freze", "\"freeze\""},
      {rule("a", "effect: deny") + "variables: {in-hours: 'true'}", kError, "invalid_name", 8, 24,
       "in-hours", "such as in_hours"},
  };
  const catalog::Catalog catalog = tools();
  check_all(rows, {.tools = &catalog});
}

TEST_CASE("rules that cannot work, alone or together, are shown in their place, with a way out") {
  const auto plan = [](const std::string& more) {
    return "effect: require\n  require: {quorum: {g: 1}, " + more + "}";
  };
  const auto tiers = [](const std::string& first, const std::string& second) {
    return rule("a", "effect: deny\n  tiers:\n  - {when: '" + first +
                         "', effect: deny}\n  - {when: '" + second + "', effect: allow}");
  };
  const std::string sometimes = "when: risk.score > 5\n  ";
  const Row rows[] = {
      {tiers("true", "risk.score > 5"), kError, "shadowed_tier", 10, 5, "tier 1 always holds",
       "put tier 2 before it"},
      {tiers("risk.score > 5", "risk.score >  5"), kError, "shadowed_tier", 10, 5,
       "tier 1 holds wherever it does", "remove it"},
      {tiers("risk.score > 5", "risk.score > 50"), kError, "shadowed_tier", 10, 5, "never reached",
       "put tier 2 before it"},
      {tiers("risk.score >= 5 || facts.uninspectable", "risk.score > 5 && action.tool != \"x\""),
       kError, "shadowed_tier", 10, 5, "never reached", "put tier 2 before it"},
      {tiers("false", "risk.score > 50"), kWarning, "shadowed_tier", 9, 5, "can never hold",
       "remove it"},
      {rule("a", "when: 'false'\n  effect: deny"), kWarning, "never_applies", 7, 9, "never true",
       "mend the condition"},
      {rule("a", "unless: 1 < 2\n  effect: deny"), kWarning, "never_applies", 7, 11, "always holds",
       "mend `unless`"},
      {rule("a", plan("channels: [web]")) + rule("b", plan("channels: [cli], assurance: token")),
       kError, "no_common_channel", 12, 12, "together with rule \"a\"", "allow one channel"},
      {rule("a", plan("channels: [web]")) +
           rule("b", sometimes + plan("channels: [cli], assurance: token")),
       kWarning, "no_common_channel", 13, 12, "together with rule \"a\"", "allow one channel"},
      {rule("a", plan("channels: [web, cli]")) + rule("b", plan("channels: [web, slack]")) +
           rule("c", plan("channels: [cli, slack], assurance: token")),
       kError, "no_common_channel", 16, 12, "rules \"b\" and \"a\"", "allow one channel"},
      {rule("a", plan("retype: resource.name")) + rule("b", plan("retype: resource.env")), kError,
       "retype_conflict", 12, 12, "rule \"a\"", "ask for the same"},
      {rule("a", plan("channels: [api]")), kWarning, "no_vote_possible", 8, 12, "session",
       "add web to channels, or say assurance: token"},
      {rule("a", "effect: modify\n  modify: {set: {args.n: 1}}") +
           rule("b", "effect: modify\n  modify: {set: {args.n: 2}}"),
       kError, "conflict", 12, 18, "otherwise than rule \"a\"", "set one value"},
      {rule("a", "effect: modify\n  modify: {set: {args.n: 1}}") +
           rule("b", sometimes + "effect: modify\n  modify: {set: {args.n.m: 1}}"),
       kWarning, "conflict", 13, 18, "sets args.n.m otherwise", "match fewer actions"},
      {rule("a", "effect: modify\n  modify: {set: {args.n: 1, args.n.m: 2}}"), kError, "conflict",
       8, 29, "inside the other", "keep one"},
      {rule("a", "effect: allow\n  waives: [b]") + rule("b", "effect: deny"), kError,
       "not_waivable", 8, 11, "does not say waivable: true", "say so there"},
      {rule("a", "effect: allow\n  waives: [b]") +
           "- {id: b, match: {tool: [other]}, effect: deny, waivable: true}",
       kWarning, "waives_nothing", 8, 11, "no action matches both", "widen match"},
      {"- id: a\n  match: {}\n  effect: deny", kWarning, "no_selector", 6, 10, "every action",
       "name tools"},
      {"- id: a\n  match: {}\n  effect: allow", kWarning, "allows_everything", 6, 10, "everything",
       "name what is allowed"},
      {rule("a", "when: has(claims.x)\n  effect: allow"), kWarning, "depends_on_claims", 7, 9,
       "what the agent says of itself", "facts, resource or actor"},
      {rule("a",
            "when: action.args.a.exists(x, action.args.b.exists(y, x == y.z))\n  effect: deny"),
       kWarning, "may_be_too_costly", 7, 9, "steps", "set defaults.costLimit to"},
      {rule("a", "effect: deny") + rule("a", "effect: deny"), kError, "duplicate_name", 8, 3,
       "twice", "another id"},
      {rule("a", "effect: deny") +
           "tests:\n- {name: n, set: {action.tool: pay}, expect: {effect: allow}}",
       kError, "test_failed", 9, 3, "should be allow and is deny", "(a denies)"},
      {rule("a", "effect: deny") +
           "calendar: {freeze: [{start: 2026-01-01, end: 2026-01-02, timezone: Mars}]}",
       kError, "unknown_time_zone", 8, 68, "Mars", "Europe/Berlin"},
  };
  check_all(rows);
}

TEST_CASE("people who are not there are shown at the plan that asks them, with a way out") {
  const Roster roster{.groups = {{"dba", {"ann"}}, {"sre", {"ann", "bob"}}}, .owners = {"bob"}};
  const auto asks = [](const std::string& quorum) {
    return rule("a", "effect: require\n  require: {" + quorum + "}");
  };
  const Row sealed[] = {
      {asks("quorum: {dbas: 1}"), kError, "unknown_group", 8, 12, "dbas", "\"dba\""},
      {asks("quorum: {dba: 1}, veto: [legal]"), kError, "unknown_group", 8, 12, "legal",
       "put people into it"},
      {asks("quorum: {dba: 1, sre: 2}"), kError, "unsatisfiable", 8, 12, "nobody could agree",
       "add people, or ask for fewer"},
      {asks("quorum: {sre: 2}"), kWarning, "unsatisfiable", 8, 12, "an agent of bob",
       "add people, or ask for fewer"},
  };
  check_all(sealed, {.roster = &roster, .sealed = true});
}

TEST_CASE("rules that only seem to meet are left alone") {
  const auto plan = [](const std::string& id, const std::string& tools, const std::string& more) {
    return "- {id: " + id + ", match: {tool: [" + tools +
           "]}, effect: require, require: {quorum: {g: 1}, " + more + "}}\n";
  };
  const std::string pairs = plan("a", "x, y", "channels: [web, cli]") +
                            plan("b", "y, z", "channels: [web, slack]") +
                            plan("c", "x, z", "channels: [cli, slack], assurance: token");
  doc::Problems problems;
  (void)Document::load(kHead + pairs, {}, problems);
  CHECK(all(problems) == "");
}

TEST_CASE("what one condition implies of another") {
  const std::pair<const char*, const char*> implied[] = {
      {"a > 10", "a > 1"},
      {"a > 1", "a >= 1"},
      {"a >= 2", "a > 1"},
      {"a < 1", "a < 10"},
      {"10 < a", "a > 1"},
      {"a > 1 && b", "b"},
      {"a", "a || b"},
      {"a && b", "a && b"},
      {"a > 5 && b", "a > 1 || c"},
      {"a > 9 || a > 8", "a > 7"},
      {"x.exists(y, y == 1)", "x.exists(y, y==1)"},
      {"a > 5.5", "a > 5"},
  };
  for (const auto& [from, to] : implied) CHECK_MESSAGE(implies(from, to), from << " -> " << to);
  const std::pair<const char*, const char*> not_implied[] = {
      {"a > 1", "a > 10"}, {"a >= 1", "a > 1"}, {"a > 1", "b > 1"},    {"a > 1", "a < 10"},
      {"a || b", "a"},     {"a", "a && b"},     {"a == 1", "a == 1u"}, {"!a", "a"},
  };
  CHECK(implies("a(", "a("));  // word for word
  for (const auto& [from, to] : not_implied) {
    CHECK_MESSAGE(!implies(from, to), from << " -> " << to);
  }
}

TEST_CASE("the tools of an MCP server are known by its name: which it has, it says later") {
  doc::Problems problems;
  const auto tree = doc::parse_yaml(
      "upstreams: {files: {attached: true, operations: {\"send_*\": transfer}}}", {}, problems);
  REQUIRE(tree.has_value());
  const auto catalog = catalog::Catalog::load(*tree, problems);
  REQUIRE(catalog.has_value());
  const auto warned = [&](const std::string& match) {
    doc::Problems found;
    const auto document =
        Document::load(std::string(kHead) + "- {id: a, match: {" + match + "}, effect: deny}",
                       {.tools = &*catalog}, found);
    CHECK(document.has_value());
    return all(found);
  };
  CHECK(warned("tool: [files.write_file]").empty());
  CHECK(warned("tool: [\"files.*\"]").empty());
  CHECK(warned("tool: [\"files.write_*\"]").empty());
  CHECK(warned("tool: [\"fi*\"], operation: [transfer], kind: [mcp]").empty());
  CHECK(warned("tool: [file.write_file]").contains("unknown_tool"));
  CHECK(warned("tool: [\"filez.*\"]").contains("unknown_tool"));
  CHECK(warned("tool: [files]").contains("unknown_tool"));
  CHECK(warned("tool: [\"files.*\"], operation: [transver]").contains("transfer"));
}
