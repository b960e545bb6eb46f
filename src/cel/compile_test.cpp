#include <doctest/doctest.h>

#include "cel/program.h"

using namespace keyturn::cel;

namespace {

Value run(std::string_view expression) {
  const Environment env;
  const auto program = compile(expression, env);
  if (!program) return Value::error("does not compile: " + to_text(program.error()[0]));
  return program->evaluate(Activation(env));
}

struct Case {
  const char* expression;
  const char* result;
};

}  // namespace

TEST_CASE("expressions have the values that the specification gives them") {
  const Case cases[] = {
      {"1 + 2 * 3", "7"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"7 % -4", "3"},
      {"0x1Fu", "31u"},
      {"1.5e3", "1500.0"},
      {"'a' + \"b\"", "\"ab\""},
      {"r'\\d'", "\"\\\\d\""},
      {"'''a'b'''", "\"a'b\""},
      {"b'\\xff'", "b\"\\xff\""},
      {"'\\u00e9'.size()", "1"},
      {"[1, 2] + [3]", "[1, 2, 3]"},
      {"{'a': 1}.a", "1"},
      {"{'a': 1}['a']", "1"},
      {"has({'a': 1}.b)", "false"},
      {"has({'a': 1}.a)", "true"},
      {"[1, 2, 3].all(x, x > 0)", "true"},
      {"[1, 2, 3].exists(x, x == 2)", "true"},
      {"[1, 2, 3].exists_one(x, x > 1)", "false"},
      {"[1, 2, 3].map(x, x * 2)", "[2, 4, 6]"},
      {"[1, 2, 3].map(x, x > 1, x * 2)", "[4, 6]"},
      {"[1, 2, 3].filter(x, x > 1)", "[2, 3]"},
      {"[1, 2].map(x, [3, 4].map(y, x * y))", "[[3, 4], [6, 8]]"},
      {"1 in [1, 2] && !(3 in [1, 2])", "true"},
      {"'k' in {'k': 1}", "true"},
      {"dyn(1) == 1.0 && dyn(1u) == 1", "true"},
      {"1 < 2 ? 'yes' : 'no'", "\"yes\""},
      {"'foobar'.matches('^fo+b')", "true"},
      {"timestamp('2026-11-21T02:30:00Z').getHours('Europe/Berlin')", "3"},
      {"timestamp('2026-11-21T02:30:00Z').getHours('-08:00')", "18"},
      {"timestamp('2026-11-21T02:30:00Z').getDayOfWeek()", "6"},
      {"duration('1h30m') + duration('30s')", "duration(\"5430s\")"},
      {"timestamp('2026-01-01T00:00:00Z') - timestamp('2025-12-31T00:00:00Z') == duration('24h')",
       "true"},
      {"type(1) == int", "true"},
      {"type(int) == type && type(optional.of(1)) == optional_type", "true"},
      {"--1 == 1 && ---1 == -1", "true"},
      {"cel.bind(x, {'a': [1]}, x.a)", "[1]"},
      {"cel.bind(x, 'abc' + 'def', x)", "\"abcdef\""},
      {"{'a': 1}.?a.orValue(2)", "1"},
      {"{}.?a.orValue(2)", "2"},
      {"'a,b'.split(',')", "[\"a\", \"b\"]"},
      {"['x', 'y'].join('-')", "\"x-y\""},
      {"' x '.trim().upperAscii()", "\"X\""},
      {"string(1) + string(1.5) + string(true)", "\"11.5true\""},
      {"int('12') + int(3.9)", "15"},
      {"[1, 2].transformMap(i, v, v * 10)", "{0: 10, 1: 20}"},
      {"math.greatest(1, 5, 3)", "5"},
      {"true || 1 / 0 > 1", "true"},
      {"1 / 0 > 1 || true", "true"},
      {"1 / 0 > 1 && false", "false"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.expression);
    CHECK(to_text(run(c.expression)) == c.result);
  }
}

TEST_CASE("what cannot be computed is an error value") {
  const char* expressions[] = {"1 / 0",
                               "1 % 0",
                               "9223372036854775807 + 1",
                               "-(-9223372036854775808)",
                               "9223372036854775807 * 2",
                               "0u - 1u",
                               "18446744073709551615u + 1u",
                               "[1][1]",
                               "{'a': 1}['b']",
                               "int('x')",
                               "uint(-1)",
                               "int(1e30)",
                               "timestamp('2026-13-01T00:00:00Z')",
                               "duration('5 hours')",
                               "1 / 0 > 1 && true",
                               "[0].all(x, 1 / x > 0)",
                               "string(b'\\xff')",
                               "{dyn(1.5): 1}",
                               "{'a': 1, 'a': 2}"};
  for (const char* expression : expressions) {
    CAPTURE(expression);
    CHECK(run(expression).is_error());
    CHECK_FALSE(run(expression).text().starts_with("does not compile"));
  }
}

TEST_CASE("a wrong expression is refused with its place and a suggestion") {
  Environment env;
  env.variable(
      "action",
      Type::object("action", {{"tool", Type::string()},
                              {"args", Type::object("args", {{"amount", Type::integer()}})}}));
  struct Wrong {
    const char* expression;
    std::uint32_t line;
    std::uint32_t column;
    const char* suggestion;
  };
  const Wrong cases[] = {
      {"action.args.amont > 1", 1, 13, "action.args.amount"},
      {"acton.tool == 'x'", 1, 1, "action"},
      {"action.tool = 'x'", 1, 13, "=="},
      {"true and false", 1, 6, "&&"},
      {"true &&\n  action.tol == ''", 2, 10, "action.tool"},
      {"action.tool.startWith('x')", 1, 13, "startsWith"},
      {"startsWith(action.tool, 'x')", 1, 1, "x.startsWith(...)"},
      {"action.tool > 1", 1, 13, ""},
      {"action.tool.matches('(')", 1, 21, ""},
      {"timestamp('2026-01-01T00:00:00Z').getHours('Mars/Base')", 1, 44,
       "an IANA name such as \"Europe/Berlin\", or \"+01:00\""},
      {"[1].map(1 + 2, 3)", 1, 11, ""},
      {"'abc", 1, 1, ""},
      {"(1", 1, 3, ""},
      {"for", 1, 1, ""},
      {"M{a: 1}", 1, 2, "a map in {}"},
      {"1 < 1.99e90000009", 1, 5, ""},
      {"--9223372036854775808 > 0", 1, 3, ""},
      {"[1].map(__result__, 3)", 1, 9, ""},
  };
  for (const Wrong& c : cases) {
    CAPTURE(c.expression);
    const auto program = compile(c.expression, env);
    REQUIRE_FALSE(program.has_value());
    const Diagnostic& d = program.error()[0];
    CAPTURE(to_text(d));
    CHECK(d.line == c.line);
    CHECK(d.column == c.column);
    CHECK(d.suggestion == c.suggestion);
  }
  CHECK_FALSE(compile("1 + 1", env, {}, Type::boolean()).has_value());
  CHECK(compile("action.tool == 'x'", env, {}, Type::boolean()).has_value());
}

TEST_CASE("limits refuse what is too long, too deep or too large") {
  const Environment env;
  Limits limits;
  limits.expression_bytes_max = 10;
  CHECK_FALSE(compile("1 + 1 + 1 + 1", env, limits).has_value());
  CHECK_FALSE(compile(std::string(5000, '(') + "1" + std::string(5000, ')'), env).has_value());
  CHECK_FALSE(compile(std::string(5000, '[') + std::string(5000, ']'), env).has_value());
  std::string sum = "1";
  for (int i = 0; i < 1000; ++i) sum += "+1";
  CHECK_FALSE(compile(sum, env).has_value());
  std::string any = "true";
  for (int i = 0; i < 1000; ++i) any += "||false";
  CHECK(compile(any, env).has_value());
  std::string nots(20000, '!');
  CHECK(compile(nots + "true", env).has_value());
}
