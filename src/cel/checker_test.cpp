#include <doctest/doctest.h>

#include "cel/program.h"

using namespace keyturn::cel;

namespace {

std::string type_of(std::string_view expression, const Environment& env) {
  const auto program = compile(expression, env);
  return program ? to_text(program->result_type()) : "refused: " + to_text(program.error()[0]);
}

}  // namespace

TEST_CASE("expressions have the types that the specification gives them") {
  Environment env;
  env.variable("o", Type::object("o", {{"n", Type::integer()}, {"l", Type::list(Type::string())}}));
  env.variable("open", Type::object("open", {{"n", Type::integer()}}, true));
  env.variable("m", Type::map(Type::string(), Type::integer()));
  env.variable("d", Type::dyn());
  const char* cases[][2] = {
      {"1", "int"},
      {"[1, 2]", "list(int)"},
      {"[1, 'a']", "list(dyn)"},
      {"[]", "list(dyn)"},
      {"[[], [1]]", "list(list(int))"},
      {"{'a': 1u}", "map(string, uint)"},
      {"o.n + 1", "int"},
      {"o.l[0]", "string"},
      {"open.other", "dyn"},
      {"m.x", "int"},
      {"m['x']", "int"},
      {"d.a.b[0]", "dyn"},
      {"d + 1", "int"},
      {"true ? 1 : 2", "int"},
      {"o.l.map(x, x.size())", "list(int)"},
      {"o.l.filter(x, x != '')", "list(string)"},
      {"m.transformMap(k, v, string(v))", "map(string, string)"},
      {"m.transformList(k, v, v)", "list(int)"},
      {"o.l.exists(x, x == 'a')", "bool"},
      {"m.?x", "optional_type(int)"},
      {"m.?x.orValue(1)", "int"},
      {"cel.bind(x, o.n, x + 1)", "int"},
      {"timestamp('2026-01-01T00:00:00Z') - timestamp('2025-01-01T00:00:00Z')", "duration"},
      {"type(1)", "type(int)"},
      {"size(o)", "int"},
      {"'n' in open", "bool"},
      {"math.greatest(1, 2)", "int"},
      {"math.greatest(1, 2.0)", "dyn"},
      {"null", "null"},
  };
  for (const auto& [expression, type] : cases) {
    CAPTURE(expression);
    CHECK(type_of(expression, env) == type);
  }
}

TEST_CASE("what cannot go well is refused before it runs") {
  Environment env;
  env.variable("o", Type::object("o", {{"n", Type::integer()}, {"s", Type::string()}}));
  const char* cases[] = {"o.n + 'a'",      "o.s > 1",          "1 + 1u",      "!1",
                         "o.n.x",          "[1].exists(x, x)", "o.n ? 1 : 2", "1 == 'a'",
                         "o.n in ['a']",   "o.n.map(x, x)",    "unknown",     "f(1)",
                         "o.s.contains()", "o.s.matches('[')", "1 && true",   "{?'a': 1}",
                         "has(o)",         "has(o.x)",         "o.?x",        "-o.s",
                         "size(1)"};
  for (const char* expression : cases) {
    CAPTURE(expression);
    CHECK_FALSE(compile(expression, env).has_value());
  }
}

TEST_CASE("all problems are reported, each once") {
  Environment env;
  env.variable("o", Type::object("o", {{"n", Type::integer()}}));
  const auto program = compile("o.a + o.b > unknown.c && o.n == 'x'", env);
  REQUIRE_FALSE(program.has_value());
  REQUIRE(program.error().size() == 4);
  CHECK(program.error()[0].message == "unknown field \"a\" of o");
  CHECK(program.error()[2].message == "undeclared name \"unknown\"");
  CHECK(program.error()[3].message == "\"==\" does not take (int, string)");
}

TEST_CASE("types cannot grow without bound") {
  const Environment env;
  std::string text;
  for (int i = 0; i < 60; ++i) {
    const std::string before = i == 0 ? "1" : "v" + std::to_string(i - 1);
    text += "cel.bind(v" + std::to_string(i) + ", {'k': [" + before + "], ";
    text += "'l': [" + before + "]}, ";
  }
  text += "v59" + std::string(60, ')');
  CHECK(compile(text, env).has_value());
}
