// identity.yaml: a document, or problems with an error among them; and patterns of claims.
#include "require.h"
#include "trust/document.h"

using namespace keyturn;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  doc::Problems problems;
  const auto document = trust::load(text, problems);
  fuzz::require(document.has_value() != doc::has_errors(problems));
  if (document) {
    for (const auto& [name, one] : document->providers)
      fuzz::require(trust::is_safe_url(one.issuer) && !one.client_id.empty());
    for (const auto& [name, one] : document->agents) fuzz::require(!one.rules.empty());
  }
  const std::size_t half = text.size() / 2;
  fuzz::require(trust::matches("**", text));
  (void)trust::matches(text.substr(0, half), text.substr(half));
  return 0;
}
