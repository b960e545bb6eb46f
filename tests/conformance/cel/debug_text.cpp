#include "debug_text.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace keyturn {
namespace {

using cel::Expr;
using cel::ExprKind;
using cel::Value;

void append_escape(std::string& out, char kind, std::uint32_t code, int digits) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '\\';
  out += kind;
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += kHex[(code >> shift) & 15];
}

bool go_prints(UChar32 c) {
  return c == ' ' || (u_isgraph(c) && u_charType(c) != U_SPACE_SEPARATOR);
}

// As Go's strconv.Quote.
std::string quoted(std::string_view text) {
  static constexpr std::string_view kPlain = "\a\b\f\n\r\t\v\\\"";
  static constexpr std::string_view kLetters = "abfnrtv\\\"";
  std::string out = "\"";
  const auto size = static_cast<std::int32_t>(text.size());
  for (std::int32_t at = 0; at < size;) {
    const std::int32_t start = at;
    UChar32 c = 0;
    U8_NEXT(text.data(), at, size, c);
    const auto code = static_cast<std::uint32_t>(c);
    const std::size_t letter = c >= 0 && c < 128 ? kPlain.find(static_cast<char>(c)) : kPlain.npos;
    if (c < 0) {
      at = start + 1;
      append_escape(out, 'x', static_cast<unsigned char>(text[static_cast<std::size_t>(start)]), 2);
    } else if (letter != kPlain.npos) {
      out += {'\\', kLetters[letter]};
    } else if (go_prints(c)) {
      out += text.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(at - start));
    } else if (c < 128) {
      append_escape(out, 'x', code, 2);
    } else {
      append_escape(out, c < 0x10000 ? 'u' : 'U', code, c < 0x10000 ? 4 : 8);
    }
  }
  return out + '"';
}

// As Go's %v: the shortest text, with an exponent below 1e-4 and from 1e6 on.
std::string number_text(double d) {
  if (std::isnan(d)) return "NaN";
  if (std::isinf(d)) return d > 0 ? "+Inf" : "-Inf";
  const double size = std::fabs(d);
  const bool exponent = size != 0 && (size < 1e-4 || size >= 1e6);
  char buffer[400];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, d,
                    exponent ? std::chars_format::scientific : std::chars_format::fixed);
  return {buffer, end.ptr};
}

std::string literal_text(const Value& v) {
  switch (v.kind()) {
    case cel::Kind::kNull:
      return "null";
    case cel::Kind::kBool:
      return v.as_bool() ? "true" : "false";
    case cel::Kind::kInt:
      return std::to_string(v.as_int());
    case cel::Kind::kUint:
      return std::to_string(v.as_uint()) + "u";
    case cel::Kind::kDouble:
      return number_text(v.as_double());
    case cel::Kind::kString:
      return quoted(v.text());
    case cel::Kind::kBytes:
      return "b" + quoted(v.text());
    default:
      return "?";
  }
}

const char* literal_kind(const Value& v) {
  switch (v.kind()) {
    case cel::Kind::kNull:
      return "Constant_NullValue";
    case cel::Kind::kBool:
      return "Constant_BoolValue";
    case cel::Kind::kInt:
      return "Constant_Int64Value";
    case cel::Kind::kUint:
      return "Constant_Uint64Value";
    case cel::Kind::kDouble:
      return "Constant_DoubleValue";
    case cel::Kind::kString:
      return "Constant_StringValue";
    case cel::Kind::kBytes:
      return "Constant_BytesValue";
    default:
      return "?";
  }
}

const char* kind_name(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kLiteral:
      return literal_kind(expr.literal);
    case ExprKind::kIdent:
      return "Expr_IdentExpr";
    case ExprKind::kSelect:
      return "Expr_SelectExpr";
    case ExprKind::kCall:
      return "Expr_CallExpr";
    case ExprKind::kList:
      return "Expr_ListExpr";
    case ExprKind::kMap:
    case ExprKind::kMessage:
      return "Expr_StructExpr";
    case ExprKind::kComprehension:
      return "Expr_ComprehensionExpr";
  }
  return "?";
}

class Printer {
 public:
  explicit Printer(bool checked) : checked_(checked) {}

  std::string run(const Expr& expr) {
    print(expr);
    return std::move(out_);
  }

 private:
  // A variable or a type, however it was written: one name once it is checked.
  bool is_name(const Expr& expr) const {
    return checked_ && !expr.test_only &&
           (expr.named == cel::Named::kVariable || expr.named == cel::Named::kType);
  }

  void print(const Expr& expr) {
    if (is_name(expr)) {
      out_ += expr.variable + "~" + to_text(expr.type) + "^" + expr.variable;
      return;
    }
    body(expr);
    if (!checked_) {
      out_ += std::string("^#*expr.") + kind_name(expr) + "#";
      return;
    }
    out_ += "~" + to_text(expr.type);
    if (expr.kind == ExprKind::kIdent) out_ += "^" + expr.name;
    if (expr.kind == ExprKind::kCall) references(expr);
  }

  void references(const Expr& expr) {
    std::vector<std::string> ids = expr.overloads;
    std::sort(ids.begin(), ids.end());
    char before = '^';
    for (const std::string& id : ids) {
      out_ += before + id;
      before = '|';
    }
  }

  void body(const Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kLiteral:
        out_ += literal_text(expr.literal);
        return;
      case ExprKind::kIdent:
        out_ += expr.name;
        return;
      case ExprKind::kSelect:
        print(*expr.args[0]);
        out_ += "." + expr.name + (expr.test_only ? "~test-only~" : "");
        return;
      case ExprKind::kCall:
        call(expr);
        return;
      case ExprKind::kList:
        items("[", expr, 0, "]");
        return;
      case ExprKind::kMap:
      case ExprKind::kMessage:
        entries(expr);
        return;
      case ExprKind::kComprehension:
        comprehension(expr);
        return;
    }
  }

  void line() { out_ += "\n" + std::string(indent_ * 2, ' '); }

  void items(const char* open, const Expr& expr, std::size_t from, const char* close) {
    out_ += open;
    if (expr.args.size() > from) {
      ++indent_;
      for (std::size_t i = from; i < expr.args.size(); ++i) {
        if (i != from) out_ += ",";
        line();
        print(*expr.args[i]);
      }
      --indent_;
      line();
    }
    out_ += close;
  }

  void call(const Expr& expr) {
    if (expr.member) {
      print(*expr.args[0]);
      out_ += ".";
    }
    out_ += expr.name;
    items("(", expr, expr.member ? 1 : 0, ")");
  }

  void entries(const Expr& expr) {
    out_ += expr.name + "{";
    if (!expr.args.empty()) {
      ++indent_;
      for (std::size_t i = 0; i < expr.args.size(); i += 2) {
        if (i != 0) out_ += ",";
        line();
        entry(expr, i);
      }
      --indent_;
      line();
    }
    out_ += "}";
  }

  void entry(const Expr& expr, std::size_t i) {
    if (i / 2 < expr.optional_items.size() && expr.optional_items[i / 2]) out_ += "?";
    if (expr.kind == ExprKind::kMessage) {
      out_ += expr.args[i]->literal.text();
    } else {
      print(*expr.args[i]);
    }
    out_ += ":";
    print(*expr.args[i + 1]);
    if (!checked_) out_ += "^#*expr.Expr_CreateStruct_Entry#";
  }

  void comprehension(const Expr& expr) {
    out_ += "__comprehension__(";
    ++indent_;
    name_part("Variable", expr.iter_var);
    if (!expr.iter_var2.empty()) {
      out_ += expr.iter_var2 + ",";
      line();
    }
    part("Target", *expr.args[cel::kRange]);
    name_part("Accumulator", expr.name);
    part("Init", *expr.args[cel::kInit]);
    part("LoopCondition", *expr.args[cel::kCondition]);
    part("LoopStep", *expr.args[cel::kStep]);
    comment("Result");
    print(*expr.args[cel::kResult]);
    out_ += ")";
    --indent_;
  }
  void comment(const char* title) {
    line();
    out_ += std::string("// ") + title;
    line();
  }
  void name_part(const char* title, const std::string& name) {
    comment(title);
    out_ += name + ",";
  }
  void part(const char* title, const Expr& expr) {
    comment(title);
    print(expr);
    out_ += ",";
  }

  bool checked_;
  std::size_t indent_ = 0;
  std::string out_;
};

}  // namespace

std::string parsed_text(const Expr& expr) {
  return Printer(false).run(expr);
}

std::string checked_text(const Expr& expr) {
  return Printer(true).run(expr);
}

}  // namespace keyturn
