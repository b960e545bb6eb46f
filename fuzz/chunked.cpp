// The decoder gives the same body wherever the bytes are cut, and never more than it may.
#include "net/chunked.h"

#include <algorithm>

#include "require.h"

using namespace keyturn;

namespace {

constexpr std::size_t kBodyMax = 1000;

struct Decoded {
  net::ChunkState state = net::ChunkState::kMore;
  std::string body;
  std::size_t used = 0;
};

Decoded decode(std::string_view wire, std::size_t piece) {
  net::ChunkedDecoder decoder(kBodyMax);
  Decoded out;
  while (out.state == net::ChunkState::kMore && out.used < wire.size()) {
    std::string_view bytes = wire.substr(out.used, piece);
    const std::size_t before = bytes.size();
    out.state = decoder.feed(bytes, out.body);
    out.used += before - bytes.size();
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view wire(reinterpret_cast<const char*>(data + 1), size - 1);
  const Decoded whole = decode(wire, std::max<std::size_t>(wire.size(), 1));
  const Decoded pieces = decode(wire, data[0] % 16 + 1U);
  fuzz::require(whole.body.size() <= kBodyMax);
  fuzz::require(whole.state == pieces.state && whole.body == pieces.body &&
                whole.used == pieces.used);
  return 0;
}
