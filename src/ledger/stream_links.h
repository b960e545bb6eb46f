// The chain inside each stream: a leaf names its stream, its position there and the leaf before it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace keyturn::ledger {

// Leaves go in, in the order of the log. A leaf is a JSON object with "stream" (text), "position"
// (from 1) and "prev": the RFC 6962 leaf hash, in lower-case hex, of that stream's leaf before it;
// "" at position 1.
class StreamLinks {
 public:
  // from_start: the leaves begin with the log's first. Otherwise a stream may be met at any
  // position, and its first "prev" here is believed.
  explicit StreamLinks(bool from_start) : from_start_(from_start) {}

  // nullopt when the leaf continues its stream; otherwise what is wrong, as a sentence.
  std::optional<std::string> add(std::string_view leaf, const Digest& leaf_hash);
  std::size_t streams() const { return heads_.size(); }

 private:
  struct Head {
    std::uint64_t position;
    Digest hash;
  };
  bool from_start_;
  std::map<std::string, Head, std::less<>> heads_;
};

}  // namespace keyturn::ledger
