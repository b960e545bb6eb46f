// Plans into the strictest of them, and into words.
#include <algorithm>
#include <array>
#include <tuple>

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

bool same_escalation(const Plan& a, const Plan& b) {
  return a.escalate_after == b.escalate_after && a.escalate_to == b.escalate_to;
}

// One escalation: the earliest (of those at one time, the first by name). Others may fill a group's
// places only where every plan that asks that group says so, by this very escalation.
void merge_escalation(Plan& out, const Plan& a, const Plan& b) {
  const auto rank = [](const Plan& p) {
    const bool none = p.escalate_after.count() == 0;
    return std::tuple(none, p.escalate_after, p.escalate_to);
  };
  const Plan& first = rank(b) < rank(a) ? b : a;
  out.escalate_after = first.escalate_after;
  out.escalate_to = first.escalate_to;
  std::set<std::string> wanted = a.escalate_instead_of;
  wanted.insert(b.escalate_instead_of.begin(), b.escalate_instead_of.end());
  wanted.erase("administrators");
  std::erase_if(wanted, [&](const std::string& group) {
    return std::ranges::any_of(std::array{&a, &b}, [&](const Plan* plan) {
      return groups_of(*plan).contains(group) &&
             !(plan->escalate_instead_of.contains(group) && same_escalation(*plan, first));
    });
  });
  out.escalate_instead_of = std::move(wanted);
}

std::string joined(const std::vector<std::string>& parts, std::string_view last) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += i + 1 == parts.size() ? " " + std::string(last) + " " : ", ";
    out += parts[i];
  }
  return out;
}

std::string quorum_words(const Quorum& quorum) {
  std::vector<std::string> parts;
  for (const auto& [group, count] : quorum) parts.push_back(std::to_string(count) + " of " + group);
  return joined(parts, "and");
}

std::string quorums_words(const std::vector<Quorum>& list, std::string_view between) {
  std::vector<std::string> parts;
  parts.reserve(list.size());
  for (const Quorum& quorum : list) parts.push_back("(" + quorum_words(quorum) + ")");
  return joined(parts, between);
}

std::vector<std::string> asked(const Plan& plan) {
  std::vector<std::string> parts;
  if (!plan.quorum.empty()) parts.push_back(quorum_words(plan.quorum));
  for (const auto& list : plan.any) parts.push_back("either " + quorums_words(list, "or"));
  for (const auto& list : plan.stages) parts.push_back("in order " + quorums_words(list, "then"));
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
  merge_escalation(out, a, b);
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
  if (plan.escalate_after.count() > 0) {
    out += ", escalated to " + plan.escalate_to + " after " + to_text(plan.escalate_after);
    const auto& places = plan.escalate_instead_of;
    if (!places.empty())
      out += ", who then may fill the places of " + joined({places.begin(), places.end()}, "and");
  }
  if (plan.look.count() > 0) out += ", after a look of " + to_text(plan.look);
  if (!plan.retype.empty()) out += ", retyping " + plan.retype;
  if (plan.evidence != "durable") out += ", with " + plan.evidence + " evidence";
  if (plan.review_after.count() > 0) {
    out += ", and a review within " + to_text(plan.review_after) + " afterwards";
  }
  return out;
}

}  // namespace keyturn::policy
