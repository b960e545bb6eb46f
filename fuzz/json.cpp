// Whatever is read is written and read back the same; a canonical form is a fixed point.
#include "doc/json.h"

#include "base/bytes.h"
#include "require.h"

using namespace keyturn;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = doc::parse_json(text);
  if (!value) {
    fuzz::require(!value.error().code.empty() && !value.error().where.empty());
    fuzz::require(!first_invalid_utf8(value.error().message));
    return 0;
  }
  const auto again = doc::parse_json(doc::write_json(*value));
  fuzz::require(again.has_value() && *again == *value);
  const auto pretty = doc::parse_json(doc::write_json_pretty(*value), {.bytes_max = 1 << 28});
  fuzz::require(pretty.has_value() && *pretty == *value);
  if (const auto canonical = doc::canonical(*value)) {
    const auto read = doc::parse_json(*canonical);
    fuzz::require(read.has_value() && doc::canonical(*read).value() == *canonical);
  }
  return 0;
}
