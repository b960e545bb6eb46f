#include "ledger/stream_links.h"

#include "doc/json.h"
#include "ledger/tile.h"

namespace keyturn::ledger {

std::optional<std::string> StreamLinks::add(std::string_view leaf, const Digest& leaf_hash) {
  constexpr doc::ParseLimits kLimits{.bytes_max = kLeafBytesMax, .depth_max = 256};
  const auto event = doc::parse_json(leaf, kLimits);
  if (!event || !event->is_object()) return "it is no JSON object";
  const std::string_view stream = event->text("stream");
  const doc::Value* position_value = event->find("position");
  const auto position = position_value != nullptr ? position_value->as_uint64() : std::nullopt;
  const doc::Value* prev = event->find("prev");
  if (stream.empty() || !position || *position == 0 || prev == nullptr || !prev->is_string()) {
    return "it names no stream, position and previous leaf";
  }
  const auto name = [&] { return "\"" + std::string(stream) + "\""; };

  const auto head = heads_.find(stream);
  if (head == heads_.end()) {
    if (from_start_ && *position != 1) return "stream " + name() + " does not begin at 1";
    if (*position == 1 && !prev->as_string().empty()) {
      return "the first leaf of stream " + name() + " names a leaf before it";
    }
    heads_.emplace(stream, Head{*position, leaf_hash});
    return std::nullopt;
  }
  if (*position != head->second.position + 1) {
    return "stream " + name() + " goes from position " + std::to_string(head->second.position) +
           " to " + std::to_string(*position);
  }
  if (prev->as_string() != to_hex(view(head->second.hash))) {
    return "it does not follow the leaf of stream " + name() + " that is before it here";
  }
  head->second = {*position, leaf_hash};
  return std::nullopt;
}

}  // namespace keyturn::ledger
