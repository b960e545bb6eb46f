#include "facts/wire.h"

namespace keyturn::facts {
namespace {

constexpr std::uint32_t kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5;

std::optional<std::uint64_t> take_varint(std::string_view text, std::size_t& at) {
  std::uint64_t out = 0;
  for (unsigned shift = 0; shift < 64 && at < text.size(); shift += 7) {
    const auto byte = static_cast<unsigned char>(text[at++]);
    out |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) return out;
  }
  return std::nullopt;
}

void add_varint(std::string& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) to += static_cast<char>(value | 0x80);
  to += static_cast<char>(value);
}

// The end of what a field of this type holds, which begins at `at`; `body` is set where it has a
// length.
std::optional<std::size_t> end_of(std::string_view message, std::size_t at, std::uint32_t type,
                                  std::string_view& body) {
  std::uint64_t length = 0;
  switch (type) {
    case kVarint:
      return take_varint(message, at) ? std::optional(at) : std::nullopt;
    case kFixed64:
      length = 8;
      break;
    case kFixed32:
      length = 4;
      break;
    case kLengthDelimited: {
      const auto told = take_varint(message, at);
      if (!told || *told > message.size() - at) return std::nullopt;
      body = message.substr(at, *told);
      length = *told;
      break;
    }
    default:
      return std::nullopt;
  }
  if (length > message.size() - at) return std::nullopt;
  return at + length;
}

}  // namespace

std::optional<std::vector<WireField>> wire_fields(std::string_view message) {
  std::vector<WireField> out;
  for (std::size_t at = 0; at < message.size();) {
    const std::size_t start = at;
    const auto tag = take_varint(message, at);
    if (!tag || *tag >> 3 == 0 || *tag >> 3 > UINT32_MAX) return std::nullopt;
    WireField field{.number = static_cast<std::uint32_t>(*tag >> 3)};
    const auto end = end_of(message, at, static_cast<std::uint32_t>(*tag & 7), field.body);
    if (!end) return std::nullopt;
    field.whole = message.substr(start, *end - start);
    out.push_back(field);
    at = *end;
  }
  return out;
}

std::vector<std::string_view> wire_bodies(std::string_view message, std::uint32_t number) {
  std::vector<std::string_view> out;
  const auto fields = wire_fields(message);
  if (!fields) return out;
  for (const WireField& field : *fields) {
    if (field.number == number) out.push_back(field.body);
  }
  return out;
}

std::optional<std::string_view> wire_body(std::string_view message, std::uint32_t number) {
  const std::vector<std::string_view> all = wire_bodies(message, number);
  return all.empty() ? std::nullopt : std::optional(all.front());
}

std::string wire_field(std::uint32_t number, std::string_view body) {
  std::string out;
  add_varint(out, static_cast<std::uint64_t>(number) << 3 | kLengthDelimited);
  add_varint(out, body.size());
  out += body;
  return out;
}

}  // namespace keyturn::facts
