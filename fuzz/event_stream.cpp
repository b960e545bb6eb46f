// The event reader hears the same events wherever the bytes are cut, within its bound.
#include <algorithm>

#include "net/client.h"
#include "require.h"

using namespace keyturn;

namespace {

std::string read(std::string_view wire, std::size_t piece) {
  net::EventReader reader;
  reader.bytes_max = 200;
  std::string heard;
  for (std::size_t at = 0; at < wire.size(); at += piece) {
    const bool go_on = reader.feed(wire.substr(at, piece), [&](const net::ServerEvent& event) {
      fuzz::require(event.data.size() <= reader.bytes_max && !event.event.empty());
      heard += event.event + '\0' + event.id + '\0' + event.data + '\0';
      return true;
    });
    if (!go_on) break;
  }
  return heard;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view wire(reinterpret_cast<const char*>(data + 1), size - 1);
  fuzz::require(read(wire, std::max<std::size_t>(wire.size(), 1)) == read(wire, data[0] % 16 + 1U));
  return 0;
}
