// JSON values as fields that people read: one leaf a field, named by its path.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "doc/value.h"
#include "render/case_view.h"

namespace keyturn::render {

// What may still be shown of a case. Never goes below nothing: it says when something was left out.
class Budget {
 public:
  bool take(std::size_t bytes);  // false, and from then on nothing: it does not fit
  bool complete() const { return complete_; }
  void miss() { complete_ = false; }

 private:
  std::size_t bytes_left_ = kCaseBytesMax;
  std::size_t fields_left_ = kCaseFieldsMax;
  bool complete_ = true;
};

inline Section section(std::string title, SectionKind kind) {
  Section out;
  out.title = std::move(title);
  out.kind = kind;
  return out;
}

// "1 step", "2 steps".
template <class Count>
std::string counted(Count count, std::string_view one) {
  return std::to_string(count) + " " + std::string(one) + (count == 1 ? "" : "s");
}

// Adds one field; the name is ours or the input's, the value the input's.
void add_field(Section& section, Budget& budget, std::string_view name, std::string_view value,
               Style style = Style::kCode);

// The same with a value in words of ours: marked, so that nothing of the input reads like it.
void add_remark(Section& section, Budget& budget, std::string_view name, std::string words);

// Adds every leaf of `value`. A text that reads like a number, true, null … is shown quoted; an
// empty one is said to be empty.
void add_leaves(Section& section, Budget& budget, const std::string& path, const doc::Value& value);

// (path, shown text) of every leaf, JSON-escaped, so that each is one line.
std::vector<std::pair<std::string, std::string>> leaf_lines(const doc::Value& value);

// "a.b[2]"; a key that is no plain word is quoted: a["x y"].
std::string join_path(const std::string& path, const std::string& key);

void add_warnings(Section& section, std::vector<std::string> warnings);  // each once

}  // namespace keyturn::render
