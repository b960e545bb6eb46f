#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "cel/program.h"

using namespace keyturn::cel;

namespace {

constexpr SizeMax kSmall{12, 4, 60};

Environment environment() {
  Environment env;
  env.variable("n", Type::integer())
      .variable("t", Type::string())
      .variable("b", Type::bytes())
      .variable("ns", Type::list(Type::integer()))
      .variable("ts", Type::list(Type::string()))
      .variable("m", Type::map(Type::string(), Type::string()))
      .variable("o", Type::object("o", {{"t", Type::string()}, {"ts", Type::list(Type::string())}}))
      .variable("os", Type::list(Type::map(Type::string(), Type::dyn())))
      .variable("d", Type::dyn());
  return env;
}

std::string any_text() {
  const auto bytes = static_cast<std::size_t>(*rc::gen::inRange<int>(0, kSmall.text_bytes + 1));
  std::string out;
  while (out.size() < bytes) out += *rc::gen::elementOf(std::string("ab,.0"));
  return out;
}

Value any_list(const std::function<Value()>& item) {
  std::vector<Value> items(static_cast<std::size_t>(*rc::gen::inRange<int>(0, kSmall.items + 1)));
  for (Value& v : items) v = item();
  return Value::list(std::move(items));
}

Value text_value() {
  return Value::string(any_text());
}

// At most kSmall.items lists of that many: fewer than kSmall.values values.
Value any_value(int depth) {
  switch (*rc::gen::inRange(0, depth > 0 ? 7 : 5)) {
    case 0:
      return Value::integer(*rc::gen::inRange(-3, 10));
    case 1:
      return Value::null();
    case 2:
      return Value::number(1.5);
    case 3:
      return Value::boolean(true);
    case 5:
      return any_list([&] { return any_value(depth - 1); });
    case 6:
      return Value::map(
          {{Value::string("t"), any_value(depth - 1)}, {Value::string("k"), any_value(depth - 1)}});
    default:
      return text_value();
  }
}

void fill(Activation& input) {
  input.set("n", Value::integer(*rc::gen::inRange(-3, 10)));
  input.set("t", text_value());
  input.set("b", Value::bytes(any_text()));
  input.set("ns", any_list([] { return Value::integer(*rc::gen::inRange(-3, 10)); }));
  input.set("ts", any_list(text_value));
  input.set("m",
            Value::map({{Value::string("t"), text_value()}, {Value::string("k"), text_value()}}));
  input.set("o", Value::map({{Value::string("t"), text_value()},
                             {Value::string("ts"), any_list(text_value)}}));
  input.set("os", any_list([] { return Value::map({{Value::string("t"), any_value(1)}}); }));
  input.set("d", any_value(2));
}

// An expression of any form; most compile.
std::string expression(int depth) {
  static const std::vector<std::string> atoms = {
      "n",      "t",        "b",        "ns",   "ts",    "m",     "o",  "os",  "d",
      "o.t",    "o.ts",     "m.k",      "d.t",  "os[0]", "ts[1]", "1",  "'a'", "'a,b.c'",
      "[1, 2]", "['a', t]", "{'k': n}", "true", "null",  "b'ab'", "1.5"};
  if (depth == 0) return *rc::gen::elementOf(atoms);
  // ~ ^ ; stand for expressions.
  static const std::vector<std::string> shapes = {"(~ + ^)",
                                                  "(~ == ^)",
                                                  "(~ != ^)",
                                                  "(~ < ^)",
                                                  "(~ in ^)",
                                                  "~[^]",
                                                  "[~, ^]",
                                                  "{'a': ~, 'b': ^}",
                                                  "(~ ? ^ : ;)",
                                                  "(dyn(~) ? ^ : ;)",
                                                  "(~ && ^ && ;)",
                                                  "(~ || ^)",
                                                  "!~",
                                                  "-~",
                                                  "(~ * ^)",
                                                  "size(~)",
                                                  "~.size()",
                                                  "~.contains(^)",
                                                  "~.startsWith(^)",
                                                  "~.matches('[ab]+')",
                                                  "~.matches(^)",
                                                  "~.split(^)",
                                                  "~.split(',')",
                                                  "~.join(^)",
                                                  "~.join()",
                                                  "~.replace(^, ;)",
                                                  "~.substring(0)",
                                                  "~.indexOf(^)",
                                                  "~.lastIndexOf(^)",
                                                  "~.lowerAscii()",
                                                  "~.trim()",
                                                  "~.reverse()",
                                                  "~.charAt(0)",
                                                  "'%s %d %x'.format([~, ^, ;])",
                                                  "'%.9f'.format([~])",
                                                  "string(~)",
                                                  "int(~)",
                                                  "bytes(~)",
                                                  "type(~)",
                                                  "dyn(~)",
                                                  "strings.quote(~)",
                                                  "base64.encode(~)",
                                                  "~.exists(x, x == ^)",
                                                  "~.all(x, x in ^)",
                                                  "~.exists_one(x, x == ^)",
                                                  "~.map(x, [x, ^])",
                                                  "~.map(x, x + ^)",
                                                  "~.filter(x, x != ^)",
                                                  "~.exists(x, ^.exists(y, x == y))",
                                                  "~.transformList(i, v, [i, v, ^])",
                                                  "~.transformMap(k, v, v == ^)",
                                                  "~.transformMapEntry(k, v, {string(v): ^})",
                                                  "cel.bind(x, ~, [x, x, ^])",
                                                  "optional.of(~).orValue(^)",
                                                  "~[?0].orValue(^)",
                                                  "~.?t.orValue(^)",
                                                  "math.greatest(~)",
                                                  "has(o.t)",
                                                  "has(d.t)",
                                                  "isIP(~)",
                                                  "cidr('10.0.0.0/8').containsIP(~)",
                                                  "timestamp(~).getHours(^)"};
  const std::string shape = *rc::gen::elementOf(shapes);
  std::string out;
  for (const char c : shape) {
    out += c == '~' || c == '^' || c == ';' ? expression(*rc::gen::inRange(0, depth))
                                            : std::string(1, c);
  }
  return out;
}

std::expected<Program, Diagnostics> compiled(const std::string& text, const Environment& env) {
  auto program = compile(text, env);
  return program ? std::move(program) : compile(text, env, {}, std::nullopt, Checking::kOff);
}

template <class Check>
void many(const Check& check) {
  for (int i = 0; i < 20; ++i) check();
}

CostBounds bounds_of(const char* text, const SizeHints& hints = {}) {
  return compile(text, environment())->cost_bounds(hints);
}

}  // namespace

TEST_CASE("no evaluation costs more than the worst case, or less than the best") {
  const Environment env = environment();
  SizeHints hints;
  hints.otherwise = kSmall;
  const auto once = [&] {
    const std::string text = expression(3);
    const auto program = compiled(text, env);
    if (!program) return;
    Activation input(env);
    fill(input);
    std::uint64_t cost = 0;
    const Value value = program->evaluate(input, &cost, std::uint64_t{1} << 40);
    const CostBounds bounds = program->cost_bounds(hints);
    RC_LOG() << text << " = " << to_text(value) << ", cost " << cost << " in " << bounds.least
             << " to " << bounds.most;
    RC_ASSERT(bounds.least <= cost);
    RC_ASSERT(cost <= bounds.most);
  };
  CHECK(rc::check([&] { many(once); }));
}

TEST_CASE("evaluation stops at the limit, and the same input gives the same result") {
  const Environment env = environment();
  const auto once = [&] {
    const std::string text = expression(3);
    const auto program = compiled(text, env);
    if (!program) return;
    Activation input(env);
    fill(input);
    std::uint64_t whole = 0;
    const Value value = program->evaluate(input, &whole, std::uint64_t{1} << 40);
    std::uint64_t again = 0;
    RC_ASSERT(to_text(program->evaluate(input, &again, std::uint64_t{1} << 40)) == to_text(value));
    RC_ASSERT(again == whole);
    const auto limit = *rc::gen::inRange<std::uint64_t>(1, whole + 2);
    std::uint64_t cost = 0;
    const Value limited = program->evaluate(input, &cost, limit);
    RC_LOG() << text << ": " << whole << ", within " << limit << ": " << cost << " "
             << to_text(limited);
    if (whole <= limit) {
      RC_ASSERT(to_text(limited) == to_text(value));
    } else {
      RC_ASSERT(to_text(limited) == "error(\"cost limit exceeded\")");
    }
    RC_ASSERT((cost > limit) == (whole > limit));
  };
  CHECK(rc::check([&] { many(once); }));
}

TEST_CASE("past the limit nothing is gone through any more, however large the input is") {
  const Environment env = environment();
  Activation input(env);
  input.set("ns", Value::list(std::vector<Value>(100'000, Value::integer(1))));
  for (const char* text : {"ns.exists(a, ns.exists(b, a != b)) && ns.exists(c, c == 2)",
                           "ns.all(a, ns.map(b, b + a) == ns) || ns.all(a, a == 1)",
                           "ns.filter(a, a in ns.map(b, b + 1)).size() == 1",
                           "ns.transformMap(i, v, ns.exists(x, x == 2)).size() > 1"}) {
    CAPTURE(text);
    std::uint64_t cost = 0;
    const Value value = compile(text, env)->evaluate(input, &cost, 1000);
    CHECK(value.text() == "cost limit exceeded");
    CHECK(cost < 1100);
  }
}

TEST_CASE("the worst case follows the sizes that are declared") {
  SizeHints hints;
  hints.otherwise = {160, 10, 100};
  CHECK(bounds_of("n == 1", hints).most == 2);
  CHECK(bounds_of("1 + 1 == 2", hints).most == 0);
  CHECK(bounds_of("t.contains('a')", hints).most == 12);
  CHECK(bounds_of("ts.exists(x, x == 'a')", hints).most == 1 + 10 * 3);
  CHECK(bounds_of("ts.exists(x, ts.exists(y, x == y))", hints).most == 1 + 10 * (2 + 10 * 3));
  CHECK(bounds_of("t in ['a', 'b']", hints).most == 5);
  hints.paths["o.ts"] = {16, 3, 4};
  CHECK(bounds_of("o.ts.exists(x, x.contains('a'))", hints).most == 1 + 3 * 4);
  hints.paths["o"] = {0, 1, 2};
  CHECK(bounds_of("o.ts.exists(x, x.contains('a'))", hints).most == 1 + 3 * 4);
  CHECK(bounds_of("o.t.contains('a')", hints).most == 2);
}

TEST_CASE("worst cases too large to count stay the largest number") {
  SizeHints hints;
  hints.otherwise = {1ULL << 40, 1ULL << 40, 1ULL << 40};
  CHECK(bounds_of("ts.all(a, ts.all(b, ts.all(c, a + b == c)))", hints).most == ~std::uint64_t{0});
}
