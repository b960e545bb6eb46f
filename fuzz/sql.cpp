// Whatever the text: facts that can be written down, and never a read that has a reason against it.
#include "base/bytes.h"
#include "doc/json.h"
#include "facts/classify.h"
#include "facts/touch.h"
#include "require.h"

using namespace keyturn;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view sql(reinterpret_cast<const char*>(data), size);
  const Facts facts = facts::classify_sql(sql);
  fuzz::require(doc::canonical(facts.tree).has_value());
  fuzz::require(facts.uninspectable == facts.tree.flag("uninspectable"));
  fuzz::require(!facts.uninspectable || facts.operation == "execute");
  const bool has_reason = !facts.tree.find("why")->as_array().empty();
  fuzz::require(has_reason || !facts.uninspectable);
  // What asks for the rows is one SELECT, and nothing is smuggled into it.
  const auto touches = facts::touches_of(sql, true);
  for (const facts::Touch& touch : touches ? *touches : std::vector<facts::Touch>{}) {
    if (touch.counting.empty()) continue;
    const Facts count = facts::classify_sql(touch.counting, {"hashtextextended"});
    const doc::Value* statements = count.tree.find_path({"sql", "count"});
    fuzz::require(statements != nullptr && statements->as_int64() == 1);
    fuzz::require(facts.operation == "execute" || count.operation != "write");
  }
  if (facts.operation != "read") return 0;
  fuzz::require(!has_reason);
  for (const doc::Value& statement : facts.tree.find_path({"sql", "statements"})->as_array())
    fuzz::require(statement.text("operation") == "read");
  for (const doc::Value& relation : facts.tree.find_path({"sql", "relations"})->as_array())
    fuzz::require(relation.text("access") == "read");
  return 0;
}
