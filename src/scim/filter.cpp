// Filters and paths as text: reading and writing them.
#include "scim/filter.h"

#include <array>
#include <utility>

#include "base/ascii.h"
#include "doc/json.h"

namespace keyturn::scim {
namespace {

constexpr std::array<std::pair<std::string_view, Comparison>, 10> kComparisons{
    {{"eq", Comparison::kEq},
     {"ne", Comparison::kNe},
     {"co", Comparison::kCo},
     {"sw", Comparison::kSw},
     {"ew", Comparison::kEw},
     {"pr", Comparison::kPr},
     {"gt", Comparison::kGt},
     {"ge", Comparison::kGe},
     {"lt", Comparison::kLt},
     {"le", Comparison::kLe}}};

bool is_name_character(char c) {
  return is_alphanumeric(c) || c == '-' || c == '_';
}

// ATTRNAME of RFC 7643 §2.1, and "$ref".
bool is_attribute_name(std::string_view name) {
  if (name == "$ref") return true;
  if (name.empty() || !is_letter(name.front())) return false;
  for (const char c : name) {
    if (!is_name_character(c)) return false;
  }
  return true;
}

class Reader {
 public:
  Reader(std::string_view text, std::string code) : text_(text), code_(std::move(code)) {}

  std::unexpected<Refusal> fail(std::string_view what) const {
    return refuse(code_, std::string(what) + " at byte " + std::to_string(at_));
  }

  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  // At least one space, if `needed`.
  bool spaces() {
    const std::size_t before = at_;
    while (peek() == ' ') ++at_;
    return at_ > before;
  }

  // The word that comes next when it is `word`, a space or parenthesis after it.
  bool take_word(std::string_view word) {
    if (text_.size() - at_ < word.size() || !same_name(text_.substr(at_, word.size()), word))
      return false;
    const std::size_t after = at_ + word.size();
    if (after < text_.size() && text_[after] != ' ' && text_[after] != '(') return false;
    at_ = after;
    return true;
  }

  Result<AttributePath> attribute() {
    const std::size_t begin = at_;
    while (!at_end() &&
           (is_name_character(peek()) || peek() == ':' || peek() == '.' || peek() == '$'))
      ++at_;
    std::string_view whole = text_.substr(begin, at_ - begin);
    AttributePath out;
    if (const std::size_t colon = whole.rfind(':'); colon != std::string_view::npos) {
      out.schema = whole.substr(0, colon);
      whole.remove_prefix(colon + 1);
    }
    const std::size_t dot = whole.find('.');
    out.name = whole.substr(0, dot);
    if (dot != std::string_view::npos) out.sub = whole.substr(dot + 1);
    const bool sub_holds = dot == std::string_view::npos || is_attribute_name(out.sub);
    if (!is_attribute_name(out.name) || !sub_holds) {
      at_ = begin;
      return fail("an attribute's name was expected");
    }
    return out;
  }

  Result<std::string> sub_attribute() {
    const std::size_t begin = at_;
    while (!at_end() && (is_name_character(peek()) || peek() == '$')) ++at_;
    const std::string_view name = text_.substr(begin, at_ - begin);
    if (!is_attribute_name(name)) return fail("a sub-attribute's name was expected");
    return std::string(name);
  }

  Result<Filter> any_of(int depth) { return chain(depth, Filter::Kind::kOr, "or"); }

 private:
  Result<Filter> chain(int depth, Filter::Kind kind, std::string_view word) {
    const auto next = [&] {
      return kind == Filter::Kind::kOr ? chain(depth, Filter::Kind::kAnd, "and") : term(depth);
    };
    Result<Filter> first = next();
    if (!first) return first;
    Filter out;
    for (;;) {
      const std::size_t before = at_;
      if (!spaces() || !take_word(word)) {
        at_ = before;
        break;
      }
      spaces();
      Result<Filter> more = next();
      if (!more) return more;
      if (out.parts.empty()) {
        out.kind = kind;
        out.parts.push_back(std::move(*first));
      }
      out.parts.push_back(std::move(*more));
    }
    if (out.parts.empty()) return first;
    return out;
  }

  Result<Filter> closed(int depth, char close) {
    spaces();
    Result<Filter> inner = any_of(depth);
    if (!inner) return inner;
    spaces();
    if (!take(close)) return fail(std::string("\"") + close + "\" was expected");
    return inner;
  }

  Result<Filter> term(int depth) {
    if (depth > kFilterDepthMax)
      return fail("a filter nests at most " + std::to_string(kFilterDepthMax) + " deep; it ends");
    if (take('(')) return closed(depth + 1, ')');
    const std::size_t before = at_;
    if (take_word("not")) {
      spaces();
      if (take('(')) {
        Result<Filter> inner = closed(depth + 1, ')');
        if (!inner) return inner;
        Filter out;
        out.kind = Filter::Kind::kNot;
        out.parts.push_back(std::move(*inner));
        return out;
      }
      at_ = before;  // an attribute may be called "not"
    }
    return comparison(depth);
  }

  Result<Filter> comparison(int depth) {
    if (++terms_ > kFilterTermsMax)
      return fail("a filter has at most " + std::to_string(kFilterTermsMax) +
                  " comparisons; it ends");
    Result<AttributePath> attribute = this->attribute();
    if (!attribute) return std::unexpected(attribute.error());
    Filter out;
    out.attribute = std::move(*attribute);
    if (take('[')) {
      Result<Filter> inner = closed(depth + 1, ']');
      if (!inner) return inner;
      out.kind = Filter::Kind::kValuePath;
      out.parts.push_back(std::move(*inner));
      return out;
    }
    if (!spaces()) return fail("a comparison such as eq was expected");
    for (const auto& [word, comparison] : kComparisons) {
      if (text_.size() - at_ < 2 || !same_name(text_.substr(at_, 2), word)) continue;
      at_ += 2;
      out.comparison = comparison;
      if (comparison == Comparison::kPr) return out;
      if (!spaces()) return fail("a value was expected");
      Result<doc::Value> value = this->value();
      if (!value) return std::unexpected(value.error());
      out.value = std::move(*value);
      return out;
    }
    return fail("one of eq ne co sw ew pr gt ge lt le was expected");
  }

  // A JSON text, number, true, false or null.
  Result<doc::Value> value() {
    const std::size_t begin = at_;
    if (take('"')) {
      while (!at_end() && peek() != '"') at_ += peek() == '\\' ? 2 : 1;
      if (at_ >= text_.size()) {
        at_ = text_.size();
        return fail("the text has no end");
      }
      ++at_;
    } else {
      while (!at_end() && (is_name_character(peek()) || peek() == '.' || peek() == '+')) ++at_;
    }
    const std::string_view token = text_.substr(begin, at_ - begin);
    if (same_name(token, "true")) return doc::Value(true);
    if (same_name(token, "false")) return doc::Value(false);
    Result<doc::Value> out = doc::parse_json(token);
    if (out && !out->is_array() && !out->is_object()) return out;
    at_ = begin;
    return fail("a text in quotes, a number, true, false or null was expected");
  }

  std::string_view text_;
  std::string code_;
  std::size_t at_ = 0;
  std::size_t terms_ = 0;
};

std::string to_text(const AttributePath& path) {
  return (path.schema.empty() ? "" : path.schema + ":") + path.name +
         (path.sub.empty() ? "" : "." + path.sub);
}

Result<void> check_size(std::string_view text, std::string code) {
  if (text.size() <= kFilterBytesMax) return {};
  return refuse(std::move(code),
                "longer than " + std::to_string(kFilterBytesMax) + " bytes: ask for less at once");
}

}  // namespace

Result<Filter> parse_filter(std::string_view text) {
  if (Result<void> ok = check_size(text, "invalidFilter"); !ok) return std::unexpected(ok.error());
  Reader in(text, "invalidFilter");
  in.spaces();
  Result<Filter> out = in.any_of(1);
  if (!out) return out;
  in.spaces();
  if (!in.at_end()) return in.fail("the end of the filter was expected");
  return out;
}

Result<Path> parse_path(std::string_view text) {
  if (Result<void> ok = check_size(text, "invalidPath"); !ok) return std::unexpected(ok.error());
  Reader in(text, "invalidPath");
  Result<AttributePath> attribute = in.attribute();
  if (!attribute) return std::unexpected(attribute.error());
  Path out{std::move(*attribute), std::nullopt};
  if (in.take('[')) {
    in.spaces();
    Result<Filter> filter = in.any_of(1);
    if (!filter) return std::unexpected(filter.error());
    in.spaces();
    if (!in.take(']')) return in.fail("\"]\" was expected");
    out.filter = std::move(*filter);
    if (in.take('.')) {
      if (!out.attribute.sub.empty()) return in.fail("a second sub-attribute");
      Result<std::string> sub = in.sub_attribute();
      if (!sub) return std::unexpected(sub.error());
      out.attribute.sub = std::move(*sub);
    }
  }
  if (!in.at_end()) return in.fail("the end of the path was expected");
  return out;
}

Result<AttributePath> parse_attribute(std::string_view text) {
  Result<Path> path = parse_path(text);
  if (!path) return std::unexpected(path.error());
  if (path->filter) return refuse("invalidPath", "a filter has no place here");
  return path->attribute;
}

std::size_t terms_of(const Filter& filter) {
  std::size_t out = filter.kind == Filter::Kind::kCompare ? 1 : 0;
  for (const Filter& part : filter.parts) out += terms_of(part);
  return out;
}

std::string to_text(const Filter& filter) {
  switch (filter.kind) {
    case Filter::Kind::kCompare: {
      std::string out = to_text(filter.attribute);
      for (const auto& [word, comparison] : kComparisons) {
        if (comparison == filter.comparison) out += " " + std::string(word);
      }
      if (filter.comparison != Comparison::kPr) out += " " + doc::write_json(filter.value);
      return out;
    }
    case Filter::Kind::kValuePath:
      return to_text(filter.attribute) + "[" + to_text(filter.parts.front()) + "]";
    case Filter::Kind::kNot:
      return "not (" + to_text(filter.parts.front()) + ")";
    case Filter::Kind::kAnd:
    case Filter::Kind::kOr:
      break;
  }
  const std::string word = filter.kind == Filter::Kind::kAnd ? " and " : " or ";
  std::string out;
  for (const Filter& part : filter.parts) {
    const bool nested = part.kind == Filter::Kind::kAnd || part.kind == Filter::Kind::kOr;
    out += (out.empty() ? "" : word) + (nested ? "(" + to_text(part) + ")" : to_text(part));
  }
  return out;
}

}  // namespace keyturn::scim
