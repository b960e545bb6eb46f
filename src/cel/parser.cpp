#include "cel/parser.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/bytes.h"
#include "cel/clip.h"
#include "cel/lexer.h"
#include "cel/literal.h"

namespace keyturn::cel {
namespace {

constexpr std::array<std::string_view, 17> kReserved = {
    "as",  "break", "const",     "continue", "else",   "for", "function", "if",   "import",
    "let", "loop",  "namespace", "package",  "return", "var", "void",     "while"};

bool is_reserved(std::string_view word) {
  return std::find(kReserved.begin(), kReserved.end(), word) != kReserved.end();
}

bool is_literal_word(std::string_view word) {
  return word == "true" || word == "false" || word == "null" || word == "in";
}

// Recursive descent. After the first problem every function returns null at once.
class Parser {
 public:
  Parser(std::vector<Lexeme> lexemes, const Limits& limits, Reporter& reporter, Syntax syntax)
      : lexemes_(std::move(lexemes)),
        limits_(limits),
        factory_(limits, reporter),
        syntax_(syntax) {}

  ExprPtr run() {
    ExprPtr expr = expression();
    if (expr && peek().token != Token::kEnd) return unexpected("an operator or the end");
    return expr;
  }

 private:
  const Lexeme& peek(std::size_t ahead = 0) const {
    return lexemes_[std::min(at_ + ahead, lexemes_.size() - 1)];
  }
  const Lexeme& take() {
    const Lexeme& lexeme = peek();
    if (at_ + 1 < lexemes_.size()) ++at_;
    return lexeme;
  }
  bool accept(std::string_view op) {
    if (!peek().is(op)) return false;
    take();
    return true;
  }
  // The "?" of optional fields, indices and items.
  bool accept_optional() { return syntax_ == Syntax::kExtended && accept("?"); }
  bool at_quoted_field() const {
    return syntax_ == Syntax::kExtended && peek().token == Token::kQuotedIdent;
  }
  bool expect(std::string_view op, const char* why) {
    if (accept(op)) return true;
    unexpected("\"" + std::string(op) + "\" " + why);
    return false;
  }
  // An expression that is no expression after the first problem.
  ExprPtr checked(ExprPtr expr) { return factory_.failed() ? nullptr : std::move(expr); }

  ExprPtr fail(std::uint32_t offset, std::string message, std::string suggestion = {}) {
    factory_.error(offset, std::move(message), std::move(suggestion));
    return nullptr;
  }

  ExprPtr unexpected(std::string wanted) {
    const Lexeme& at = peek();
    if (at.token == Token::kEnd) {
      return fail(at.offset, "the expression ends where " + wanted + " is expected");
    }
    std::string suggestion;
    if (at.text == "and" || at.text == "AND") suggestion = "&&";
    if (at.text == "or" || at.text == "OR") suggestion = "||";
    if (at.text == "is") suggestion = "==";
    return fail(at.offset, "unexpected " + clip(at.text, 40) + ", expected " + wanted, suggestion);
  }

  ExprPtr expression() {
    if (++depth_ > limits_.depth_max) {
      return fail(peek().offset, "the expression is nested more than " +
                                     std::to_string(limits_.depth_max) + " levels deep");
    }
    ExprPtr expr = conditional();
    --depth_;
    return expr;
  }

  ExprPtr conditional() {
    ExprPtr condition = logical("||", "_||_");
    if (!condition || !peek().is("?")) return condition;
    const std::uint32_t offset = take().offset;
    ExprPtr yes = logical("||", "_||_");
    if (!yes || !expect(":", "between the two results of \"?\"")) return nullptr;
    ExprPtr no = expression();
    if (!no) return nullptr;
    return checked(
        factory_.call(offset, "_?_:_", exprs(std::move(condition), std::move(yes), std::move(no))));
  }

  // A chain of && or || becomes a balanced tree: long chains stay shallow.
  ExprPtr logical(std::string_view op, const char* name) {
    std::vector<ExprPtr> terms;
    std::vector<std::uint32_t> offsets;
    do {
      ExprPtr term = op == "||" ? logical("&&", "_&&_") : relation();
      if (!term) return nullptr;
      terms.push_back(std::move(term));
      if (!peek().is(op)) break;
      offsets.push_back(take().offset);
    } while (true);
    if (terms.size() == 1) return std::move(terms[0]);
    return checked(balanced(name, terms, offsets, 0, offsets.size() - 1));
  }

  ExprPtr balanced(const char* name, std::vector<ExprPtr>& terms,
                   const std::vector<std::uint32_t>& offsets, std::size_t low, std::size_t high) {
    const std::size_t middle = (low + high + 1) / 2;
    ExprPtr left =
        middle == low ? std::move(terms[middle]) : balanced(name, terms, offsets, low, middle - 1);
    ExprPtr right = middle == high ? std::move(terms[middle + 1])
                                   : balanced(name, terms, offsets, middle + 1, high);
    return factory_.call(offsets[middle], name, exprs(std::move(left), std::move(right)));
  }

  static const char* relation_name(const Lexeme& at) {
    if (at.token == Token::kIdent) return at.text == "in" ? "@in" : nullptr;
    if (at.is("==")) return "_==_";
    if (at.is("!=")) return "_!=_";
    if (at.is("<=")) return "_<=_";
    if (at.is(">=")) return "_>=_";
    if (at.is("<")) return "_<_";
    if (at.is(">")) return "_>_";
    return nullptr;
  }
  static const char* sum_name(const Lexeme& at) {
    if (at.is("+")) return "_+_";
    return at.is("-") ? "_-_" : nullptr;
  }
  static const char* product_name(const Lexeme& at) {
    if (at.is("*")) return "_*_";
    if (at.is("/")) return "_/_";
    return at.is("%") ? "_%_" : nullptr;
  }

  using Level = ExprPtr (Parser::*)();
  ExprPtr binary(const char* (*name_at)(const Lexeme&), Level operand) {
    ExprPtr left = (this->*operand)();
    while (left) {
      const char* name = name_at(peek());
      if (name == nullptr) return left;
      const std::uint32_t offset = take().offset;
      ExprPtr right = (this->*operand)();
      if (!right) return nullptr;
      left = checked(factory_.call(offset, name, exprs(std::move(left), std::move(right))));
    }
    return nullptr;
  }
  ExprPtr relation() { return binary(&relation_name, &Parser::sum); }
  ExprPtr sum() { return binary(&sum_name, &Parser::product); }
  ExprPtr product() { return binary(&product_name, &Parser::unary); }

  ExprPtr unary() {
    if (!peek().is("!") && !peek().is("-")) return member();
    const std::string op(peek().text);
    const std::uint32_t offset = peek().offset;
    std::size_t count = 0;
    while (peek().is(op)) {
      const Token next = peek(1).token;
      const bool number = next == Token::kInt || next == Token::kDouble;
      if (op == "-" && number && count == 0) break;  // a negative literal; of --1 neither is
      take();
      ++count;
    }
    ExprPtr operand = member();
    if (!operand || count % 2 == 0) return operand;
    return checked(factory_.call(offset, op == "!" ? "!_" : "-_", exprs(std::move(operand))));
  }

  ExprPtr member() {
    ExprPtr expr = primary();
    while (expr) {
      if (peek().is(".")) {
        expr = after_dot(std::move(expr));
      } else if (peek().is("[")) {
        expr = index(std::move(expr));
      } else if (peek().is("{") && is_type_name(*expr)) {
        expr = message(std::move(expr));
      } else {
        return expr;
      }
    }
    return nullptr;
  }

  static bool is_type_name(const Expr& expr) {
    if (expr.kind == ExprKind::kIdent) return true;
    return expr.kind == ExprKind::kSelect && !expr.test_only && is_type_name(*expr.args[0]);
  }
  static std::string type_name(const Expr& expr) {
    if (expr.kind == ExprKind::kIdent) return expr.name;
    return type_name(*expr.args[0]) + "." + expr.name;
  }

  ExprPtr after_dot(ExprPtr operand) {
    take();
    const bool optional = accept_optional();
    const Lexeme name = peek();
    const bool quoted = at_quoted_field();
    if (!quoted && (name.token != Token::kIdent || is_literal_word(name.text))) {
      return unexpected("the name of a field");
    }
    take();
    if (!quoted && !optional && peek().is("(")) {
      std::vector<ExprPtr> args = exprs(std::move(operand));
      if (!arguments(args)) return nullptr;
      return macro(
          checked(factory_.call(name.offset, std::string(name.text), std::move(args), true)));
    }
    if (optional) {
      ExprPtr field = factory_.literal(name.offset, Value::string(name.text));
      return checked(
          factory_.call(name.offset, "_?._", exprs(std::move(operand), std::move(field))));
    }
    return checked(factory_.select(name.offset, std::move(operand), std::string(name.text)));
  }

  ExprPtr macro(ExprPtr call) {
    return call ? checked(expand_macro(std::move(call), factory_, syntax_)) : nullptr;
  }

  ExprPtr index(ExprPtr operand) {
    const std::uint32_t offset = take().offset;
    const char* name = accept_optional() ? "_[?_]" : "_[_]";
    ExprPtr key = expression();
    if (!key || !expect("]", "after an index")) return nullptr;
    return checked(factory_.call(offset, name, exprs(std::move(operand), std::move(key))));
  }

  // "(" args ")" appended to `args`.
  bool arguments(std::vector<ExprPtr>& args) {
    take();
    if (accept(")")) return true;
    do {
      ExprPtr arg = expression();
      if (!arg) return false;
      args.push_back(std::move(arg));
    } while (accept(","));
    return expect(")", "after the arguments");
  }

  ExprPtr primary() {
    const Lexeme at = peek();
    switch (at.token) {
      case Token::kInt:
      case Token::kUint:
      case Token::kDouble:
        return number(false);
      case Token::kString:
      case Token::kBytes:
        return text();
      case Token::kIdent:
        return name("");
      case Token::kEnd:
      case Token::kQuotedIdent:
        return unexpected("a value");
      case Token::kOperator:
        break;
    }
    if (at.is("-")) {
      take();
      return number(true);
    }
    if (at.is(".") && peek(1).token == Token::kIdent) {
      take();
      return name(".");
    }
    if (at.is("(")) {
      take();
      ExprPtr inner = expression();
      if (!inner || !expect(")", "to close this bracket")) return nullptr;
      return inner;
    }
    if (at.is("[")) return list();
    if (at.is("{")) return map();
    return unexpected("a value");
  }

  ExprPtr number(bool negative) {
    const Lexeme at = take();
    const std::string shown = (negative ? "-" : "") + std::string(at.text);
    if (at.token == Token::kInt) {
      const auto value = parse_int(at.text, negative);
      if (!value) return fail(at.offset, "the int " + shown + " does not fit in 64 bits");
      return checked(factory_.literal(at.offset, Value::integer(*value)));
    }
    if (at.token == Token::kUint) {
      const auto value = parse_uint(at.text);
      if (!value) return fail(at.offset, "the uint " + shown + " does not fit in 64 bits");
      return checked(factory_.literal(at.offset, Value::uinteger(*value)));
    }
    const auto value = parse_double(shown);
    if (!value) return fail(at.offset, shown + " is no number");
    if (std::isinf(*value)) {
      return fail(at.offset, "the double " + shown + " is larger than any double");
    }
    return checked(factory_.literal(at.offset, Value::number(*value)));
  }

  ExprPtr text() {
    const Lexeme at = take();
    const bool bytes = at.token == Token::kBytes;
    auto value = unquote(at.text, bytes);
    if (!value) return fail(at.offset, value.error());
    return checked(
        factory_.literal(at.offset, bytes ? Value::bytes(*value) : Value::string(*value)));
  }

  ExprPtr name(const std::string& dot) {
    const Lexeme at = take();
    if (dot.empty()) {
      if (at.text == "true") return checked(factory_.literal(at.offset, Value::boolean(true)));
      if (at.text == "false") return checked(factory_.literal(at.offset, Value::boolean(false)));
      if (at.text == "null") return checked(factory_.literal(at.offset, Value::null()));
    }
    if (at.text == "not" && peek().token == Token::kIdent) {
      return fail(at.offset, "\"not\" is no operator of CEL", "!");
    }
    if (is_literal_word(at.text) || is_reserved(at.text)) {
      return fail(at.offset, "\"" + std::string(at.text) + "\" is a reserved word of CEL");
    }
    if (!peek().is("(")) return checked(factory_.ident(at.offset, dot + std::string(at.text)));
    std::vector<ExprPtr> args;
    if (!arguments(args)) return nullptr;
    return macro(checked(factory_.call(at.offset, dot + std::string(at.text), std::move(args))));
  }

  ExprPtr list() {
    const std::uint32_t offset = take().offset;
    std::vector<ExprPtr> items;
    std::vector<bool> optional;
    while (!peek().is("]")) {
      optional.push_back(accept_optional());
      ExprPtr item = expression();
      if (!item) return nullptr;
      items.push_back(std::move(item));
      if (!accept(",")) break;
    }
    if (!expect("]", "to close this list")) return nullptr;
    ExprPtr expr = factory_.list(offset, std::move(items));
    expr->optional_items = std::move(optional);
    return checked(std::move(expr));
  }

  ExprPtr map() {
    const std::uint32_t offset = take().offset;
    std::vector<ExprPtr> items;
    std::vector<bool> optional;
    while (!peek().is("}")) {
      optional.push_back(accept_optional());
      ExprPtr key = expression();
      if (!key || !expect(":", "between a key and its value")) return nullptr;
      ExprPtr value = expression();
      if (!value) return nullptr;
      items.push_back(std::move(key));
      items.push_back(std::move(value));
      if (!accept(",")) break;
    }
    if (!expect("}", "to close this map")) return nullptr;
    ExprPtr expr = factory_.map(offset, std::move(items));
    expr->optional_items = std::move(optional);
    return checked(std::move(expr));
  }

  ExprPtr message(ExprPtr type) {
    const std::uint32_t offset = take().offset;
    const std::string type_text = type_name(*type);
    ExprPtr expr = factory_.map(offset);
    while (!peek().is("}")) {
      expr->optional_items.push_back(accept_optional());
      const Lexeme field = peek();
      if (field.token != Token::kIdent && !at_quoted_field()) {
        return unexpected("the name of a field");
      }
      take();
      if (!expect(":", "between a field and its value")) return nullptr;
      ExprPtr value = expression();
      if (!value) return nullptr;
      expr->args.push_back(factory_.literal(field.offset, Value::string(field.text)));
      expr->depth = std::max(expr->depth, value->depth + 1);
      expr->args.push_back(std::move(value));
      if (!accept(",")) break;
    }
    if (!expect("}", "to close this message")) return nullptr;
    expr->kind = ExprKind::kMessage;
    expr->name = type_text;
    return checked(std::move(expr));
  }

  std::vector<Lexeme> lexemes_;
  const Limits& limits_;
  ExprFactory factory_;
  Syntax syntax_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace

ExprPtr parse(std::string_view source, const Limits& limits, Reporter& reporter, Syntax syntax) {
  if (source.size() > limits.expression_bytes_max) {
    reporter.add(0, "the expression is longer than " + std::to_string(limits.expression_bytes_max) +
                        " bytes");
    return nullptr;
  }
  if (const auto bad = first_invalid_utf8(source)) {
    reporter.add(*bad, "the expression is not valid UTF-8");
    return nullptr;
  }
  std::vector<Lexeme> lexemes = lex(source, reporter);
  if (reporter.failed()) return nullptr;
  return Parser(std::move(lexemes), limits, reporter, syntax).run();
}

}  // namespace keyturn::cel
