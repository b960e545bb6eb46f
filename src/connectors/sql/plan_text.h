// A plan of PostgreSQL in few words: what is done to which table, by which index, about how many
// rows. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace keyturn::connectors::sql {

inline constexpr std::size_t kPlanLinesMax = 40;

// `json`: what EXPLAIN (FORMAT JSON) said. A line a node, two spaces in for each level. Conditions
// are left out: they hold literals and the values of parameters. Empty: that is no plan.
std::vector<std::string> plan_lines(std::string_view json);

}  // namespace keyturn::connectors::sql
