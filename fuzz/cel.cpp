// Any text is refused with a place, or compiles; then it evaluates within its limits and within the
// bounds that were known before, twice to the same result.
#include <string>

#include "base/bytes.h"
#include "cel/convert.h"
#include "cel/program.h"
#include "doc/json.h"
#include "require.h"

using namespace keyturn;
using cel::Type;

namespace {

cel::Environment make_environment() {
  cel::Environment env;
  env.variable("a", Type::object("a", {{"tool", Type::string()}, {"n", Type::integer()}}, true));
  env.variable("m", Type::map(Type::string(), Type::dyn()));
  env.variable("l", Type::list(Type::string()));
  env.variable("d", Type::dyn());
  env.variable("t", Type::timestamp());
  return env;
}

void evaluate(const cel::Program& program, const cel::Environment& env) {
  static const auto input = doc::parse_json(
      R"({"a":{"tool":"sql","n":3,"x":[1,2.5,null]},"m":{"k":{"v":true}},"l":["b","c","b"],"d":{"e":[]}})");
  constexpr std::uint64_t kLimit = 3000;
  cel::Activation activation(env);
  for (const doc::Member& member : input->as_object()) {
    activation.set(member.key, cel::from_doc(member.value));
  }
  activation.set("t", cel::Value::timestamp({1'795'000'000, 5}));
  std::uint64_t cost = 0;
  const cel::Value value = program.evaluate(activation, &cost, kLimit);
  fuzz::require(cost <= kLimit || value.is_error());
  fuzz::require(cost < kLimit + 500'000);
  cel::SizeHints hints;
  hints.otherwise = {.text_bytes = 8, .items = 8, .values = 32};
  const cel::CostBounds bounds = program.cost_bounds(hints);
  fuzz::require(bounds.least <= cost && (cost > kLimit || cost <= bounds.most));
  const std::string text = cel::to_text(value);
  fuzz::require(text.size() < 3000 && !first_invalid_utf8(text));
  fuzz::require(cel::to_text(program.evaluate(activation, nullptr, kLimit)) == text);
  if (const auto written = cel::to_doc(value)) (void)doc::write_json(*written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const cel::Environment env = make_environment();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  cel::Limits limits;
  limits.cost_limit = 3000;
  for (const cel::Checking checking : {cel::Checking::kOn, cel::Checking::kOff}) {
    const auto program = cel::compile(text, env, limits, std::nullopt, checking);
    if (program) {
      evaluate(*program, env);
      continue;
    }
    fuzz::require(!program.error().empty());
    for (const cel::Diagnostic& d : program.error()) {
      fuzz::require(d.offset <= size && d.line >= 1 && d.column >= 1 && !d.message.empty());
      fuzz::require(first_invalid_utf8(text) || !first_invalid_utf8(cel::to_text(d)));
    }
  }
  return 0;
}
