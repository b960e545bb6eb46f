#include "net/answer_body.h"

#include <algorithm>

namespace keyturn::net {

AnswerBody::State AnswerBody::feed(std::string_view& bytes, std::string& piece) {
  switch (kind_) {
    case AnswerHead::Body::kNone:
      return State::kWhole;
    case AnswerHead::Body::kLength: {
      const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
      piece += bytes.substr(0, taken);
      bytes.remove_prefix(taken);
      left_ -= taken;
      return left_ == 0 ? State::kWhole : State::kMore;
    }
    case AnswerHead::Body::kUntilClose:
      piece += bytes;
      bytes = {};
      return State::kMore;
    case AnswerHead::Body::kChunked:
      break;
  }
  switch (chunks_.feed(bytes, piece)) {
    case ChunkState::kMore:
      return State::kMore;
    case ChunkState::kDone:
      return State::kWhole;
    case ChunkState::kMalformed:
    case ChunkState::kTooLarge:
      break;
  }
  return State::kMalformed;
}

}  // namespace keyturn::net
