// The one trusted way from bytes to what people see. Every byte is visible; what could deceive is
// shown by a text of ours in a marked run. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "doc/value.h"

namespace keyturn::render {

enum class Mark { kNone, kControl, kInvisible, kBidi, kLookalike, kWhitespace, kSecret };
std::string_view to_text(Mark mark);  // "control" … ; "" for kNone

// A piece of text. Unmarked: exactly the input, made of visible characters, plain spaces and "\n"
// only. Marked: what stands there instead, in words of ours ("U+202E RIGHT-TO-LEFT OVERRIDE",
// "\xFF", "[4000 spaces]"), except right-to-left letters, which are themselves (kBidi). A literal
// text that reads like one of ours cannot be mistaken for it, because its run has no mark.
struct Run {
  std::string t;
  Mark mark = Mark::kNone;
  std::size_t bytes = 0;  // of the input, that this run stands for; 0: something we added
  bool operator==(const Run&) const = default;
};
using Runs = std::vector<Run>;

struct Rendered {
  Runs runs;
  std::size_t bytes = 0;  // of the input; the sum over the runs
  std::vector<std::string>
      warnings;  // for people, one a kind of surprise: "1 bidirectional control"
};

// kCode: argv, SQL, paths, names: every look-alike is marked. kProse: typographic quotes and dashes
// may stay.
enum class Style { kCode, kProse };

inline constexpr std::size_t kSpacesMax = 8;    // a longer run is shown as its count
inline constexpr std::size_t kNewlinesMax = 3;  // so is white space with more newlines than these
inline constexpr std::size_t kMarksMax = 2;     // combining marks on one character

// Any bytes. Control characters (C0, C1, ANSI escapes, NUL, CR, backspace), invisible and
// bidirectional ones, tag characters, variation selectors, stacked combining marks, spaces that are
// not U+0020, private and unassigned code points, look-alikes of ASCII, bytes that are no UTF-8,
// and pushes of white space come as marked runs.
Rendered render_text(std::string_view bytes, Style style = Style::kCode);

// Adds `tail` at the end: runs, bytes and warnings.
void append(Rendered& to, Rendered tail);
// A run of our own, standing for `bytes` bytes of input.
Run own(std::string text, Mark mark = Mark::kNone, std::size_t bytes = 0);

doc::Value to_value(const Runs& runs);  // [{"t": "plain"}, {"t": "U+202E …", "mark": "bidi"}]

// For terminals and logs: marked runs as ⟦…⟧, and any such bracket in the input as ⟦U+27E6⟧ or
// ⟦U+27E7⟧. Never a raw control byte but "\n".
std::string to_plain_text(const Runs& runs);

}  // namespace keyturn::render
