// Whatever the bytes: compiling ends with a place or a program, evaluating within its limit, and
// the memory of both is bounded. Expressions of cel-spec's kind, changed at random but the same in
// each run; the fuzz target fuzz_cel goes on from there.
#include "base/bytes.h"

#include <doctest/doctest.h>
#include <malloc.h>

#include <cstdlib>
#include <new>
#include <random>

#include "cel/convert.h"
#include "cel/program.h"
#include "doc/json.h"

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer)
#define KEYTURN_COUNTS_MEMORY 0
#else
#define KEYTURN_COUNTS_MEMORY 1
#endif

namespace {

thread_local std::size_t live = 0, peak = 0;

}  // namespace

#if KEYTURN_COUNTS_MEMORY
// Of this test program only.
void* operator new(std::size_t size) {
  void* got = std::malloc(size == 0 ? 1 : size);
  if (got == nullptr) throw std::bad_alloc();
  live += malloc_usable_size(got);
  peak = std::max(peak, live);
  return got;
}
void operator delete(void* p) noexcept {
  if (p != nullptr) live -= malloc_usable_size(p);
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
  operator delete(p);
}
#endif

using namespace keyturn;
using namespace keyturn::cel;

namespace {

constexpr const char* kSeeds[] = {
    "1 + 2 * 3 % 4 - -5 / 6 == 7 ? 'a' : \"b\"",
    "[1, 2u, 3.5, true, null, b'abc', r'\\x', '''x''']",
    "{'a': [1], 2: {'b': a.n}, true: d}",
    "l.exists(x, x in ['b', 'c']) && !l.all(x, x == 'b') || l.exists_one(x, x > 'b')",
    "l.map(x, x + x).filter(x, x.size() > 1) + l.map(x, x != 'c', x)",
    "l.transformMap(i, v, i % 2 == 0, v) == {0: 'b', 2: 'b'}",
    "m.transformList(k, v, k + string(v.v)).size()",
    "has(m.k.v) && m.k.v && !has(a.missing) && a.?x[?0].orValue(3) == 1",
    "cel.bind(y, l + l, cel.bind(z, y + y, z.size() + y.size()))",
    "t.getHours('Europe/Berlin') < 6 && t - duration('1h30m') < timestamp('2026-01-01T00:00:00Z')",
    ("a.tool.matches('(?i)^s[a-q]+l$') && a.tool.replace('s', 'ssssssss').split('').join('--') != "
     "''"),
    "'%s %d %x %.2f'.format(['x', 1, 255, 2.5]) + base64.encode(b'abc')",
    "math.greatest(1, 2.0, 3u) + math.bitAnd(6, 3) == 5",
    "ip('10.0.0.1') != ip('::1') && cidr('10.0.0.0/8').containsIP('10.1.2.3')",
    "9223372036854775807 + 1 == 0 || 1 / 0 == 1 || true",
    "type(1) == int && dyn(1) == 1.0 && int('42') in [42]",
    "[[[[[[1]]]]]][0][0][0][0][0][0] == {'k': {'k': {'k': 1}}}.k.k.k",
    "((((((((((1))))))))))",
    "'\\u00e9\\U0001F600\\377'.size() > 1 && 'tacocat'.reverse() == 'tacocat'",
};
constexpr const char* kTokens[] = {"(",
                                   ")",
                                   "[",
                                   "]",
                                   "{",
                                   "}",
                                   ".",
                                   ",",
                                   "?",
                                   ":",
                                   "&&",
                                   "||",
                                   "!",
                                   "==",
                                   "in",
                                   "'",
                                   "\"",
                                   "\\",
                                   "-",
                                   "0x",
                                   "1e309",
                                   "u",
                                   "has(",
                                   ".exists(x, ",
                                   ".map(x, ",
                                   "+ l + l",
                                   "\xff",
                                   "\xe2\x80\xae",
                                   "\n",
                                   "//",
                                   "9223372036854775808",
                                   "@result"};

Environment environment() {
  Environment env;
  env.variable("a", Type::object("a", {{"tool", Type::string()}, {"n", Type::integer()}}, true));
  env.variable("m", Type::map(Type::string(), Type::dyn()));
  env.variable("l", Type::list(Type::string()));
  env.variable("d", Type::dyn());
  env.variable("t", Type::timestamp());
  return env;
}

class Bytes {
 public:
  std::string next() {
    std::string text = kSeeds[below(std::size(kSeeds))];
    for (std::size_t i = below(6); i-- > 0;) change(text);
    return text;
  }

 private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  void change(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    const std::size_t length = std::min(below(12), text.size() - at);
    switch (below(5)) {
      case 0:
        text.erase(at, length);
        return;
      case 1:
        text.insert(at, kTokens[below(std::size(kTokens))]);
        return;
      case 2:
        text.insert(at, text.substr(at, length));
        return;
      case 3:
        text.replace(at, length, kSeeds[below(std::size(kSeeds))]);
        return;
      default:
        text.insert(at, 1, static_cast<char>(below(256)));
    }
  }
  std::mt19937_64 random_{20'260'101};
};

constexpr std::uint64_t kLimit = 3000;

void evaluate(const Program& program, const Environment& env, const std::string& source) {
  CAPTURE(source);
  static const auto json = doc::parse_json(
      R"({"a":{"tool":"sql","n":3,"x":[1,2.5,null]},"m":{"k":{"v":true}},"l":["b","c","b"],"d":{"e":[]}})");
  Activation input(env);
  for (const doc::Member& member : json->as_object()) input.set(member.key, from_doc(member.value));
  input.set("t", Value::timestamp({1'795'000'000, 5}));
  (void)program.evaluate(input, nullptr, kLimit);  // what is made once, in the activation and RE2
  const std::size_t before = live;
  peak = live;
  std::uint64_t cost = 0;
  const Value value = program.evaluate(input, &cost, kLimit);
  const std::size_t taken = peak - before;
  if (cost > kLimit) REQUIRE(value.is_error());
  REQUIRE(taken <= 1024 + 64 * cost);
  std::uint64_t again = 0;
  REQUIRE(to_text(program.evaluate(input, &again, kLimit)) == to_text(value));
  REQUIRE(again == cost);
}

}  // namespace

TEST_CASE("any bytes are refused with a place, or compile; then time and memory are bounded") {
  const Environment env = environment();
  Limits limits;
  limits.cost_limit = kLimit;
  Bytes bytes;
  int programs = 0, refused = 0;
  for (int i = 0; i < 60'000; ++i) {
    const std::string text = bytes.next();
    for (const Checking checking : {Checking::kOn, Checking::kOff}) {
      const std::size_t before = live;
      peak = live;
      const auto program = compile(text, env, limits, std::nullopt, checking);
      REQUIRE_MESSAGE(peak - before <= 400'000 + 4'000 * text.size(), text);
      if (program) {
        ++programs;
        evaluate(*program, env, text);
        continue;
      }
      ++refused;
      REQUIRE_FALSE(program.error().empty());
      for (const Diagnostic& d : program.error()) {
        REQUIRE(d.offset <= text.size());
        REQUIRE_FALSE(d.message.empty());
        if (!first_invalid_utf8(text)) REQUIRE_FALSE(first_invalid_utf8(to_text(d)));
      }
    }
  }
  CHECK(programs > 3000);
  CHECK(refused > 3000);
}
