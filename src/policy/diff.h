// What two policy documents say differently, as they are written: the order of rules, comments and
// layout do not count, for they mean nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "doc/value.h"

namespace keyturn::policy {

struct Difference {
  std::string section;  // "rules", "defaults", "variables", "risk", "calendar", "tests", …
  std::string name;     // of the rule, variable, window or test; of a risk term its reason
  enum class Kind { kAdded, kRemoved, kChanged } kind = Kind::kChanged;
  struct Field {
    std::string path;                         // "require.quorum.dba"; "" is the whole
    std::optional<doc::Value> before, after;  // absent: it was not there
  };
  std::vector<Field> fields;  // kChanged: what differs; else one, the whole
};

// `before` and `after` are documents' trees. Rules and tests are told apart by id and name, so what
// is renamed is removed and added. Sections in the order of the format, then by name.
std::vector<Difference> differences(const doc::Value& before, const doc::Value& after);

// [{"section", "name", "change": "added" | "removed" | "changed", "fields": [{"path", "before",
// "after"}]}]
doc::Value to_value(const std::vector<Difference>& differences);
using keyturn::to_text;
std::string_view to_text(Difference::Kind kind);

}  // namespace keyturn::policy
