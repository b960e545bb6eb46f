#include "cel/signature.h"

#include <stdexcept>

namespace keyturn::cel {
namespace {

class SignatureReader {
 public:
  explicit SignatureReader(std::string_view text) : text_(text) {}

  Overload overload() {
    Overload out;
    out.id = word();
    out.member = accept('.');
    out.parameters = list();
    out.result = type();
    end();
    return out;
  }

  Type type() {
    const std::string_view name = word();
    if (name == "list") return Type::list(list()[0]);
    if (name == "type") return Type::type(list()[0]);
    if (name == "map") {
      const std::vector<Type> both = list();
      return Type::map(both.at(0), both.at(1));
    }
    if (name == "optional") return Type::optional(list()[0]);
    if (name.size() == 1 && name[0] >= 'A' && name[0] <= 'Z') {
      return Type::parameter(std::string(name));
    }
    if (name == "dyn") return Type::dyn();
    if (name == "null") return Type::null();
    if (name == "bool") return Type::boolean();
    if (name == "int") return Type::integer();
    if (name == "uint") return Type::uinteger();
    if (name == "double") return Type::number();
    if (name == "string") return Type::string();
    if (name == "bytes") return Type::bytes();
    if (name == "timestamp") return Type::timestamp();
    if (name == "duration") return Type::duration();
    if (name.empty()) fail();
    return Type::opaque(std::string(name), peek() == '(' ? list() : std::vector<Type>{});
  }

  void end() {
    if (peek() != '\0') fail();
  }

 private:
  [[noreturn]] void fail() const {
    throw std::logic_error("cel: malformed signature: " + std::string(text_));
  }
  char peek() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  std::string_view word() {
    peek();
    const std::size_t start = at_;
    while (at_ < text_.size() && text_.find_first_of(" (),", at_) != at_) ++at_;
    return text_.substr(start, at_ - start);
  }
  std::vector<Type> list() {
    std::vector<Type> out;
    if (!accept('(')) fail();
    if (accept(')')) return out;
    do out.push_back(type());
    while (accept(','));
    if (!accept(')')) fail();
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Type parse_type(std::string_view text) {
  SignatureReader reader(text);
  Type type = reader.type();
  reader.end();
  return type;
}

Overload parse_overload(std::string_view text) {
  return SignatureReader(text).overload();
}

}  // namespace keyturn::cel
