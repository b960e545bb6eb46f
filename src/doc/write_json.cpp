#include <array>

#include "doc/json.h"
#include "doc/json_text.h"

namespace keyturn::doc {
namespace {

// 0: as it is; 'u': \u00xx; otherwise the letter after the backslash.
constexpr std::array<char, 256> kEscapes = [] {
  std::array<char, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = 'u';
  table['\b'] = 'b';
  table['\t'] = 't';
  table['\n'] = 'n';
  table['\f'] = 'f';
  table['\r'] = 'r';
  table['"'] = '"';
  table['\\'] = '\\';
  return table;
}();

class Writer {
 public:
  explicit Writer(bool pretty) : pretty_(pretty) { out_.reserve(kTextBytes); }

  void write(const Value& value) {
    switch (value.kind()) {
      case Kind::kNull:
        out_ += "null";
        break;
      case Kind::kBool:
        out_ += value.as_bool() ? "true" : "false";
        break;
      case Kind::kNumber:
        out_ += value.as_number().text;
        break;
      case Kind::kString:
        append_json_string(out_, value.as_string());
        break;
      case Kind::kArray:
        write_array(value.as_array());
        break;
      case Kind::kObject:
        write_object(value.as_object());
        break;
    }
  }
  std::string take() { return std::move(out_); }

 private:
  void write_array(const Array& array) {
    out_ += '[';
    ++depth_;
    for (std::size_t i = 0; i < array.size(); ++i) {
      separate(i > 0);
      write(array[i]);
    }
    close(array.empty(), ']');
  }

  void write_object(const Object& object) {
    out_ += '{';
    ++depth_;
    for (std::size_t i = 0; i < object.size(); ++i) {
      separate(i > 0);
      append_json_string(out_, object[i].key);
      out_ += pretty_ ? ": " : ":";
      write(object[i].value);
    }
    close(object.empty(), '}');
  }

  void separate(bool comma) {
    if (comma) out_ += ',';
    if (pretty_) new_line();
  }
  void close(bool empty, char bracket) {
    --depth_;
    if (pretty_ && !empty) new_line();
    out_ += bracket;
  }
  void new_line() {
    out_ += '\n';
    out_.append(2 * depth_, ' ');
  }

  bool pretty_;
  std::size_t depth_ = 0;
  std::string out_;
};

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;  // start of what is copied as it is
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const char escape = kEscapes[c];
    if (escape == 0) continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    out += '\\';
    out += escape;
    if (escape == 'u') {
      out += "00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    }
  }
  out.append(text, plain);
  out += '"';
}

std::string write_json(const Value& value) {
  Writer writer(false);
  writer.write(value);
  return writer.take();
}

std::string write_json_pretty(const Value& value) {
  Writer writer(true);
  writer.write(value);
  return writer.take();
}

}  // namespace keyturn::doc
