#include "render/plan_words.h"

namespace keyturn::render {

std::string in_words(const Quorum& quorum) {
  std::string out;
  for (const auto& [group, count] : quorum) {
    out += (out.empty() ? "" : " and ") + std::to_string(count) + " of " + group;
  }
  return out.empty() ? "nobody" : out;
}

std::string in_words(const std::vector<Quorum>& list, std::string_view between) {
  std::string out;
  for (const Quorum& quorum : list) {
    if (!out.empty()) out += between;
    out += in_words(quorum);
  }
  return out;
}

std::string in_words(const Plan& plan) {
  std::string out;
  const auto add = [&](const std::string& words) { out += (out.empty() ? "" : "; and ") + words; };
  if (!plan.quorum.empty()) add(in_words(plan.quorum));
  for (const auto& entry : plan.any) add(in_words(entry, ", or "));
  for (const auto& entry : plan.stages) add(in_words(entry, ", then "));
  if (out.empty()) out = "nobody";
  return out + "; at least: " + std::string(to_text(plan.assurance));
}

}  // namespace keyturn::render
