// What a tool says of looking before it runs.
#include <doctest/doctest.h>

#include <algorithm>

#include "catalog/tool.h"
#include "doc/yaml.h"

using namespace keyturn;
using catalog::Catalog;

namespace {

struct Loaded {
  std::optional<Catalog> catalog;
  doc::Problems problems;
};

Loaded load(std::string_view text) {
  Loaded out;
  auto tree = doc::parse_yaml(text, "tools.yaml");
  REQUIRE(tree.has_value());
  out.catalog = Catalog::load(*tree, out.problems);
  return out;
}

constexpr std::string_view kTools = R"yaml(
tools:
  deploy:
    exec: [/usr/bin/deploy, --, "{{ref}}"]
    preview: [/usr/bin/deploy, --dry-run, --, "{{ref}}"]
    state: [/usr/bin/git, -C, /srv/app, rev-parse, HEAD]
    params: {ref: {type: string}}
  only-state:
    exec: [/usr/bin/deploy]
    state: [/usr/bin/git, rev-parse, HEAD]
  plain: {exec: [/usr/bin/deploy]}
  counted:
    sql: {dsn: "host=here", statement: "{{sql}}"}
    params: {sql: {type: string}}
    preview: true
  versions:
    sql: {dsn: "host=here", statement: "{{sql}}"}
    params: {sql: {type: string}}
    preview: true
    state: rows
  off:
    sql: {dsn: "host=here", statement: "{{sql}}"}
    params: {sql: {type: string}}
    preview: false
)yaml";

}  // namespace

TEST_CASE("what is looked at before a tool runs") {
  const Loaded loaded = load(kTools);
  REQUIRE(loaded.catalog);
  const auto of = [&](std::string_view name) { return loaded.catalog->find(name)->preview; };
  using Argv = std::vector<std::string>;
  CHECK(of("deploy")->shows == Argv{"/usr/bin/deploy", "--dry-run", "--", "{{ref}}"});
  CHECK(of("deploy")->state == Argv{"/usr/bin/git", "-C", "/srv/app", "rev-parse", "HEAD"});
  CHECK_FALSE(of("deploy")->counts);
  CHECK(of("only-state")->shows.empty());
  CHECK_FALSE(of("plain"));
  CHECK(of("counted") == catalog::Preview{.counts = true});
  CHECK(of("versions") == catalog::Preview{.state = {"rows"}, .counts = true});
  CHECK_FALSE(of("off"));
}

TEST_CASE("a look that cannot be what it says is refused where it stands") {
  const struct {
    std::string_view tool, code, pointer;
  } rows[] = {
      {"{exec: [/bin/a], preview: []}", "missing_field", "/tools/t/preview"},
      {"{exec: [/bin/a], preview: [b]}", "not_absolute", "/tools/t/preview/0"},
      {"{exec: [/bin/a], state: [\"{{x}}\"]}", "not_absolute", "/tools/t/state/0"},
      {"{exec: [/bin/a], preview: [/bin/b, \"{{x}}\"]}", "unknown_param", "/tools/t/preview/1"},
      {"{exec: [/bin/a], preview: [/bin/b, \"{{x\"]}", "invalid_template", "/tools/t/preview/1"},
      {"{exec: [/bin/a], preview: true}", "wrong_type", "/tools/t/preview"},
      {"{exec: [/bin/a], state: rows}", "wrong_type", "/tools/t/state"},
      {"{exec: [/bin/a], env: {X: {param: x}}, params: {x: {type: string, secret: true}}, "
       "preview: [/bin/b, \"{{x}}\"]}",
       "secret_in_argv", "/tools/t/preview/1"},
      // Only the look would use it: reviewers would agree to what changes nothing.
      {"{exec: [/bin/a], params: {x: {type: string}}, preview: [/bin/b, \"{{x}}\"]}",
       "unused_param", "/tools/t/params/x"},
      {"{mode: grant, enforcement_point: p, preview: [/bin/b]}", "without_effect",
       "/tools/t/preview"},
      {"{mode: grant, enforcement_point: p, state: [/bin/b]}", "without_effect", "/tools/t/state"},
      {"{sql: {dsn: \"host=h\", statement: SELECT 1}, preview: [/bin/b]}", "wrong_type",
       "/tools/t/preview"},
      {"{sql: {dsn: \"host=h\", statement: SELECT 1}, preview: true, state: plan}",
       "unknown_choice", "/tools/t/state"},
      {"{sql: {dsn: \"host=h\", statement: SELECT 1}, state: rows}", "conflict", "/tools/t/state"},
      {"{sql: {dsn: \"host=h\", credential: c, statement: SELECT 1}, preview: true}", "conflict",
       "/tools/t/preview"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.tool);
    const Loaded loaded = load("tools: {t: " + std::string(row.tool) + "}");
    CHECK_FALSE(loaded.catalog);
    const bool said = std::ranges::any_of(loaded.problems, [&](const doc::Problem& p) {
      return p.code == row.code && p.pointer == row.pointer && p.position.line == 1;
    });
    for (const doc::Problem& p : loaded.problems) CAPTURE(doc::to_text(p, "tools.yaml"));
    CHECK(said);
  }
}

TEST_CASE("an argument becomes no option of a program that only looks") {
  const Loaded loaded = load(R"yaml(
tools:
  t:
    exec: [/bin/a, --, "{{x}}"]
    preview: [/bin/b, "{{x}}"]
    params: {x: {type: string}}
  u:
    exec: [/bin/a, --, "{{x}}"]
    state: [/bin/b, "{{x}}"]
    params: {x: {type: string}}
)yaml");
  REQUIRE(loaded.catalog);
  for (const char* name : {"t", "u"}) {
    const catalog::Tool& tool = *loaded.catalog->find(name);
    CHECK(catalog::check_args(tool, doc::object({{"x", "plain"}})));
    const auto refused = catalog::check_args(tool, doc::object({{"x", "--delete"}}));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().where == "/args/x");
  }
}

TEST_CASE("a look is part of the tool's digest") {
  const auto digest = [](std::string_view more) {
    const Loaded loaded = load("tools: {t: {exec: [/bin/a]" + std::string(more) + "}}");
    REQUIRE(loaded.catalog);
    return loaded.catalog->find("t")->digest;
  };
  CHECK(digest("") != digest(", preview: [/bin/b]"));
  CHECK(digest(", state: [/bin/b]") != digest(", preview: [/bin/b]"));
}
