// Where people and programs read us. Nothing that came from outside reaches a terminal unless it
// went through here or through render/.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "doc/value.h"

namespace keyturn::cli {

struct Console {
  std::ostream& out;
  std::ostream& err;
  std::istream& in;
  bool in_terminal = false;
  bool out_terminal = false;
  bool err_terminal = false;
  bool colour = false;  // allowed where it is a terminal: NO_COLOR is not set, TERM is not "dumb"
};
Console standard_console();

enum class Tone { kPlain, kGood, kBad, kWarn, kDim, kBold };
Tone tone_of(std::string_view state);
std::string on_out(const Console& console, Tone tone, std::string_view text);
std::string on_err(const Console& console, Tone tone, std::string_view text);

// Text of others, for a terminal: only visible characters, spaces, "\n" and "\t". Control,
// invisible and bidirectional characters come as ⟦U+202E⟧, bytes that are no UTF-8 as ⟦\xFF⟧, and
// ⟦ and ⟧ themselves as ⟦U+27E6⟧, ⟦U+27E7⟧, so that no text can pretend to be such a mark.
std::string printable(std::string_view text);
std::string one_line(std::string_view text);  // "\n" and "\t" are marked too

// printable() on a terminal; elsewhere exactly the bytes.
std::string for_out(const Console& console, std::string_view text);
std::string for_err(const Console& console, std::string_view text);

using Row = std::vector<std::string>;
// Columns that line up, cells on one line. `head` may be empty.
std::string aligned(const Row& head, const std::vector<Row>& rows);

// Rows of a SQL result: a table with a head on a terminal, else TSV with a head, where "\t", "\n",
// "\r" and "\" are written \t \n \r \\ and null is \N (as PostgreSQL's COPY does).
std::string rows_text(const doc::Value& rows, const doc::Value* columns, bool terminal);

// JSON as one line for programs, indented (and printable) for terminals, with a line break.
void print_json(Console& console, const doc::Value& value);

}  // namespace keyturn::cli
