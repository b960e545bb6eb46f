// Strings: the standard functions and cel-go's string extension. Positions count code points.
#include <re2/re2.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "cel/builtins.h"
#include "cel/number_text.h"
#include "cel/text_tables.h"

namespace keyturn::cel {
namespace {

using Test = bool (*)(std::string_view, std::string_view);

Value text_test(const char* name, Frame& frame, Arguments args, Test test, bool one_end) {
  if (!args[0]->is_string() || !args[1]->is_string()) return no_overload(name, args);
  const std::string_view text = args[0]->text();
  const std::string_view part = args[1]->text();
  const std::size_t read = one_end ? std::min(text.size(), part.size()) : text.size();
  return frame.charge_text(read) ? Value::boolean(test(text, part)) : over_limit();
}

Value contains(Frame& frame, Arguments args) {
  const Test test = [](std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
  };
  return text_test("contains", frame, args, test, false);
}
Value starts_with(Frame& frame, Arguments args) {
  const Test test = [](std::string_view text, std::string_view part) {
    return text.starts_with(part);
  };
  return text_test("startsWith", frame, args, test, true);
}
Value ends_with(Frame& frame, Arguments args) {
  const Test test = [](std::string_view text, std::string_view part) {
    return text.ends_with(part);
  };
  return text_test("endsWith", frame, args, test, true);
}

// A pattern that is no constant: compiled each time, so it costs.
Value matches(Frame& frame, Arguments args) {
  if (!args[0]->is_string() || !args[1]->is_string()) return no_overload("matches", args);
  const std::string_view text = args[0]->text();
  const std::string_view pattern = args[1]->text();
  if (!frame.charge(100 + pattern.size()) || !frame.charge_text(text.size())) return over_limit();
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  const RE2 compiled(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!compiled.ok()) return Value::error("invalid regular expression: " + compiled.error());
  return Value::boolean(RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), compiled));
}

// Byte offset of the code point number `count`, or npos past the end.
std::size_t byte_at(std::string_view text, std::int64_t count) {
  if (count < 0) return std::string_view::npos;
  std::size_t at = 0;
  for (; count > 0 && at < text.size(); --count) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) ++at;
  }
  return count == 0 ? at : std::string_view::npos;
}

std::int64_t code_points(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

Value out_of_range(std::int64_t index) {
  return Value::error("index out of range: " + std::to_string(index));
}

bool kinds_are(Arguments args, std::initializer_list<Kind> kinds) {
  std::size_t i = 0;
  for (const Kind kind : kinds) {
    if (i < args.size() && args[i++]->kind() != kind) return false;
  }
  return true;
}

Value char_at(Frame& frame, Arguments args) {
  if (!kinds_are(args, {Kind::kString, Kind::kInt})) return no_overload("charAt", args);
  const std::string_view text = args[0]->text();
  if (!frame.charge_text(text.size())) return over_limit();
  const std::size_t at = byte_at(text, args[1]->as_int());
  if (at == std::string_view::npos) return out_of_range(args[1]->as_int());
  return Value::string(text.substr(at, byte_at(text.substr(at), 1)));
}

Value index_of(Frame& frame, Arguments args) {
  if (!kinds_are(args, {Kind::kString, Kind::kString, Kind::kInt})) {
    return no_overload("indexOf", args);
  }
  const std::string_view text = args[0]->text();
  if (!frame.charge_text(2 * text.size())) return over_limit();
  const std::size_t from = args.size() > 2 ? byte_at(text, args[2]->as_int()) : 0;
  if (from == std::string_view::npos) return out_of_range(args[2]->as_int());
  const std::size_t found = text.find(args[1]->text(), from);
  return Value::integer(found == std::string_view::npos ? -1 : code_points(text.substr(0, found)));
}

Value last_index_of(Frame& frame, Arguments args) {
  if (!kinds_are(args, {Kind::kString, Kind::kString, Kind::kInt})) {
    return no_overload("lastIndexOf", args);
  }
  const std::string_view text = args[0]->text();
  const std::string_view part = args[1]->text();
  if (!frame.charge_text(2 * text.size() + part.size())) return over_limit();
  const std::size_t from = args.size() > 2 ? byte_at(text, args[2]->as_int()) : text.size();
  if (from == std::string_view::npos) return out_of_range(args[2]->as_int());
  const std::size_t found = text.rfind(part, from);
  return Value::integer(found == std::string_view::npos ? -1 : code_points(text.substr(0, found)));
}

Value substring(Frame& frame, Arguments args) {
  if (!kinds_are(args, {Kind::kString, Kind::kInt, Kind::kInt})) {
    return no_overload("substring", args);
  }
  const std::string_view text = args[0]->text();
  if (!frame.charge_text(2 * text.size())) return over_limit();
  const std::size_t from = byte_at(text, args[1]->as_int());
  if (from == std::string_view::npos) return out_of_range(args[1]->as_int());
  const std::size_t to = args.size() > 2 ? byte_at(text, args[2]->as_int()) : text.size();
  if (to == std::string_view::npos) return out_of_range(args[2]->as_int());
  if (to < from) return Value::error("invalid substring range");
  return Value::string(text.substr(from, to - from));
}

Value mapped(const char* name, Frame& frame, Arguments args, char first, char last, int shift) {
  if (!args[0]->is_string()) return no_overload(name, args);
  if (!frame.charge_text(args[0]->text().size())) return over_limit();
  std::string out(args[0]->text());
  for (char& c : out) {
    if (c >= first && c <= last) c = static_cast<char>(c + shift);
  }
  return Value::string(out);
}
Value lower_ascii(Frame& frame, Arguments args) {
  return mapped("lowerAscii", frame, args, 'A', 'Z', 'a' - 'A');
}
Value upper_ascii(Frame& frame, Arguments args) {
  return mapped("upperAscii", frame, args, 'a', 'z', 'A' - 'a');
}

Value replace(Frame& frame, Arguments args) {
  if (!kinds_are(args, {Kind::kString, Kind::kString, Kind::kString, Kind::kInt})) {
    return no_overload("replace", args);
  }
  const std::string_view text = args[0]->text();
  const std::string_view part = args[1]->text();
  const std::string_view by = args[2]->text();
  std::int64_t left = args.size() > 3 ? args[3]->as_int() : -1;
  if (!frame.charge_text(text.size())) return over_limit();
  std::string out;
  std::size_t at = 0;
  for (; left != 0; --left) {
    const std::size_t found = text.find(part, at);
    if (found == std::string_view::npos) break;
    if (!frame.charge_text(by.size())) return over_limit();
    out.append(text, at, found - at).append(by);
    at = found + part.size();
    if (!part.empty()) continue;
    if (at == text.size()) return Value::string(out);
    const std::size_t step =
        byte_at(text.substr(at), 1);  // an empty part stands between code points
    out.append(text, at, step);
    at += step;
  }
  return Value::string(out.append(text, at));
}

Value split(Frame& frame, Arguments args) {
  if (!kinds_are(args, {Kind::kString, Kind::kString, Kind::kInt})) {
    return no_overload("split", args);
  }
  std::string_view text = args[0]->text();
  const std::string_view separator = args[1]->text();
  const std::int64_t most = args.size() > 2 ? args[2]->as_int() : -1;
  if (!frame.charge_text(text.size())) return over_limit();
  std::vector<Value> out;
  if (most == 0 || (text.empty() && separator.empty())) return Value::list({});
  while (most < 0 || static_cast<std::int64_t>(out.size()) + 1 < most) {
    const std::size_t end = separator.empty() ? byte_at(text, 1) : text.find(separator);
    if (end == std::string_view::npos || (separator.empty() && end == text.size())) break;
    if (!frame.charge(2)) return over_limit();
    out.push_back(Value::string(text.substr(0, end)));
    text.remove_prefix(end + separator.size());
  }
  out.push_back(Value::string(text));
  return Value::list(std::move(out));
}

Value join(Frame& frame, Arguments args) {
  if (!kinds_are(args, {Kind::kList, Kind::kString})) return no_overload("join", args);
  const std::string_view between = args.size() > 1 ? args[1]->text() : std::string_view();
  std::string out;
  for (bool first = true; const Value& item : args[0]->items()) {
    if (!item.is_string()) return no_overload("join", args);
    if (!frame.charge_text(item.text().size() + between.size())) return over_limit();
    if (!first) out += between;
    first = false;
    out += item.text();
  }
  return Value::string(out);
}

Value trim(Frame& frame, Arguments args) {
  if (!args[0]->is_string()) return no_overload("trim", args);
  const std::string_view text = args[0]->text();
  if (!frame.charge_text(text.size())) return over_limit();
  std::size_t first = text.size();
  std::size_t last = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    if (is_white_space(next_code_point(text, at))) continue;
    first = std::min(first, start);
    last = at;
  }
  return Value::string(first < last ? text.substr(first, last - first) : std::string_view());
}

Value reverse(Frame& frame, Arguments args) {
  if (!args[0]->is_string()) return no_overload("reverse", args);
  const std::string_view text = args[0]->text();
  if (!frame.charge_text(text.size())) return over_limit();
  std::string out;
  for (std::size_t end = text.size(); end > 0;) {
    std::size_t start = end - 1;
    while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0U) == 0x80U) --start;
    out.append(text, start, end - start);
    end = start;
  }
  return Value::string(out);
}

Value quote(Frame& frame, Arguments args) {
  if (!args[0]->is_string()) return no_overload("strings.quote", args);
  if (!frame.charge_text(2 * args[0]->text().size())) return over_limit();
  static constexpr std::string_view kPlain = "\a\b\f\n\r\t\v\\\"";
  static constexpr std::string_view kEscaped = "abfnrtv\\\"";
  std::string out = "\"";
  for (const char c : args[0]->text()) {
    const std::size_t i = kPlain.find(c);
    if (i == std::string_view::npos) {
      out += c;
    } else {
      out += '\\';
      out += kEscaped[i];
    }
  }
  return Value::string(out + "\"");
}

Value base64_encode(Frame& frame, Arguments args) {
  if (!args[0]->is_bytes()) return no_overload("base64.encode", args);
  if (!frame.charge_text(2 * args[0]->text().size())) return over_limit();
  return Value::string(to_base64(args[0]->text()));
}

Value base64_decode(Frame& frame, Arguments args) {
  if (!args[0]->is_string()) return no_overload("base64.decode", args);
  if (!frame.charge_text(args[0]->text().size())) return over_limit();
  std::string text(args[0]->text());
  while (text.size() % 4 != 0) text += '=';  // padding may be left out
  const auto bytes = from_base64(text);
  return bytes ? Value::bytes(*bytes) : Value::error("invalid base64");
}

CallBound bound_of_end(std::span<const Extent> args) {
  return {text_cost(std::min(args[0].text, args[1].text)), Extent::scalar()};
}

CallBound bound_of_matches(std::span<const Extent> args) {
  return {plus(plus(100, args[1].text), text_cost(args[0].text)), Extent::scalar()};
}

CallBound bound_of_search(std::span<const Extent> args) {
  return {text_cost(plus(times(2, args[0].text), args[1].text)), Extent::scalar()};
}

// The text between each of its bytes, and at both ends.
CallBound bound_of_replace(std::span<const Extent> args) {
  const Amount times_most = plus(args[0].text, 1);
  Extent of = Extent::scalar();
  of.text = plus(args[0].text, times(times_most, args[2].text));
  return {plus(text_cost(args[0].text), times(times_most, text_cost(args[2].text))), of};
}

CallBound bound_of_split(std::span<const Extent> args) {
  const Amount parts = plus(args[0].text, 1);
  return {plus(text_cost(args[0].text), times(2, parts)),
          {args[0].text, parts, plus(1, parts), false, true}};
}

CallBound bound_of_join(std::span<const Extent> args) {
  const Amount piece = plus(args[0].text, args.size() > 1 ? args[1].text : 0);
  Extent of = Extent::scalar();
  of.text = times(args[0].items, piece);
  return {times(args[0].items, text_cost(piece)), of};
}

constexpr BuiltinEntry kStringTable[] = {{"contains", contains, 2, 2, bound_of_test},
                                         {"startsWith", starts_with, 2, 2, bound_of_end},
                                         {"endsWith", ends_with, 2, 2, bound_of_end},
                                         {"matches", matches, 2, 2, bound_of_matches},
                                         {"charAt", char_at, 2, 2, bound_of_text},
                                         {"indexOf", index_of, 2, 3, bound_of_search},
                                         {"lastIndexOf", last_index_of, 2, 3, bound_of_search},
                                         {"substring", substring, 2, 3, bound_of_text},
                                         {"lowerAscii", lower_ascii, 1, 1, bound_of_text},
                                         {"upperAscii", upper_ascii, 1, 1, bound_of_text},
                                         {"replace", replace, 3, 4, bound_of_replace},
                                         {"split", split, 2, 3, bound_of_split},
                                         {"join", join, 1, 2, bound_of_join},
                                         {"trim", trim, 1, 1, bound_of_text},
                                         {"reverse", reverse, 1, 1, bound_of_text},
                                         {"strings.quote", quote, 1, 1},
                                         {"base64.encode", base64_encode, 1, 1},
                                         {"base64.decode", base64_decode, 1, 1}};

}  // namespace

std::span<const BuiltinEntry> string_builtins() {
  return kStringTable;
}

}  // namespace keyturn::cel
