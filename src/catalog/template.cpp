#include "catalog/template.h"

#include <stdexcept>

#include "base/ascii.h"

namespace keyturn::catalog {
namespace {

bool is_word(char c, bool first) {
  return is_letter(c) || c == '_' || (!first && (is_digit(c) || c == '-'));
}

bool is_name(std::string_view text) {
  if (text.empty()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_word(text[i], i == 0)) return false;
  }
  return true;
}

// The end of the quoted or commented stretch of SQL that starts at `at`, or `at` when none does.
// A stretch that never ends reaches the end of the text.
std::size_t end_of_quoted(std::string_view sql, std::size_t at) {
  const auto until = [&](std::string_view closing, std::size_t from) {
    const std::size_t end = sql.find(closing, from);
    return end == std::string_view::npos ? sql.size() : end + closing.size();
  };
  const std::string_view rest = sql.substr(at);
  if (rest.starts_with('\'')) return until("'", at + 1);
  if (rest.starts_with('"')) return until("\"", at + 1);
  if (rest.starts_with("--")) return until("\n", at + 2);
  if (rest.starts_with("/*")) return until("*/", at + 2);
  if (!rest.starts_with('$')) return at;
  std::size_t tag = at + 1;
  while (tag < sql.size() && (is_word(sql[tag], false) && sql[tag] != '-')) ++tag;
  const bool opens =
      tag < sql.size() && sql[tag] == '$' && !(tag > at + 1 && is_digit(sql[at + 1]));
  return opens ? until(sql.substr(at, tag - at + 1), tag + 1) : at;
}

}  // namespace

Result<std::vector<Piece>> split_template(std::string_view text) {
  std::vector<Piece> pieces;
  while (!text.empty()) {
    const std::size_t open = text.find("{{");
    if (open != 0) pieces.push_back({false, std::string(text.substr(0, open))});
    if (open == std::string_view::npos) break;
    const std::size_t close = text.find("}}", open + 2);
    if (close == std::string_view::npos) {
      return refuse("invalid_template", "\"{{\" is not closed; write {{name}}");
    }
    const std::string_view name = text.substr(open + 2, close - open - 2);
    if (!is_name(name)) {
      return refuse("invalid_template", "\"{{" + std::string(name) +
                                            "}}\" is no parameter; write {{name}}, without spaces");
    }
    pieces.push_back({true, std::string(name)});
    text.remove_prefix(close + 2);
  }
  return pieces;
}

std::vector<Piece> pieces_of(std::string_view text) {
  auto pieces = split_template(text);
  if (!pieces) throw std::logic_error("template of a loaded tool: " + pieces.error().message);
  return std::move(*pieces);
}

std::string whole_parameter(const std::vector<Piece>& pieces) {
  return pieces.size() == 1 && pieces[0].parameter ? pieces[0].text : "";
}

std::string quoted_parameter(std::string_view statement) {
  for (std::size_t at = 0; at < statement.size();) {
    const std::size_t end = end_of_quoted(statement, at);
    if (end == at) {
      ++at;
      continue;
    }
    if (const auto pieces = split_template(statement.substr(at, end - at)); pieces) {
      for (const Piece& piece : *pieces) {
        if (piece.parameter) return piece.text;
      }
    }
    at = end;
  }
  return "";
}

bool has_own_bind_parameters(std::string_view statement) {
  for (std::size_t at = 0; at + 1 < statement.size();) {
    const std::size_t end = end_of_quoted(statement, at);
    if (end != at) {
      at = end;
      continue;
    }
    if (statement[at] == '$' && is_digit(statement[at + 1])) return true;
    ++at;
  }
  return false;
}

}  // namespace keyturn::catalog
