// Every text of a tree, replaced in place. Internal to secrets/.
#pragma once

#include <set>
#include <string>

#include "doc/value.h"

namespace keyturn::secrets {

// Keys of one object stay different from each other.
inline void keep_apart(doc::Object& object) {
  std::set<std::string> seen;
  for (doc::Member& member : object) {
    const std::string name = member.key;
    for (int n = 2; !seen.insert(member.key).second; ++n)
      member.key = name + " " + std::to_string(n);
  }
}

// `leaf` changes a string or number; `text` gives what stands for a key; `named` replaces the value
// of a member by its name, and says whether it did.
template <class Leaf, class Text, class Named>
void rewrite(doc::Value& value, const Leaf& leaf, const Text& text, const Named& named) {
  if (value.is_string() || value.is_number()) {
    leaf(value);
  } else if (value.is_array()) {
    for (doc::Value& item : value.as_array()) rewrite(item, leaf, text, named);
  } else if (value.is_object()) {
    bool renamed = false;
    for (doc::Member& member : value.as_object()) {
      if (!named(member)) rewrite(member.value, leaf, text, named);
      std::string key = text(member.key);
      renamed = renamed || key != member.key;
      member.key = std::move(key);
    }
    if (renamed) keep_apart(value.as_object());
  }
}

}  // namespace keyturn::secrets
