// RFC 8785, JSON Canonicalization Scheme.
#include <algorithm>
#include <stdexcept>

#include "base/ascii.h"
#include "base/bytes.h"
#include "doc/decimal.h"
#include "doc/json.h"
#include "doc/json_text.h"
#include "doc/read.h"

namespace keyturn::doc {
namespace {

// UTF-8 sorts by code point, UTF-16 by code unit: they differ only where a supplementary character
// (lead byte F0..F4 here, D800..DFFF there) meets one of U+E000..U+FFFF (lead byte EE or EF).
int utf16_rank(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0xEE || byte == 0xEF ? byte + 0x10 : byte;
}

bool utf16_less(std::string_view a, std::string_view b) {
  const auto [x, y] = std::ranges::mismatch(a, b);
  if (y == b.end()) return false;
  if (x == a.end()) return true;
  return utf16_rank(*x) < utf16_rank(*y);
}

bool plain_integer(std::string_view text) {
  constexpr std::size_t kDigits = 15;  // all below 2^53
  if (text.empty() || text.size() > kDigits) return false;
  if (text[0] == '0') return text.size() == 1;
  return std::ranges::all_of(text, is_digit);
}

class Canonicaliser {
 public:
  Canonicaliser() { out_.reserve(kTextBytes); }

  bool write(const Value& value) {
    switch (value.kind()) {
      case Kind::kNull:
        out_ += "null";
        return true;
      case Kind::kBool:
        out_ += value.as_bool() ? "true" : "false";
        return true;
      case Kind::kNumber:
        return write_number(value.as_number().text);
      case Kind::kString:
        return write_string(value.as_string());
      case Kind::kArray:
        return write_array(value.as_array());
      case Kind::kObject:
        return write_object(value.as_object());
    }
    return false;
  }

  Result<std::string> take(bool written) {
    if (written) return std::move(out_);
    return std::unexpected(std::move(refusal_));
  }

 private:
  bool refuse_here(std::string code, std::string message) {
    refusal_ = {std::move(code), std::move(message), {}};
    return false;
  }
  // Refusals travel up; each level puts its own token in front of the pointer.
  bool refused_under(std::string_view token) {
    refusal_.where = "/" + pointer_escape(token) + refusal_.where;
    return false;
  }

  bool write_number(const std::string& text) {
    if (plain_integer(text)) {
      out_ += text;
      return true;
    }
    const auto exact = parse_decimal(text);
    if (!exact) return refuse_here("invalid_json", "\"" + text + "\" is not a JSON number");
    const auto nearest = nearest_double(text);
    if (!nearest || shortest_decimal(*nearest) != *exact) {
      return refuse_here("inexact_number",
                         "the number " + text.substr(0, 60) + (text.size() > 60 ? "..." : "") +
                             " has no exact IEEE double form; send it as a string");
    }
    append_ecmascript(out_, *exact);
    return true;
  }

  bool write_string(const std::string& text) {
    if (first_invalid_utf8(text)) {
      return refuse_here("invalid_utf8", "a string is not valid UTF-8; send bytes as base64");
    }
    append_json_string(out_, text);
    return true;
  }

  bool write_array(const Array& array) {
    out_ += '[';
    for (std::size_t i = 0; i < array.size(); ++i) {
      if (i > 0) out_ += ',';
      if (!write(array[i])) return refused_under(std::to_string(i));
    }
    out_ += ']';
    return true;
  }

  bool write_object(const Object& object) {
    const auto less = [](const Member& a, const Member& b) { return utf16_less(a.key, b.key); };
    out_ += '{';
    if (std::ranges::is_sorted(object, less)) {
      for (const Member& member : object) {
        if (!write_member(member)) return false;
      }
    } else {
      std::vector<const Member*> sorted;
      sorted.reserve(object.size());
      for (const Member& member : object) sorted.push_back(&member);
      std::ranges::sort(sorted, [&](const Member* a, const Member* b) { return less(*a, *b); });
      for (const Member* member : sorted) {
        if (!write_member(*member)) return false;
      }
    }
    out_ += '}';
    return true;
  }

  bool write_member(const Member& member) {
    if (out_.back() != '{') out_ += ',';
    if (!write_string(member.key)) return refused_under(member.key);
    out_ += ':';
    return write(member.value) || refused_under(member.key);
  }

  std::string out_;
  Refusal refusal_;
};

}  // namespace

Result<std::string> canonical(const Value& value) {
  Canonicaliser canonicaliser;
  return canonicaliser.take(canonicaliser.write(value));
}

std::string canonical_or_die(const Value& value) {
  auto text = canonical(value);
  if (!text) {
    throw std::logic_error("no canonical form: " + text.error().message + " at \"" +
                           text.error().where + "\"");
  }
  return *std::move(text);
}

}  // namespace keyturn::doc
