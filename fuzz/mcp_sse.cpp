// The splitter gives the same pieces wherever the bytes are cut, loses none of them, and keeps its
// bound.
#include <algorithm>

#include "mcp/sse.h"
#include "require.h"

using namespace keyturn;

namespace {

std::vector<mcp::SsePiece> split(std::string_view wire, std::size_t step) {
  constexpr std::size_t kMost = 200;
  mcp::SseSplitter splitter(kMost);
  std::vector<mcp::SsePiece> pieces;
  for (std::size_t at = 0; at < wire.size(); at += step) {
    if (!splitter.feed(wire.substr(at, step), pieces)) break;
  }
  for (const mcp::SsePiece& piece : pieces) fuzz::require(piece.raw.size() <= kMost);
  return pieces;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view wire(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto whole = split(wire, std::max<std::size_t>(wire.size(), 1));
  fuzz::require(whole == split(wire, data[0] % 16 + 1U));
  std::string raw;
  for (const mcp::SsePiece& piece : whole) raw += piece.raw;
  fuzz::require(wire.starts_with(raw));
  return 0;
}
