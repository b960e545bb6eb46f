// Tile paths and entry bundles.
#include "ledger/tile.h"

#include "require.h"

using namespace keyturn;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto tile = ledger::parse_tile_path(bytes)) {
    fuzz::require(ledger::tile_path(*tile) == bytes);
  }
  for (const std::size_t count : {0, 1, 2, 7, 256}) {
    const auto entries = ledger::decode_entries(bytes, count);
    if (entries) fuzz::require(ledger::encode_entries(*entries) == bytes);
  }
  return 0;
}
