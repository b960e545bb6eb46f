// The body of a response, taken out of its framing piece by piece (RFC 9112 §6.3, §7.1). Pure.
// Internal to net/.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "net/answer_head.h"
#include "net/chunked.h"

namespace keyturn::net {

class AnswerBody {
 public:
  enum class State { kMore, kWhole, kMalformed };

  explicit AnswerBody(const AnswerHead& head)
      : kind_(head.body), left_(head.length), chunks_(std::numeric_limits<std::size_t>::max()) {}

  // Takes what it can from the front of `bytes` and appends content to `piece`. What is left of
  // `bytes` after kWhole does not belong to this response.
  State feed(std::string_view& bytes, std::string& piece);
  // The connection's end, in good order, is the body's.
  bool ends_with_connection() const { return kind_ == AnswerHead::Body::kUntilClose; }

 private:
  AnswerHead::Body kind_;
  std::uint64_t left_;
  ChunkedDecoder chunks_;
};

}  // namespace keyturn::net
