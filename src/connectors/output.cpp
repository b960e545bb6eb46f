#include "connectors/output.h"

#include "base/bytes.h"

namespace keyturn::connectors {
namespace {

// The longest prefix of `bytes` that does not end inside a UTF-8 sequence.
std::string_view cut_at(std::string_view bytes, std::size_t most) {
  if (bytes.size() <= most) return bytes;
  std::size_t end = most;
  while (end > 0 && most - end < 4 && (static_cast<unsigned char>(bytes[end]) & 0xC0) == 0x80)
    --end;
  return bytes.substr(0, end);
}

std::string escaped(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  while (!bytes.empty()) {
    const std::size_t good = first_invalid_utf8(bytes).value_or(bytes.size());
    out.append(bytes.substr(0, good));
    bytes.remove_prefix(good);
    if (bytes.empty()) break;
    const auto byte = static_cast<unsigned char>(bytes.front());
    out += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    bytes.remove_prefix(1);
  }
  return out;
}

}  // namespace

std::string presentable(std::string_view raw, const secrets::Redactor& redactor,
                        std::size_t bytes_max, bool& truncated, Missing missing) {
  const std::string clean = redactor.redact_piece(raw, missing);
  const std::string_view kept = cut_at(clean, bytes_max);
  truncated = truncated || kept.size() < clean.size();
  return escaped(kept);
}

std::string presentable_end(std::string_view raw, const secrets::Redactor& redactor,
                            std::size_t bytes_max, Missing missing) {
  const std::string clean = redactor.redact_piece(raw, missing);
  std::string_view kept = clean;
  if (kept.size() > bytes_max) kept.remove_prefix(kept.size() - bytes_max);
  const auto is_inside = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
  while (kept.size() < clean.size() && !kept.empty() && is_inside(kept.front()))
    kept.remove_prefix(1);
  return escaped(kept);
}

}  // namespace keyturn::connectors
