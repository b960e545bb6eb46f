// Plans into the strictest of them, and into words.
#include <algorithm>

#include "policy/decide.h"

namespace keyturn::policy {
namespace {

// The earlier of two durations of which 0 means: none.
Duration sooner(Duration a, Duration b) {
  if (a.count() == 0) return b;
  return b.count() == 0 ? a : std::min(a, b);
}

void add_missing(std::vector<std::vector<Quorum>>& to,
                 const std::vector<std::vector<Quorum>>& from) {
  for (const auto& entry : from) {
    if (std::ranges::find(to, entry) == to.end()) to.push_back(entry);
  }
}

void merge_veto(Plan& to, const Plan& from) {
  to.veto_any = to.veto_any || from.veto_any;
  to.veto_groups.insert(from.veto_groups.begin(), from.veto_groups.end());
  if (to.veto_any) to.veto_groups.clear();
}

void merge_escalation(Plan& to, const Plan& from) {
  const bool earlier = to.escalate_after.count() == 0 ||
                       (from.escalate_after.count() > 0 && from.escalate_after < to.escalate_after);
  if (!earlier) return;
  to.escalate_after = from.escalate_after;
  to.escalate_to = from.escalate_to;
}

std::string joined(const std::vector<std::string>& parts, std::string_view last) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += i + 1 == parts.size() ? " " + std::string(last) + " " : ", ";
    out += parts[i];
  }
  return out;
}

std::string in_words(const Quorum& quorum) {
  std::vector<std::string> parts;
  for (const auto& [group, count] : quorum) parts.push_back(std::to_string(count) + " of " + group);
  return joined(parts, "and");
}

std::string in_words(const std::vector<Quorum>& list, std::string_view between) {
  std::vector<std::string> parts;
  parts.reserve(list.size());
  for (const Quorum& quorum : list) parts.push_back("(" + in_words(quorum) + ")");
  return joined(parts, between);
}

std::vector<std::string> asked(const Plan& plan) {
  std::vector<std::string> parts;
  if (!plan.quorum.empty()) parts.push_back(in_words(plan.quorum));
  for (const auto& list : plan.any) parts.push_back("either " + in_words(list, "or"));
  for (const auto& list : plan.stages) parts.push_back("in order " + in_words(list, "then"));
  return parts;
}

}  // namespace

Result<Plan> merge_plans(const Plan& a, const Plan& b) {
  Plan out = a;
  for (const auto& [group, count] : b.quorum) {
    int& most = out.quorum[group];
    most = std::max(most, count);
  }
  add_missing(out.any, b.any);
  add_missing(out.stages, b.stages);
  merge_veto(out, b);
  out.expires = std::min(a.expires, b.expires);
  out.assurance = std::max(a.assurance, b.assurance);
  if (a.channels && b.channels) {
    out.channels->clear();
    std::ranges::set_intersection(*a.channels, *b.channels,
                                  std::inserter(*out.channels, out.channels->end()));
    if (out.channels->empty()) {
      return refuse("no_common_channel", "no channel is allowed by all rules that ask people");
    }
  } else if (b.channels) {
    out.channels = b.channels;
  }
  out.notify.insert(b.notify.begin(), b.notify.end());
  out.look = std::max(a.look, b.look);
  out.another = std::max(a.another, b.another);
  if (!a.retype.empty() && !b.retype.empty() && a.retype != b.retype) {
    return refuse("retype_conflict",
                  "rules want different things retyped: " + a.retype + " and " + b.retype);
  }
  if (out.retype.empty()) out.retype = b.retype;
  if (evidence_rank(b.evidence) > evidence_rank(out.evidence)) out.evidence = b.evidence;
  out.review_after = sooner(a.review_after, b.review_after);
  out.remind = sooner(a.remind, b.remind);
  if (b.escalate_after.count() > 0) merge_escalation(out, b);
  return out;
}

std::string in_words(const Plan& plan) {
  std::string out = "asks " + joined(asked(plan), "and");
  if (plan.assurance != Assurance::kSession) {
    out += ", by " + std::string(to_text(plan.assurance)) +
           (plan.assurance == Assurance::kPasskey ? "" : " or stronger");
  }
  if (plan.channels) {
    out += ", in " + joined({plan.channels->begin(), plan.channels->end()}, "or");
  }
  out += ", within " + to_text(plan.expires);
  if (plan.another.count() > 0)
    out += ", nobody who approved the like of it within " + to_text(plan.another);
  if (plan.look.count() > 0) out += ", after a look of " + to_text(plan.look);
  if (!plan.retype.empty()) out += ", retyping " + plan.retype;
  if (plan.evidence != "durable") out += ", with " + plan.evidence + " evidence";
  if (plan.review_after.count() > 0) {
    out += ", and a review within " + to_text(plan.review_after) + " afterwards";
  }
  return out;
}

}  // namespace keyturn::policy
