#include "ledger/lines.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"

namespace keyturn::ledger {

std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

std::optional<std::uint64_t> plain_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (text[0] == '0' && text.size() > 1) return std::nullopt;
  return value;
}

std::optional<Digest> hash_of_line(std::string_view line) {
  const auto bytes = from_base64(line);
  Digest out;
  if (!bytes || bytes->size() != out.size()) return std::nullopt;
  std::ranges::copy(*bytes, out.begin());
  return out;
}

std::optional<Proof> take_hashes(std::string_view& text) {
  Proof proof;
  while (const auto line = take_line(text)) {
    if (line->empty()) return proof;
    const auto hash = hash_of_line(*line);
    if (!hash || proof.size() == kProofHashesMax) return std::nullopt;
    proof.push_back(*hash);
  }
  return std::nullopt;
}

}  // namespace keyturn::ledger
