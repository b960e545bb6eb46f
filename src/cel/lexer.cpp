#include "cel/lexer.h"

#include <array>

#include "base/ascii.h"

namespace keyturn::cel {
namespace {

bool is_name_start(char c) {
  return is_letter(c) || c == '_';
}
bool is_name(char c) {
  return is_name_start(c) || is_digit(c);
}

class Lexer {
 public:
  Lexer(std::string_view source, Reporter& reporter) : source_(source), reporter_(reporter) {}

  std::vector<Lexeme> run() {
    std::vector<Lexeme> out;
    for (;;) {
      skip_space();
      start_ = at_;
      if (at_ == source_.size()) break;
      const Token token = next();
      if (reporter_.failed()) break;
      out.push_back({token, static_cast<std::uint32_t>(start_), text_});
    }
    out.push_back({Token::kEnd, static_cast<std::uint32_t>(source_.size()), {}});
    return out;
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }

  void skip_space() {
    for (; at_ < source_.size(); ++at_) {
      const char c = source_[at_];
      if (c == '/' && peek(1) == '/') {
        while (at_ < source_.size() && source_[at_] != '\n') ++at_;
        if (at_ == source_.size()) return;
        continue;
      }
      if (c != ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f') return;
    }
  }

  Token next() {
    if (const std::size_t prefix = string_prefix(); prefix != std::string_view::npos) {
      return string(prefix);
    }
    if (is_name_start(peek())) {
      while (is_name(peek())) ++at_;
      text_ = source_.substr(start_, at_ - start_);
      return Token::kIdent;
    }
    if (is_digit(peek()) || (peek() == '.' && is_digit(peek(1)))) return number();
    if (peek() == '`') return quoted_ident();
    return punctuation();
  }

  // Length of an r/b prefix when a string literal begins here, or npos.
  std::size_t string_prefix() const {
    std::size_t n = 0;
    bool raw = false;
    bool bytes = false;
    for (;; ++n) {
      const char c = peek(n);
      if ((c == 'r' || c == 'R') && !raw) {
        raw = true;
      } else if ((c == 'b' || c == 'B') && !bytes) {
        bytes = true;
      } else {
        break;
      }
    }
    return peek(n) == '"' || peek(n) == '\'' ? n : std::string_view::npos;
  }

  Token string(std::size_t prefix) {
    const std::string_view letters = source_.substr(at_, prefix);
    const bool raw = letters.find_first_of("rR") != std::string_view::npos;
    const bool bytes = letters.find_first_of("bB") != std::string_view::npos;
    at_ += prefix;
    const char quote = peek();
    const std::size_t width = peek(1) == quote && peek(2) == quote ? 3 : 1;
    at_ += width;
    while (at_ < source_.size()) {
      if (peek() == '\\' && !raw) {
        at_ += 2;
        continue;
      }
      if (width == 1 && (peek() == '\n' || peek() == '\r')) break;
      if (peek() == quote && (width == 1 || (peek(1) == quote && peek(2) == quote))) {
        at_ += width;
        text_ = source_.substr(start_, at_ - start_);
        return bytes ? Token::kBytes : Token::kString;
      }
      ++at_;
    }
    reporter_.add(start_, "the string is not closed");
    return Token::kEnd;
  }

  Token number() {
    Token token = Token::kInt;
    if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X') && is_hex_digit(peek(2))) {
      at_ += 2;
      while (is_hex_digit(peek())) ++at_;
    } else {
      while (is_digit(peek())) ++at_;
      if (peek() == '.' && is_digit(peek(1))) {
        token = Token::kDouble;
        ++at_;
        while (is_digit(peek())) ++at_;
      }
      const bool sign = peek(1) == '+' || peek(1) == '-';
      if ((peek() == 'e' || peek() == 'E') && is_digit(peek(sign ? 2 : 1))) {
        token = Token::kDouble;
        at_ += sign ? 2 : 1;
        while (is_digit(peek())) ++at_;
      }
    }
    text_ = source_.substr(start_, at_ - start_);
    if (token == Token::kInt && (peek() == 'u' || peek() == 'U')) {
      ++at_;
      token = Token::kUint;
    }
    if (is_name(peek())) reporter_.add(start_, "a number runs into a name here");
    return token;
  }

  Token quoted_ident() {
    const std::size_t close = source_.find('`', at_ + 1);
    for (std::size_t i = at_ + 1; i < close && close != std::string_view::npos; ++i) {
      const char c = source_[i];
      if (!is_name(c) && c != '.' && c != '-' && c != '/' && c != ' ') {
        reporter_.add(i, "a name in backquotes holds letters, digits, _ . - / and spaces only");
        return Token::kEnd;
      }
    }
    if (close == std::string_view::npos || close == at_ + 1) {
      reporter_.add(start_, "the name in backquotes is empty or not closed");
      return Token::kEnd;
    }
    text_ = source_.substr(at_ + 1, close - at_ - 1);
    at_ = close + 1;
    return Token::kQuotedIdent;
  }

  Token punctuation() {
    static constexpr std::array<std::string_view, 6> kPairs = {"==", "!=", "<=", ">=", "&&", "||"};
    static constexpr std::string_view kSingles = "<>!-+*/%?:.,()[]{}";
    const std::string_view pair = source_.substr(at_, 2);
    for (const std::string_view known : kPairs) {
      if (pair != known) continue;
      at_ += 2;
      text_ = known;
      return Token::kOperator;
    }
    const char c = peek();
    if (kSingles.find(c) == std::string_view::npos) {
      refuse_character(c);
      return Token::kEnd;
    }
    text_ = source_.substr(at_++, 1);
    return Token::kOperator;
  }

  void refuse_character(char c) {
    if (c == '=') return reporter_.add(start_, "\"=\" is no operator of CEL", "==");
    if (c == '&') return reporter_.add(start_, "\"&\" is no operator of CEL", "&&");
    if (c == '|') return reporter_.add(start_, "\"|\" is no operator of CEL", "||");
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7F) {
      return reporter_.add(start_, "unexpected character outside of a string");
    }
    reporter_.add(start_, std::string("unexpected character \"") + c + "\"");
  }

  std::string_view source_;
  Reporter& reporter_;
  std::size_t at_ = 0;
  std::size_t start_ = 0;
  std::string_view text_;
};

}  // namespace

std::vector<Lexeme> lex(std::string_view source, Reporter& reporter) {
  return Lexer(source, reporter).run();
}

}  // namespace keyturn::cel
