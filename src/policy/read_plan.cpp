// `require:` - whom to ask, and how.
#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "policy/reader.h"

namespace keyturn::policy {
namespace {

using doc::ObjectReader;

constexpr std::array<std::string_view, 5> kVoteChannels{"web", "cli", "api", "slack", "teams"};
constexpr std::array<std::string_view, 6> kNotices{"email", "pager", "webhook",
                                                   "slack", "teams", "web"};
constexpr std::array<std::string_view, 3> kEvidence{"durable", "published", "cosigned"};
constexpr std::array<std::string_view, 4> kRetyped{"resource.name", "resource.env", "action.tool",
                                                   "action.operation"};
constexpr std::array<std::string_view, 4> kAssurances{"token", "chat", "session", "passkey"};
constexpr std::int64_t kPeopleMax = 20;
constexpr Duration kAnotherMax = std::chrono::days(30);
constexpr std::string_view kAdministrators = "administrators";

template <std::size_t N>
void check_words(ObjectReader& in, std::string_view key, const std::vector<std::string>& words,
                 const std::array<std::string_view, N>& known) {
  for (const std::string& word : words) {
    if (std::ranges::find(known, word) != known.end()) continue;
    std::string list;
    for (const std::string_view one : known) list += (list.empty() ? "" : ", ") + std::string(one);
    in.problem("unknown_choice", "\"" + word + "\" is none of " + list + did_you_mean(word, known),
               key);
  }
}

void read_channels(ObjectReader& in, Plan& plan) {
  if (const auto channels = in.strings_or_one("channels")) {
    for (const std::string& channel : *channels) {
      if (channel == "email" || channel == "pager" || channel == "webhook") {
        in.problem(
            "unknown_choice",
            "no vote is cast by " + channel + "; it only notifies: notify: [" + channel + "]",
            "channels");
        return;
      }
    }
    check_words(in, "channels", *channels, kVoteChannels);
    if (channels->empty()) in.problem("out_of_range", "no channel is left to vote in", "channels");
    plan.channels = std::set<std::string>(channels->begin(), channels->end());
  }
  if (const auto notify = in.strings_or_one("notify")) {
    check_words(in, "notify", *notify, kNotices);
    plan.notify.insert(notify->begin(), notify->end());
  }
}

void read_veto(ObjectReader& in, Plan& plan) {
  const auto veto = in.strings_or_one("veto");
  if (!veto || (veto->size() == 1 && veto->front() == "any")) return;
  plan.veto_any = false;
  plan.veto_groups.insert(veto->begin(), veto->end());
  if (veto->empty()) {
    in.problem("out_of_range",
               "veto is `any` or a list of groups; without one nobody could stop it", "veto");
  }
}

void read_assurance(ObjectReader& in, Plan& plan) {
  const auto text = in.string("assurance");
  if (text && !assurance_from_text(*text, plan.assurance)) {
    in.problem("unknown_choice",
               "assurance is token, chat, session or passkey" + did_you_mean(*text, kAssurances),
               "assurance");
  }
}

// After the groups that are asked.
void read_escalation(const doc::Value& value, ObjectReader in, Plan& plan) {
  plan.escalate_after = in.duration("after").value_or(Duration{});
  plan.escalate_to = in.require_string("to");
  if (value.find("after") == nullptr) in.problem("missing_field", "needs after: 30m");
  const std::set<std::string> asked = groups_of(plan);
  for (const std::string& group :
       in.strings_or_one("instead_of").value_or(std::vector<std::string>{})) {
    if (group == kAdministrators)
      in.problem("out_of_range", "nobody fills the place of an administrator; leave it out",
                 "instead_of");
    else if (!asked.contains(group))
      in.problem("unknown_choice",
                 "\"" + group +
                     "\" has no place here that others could fill: instead_of names "
                     "groups that the plan asks",
                 "instead_of");
    plan.escalate_instead_of.insert(group);
  }
  in.finish();
}

std::vector<Quorum> read_quorums(const doc::Value& list, const std::string& pointer,
                                 doc::Problems& problems) {
  std::vector<Quorum> out;
  out.reserve(list.as_array().size());
  for (std::size_t i = 0; i < list.as_array().size(); ++i) {
    out.push_back(read_quorum(list.as_array()[i], pointer + "/" + std::to_string(i), problems));
  }
  return out;
}

void read_people(ObjectReader& in, Plan& plan, doc::Problems& problems) {
  if (const doc::Value* quorum = in.object("quorum")) {
    plan.quorum = read_quorum(*quorum, in.pointer_to("quorum"), problems);
  }
  if (const doc::Value* any = in.array("any")) {
    plan.any.push_back(read_quorums(*any, in.pointer_to("any"), problems));
    if (plan.any[0].empty())
      in.problem("out_of_range", "any needs at least one alternative", "any");
  }
  if (const doc::Value* stages = in.array("stages")) {
    plan.stages.push_back(read_quorums(*stages, in.pointer_to("stages"), problems));
    if (plan.stages[0].empty())
      in.problem("out_of_range", "stages needs at least one stage", "stages");
  }
  if (plan.quorum.empty() && plan.any.empty() && plan.stages.empty()) {
    in.problem("missing_field", "asks nobody: needs quorum: {GROUP: COUNT}, any or stages");
  }
}

}  // namespace

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  const std::string_view nearest = nearest_word(word, known.data(), known.size());
  return nearest.empty() ? "" : " (did you mean \"" + std::string(nearest) + "\"?)";
}

Quorum read_quorum(const doc::Value& value, const std::string& pointer, doc::Problems& problems) {
  Quorum quorum;
  ObjectReader in(value, pointer, problems);
  if (!value.is_object()) return quorum;
  for (const doc::Member& member : value.as_object()) {
    if (const auto count = in.integer(member.key, 1, kPeopleMax)) {
      quorum[member.key] = static_cast<int>(*count);
    }
  }
  if (value.as_object().empty()) in.problem("missing_field", "names no group: {GROUP: COUNT}");
  return quorum;
}

Plan read_plan(const doc::Value& value, const std::string& pointer, doc::Problems& problems) {
  Plan plan;
  ObjectReader in(value, pointer, problems);
  if (!value.is_object()) return plan;
  read_people(in, plan, problems);
  read_veto(in, plan);
  read_assurance(in, plan);
  read_channels(in, plan);
  plan.expires = in.duration("expires").value_or(plan.expires);
  plan.look = in.duration("look").value_or(plan.look);
  plan.another = in.duration("another").value_or(plan.another);
  if (plan.another > kAnotherMax)
    in.problem("out_of_range", "at most 30d: approvals are remembered that long", "another");
  if (const auto retype = in.string("retype")) {
    check_words(in, "retype", {*retype}, kRetyped);
    plan.retype = *retype;
  }
  if (const auto evidence = in.string("evidence")) {
    check_words(in, "evidence", {*evidence}, kEvidence);
    plan.evidence = *evidence;
  }
  plan.review_after = in.duration("review_after").value_or(plan.review_after);
  plan.remind = in.duration("remind").value_or(plan.remind);
  if (const doc::Value* escalate = in.object("escalate")) {
    read_escalation(*escalate, ObjectReader(*escalate, in.pointer_to("escalate"), problems), plan);
  }
  in.finish();
  return plan;
}

}  // namespace keyturn::policy
