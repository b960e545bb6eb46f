// Groups that are more than a group: whoever puts somebody there, or takes them out, sets the
// person's flag with it.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "people/directory.h"

namespace keyturn::people {

// Its members read everything that administrators read, and change nothing.
inline constexpr std::string_view kAuditors = "auditors";

struct Flags {
  bool admin = false, auditor = false;
  bool operator==(const Flags&) const = default;
};

// What somebody in these groups is.
inline Flags flags_of(const std::set<std::string>& groups) {
  return {groups.contains(std::string(kAdministrators)), groups.contains(std::string(kAuditors))};
}
inline Flags flags_of(const Person& person) {
  return {person.admin, person.auditor};
}
inline void set_flags(Person& person, const Flags& flags) {
  person.admin = flags.admin;
  person.auditor = flags.auditor;
}

}  // namespace keyturn::people
