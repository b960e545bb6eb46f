// The population to sample from, and a sample that anybody can draw again.
#pragma once

#include <cstddef>
#include <set>
#include <string>

#include "report/story.h"

namespace keyturn::report {

// The `count` actions (or all, if there are fewer) whose SHA-256("SEED:ID") is least.
std::set<std::string> draw_sample(const Story& story, const std::string& seed, std::size_t count);

// RFC 4180 with a head; times RFC 3339. A text that a spreadsheet would take for a formula is
// preceded by an apostrophe.
std::string population_csv(const Story& story, const std::set<std::string>& sample);

// Who approved, "bob (token), carol (passkey)".
std::string approvers_of(const Action& action);
std::string joined(const std::vector<std::string>& words, std::string_view between);

}  // namespace keyturn::report
