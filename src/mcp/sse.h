// Splits text/event-stream (HTML Standard §9.2.6) into its events and keeps each one's bytes as
// they came, so that they can be sent on unchanged. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace keyturn::mcp {

struct SsePiece {
  std::string raw;    // as it came, its blank line included; a comment or `retry:` alone is one too
  std::string data;   // "" when it has none
  std::string id;     // of this event; "" none
  std::string event;  // its name; "" none, which means "message"
  bool has_data = false;
  bool operator==(const SsePiece&) const = default;
};

// The pieces do not depend on how the bytes were cut, and their `raw`, one after the other, is what
// came, up to an end that was not complete. A lone CR ends a line only when the next byte is there,
// or the line before it ended in a lone CR, too.
class SseSplitter {
 public:
  explicit SseSplitter(std::size_t piece_bytes_max = 16 << 20) : max_(piece_bytes_max) {}
  // Appends the pieces that `bytes` complete. False: a piece is too large; nothing more is taken.
  bool feed(std::string_view bytes, std::vector<SsePiece>& out);

 private:
  void take(std::string raw, std::vector<SsePiece>& out);

  std::size_t max_;
  std::string pending_;
  std::size_t looked_ = 0;  // bytes of pending_ that are lines with their breaks
  bool only_crs_ = false;   // the line before looked_ ended in a lone CR
  bool is_first_ = true;    // nothing was taken: a byte order mark may stand in front
  bool broken_ = false;
};

// "event: message\n[id: ID\n]data: …\n\n"
std::string sse_event(std::string_view data, std::string_view id = {});

}  // namespace keyturn::mcp
