// Whatever YAML is read is a tree that JSON can write.
#include "doc/yaml.h"

#include "base/bytes.h"
#include "require.h"

using namespace keyturn;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = doc::parse_yaml(text, "f");
  if (!value) {
    fuzz::require(value.error().where.starts_with("f:"));
    return 0;
  }
  const auto again = doc::parse_json(doc::write_json(*value), {.bytes_max = 1 << 28});
  fuzz::require(again.has_value() && *again == *value);
  return 0;
}
