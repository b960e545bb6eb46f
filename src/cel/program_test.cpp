#include "cel/program.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

using namespace keyturn::cel;

namespace {

Value strings(std::vector<std::string> texts) {
  std::vector<Value> items;
  for (const std::string& t : texts) items.push_back(Value::string(t));
  return Value::list(std::move(items));
}

Value record(std::vector<std::pair<std::string, Value>> fields) {
  std::vector<MapEntry> entries;
  for (auto& [name, value] : fields) entries.push_back({Value::string(name), value});
  return Value::map(std::move(entries));
}

Environment environment() {
  Environment env;
  env.variable("action", Type::map(Type::string(), Type::dyn()));
  env.variable("claims", Type::map(Type::string(), Type::dyn()));
  env.variable("groups", Type::list(Type::string()));
  env.variable("variables", Type::object("variables", {{"n", Type::integer()}}, true));
  return env;
}

Program must(std::string_view text, const Environment& env, const Limits& limits = {}) {
  auto program = compile(text, env, limits);
  REQUIRE(program.has_value());
  return *program;
}

class Counter final : public Resolver {
 public:
  Value resolve(std::string_view name) override {
    ++calls;
    return name == "n" ? Value::integer(41) : Value::no_such_key(name);
  }
  int calls = 0;
};

}  // namespace

TEST_CASE("a program reads its attributes, and names them") {
  const Environment env = environment();
  const Program program =
      must("action.tool == 'sql' && (action.args.rows > 5 || has(claims.model))", env);
  REQUIRE(program.paths().size() == 3);
  CHECK(program.paths()[0].text == "action.tool");
  CHECK(program.paths()[1].text == "action.args.rows");
  CHECK(program.paths()[2].text == "claims.model");
  CHECK(program.depends_on("claims"));
  CHECK(program.depends_on("action.args"));
  CHECK(program.depends_on("claims.model"));
  CHECK_FALSE(program.depends_on("claims.session"));
  CHECK(must("size(claims) > 0", env).depends_on("claims.session"));
  CHECK_FALSE(program.depends_on("act"));
  CHECK_FALSE(program.constant().has_value());

  Activation input(env);
  input.set("action", record({{"tool", Value::string("sql")},
                              {"args", record({{"rows", Value::integer(6)}})}}));
  input.set("claims", record({}));
  CHECK(program.evaluate(input).is_true());
  input.set("action", record({{"tool", Value::string("sql")}, {"args", record({})}}));
  CHECK(to_text(program.evaluate(input)) == "error(\"no such key: action.args.rows\")");
  input.set("claims", record({{"model", Value::string("m")}}));
  CHECK(program.evaluate(input).is_true());
  CHECK(input.get("claims.model").text() == "m");
}

TEST_CASE("a root that was not given is an error, absorbed like any other") {
  const Environment env = environment();
  Activation input(env);
  CHECK(must("action.tool == 'x'", env).evaluate(input).is_error());
  CHECK(must("action.tool == 'x' || true", env).evaluate(input).is_true());
  CHECK(must("has(action.tool)", env).evaluate(input).is_error());
}

TEST_CASE("a resolver is asked once for each field, however many programs read it") {
  const Environment env = environment();
  const Program a = must("variables.n + 1", env);
  const Program b = must("variables.n == 41 && has(variables.n) && !has(variables.other)", env);
  Counter counter;
  Activation input(env);
  input.set("variables", counter);
  CHECK(a.evaluate(input).as_int() == 42);
  CHECK(b.evaluate(input).is_true());
  CHECK(a.evaluate(input).as_int() == 42);
  CHECK(counter.calls == 2);
}

TEST_CASE("a program compiled after the activation was made works with it") {
  const Environment env = environment();
  Activation input(env);
  input.set("groups", strings({"sre"}));
  CHECK(must("'sre' in groups", env).evaluate(input).is_true());
  const Environment other = environment();
  CHECK(must("'sre' in groups", other).evaluate(input).is_error());
}

TEST_CASE("the cost limit cannot be absorbed or outrun") {
  const Environment env = environment();
  Activation input(env);
  input.set("groups", strings(std::vector<std::string>(1000, "g")));
  const Program program =
      must("groups.all(a, groups.all(b, groups.all(c, a == b && b == c))) || true", env);
  std::uint64_t cost = 0;
  CHECK(to_text(program.evaluate(input, &cost, 5000)) == "error(\"cost limit exceeded\")");
  CHECK(cost < 6000);
  CHECK(must("groups.exists(g, g == 'g')", env).evaluate(input, &cost).is_true());
  CHECK(cost < 10);
  const Program doubling = must(
      "cel.bind(a, 'xxxxxxxxxxxxxxxx', cel.bind(b, a+a+a+a+a+a+a+a, cel.bind(c, b+b+b+b+b+b+b+b,"
      "cel.bind(d, c+c+c+c+c+c+c+c, cel.bind(e, d+d+d+d+d+d+d+d, cel.bind(f, e+e+e+e+e+e+e+e,"
      "cel.bind(g, f+f+f+f+f+f+f+f, size(g + groups[0])))))))) > 0",
      env);
  CHECK(to_text(doubling.evaluate(input, &cost)) == "error(\"cost limit exceeded\")");
}

TEST_CASE("comparing values that share their parts costs what it says") {
  const Environment env = environment();
  Activation input(env);
  std::string expression;
  for (int i = 0; i < 40; ++i) {
    const std::string before = i == 0 ? "groups" : "v" + std::to_string(i - 1);
    expression +=
        "cel.bind(v" + std::to_string(i) + ", [dyn(" + before + "), dyn(" + before + ")], ";
  }
  expression += "v39 == [v38, v38]" + std::string(40, ')');
  input.set("groups", strings({"g"}));
  std::uint64_t cost = 0;
  const Value result = must(expression, env).evaluate(input, &cost);
  CHECK(to_text(result) == "error(\"cost limit exceeded\")");
}

TEST_CASE("constants are known when compiled") {
  const Environment env = environment();
  CHECK(must("1 < 2", env).constant()->is_true());
  CHECK(must("[1, 2].exists(x, x == 2)", env).constant()->is_true());
  CHECK(must("1 / 0 == 1", env).constant()->is_error());
  CHECK_FALSE(must("groups == []", env).constant().has_value());
}

TEST_CASE("a function of our own is typed and called") {
  Environment env = environment();
  env.function(
      {"isOdd",
       {{"is_odd", {Type::integer()}, Type::boolean(), true}},
       [](std::span<const Value> args) { return Value::boolean(args[0].as_int() % 2 != 0); }});
  Activation input(env);
  CHECK(must("(3).isOdd() && !(2).isOdd()", env).evaluate(input).is_true());
  CHECK_FALSE(compile("'a'.isOdd()", env).has_value());
}

TEST_CASE("same input, same output, and never past the limit") {
  const Environment env = environment();
  const std::vector<std::string> atoms = {
      "1",        "2u",       "1.5",      "'a'",  "true", "groups",         "action",
      "action.x", "[1, 'a']", "{'a': 1}", "null", "b'z'", "duration('1s')", "dyn(1)"};
  const std::vector<std::string> shapes = {"(A + B)",
                                           "(A == B)",
                                           "(A < B)",
                                           "(A && B)",
                                           "(A || B)",
                                           "[A, B]",
                                           "(A in B)",
                                           "(A ? B : A)",
                                           "groups.map(g, [g, A, B])",
                                           "groups.exists(g, A == B)",
                                           "{'k': A}.k",
                                           "size(A)",
                                           "string(A)",
                                           "!A",
                                           "A[B]"};
  CHECK(rc::check([&] {
    std::string text = *rc::gen::elementOf(atoms);
    const int depth = *rc::gen::inRange(1, 6);
    for (int i = 0; i < depth; ++i) {
      const std::string shape = *rc::gen::elementOf(shapes);
      const std::string other = *rc::gen::elementOf(atoms);
      std::string next;
      for (const char c : shape) next += c == 'A' ? text : c == 'B' ? other : std::string(1, c);
      if (next.size() > 4000) break;
      text = next;
    }
    const auto program = compile(text, env, {}, std::nullopt, Checking::kOff);
    RC_ASSERT(program.has_value());
    Activation input(env);
    input.set("groups", strings({"a", "b", "c"}));
    input.set("action", record({{"x", Value::integer(3)}}));
    std::uint64_t cost = 0;
    const Value first = program->evaluate(input, &cost, 500);
    RC_ASSERT(cost < 500 + 4000);
    const Value second = program->evaluate(input, nullptr, 500);
    RC_ASSERT(to_text(first) == to_text(second));
  }));
}
