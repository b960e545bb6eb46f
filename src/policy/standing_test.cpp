#include "policy/standing.h"

#include <algorithm>
#include <span>

#include "doc/yaml.h"
#include "policy/diff.h"
#include "policy/explain.h"
#include "policy/testing.h"

using namespace keyturn;
using namespace keyturn::policy;
using policy::testing::all;
using policy::testing::input;

namespace {

const std::string kHead =
    "apiVersion: keyturn/v1\nkind: Policy\nmetadata: {name: t}\n"
    "rules: [{id: ask, match: {tool: [pay]}, effect: require, require: {quorum: {a: 1}}}]\n";

catalog::Catalog tools() {
  doc::Problems problems;
  const auto tree = doc::parse_yaml(
      "tools: {pay: {exec: [/bin/echo, '{{amount}}', '{{to}}'], operation: transfer, params: "
      "{amount: {type: integer}, to: {type: string}, pin: {type: string, secret: true, required: "
      "false}}, env: {PIN: {param: pin}}, resource: {kind: account, name: main, env: prod}}}",
      {}, problems);
  REQUIRE(tree.has_value());
  auto loaded = catalog::Catalog::load(*tree, problems);
  const std::string said = all(problems);
  CAPTURE(said);
  REQUIRE(loaded.has_value());
  return std::move(*loaded);
}

struct Row {
  std::string line;  // the fifth, in `standing:`
  bool warning;
  std::string code, says;
};

TEST_CASE("a permission to stand is checked when the document loads") {
  const catalog::Catalog catalog = tools();
  LoadOptions options;
  options.tools = &catalog;
  const std::string rest = "match: {tool: [pay]}, lasts: 7d, uses: 5";
  const Row rows[] = {
      {"{" + rest + "}", false, "missing_field", "id"},
      {"{id: x, lasts: 7d, uses: 5}", false, "missing_field", "needs match: {tool"},
      {"{id: x, match: {env: [prod]}, lasts: 7d, uses: 5}", false, "missing_field",
       "for which tools"},
      {"{id: x, match: {tool: ['*']}, lasts: 7d, uses: 5}", false, "missing_field",
       "for which tools"},
      {"{id: x, match: {tool: [pay]}, uses: 5}", false, "missing_field", "needs lasts"},
      {"{id: x, match: {tool: [pay]}, lasts: 91d, uses: 5}", false, "out_of_range", "90d"},
      {"{id: x, match: {tool: [pay]}, lasts: 30s, uses: 5}", false, "out_of_range", "1m"},
      {"{id: x, match: {tool: [pay]}, lasts: 7d}", false, "missing_field", "needs uses"},
      {"{id: x, match: {tool: [pay]}, lasts: 7d, uses: 0}", false, "out_of_range", "1"},
      {"{id: x, match: {tool: [pay]}, lasts: 7d, uses: 10001}", false, "out_of_range", "10000"},
      {"{id: x, " + rest + ", bounds: [amount]}", false, "invalid_path", "args.NAME"},
      {"{id: x, " + rest + ", bounds: [args.a.b]}", false, "invalid_path", "args.NAME"},
      {"{id: x, " + rest + ", bounds: [args.]}", false, "invalid_path", "args.NAME"},
      {"{id: x, " + rest + ", bounds: [args.amuont]}", false, "unknown_param",
       "did you mean \"amount\""},
      {"{id: x, " + rest + ", bounds: [args.pin]}", false, "secret_param", "cannot be shown"},
      {"{id: x, " + rest + ", when: 'action.args.amount'}", false, "invalid_expression",
       "standing \"x\""},
      {"{id: x, " + rest + ", effect: allow}", false, "unknown_field", "effect"},
      {"{id: x, match: {tool: [pya]}, lasts: 7d, uses: 5}", true, "unknown_tool",
       "no tool is called \"pya\""},
      {"{id: x, match: {tool: [pay], env: [prodd]}, lasts: 7d, uses: 5}", true, "unknown_env",
       "prod"},
      {"{id: x, " + rest + ", when: 'claims.model == \"m\"'}", true, "depends_on_claims",
       "says of itself"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.line);
    doc::Problems problems;
    const auto document =
        Document::load(kHead + "standing:\n- " + row.line + "\n", options, problems);
    const std::string said = all(problems);
    CAPTURE(said);
    CHECK(document.has_value() == row.warning);
    CHECK(std::ranges::any_of(problems, [&](const doc::Problem& p) {
      return p.code == row.code && p.warning == row.warning && p.position.line >= 5 &&
             p.message.find(row.says) != std::string::npos;
    }));
  }
  doc::Problems twice;
  CHECK_FALSE(Document::load(kHead + "standing: [{id: x, " + rest + "}, {id: x, " + rest + "}]\n",
                             options, twice));
  doc::Problems idle;
  CHECK(
      Document::load("apiVersion: keyturn/v1\nkind: Policy\nmetadata: {name: t}\nrules: []\n"
                     "standing: [{id: x, " +
                         rest + "}]\n",
                     options, idle));
  CHECK(idle.back().code == "never_applies");
}

Document load(const std::string& standing) {
  doc::Problems problems;
  auto document = Document::load(kHead + "standing:\n" + standing, {}, problems);
  const std::string said = all(problems);
  CAPTURE(said);
  REQUIRE(document.has_value());
  return std::move(*document);
}

std::vector<std::string> permitted(const Document& document, const PolicyInput& in) {
  std::vector<std::string> out;
  for (const StandingTerms& terms : standing_terms(document, in)) out.push_back(terms.permission);
  return out;
}

TEST_CASE("terms are those of every permission that matches and holds; an error is none") {
  const Document document = load(
      "- {id: small, match: {tool: [pay], env: [prod]}, lasts: 7d, uses: 50, bounds: "
      "[args.amount], "
      "when: 'action.args.amount < 100'}\n"
      "- {id: any, match: {tool: ['pa*'], actor: [bot]}, lasts: 1d, uses: 1}\n"
      "- {id: risky, match: {tool: [pay]}, lasts: 1d, uses: 1, when: 'risk.score > 90'}\n");
  PolicyInput in = input("pay", doc::object({{"amount", 50}}));
  in.resource.env = "prod";
  in.actor.id = "bot";
  CHECK(permitted(document, in) == std::vector<std::string>{"small", "any"});
  const StandingTerms terms = standing_terms(document, in).front();
  CHECK(terms.lasts == Duration(std::chrono::hours(24 * 7)));
  CHECK(terms.uses == 50);
  CHECK(terms.bounds == std::set<std::string>{"amount"});
  in.args = doc::object({{"amount", 500}});
  CHECK(permitted(document, in) == std::vector<std::string>{"any"});
  in.args = doc::Object{};  // no such key: an error
  CHECK(permitted(document, in) == std::vector<std::string>{"any"});
  in.actor.id = "bot2";
  CHECK(permitted(document, in).empty());
  in.tool = "ship";
  CHECK(permitted(document, in).empty());
}

TEST_CASE("a permission decides nothing, and the document that has none is another document") {
  const Document with = load("- {id: any, match: {tool: [pay]}, lasts: 1d, uses: 1}\n");
  const Document more = load("- {id: any, match: {tool: [pay]}, lasts: 1d, uses: 2}\n");
  doc::Problems problems;
  const auto without = Document::load(kHead, {}, problems);
  REQUIRE(without.has_value());
  const PolicyInput in = input("pay");
  CHECK(decide(with, in).effect == Effect::kRequire);
  CHECK(decide(with, in).plan == decide(*without, in).plan);
  CHECK(standing_terms(*without, in).empty());
  CHECK(with.digest() != without->digest());
  CHECK(with.digest() != more.digest());
  const auto changed =
      differences(*doc::parse_yaml(with.text(), "a"), *doc::parse_yaml(more.text(), "b"));
  REQUIRE(changed.size() == 1);
  CHECK(changed.front().section == "standing");
  CHECK(changed.front().name == "any");
  CHECK(changed.front().fields.front().path == "uses");
}

TEST_CASE("explain says which permissions match, and why not") {
  const Document document = load(
      "- {id: small, match: {tool: [pay]}, lasts: 7d, uses: 50, bounds: [args.amount], when: "
      "'action.args.amount < 100'}\n"
      "- {id: dev, match: {tool: [pay], env: [dev]}, lasts: 1d, uses: 1}\n");
  PolicyInput in = input("pay", doc::object({{"amount", 500}}));
  in.resource.env = "prod";
  const doc::Value said = explain(document, in);
  const doc::Array& standing = said.find("standing")->as_array();
  REQUIRE(standing.size() == 2);
  CHECK(standing[0].text("permission") == "small");
  CHECK_FALSE(standing[0].flag("permits"));
  CHECK(standing[0].integer("uses") == 50);
  CHECK(standing[1].text("not_selected_by") == "env");
}

}  // namespace
