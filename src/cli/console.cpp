#include "cli/console.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "base/bytes.h"
#include "doc/json.h"

namespace keyturn::cli {
namespace {

constexpr std::string_view kReset = "\x1b[0m";

std::string_view escape_of(Tone tone) {
  switch (tone) {
    case Tone::kPlain:
      return "";
    case Tone::kGood:
      return "\x1b[32m";
    case Tone::kBad:
      return "\x1b[31m";
    case Tone::kWarn:
      return "\x1b[33m";
    case Tone::kDim:
      return "\x1b[2m";
    case Tone::kBold:
      return "\x1b[1m";
  }
  return "";
}

std::string toned(bool colour, Tone tone, std::string_view text) {
  if (!colour || tone == Tone::kPlain) return std::string(text);
  return fmt::format("{}{}{}", escape_of(tone), text, kReset);
}

struct Range {
  char32_t first, last;
};
// What a terminal would obey, or draw as nothing, or draw elsewhere than it stands.
constexpr Range kUnseen[] = {
    {0x00, 0x08},     {0x0B, 0x1F},     {0x7F, 0x9F},     {0xAD, 0xAD},     {0x034F, 0x034F},
    {0x061C, 0x061C}, {0x115F, 0x1160}, {0x17B4, 0x17B5}, {0x180B, 0x180F}, {0x200B, 0x200F},
    {0x2028, 0x202E}, {0x2060, 0x206F}, {0x27E6, 0x27E7}, {0x3164, 0x3164}, {0xE000, 0xF8FF},
    {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB}, {0xE0000, 0x10FFFF}};

bool is_unseen(char32_t c) {
  return std::ranges::any_of(kUnseen, [c](Range r) { return r.first <= c && c <= r.last; });
}

std::string marked(std::string_view text, bool keep_lines) {
  std::string out;
  while (!text.empty()) {
    const std::size_t valid = first_invalid_utf8(text).value_or(text.size());
    for (std::size_t at = 0; at < valid;) {
      const std::size_t begin = at;
      const char32_t c = next_code_point(text, at);
      if (is_unseen(c) || (!keep_lines && (c == '\n' || c == '\t')))
        out += fmt::format("⟦U+{:04X}⟧", static_cast<std::uint32_t>(c));
      else
        out += text.substr(begin, at - begin);
    }
    text.remove_prefix(valid);
    if (text.empty()) break;
    out += fmt::format("⟦\\x{:02X}⟧", static_cast<unsigned char>(text.front()));
    text.remove_prefix(1);
  }
  return out;
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

void add_row(std::string& out, const Row& row, const std::vector<std::size_t>& widths) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    out += row[i];
    if (i + 1 < row.size()) out.append(widths[i] - width_of(row[i]) + 2, ' ');
  }
  while (out.ends_with(' ')) out.pop_back();
  out += '\n';
}

std::string tsv_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\t':
        out += "\\t";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\\':
        out += "\\\\";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string tsv_cell(const doc::Value* value) {
  if (value == nullptr || value->is_null()) return "\\N";
  return tsv_text(value->is_string() ? value->as_string() : doc::write_json(*value));
}

std::string table_cell(const doc::Value* value) {
  if (value == nullptr || value->is_null()) return "NULL";
  return one_line(value->is_string() ? value->as_string() : doc::write_json(*value));
}

std::vector<std::string> column_names(const doc::Value& rows, const doc::Value* columns) {
  std::vector<std::string> names;
  if (columns != nullptr && columns->is_array()) {
    for (const doc::Value& name : columns->as_array())
      if (name.is_string()) names.push_back(name.as_string());
  } else if (!rows.as_array().empty() && rows.as_array().front().is_object()) {
    for (const doc::Member& member : rows.as_array().front().as_object())
      names.push_back(member.key);
  }
  return names;
}

std::string joined(const Row& cells) {
  std::string line;
  for (const std::string& cell : cells) line += (&cell == cells.data() ? "" : "\t") + cell;
  return line + "\n";
}

}  // namespace

Console standard_console() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  return Console{.out = std::cout,
                 .err = std::cerr,
                 .in = std::cin,
                 .in_terminal = ::isatty(STDIN_FILENO) == 1,
                 .out_terminal = ::isatty(STDOUT_FILENO) == 1,
                 .err_terminal = ::isatty(STDERR_FILENO) == 1,
                 .colour = (no_colour == nullptr || *no_colour == '\0') && !dumb};
}

Tone tone_of(std::string_view state) {
  if (state == "succeeded" || state == "approved" || state == "approve") return Tone::kGood;
  if (state == "denied" || state == "failed" || state == "deny") return Tone::kBad;
  if (state == "pending" || state == "deferred" || state == "unknown") return Tone::kWarn;
  if (state == "expired" || state == "cancelled") return Tone::kDim;
  return Tone::kPlain;
}

std::string on_out(const Console& console, Tone tone, std::string_view text) {
  return toned(console.colour && console.out_terminal, tone, text);
}

std::string on_err(const Console& console, Tone tone, std::string_view text) {
  return toned(console.colour && console.err_terminal, tone, text);
}

std::string printable(std::string_view text) {
  return marked(text, true);
}

std::string one_line(std::string_view text) {
  return marked(text, false);
}

std::string for_out(const Console& console, std::string_view text) {
  return console.out_terminal ? printable(text) : std::string(text);
}

std::string for_err(const Console& console, std::string_view text) {
  return console.err_terminal ? printable(text) : std::string(text);
}

std::string aligned(const Row& head, const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(head.size());
  const auto measure = [&widths](const Row& row) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  };
  measure(head);
  std::ranges::for_each(rows, measure);
  std::string out;
  if (!head.empty()) add_row(out, head, widths);
  for (const Row& row : rows) add_row(out, row, widths);
  return out;
}

std::string rows_text(const doc::Value& rows, const doc::Value* columns, bool terminal) {
  if (!rows.is_array()) return "";
  const std::vector<std::string> names = column_names(rows, columns);
  if (names.empty()) return "";
  Row head;
  for (const std::string& name : names) head.push_back(terminal ? one_line(name) : tsv_text(name));
  std::vector<Row> body;
  for (const doc::Value& row : rows.as_array()) {
    Row cells;
    for (const std::string& name : names) {
      const doc::Value* value = row.find(name);
      cells.push_back(terminal ? table_cell(value) : tsv_cell(value));
    }
    body.push_back(std::move(cells));
  }
  if (terminal) return aligned(head, body);
  std::string out = joined(head);
  for (const Row& cells : body) out += joined(cells);
  return out;
}

void print_json(Console& console, const doc::Value& value) {
  if (console.out_terminal)
    console.out << printable(doc::write_json_pretty(value)) << '\n';
  else
    console.out << doc::write_json(value) << '\n';
}

}  // namespace keyturn::cli
