#include "policy/scalar_place.h"

namespace keyturn::policy {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

// Walks source and value side by side.
class Walk {
 public:
  Walk(std::string_view source, doc::Position at) : source_(source), at_(at) {}

  bool more() const { return at_.byte < source_.size(); }
  char here() const { return source_[at_.byte]; }
  void step() {
    if (here() == '\n') {
      ++at_.line;
      at_.column = 0;
    }
    ++at_.column;
    ++at_.byte;
  }
  void skip_space() {
    while (more() && is_space(here())) step();
  }
  // "|", ">-", …: the content begins on the next line.
  void skip_opening() {
    if (!more()) return;
    if (here() == '|' || here() == '>') {
      while (more() && here() != '\n') step();
      skip_space();
    } else if (here() == '"' || here() == '\'') {
      quote_ = here();
      step();
    }
  }
  // Moves over what stands for `c`; false when the two do not fit together.
  bool pass(char c) {
    if (is_space(c)) {
      if (!more() || !is_space(here())) return false;
      skip_space();
      return true;
    }
    if (quote_ == '"' && more() && here() == '\\') step();
    if (quote_ == '\'' && c == '\'' && more() && here() == '\'') step();
    if (!more() || here() != c) return false;
    step();
    return true;
  }
  doc::Position at() const { return at_; }

 private:
  std::string_view source_;
  doc::Position at_;
  char quote_ = 0;
};

}  // namespace

doc::Position place_in_scalar(std::string_view source, doc::Position start, std::string_view value,
                              std::size_t offset) {
  if (start.line == 0) return start;
  Walk walk(source, start);
  walk.skip_opening();
  for (std::size_t i = 0; i < value.size() && i < offset; ++i) {
    // A run of white space in the value stands for a run in the source, of whatever length.
    if (is_space(value[i]) && i > 0 && is_space(value[i - 1])) continue;
    if (!walk.pass(value[i])) return start;
  }
  return walk.at();
}

}  // namespace keyturn::policy
