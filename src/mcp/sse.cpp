#include "mcp/sse.h"

#include <algorithm>
#include <utility>

namespace keyturn::mcp {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

void take_line(std::string_view line, SsePiece& piece) {
  const std::size_t colon = std::min(line.find(':'), line.size());
  const std::string_view name = line.substr(0, colon);
  std::string_view value = line.substr(std::min(colon + 1, line.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "data") {
    if (piece.has_data) piece.data += '\n';
    piece.data += value;
    piece.has_data = true;
  } else if (name == "id" && !value.contains('\0')) {
    piece.id = value;
  } else if (name == "event") {
    piece.event = value;
  }
}

// Reads the lines of a whole piece.
void read_lines(std::string_view text, SsePiece& piece) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    if (end > 0) take_line(text.substr(0, end), piece);
    text.remove_prefix(end);
    text.remove_prefix(text.starts_with("\r\n") ? 2 : std::min<std::size_t>(text.size(), 1));
  }
}

}  // namespace

void SseSplitter::take(std::string raw, std::vector<SsePiece>& out) {
  SsePiece& piece = out.emplace_back();
  piece.raw = std::move(raw);
  std::string_view text = piece.raw;
  if (is_first_ && text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  read_lines(text, piece);
  is_first_ = false;
}

bool SseSplitter::feed(std::string_view bytes, std::vector<SsePiece>& out) {
  if (broken_) return false;
  // A CR that came last was left to be looked at again.
  std::size_t scan = pending_.size() - (pending_.ends_with('\r') ? 1 : 0);
  pending_ += bytes;
  std::size_t piece = 0, line = looked_;  // where they begin
  while (!broken_) {
    scan = std::max(scan, line);
    const std::size_t end = pending_.find_first_of("\r\n", scan);
    if (end == std::string::npos) break;
    std::string_view text = std::string_view(pending_).substr(line, end - line);
    if (is_first_ && line == 0 && text.starts_with(kByteOrderMark)) {
      text.remove_prefix(kByteOrderMark.size());
    }
    const bool is_blank = text.empty();
    const bool is_cr = pending_[end] == '\r', ends_at_once = is_blank && only_crs_;
    if (is_cr && end + 1 == pending_.size() && !ends_at_once) break;
    const bool is_pair = is_cr && !ends_at_once && pending_[end + 1] == '\n';
    line = end + (is_pair ? 2 : 1);
    only_crs_ = is_cr && !is_pair && !is_blank;
    if (!is_blank) continue;
    broken_ = line - piece > max_;
    if (!broken_) take(pending_.substr(piece, line - piece), out);
    piece = line;
  }
  pending_.erase(0, piece);
  looked_ = line - piece;
  broken_ = broken_ || pending_.size() > max_;
  return !broken_;
}

std::string sse_event(std::string_view data, std::string_view id) {
  std::string out = "event: message\n";
  out.reserve(out.size() + id.size() + data.size() + 16);
  if (!id.empty()) out.append("id: ").append(id).append("\n");
  while (true) {
    const std::size_t end = data.find_first_of("\r\n");
    out.append("data: ").append(data.substr(0, end)).append("\n");
    if (end == std::string_view::npos) break;
    data.remove_prefix(end + (data.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  out += '\n';
  return out;
}

}  // namespace keyturn::mcp
