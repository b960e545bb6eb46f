#include "catalog/upstream.h"

#include <algorithm>

namespace keyturn::catalog {

// Goes back to the last `*` only: linear in the text for each piece between two of them.
bool matches_glob(std::string_view glob, std::string_view text) {
  std::size_t g = 0, t = 0, star = std::string_view::npos, from = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      from = t;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
      ++g;
      ++t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', g) == std::string_view::npos;
}

bool Upstream::may_use(std::string_view agent, std::string_view tool) const {
  if (agents.empty()) return true;
  auto found = agents.find(std::string(agent));
  if (found == agents.end()) found = agents.find("*");
  return found != agents.end() && std::ranges::any_of(found->second, [&](const std::string& glob) {
           return matches_glob(glob, tool);
         });
}

bool Upstream::may_enter(std::string_view agent) const {
  return agents.empty() || agents.contains(std::string(agent)) || agents.contains("*");
}

}  // namespace keyturn::catalog
