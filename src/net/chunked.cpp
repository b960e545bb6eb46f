#include "net/chunked.h"

#include <algorithm>

#include "base/ascii.h"
#include "net/request_head.h"

namespace keyturn::net {
namespace {

constexpr std::size_t kLineBytesMax = 512;
constexpr std::size_t kTrailerBytesMax = 4096;
constexpr std::size_t kSizeDigitsMax = 12;

}  // namespace

ChunkState ChunkedDecoder::take_line(std::string_view& bytes) {
  while (!bytes.empty()) {
    const char c = bytes.front();
    bytes.remove_prefix(1);
    if (c == '\n') {
      if (!line_.ends_with('\r')) return ChunkState::kMalformed;
      line_.pop_back();
      return ChunkState::kDone;
    }
    if (line_.ends_with('\r') || line_.size() >= kLineBytesMax) return ChunkState::kMalformed;
    line_ += c;
  }
  return ChunkState::kMore;
}

ChunkState ChunkedDecoder::take_size(std::size_t body_bytes) {
  std::size_t size = 0;
  std::size_t digits = 0;
  while (digits < line_.size() && hex_value(line_[digits]) >= 0) {
    if (digits == kSizeDigitsMax) return ChunkState::kMalformed;
    size = size * 16 + static_cast<std::size_t>(hex_value(line_[digits++]));
  }
  if (digits == 0) return ChunkState::kMalformed;
  const std::string_view extension = std::string_view(line_).substr(digits);
  if (!extension.empty() && (extension.front() != ';' || !is_field_value(extension))) {
    return ChunkState::kMalformed;
  }
  if (size > body_bytes_max_ - std::min(body_bytes, body_bytes_max_)) return ChunkState::kTooLarge;
  left_ = size;
  part_ = size == 0 ? Part::kTrailer : Part::kContent;
  return ChunkState::kMore;
}

ChunkState ChunkedDecoder::step(std::string_view& bytes, std::string& body) {
  if (part_ == Part::kContent) {
    const std::size_t taken = std::min(left_, bytes.size());
    body.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    left_ -= taken;
    if (left_ == 0) part_ = Part::kContentEnd;
    return ChunkState::kMore;
  }
  const ChunkState line = take_line(bytes);
  if (line != ChunkState::kDone) return line;
  ChunkState state = ChunkState::kMore;
  if (part_ == Part::kSize) {
    state = take_size(body.size());
  } else if (part_ == Part::kContentEnd) {
    if (!line_.empty()) state = ChunkState::kMalformed;
    part_ = Part::kSize;
  } else if (line_.empty()) {
    state = ChunkState::kDone;
  } else {
    trailer_bytes_ += line_.size();
    const std::size_t colon = line_.find(':');
    const bool is_field = colon != std::string::npos && is_token(line_.substr(0, colon)) &&
                          is_field_value(line_) && trailer_bytes_ <= kTrailerBytesMax;
    if (!is_field) state = ChunkState::kMalformed;
  }
  line_.clear();
  return state;
}

ChunkState ChunkedDecoder::feed(std::string_view& bytes, std::string& body) {
  while (!is_finished_ && !bytes.empty()) {
    const ChunkState state = step(bytes, body);
    if (state == ChunkState::kMore) continue;
    is_finished_ = true;
    return state;
  }
  return is_finished_ ? ChunkState::kDone : ChunkState::kMore;
}

}  // namespace keyturn::net
