// Splits text/event-stream (HTML Standard §9.2.6) into its events and keeps each one's bytes as
// they came, so that they can be sent on unchanged. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace keyturn::mcp {

struct SsePiece {
  std::string raw;   // as it came, its blank line included; a comment or `retry:` alone is one too
  std::string data;  // "" when it has none
  std::string id;    // of this event; "" none
  bool has_data = false;
};

class SseSplitter {
 public:
  explicit SseSplitter(std::size_t piece_bytes_max = 16 << 20) : max_(piece_bytes_max) {}
  // Appends the pieces that `bytes` complete. False: a piece is too large; nothing more is taken.
  bool feed(std::string_view bytes, std::vector<SsePiece>& out);

 private:
  std::size_t max_;
  std::string pending_;
  std::size_t looked_ = 0;
  bool broken_ = false;
};

// "event: message\n[id: ID\n]data: …\n\n"
std::string sse_event(std::string_view data, std::string_view id = {});

}  // namespace keyturn::mcp
