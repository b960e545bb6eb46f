// Any text is refused with a place, or loads; then it decides, twice to the same verdict, and
// explains.
#include <string>

#include "doc/json.h"
#include "policy/decide.h"
#include "policy/explain.h"
#include "policy/tests.h"
#include "require.h"

using namespace keyturn;

namespace {

policy::PolicyInput make_input() {
  policy::PolicyInput input = policy::test_base();
  input.tool = "t";
  input.args = doc::object({{"n", 1}, {"s", "x"}});
  return input;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const policy::PolicyInput input = make_input();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  doc::Problems problems;
  const auto document = policy::Document::load(text, {}, problems);
  fuzz::require(document.has_value() != doc::has_errors(problems));
  for (const doc::Problem& p : problems) fuzz::require(!p.code.empty() && !p.message.empty());
  if (!document) return 0;
  const Verdict verdict = policy::decide(*document, input);
  fuzz::require(verdict.effect != Effect::kModify && !verdict.reasons.empty());
  fuzz::require(doc::write_json(to_value(policy::decide(*document, input))) ==
                doc::write_json(to_value(verdict)));
  (void)doc::write_json(policy::explain(*document, input));
  return 0;
}
