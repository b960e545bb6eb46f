// A shell script and an argv (words by line): facts that can be written down, no crash, no claim.
#include "base/bytes.h"
#include "doc/json.h"
#include "facts/classify.h"
#include "require.h"

using namespace keyturn;

namespace {

void check(const std::vector<std::string>& argv) {
  const Facts facts = facts::classify_argv(argv);
  fuzz::require(facts.operation == "execute");
  fuzz::require(doc::canonical(facts.tree).has_value());
  fuzz::require(facts.uninspectable == facts.tree.find("shell")->flag("uninspectable"));
  fuzz::require(facts.uninspectable != facts.tree.find("why")->as_array().empty());
  fuzz::require(facts.uninspectable ||
                !facts.tree.find_path({"shell", "programs"})->as_array().empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check({"sh", "-c", text});
  std::vector<std::string> argv(1);
  for (const char c : text) {
    if (c == '\n')
      argv.emplace_back();
    else
      argv.back() += c;
  }
  check(argv);
  return 0;
}
