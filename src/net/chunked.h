// Decoder of the chunked transfer coding (RFC 9112 §7.1): strict about framing, extensions are
// skipped, trailers checked for syntax and dropped. Pure. Internal to net/.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace keyturn::net {

enum class ChunkState { kMore, kDone, kMalformed, kTooLarge };

class ChunkedDecoder {
 public:
  explicit ChunkedDecoder(std::size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

  // Takes what it can from the front of `bytes` (and removes it) and appends content to `body`.
  // After kDone, what is left in `bytes` belongs to the next request.
  ChunkState feed(std::string_view& bytes, std::string& body);

 private:
  enum class Part { kSize, kContent, kContentEnd, kTrailer };
  ChunkState take_line(std::string_view& bytes);  // kDone: line_ is a whole line, without its CRLF
  ChunkState take_size(std::size_t body_bytes);
  ChunkState step(std::string_view& bytes, std::string& body);

  std::size_t body_bytes_max_;
  Part part_ = Part::kSize;
  std::size_t left_ = 0;
  std::size_t trailer_bytes_ = 0;
  std::string line_;
  bool is_finished_ = false;
};

}  // namespace keyturn::net
