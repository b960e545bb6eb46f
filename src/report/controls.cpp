#include "report/controls.h"

#include <algorithm>
#include <set>

namespace keyturn::report {
namespace {

constexpr std::string_view kNist = "NIST SP 800-53", kSoc = "SOC 2";

std::uint64_t count_of(const Counts& counts, std::string_view name) {
  for (const auto& [key, count] : counts)
    if (key == name) return count;
  return 0;
}

std::uint64_t two_approvers(const Story& story) {
  std::uint64_t out = 0;
  for (const Action& action : story.actions) {
    std::set<std::string> people;
    for (const Vote& vote : action.votes)
      if (vote.decision == "approve" && !vote.withdrawn) people.insert(vote.reviewer);
    out += action.started && people.size() >= 2 ? 1U : 0U;
  }
  return out;
}

}  // namespace

const std::vector<Control>& controls() {
  static const std::vector<Control> table = {
      {"AU-2",
       kNist,
       "Event Logging",
       "Every request of an agent, each decision, review, release and outcome, and every change of "
       "people, credentials, policy and tools "
       "is an entry. The table counts them by type.",
       {"action.", "review.", "grant.", "execution.", "identity.", "policy.", "tools.", "config."}},
      {"AU-3",
       kNist,
       "Content of Audit Records",
       "Each entry says what happened, when, where (node), the source (agent, credential, "
       "channel), the outcome, and who is associated "
       "with it (requester, owner, on whose behalf, reviewers).",
       {"action.decided", "review.voted", "execution.finished"}},
      {"AU-9",
       kNist,
       "Protection of Audit Information",
       "Entries are leaves of a Merkle tree whose root is signed; a change, an omission or a "
       "reordering does not hash to the root. Private "
       "parts are encrypted per subject; destroying one is itself an entry.",
       {"payload.erased", "seal.broken", "key."}},
      {"AU-10",
       kNist,
       "Non-repudiation",
       "A vote names its reviewer, how strongly the reviewer was authenticated, and the digest of "
       "the very case; a passkey vote carries a "
       "signature over that digest by a key that only the reviewer's authenticator has.",
       {"review.voted", "review.vote_withdrawn", "identity.credential_added"}},
      {"AU-11",
       kNist,
       "Audit Record Retention",
       "Entries are never removed. The period and the size of the log show what is retained.",
       {"payload.erased"}},
      {"AU-12",
       kNist,
       "Audit Record Generation",
       "An entry is durable before what it records takes effect: an execution has an entry of its "
       "intention first.",
       {"action.decided", "execution.intended", "execution.finished", "execution.unknown"}},
      {"AC-3(2)",
       kNist,
       "Access Enforcement | Dual Authorization",
       "Policy asks for distinct, authorised people before a privileged action is released. No "
       "execution that needed people may be without "
       "an approved review.",
       {"review.opened", "review.voted", "review.closed"}},
      {"AC-5",
       kNist,
       "Separation of Duties",
       "Nobody of an action's lineage (the agent, its owners, the person on whose behalf, whoever "
       "amended it) may approve it.",
       {"review.voted", "identity.group_changed", "identity.agent_owner_changed"}},
      {"AC-6(9)",
       kNist,
       "Least Privilege | Log Use of Privileged Functions",
       "Agents hold no credentials of what they act on; each use is an execution here, with its "
       "outcome.",
       {"execution.", "grant."}},
      {"CM-5",
       kNist,
       "Access Restrictions for Change",
       "Policy and tools in force are entries with their digests; once sealed they change only by "
       "agreement of two unrelated people.",
       {"policy.activated", "tools.activated", "config.sealed", "seal.broken"}},
      {"CC6.1",
       kSoc,
       "Logical access security",
       "Agents and people act by credentials that are recorded when made, used and ended; refused "
       "attempts are recorded.",
       {"identity.token_", "identity.credential_", "identity.session_", "request.refused"}},
      {"CC6.2",
       kSoc,
       "Registration and removal of users",
       "People and agents are added, changed and deactivated by entries that say by whom.",
       {"identity.person_", "identity.agent_", "identity.enrolment_", "identity.alias_added"}},
      {"CC6.3",
       kSoc,
       "Role-based access and segregation of duties",
       "Membership of the groups that review is recorded; quorum counts distinct people without a "
       "part in the request.",
       {"identity.group_changed", "review.closed"}},
      {"CC7.2",
       kSoc,
       "Monitoring for anomalies",
       "Denied and refused requests, failures and unknown outcomes are entries.",
       {"request.refused", "execution.unknown", "identity.agent_suspended"}},
      {"CC7.3",
       kSoc,
       "Evaluation of security events",
       "Each event has its decision, its reviewers and the rules that applied.",
       {"action.decided", "review.commented", "review.closed"}},
      {"CC8.1",
       kSoc,
       "Change management",
       "Changes that agents make are requested, decided, reviewed, executed as reviewed and "
       "recorded; changes of the rules themselves too.",
       {"policy.activated", "tools.activated", "action.decided", "review.closed",
        "execution.finished"}},
  };
  return table;
}

Result<std::vector<const Control*>> choose_controls(const std::string& list) {
  std::vector<const Control*> out;
  std::size_t at = 0;
  while (at <= list.size() && !list.empty()) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    const std::string word = list.substr(at, end - at);
    const std::size_t before = out.size();
    for (const Control& control : controls()) {
      const bool family =
          control.id.starts_with(word) && control.id.size() > word.size() &&
          std::string_view(".-(").find(control.id[word.size()]) != std::string_view::npos;
      if (control.id == word || family) out.push_back(&control);
    }
    if (word.empty() || out.size() == before) {
      std::string known;
      for (const Control& control : controls()) known += " " + std::string(control.id);
      return refuse("usage", "--control: there is no \"" + word + "\" here; there are" + known);
    }
    at = end + 1;
  }
  if (list.empty())
    for (const Control& control : controls()) out.push_back(&control);
  return out;
}

std::vector<std::pair<std::string, std::string>> figures_for(const Control& control,
                                                             const Story& story, const Figures& f) {
  std::vector<std::pair<std::string, std::string>> out;
  const auto add = [&](const char* name, std::uint64_t value) {
    out.emplace_back(name, std::to_string(value));
  };
  const std::string_view id = control.id;
  if (id == "AU-2" || id == "AU-11") add("entries in this period", f.entries);
  if (id == "AU-9") add("entries proven to be under the signed root, all of the range", f.entries);
  if (id == "AU-3" || id == "AU-12" || id == "CC8.1") add("actions requested", f.actions);
  if (id == "AU-10") {
    add("votes", f.votes);
    add("votes with a passkey's signature over the case", f.assertions);
    for (const auto& [name, count] : f.assurances)
      out.emplace_back("votes by " + name, std::to_string(count));
  }
  if (id == "AC-3(2)" || id == "CC8.1") {
    add("actions that policy asked people about", count_of(f.effects, "require"));
    add("executions of these", f.required_executions);
    add("executions of these without an approved review (must be 0)", f.unapproved_executions);
    add("executions with two or more approving people", two_approvers(story));
  }
  if (id == "AC-5" || id == "CC6.3")
    add("approvals by somebody of the action's lineage (must be 0)", f.votes_of_lineage);
  if (id == "AC-6(9)" || id == "AU-12") add("executions started", f.executions);
  if (id == "CM-5") add("policy versions in force", story.policies.size());
  if (id == "CC7.2" || id == "CC7.3") {
    for (const char* state : {"denied", "failed", "unknown", "expired"})
      out.emplace_back("actions " + std::string(state),
                       std::to_string(count_of(f.outcomes, state)));
  }
  if (id == "CC7.3" && f.decision_p95_ms)
    out.emplace_back("95% of reviews were decided within", text_of_ms(*f.decision_p95_ms));
  return out;
}

}  // namespace keyturn::report
