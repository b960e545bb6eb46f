// "{{name}}" inside the texts of a tool's definition.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace keyturn::catalog {

struct Piece {
  bool parameter = false;
  std::string text;  // literal text, or the parameter's name
};

// Splits a text. Refuses "{{" without "}}" and names that are no identifiers (code
// invalid_template).
[[nodiscard]] Result<std::vector<Piece>> split_template(std::string_view text);

// The same of a text of a tool that was loaded; throws std::logic_error where it cannot be split.
std::vector<Piece> pieces_of(std::string_view text);

// The parameter, when the text is "{{name}}" and nothing else; or "".
std::string whole_parameter(const std::vector<Piece>& pieces);

// The first parameter that stands inside a quoted string, quoted name, dollar quote or comment of
// an SQL statement, where a bind parameter cannot be; or "".
std::string quoted_parameter(std::string_view statement);

// True when the statement holds $1, $2, … of its own.
bool has_own_bind_parameters(std::string_view statement);

}  // namespace keyturn::catalog
