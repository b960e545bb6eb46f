// Values as text for people: CEL literal syntax, cut off when long.
#include <array>
#include <cstdio>

#include "cel/address.h"
#include "cel/number_text.h"
#include "cel/time_text.h"
#include "cel/value.h"

namespace keyturn::cel {
namespace {

constexpr std::size_t kTextMax = 2000;

class Writer {
 public:
  std::string out;

  void write(const Value& v) {
    if (out.size() > kTextMax) return;
    switch (v.kind()) {
      case Kind::kNull:
        out += "null";
        return;
      case Kind::kBool:
        out += v.as_bool() ? "true" : "false";
        return;
      case Kind::kInt:
        out += std::to_string(v.as_int());
        return;
      case Kind::kUint:
        out += std::to_string(v.as_uint()) + "u";
        return;
      case Kind::kDouble:
        number(v.as_double());
        return;
      case Kind::kString:
        quote(v.text(), false);
        return;
      case Kind::kBytes:
        out += 'b';
        quote(v.text(), true);
        return;
      case Kind::kTimestamp:
        out += "timestamp(\"" + to_rfc3339(v.as_timestamp()) + "\")";
        return;
      case Kind::kDuration:
        out += "duration(\"" + to_seconds_text(v.as_duration()) + "\")";
        return;
      case Kind::kType:
        out += v.text();
        return;
      case Kind::kList:
        list(v);
        return;
      case Kind::kMap:
        map(v);
        return;
      case Kind::kOptional:
        optional(v);
        return;
      case Kind::kAddress:
        out += "ip(\"" + cel::to_text(address_of(v)) + "\")";
        return;
      case Kind::kNetwork:
        out += "cidr(\"" + cel::to_text(network_of(v)) + "\")";
        return;
      case Kind::kError:
        out += "error(";
        quote(v.text(), false);
        out += ')';
        return;
    }
  }

 private:
  void number(double d) {
    std::string text = double_text(d);
    if (text.find_first_of(".eN") == std::string::npos && text.find('I') == std::string::npos) {
      text += ".0";
    }
    out += text;
  }

  void quote(std::string_view text, bool bytes) {
    out += '"';
    for (const char c : text) {
      if (out.size() > kTextMax) break;
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out += '\\';
        out += c;
      } else if (c == '\n') {
        out += "\\n";
      } else if (byte < 0x20 || byte == 0x7F || (bytes && byte >= 0x80)) {
        std::array<char, 8> hex{};
        std::snprintf(hex.data(), hex.size(), "\\x%02x", byte);
        out += hex.data();
      } else {
        out += c;
      }
    }
    out += '"';
  }

  void list(const Value& v) {
    out += '[';
    for (bool first = true; const Value& item : v.items()) {
      if (out.size() > kTextMax) break;
      if (!first) out += ", ";
      first = false;
      write(item);
    }
    out += ']';
  }

  void map(const Value& v) {
    out += '{';
    for (bool first = true; const MapEntry& entry : v.entries()) {
      if (out.size() > kTextMax) break;
      if (!first) out += ", ";
      first = false;
      write(entry.key);
      out += ": ";
      write(entry.value);
    }
    out += '}';
  }

  void optional(const Value& v) {
    if (!v.has_value()) {
      out += "optional.none()";
      return;
    }
    out += "optional.of(";
    write(v.unwrapped());
    out += ')';
  }
};

}  // namespace

std::string to_text(const Value& value) {
  Writer writer;
  writer.write(value);
  if (writer.out.size() > kTextMax) {
    writer.out.resize(kTextMax);
    while ((static_cast<unsigned char>(writer.out.back()) & 0xC0U) == 0x80U) writer.out.pop_back();
    writer.out.back() = ' ';
    writer.out += "...";
  }
  return std::move(writer.out);
}

}  // namespace keyturn::cel
