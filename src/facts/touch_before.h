// What the statements of a list before one do to what it looks at. Private to facts/.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "doc/value.h"
#include "facts/touch.h"

namespace keyturn::facts {

// What a statement looks at to find its rows, besides the table that they are of; by name alone.
struct Looked {
  std::set<std::string> relations, columns;
};

class Before {
 public:
  // Takes the count from a touch, or makes it the most that there can be, where what is there now
  // does not tell it.
  void limit(const Looked& looked, Touch& touch) const;

  // In their order, each after it was limited: its parse tree and what it does.
  void add(std::string_view node, const doc::Value& body, const Facts& facts);

 private:
  struct Change {
    std::size_t statement = 0;  // the first is 1
    std::string table;
    bool only_removes = false, only_sets = false;  // rows; `columns` of them
    std::set<std::string> columns;
  };

  std::size_t statements_ = 0;
  std::vector<Change> changes_;
};

}  // namespace keyturn::facts
