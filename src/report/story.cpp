#include "report/story.h"

#include <algorithm>
#include <unordered_map>

#include "doc/json.h"

namespace keyturn::report {
namespace {

std::string text_at(const doc::Value& value, std::initializer_list<std::string_view> path) {
  const doc::Value* found = value.find_path(path);
  if (found == nullptr) return {};
  if (found->is_string()) return found->as_string();
  return found->is_number() ? found->as_number().text : std::string();
}

std::optional<std::int64_t> integer_at(const doc::Value& value,
                                       std::initializer_list<std::string_view> path) {
  const doc::Value* found = value.find_path(path);
  return found != nullptr ? found->as_int64() : std::nullopt;
}

std::vector<std::string> texts_at(const doc::Value& value,
                                  std::initializer_list<std::string_view> path) {
  std::vector<std::string> out;
  const doc::Value* found = value.find_path(path);
  if (found == nullptr || !found->is_array()) return out;
  for (const doc::Value& item : found->as_array())
    if (item.is_string()) out.push_back(item.as_string());
  return out;
}

class Teller {
 public:
  explicit Teller(std::uint64_t from) {
    story_.from = from;
    story_.to = from;
  }

  void tell(const std::string& bytes) {
    const std::uint64_t index = story_.to++;
    constexpr doc::ParseLimits kLimits{.bytes_max = 1 << 17, .depth_max = 256};
    const auto leaf = doc::parse_json(bytes, kLimits);
    const auto time = leaf ? from_rfc3339(leaf->text("time")) : std::nullopt;
    if (!time || !leaf->is_object()) {
      story_.by_type[""].push_back(index);
      return;
    }
    if (!story_.first) story_.first = time;
    story_.last = time;
    const std::string type(leaf->text("type"));
    story_.by_type[type].push_back(index);
    const std::string_view stream = leaf->text("stream");
    if (stream.starts_with("action/"))
      tell_action(*leaf, std::string(stream.substr(7)), type, index, *time);
    else
      tell_notable(*leaf, stream, type, index, *time);
  }

  Story end() {
    for (auto& [id, action] : actions_) {
      (action.from_before ? story_.carried : story_.actions).push_back(std::move(action));
    }
    const auto by_index = [](const Action& a, const Action& b) { return a.index < b.index; };
    std::ranges::sort(story_.actions, by_index);
    std::ranges::sort(story_.carried, by_index);
    return std::move(story_);
  }

 private:
  void tell_action(const doc::Value& leaf, std::string id, const std::string& type,
                   std::uint64_t index, Time at);
  void tell_notable(const doc::Value& leaf, std::string_view stream, const std::string& type,
                    std::uint64_t index, Time at);
  void tell_decided(const doc::Value& leaf, Action& action, Time at);
  void tell_vote(const doc::Value& leaf, Action& action, std::uint64_t index, Time at);
  void tell_execution(const doc::Value& leaf, Action& action);
  PolicyVersion& policy(const std::string& digest);

  Story story_;
  std::unordered_map<std::string, Action> actions_;
};

PolicyVersion& Teller::policy(const std::string& digest) {
  const auto found = std::ranges::find(story_.policies, digest, &PolicyVersion::digest);
  if (found != story_.policies.end()) return *found;
  return story_.policies.emplace_back(PolicyVersion{.digest = digest});
}

void Teller::tell_notable(const doc::Value& leaf, std::string_view stream, const std::string& type,
                          std::uint64_t index, Time at) {
  std::string by = text_at(leaf, {"by"});
  if (by.empty()) by = text_at(leaf, {"token", "by"});
  if (by.empty() && leaf.flag("host")) by = "host";
  story_.notable.push_back({index, at, type, std::string(stream), std::move(by)});
  if (type != "policy.activated") return;
  PolicyVersion& version = policy(text_at(leaf, {"policy", "digest"}));
  version.name = text_at(leaf, {"policy", "name"});
  version.revision = text_at(leaf, {"policy", "revision"});
  version.activated = index;
}

void Teller::tell_decided(const doc::Value& leaf, Action& action, Time at) {
  const bool first = action.policy.empty();
  if (first) {
    action.requested = from_rfc3339(text_at(leaf, {"action", "created_at"})).value_or(at);
    action.decided = at;
    action.agent = text_at(leaf, {"agent", "id"});
    action.owner = text_at(leaf, {"agent", "owner"});
    action.credential = text_at(leaf, {"agent", "credential"});
    action.channel = text_at(leaf, {"agent", "channel"});
    action.model = text_at(leaf, {"claims", "model"});
    action.on_behalf_of = text_at(leaf, {"claims", "on_behalf_of"});
    action.session = text_at(leaf, {"claims", "session"});
    action.tool = text_at(leaf, {"action", "tool"});
    action.operation = text_at(leaf, {"action", "operation"});
    action.mode = text_at(leaf, {"action", "mode"});
    action.kind = text_at(leaf, {"action", "resource", "kind"});
    action.name = text_at(leaf, {"action", "resource", "name"});
    action.env = text_at(leaf, {"action", "resource", "env"});
    action.sensitivity = text_at(leaf, {"action", "resource", "labels", "sensitivity"});
    action.run = text_at(leaf, {"run", "id"});
    action.runbook = text_at(leaf, {"run", "runbook"});
    action.run_step = text_at(leaf, {"run", "step"});
    action.attempt = text_at(leaf, {"run", "attempt"});
    action.planned = text_at(leaf, {"planned", "run"});
    action.effect = text_at(leaf, {"policy", "verdict", "effect"});
    action.decided_by = text_at(leaf, {"policy", "verdict", "decided_by"});
    action.rules = texts_at(leaf, {"policy", "verdict", "rules"});
    action.lineage.push_back(text_at(leaf, {"lineage", "requester"}));
    if (const doc::Value* parties = leaf.find_path({"lineage", "parties"}))
      for (const doc::Value& party : parties->as_array())
        action.lineage.emplace_back(party.text("id"));
    if (const doc::Value* hits = leaf.find_path({"policy", "verdict", "hits"}))
      for (const doc::Value& hit : hits->as_array())
        for (std::string& name : texts_at(hit, {"exceptions"}))
          action.exceptions.push_back(std::string(hit.text("rule")) + ": " + name);
  }
  action.digest = text_at(leaf, {"action", "digest"});
  action.policy = text_at(leaf, {"policy", "digest"});
  action.configuration = text_at(leaf, {"policy", "configuration"});
  ++policy(action.policy).decisions;
}

void Teller::tell_vote(const doc::Value& leaf, Action& action, std::uint64_t index, Time at) {
  const doc::Value* vote = leaf.find("vote");
  if (vote == nullptr) return;
  action.votes.push_back({index, at, std::string(vote->text("reviewer")),
                          std::string(vote->text("decision")), std::string(vote->text("assurance")),
                          std::string(vote->text("channel")), std::string(vote->text("provider")),
                          vote->find("assertion") != nullptr, false});
}

void Teller::tell_execution(const doc::Value& leaf, Action& action) {
  const doc::Value* execution = leaf.find("execution");
  if (execution == nullptr) return;
  if (!execution->text("connector").empty()) action.connector = execution->text("connector");
  if (!execution->text("outcome").empty()) action.outcome = execution->text("outcome");
  if (auto n = integer_at(leaf, {"execution", "exit_code"})) action.exit_code = n;
  if (auto n = integer_at(leaf, {"execution", "row_count"})) action.rows = n;
  if (auto n = integer_at(leaf, {"execution", "rows"})) action.rows = n;
  if (auto n = integer_at(leaf, {"execution", "bytes"})) action.bytes = n;
  if (auto n = integer_at(leaf, {"execution", "duration_ms"})) action.duration_ms = n;
}

void Teller::tell_action(const doc::Value& leaf, std::string id, const std::string& type,
                         std::uint64_t index, Time at) {
  const auto [entry, is_new] = actions_.try_emplace(id);
  Action& action = entry->second;
  if (is_new) {
    action.id = std::move(id);
    action.index = index;
    action.from_before = leaf.integer("position") != 1;
    action.requested = action.decided = at;
  }
  std::string says;
  if (type == "action.decided") {
    tell_decided(leaf, action, at);
    says = action.effect;
  } else if (type == "review.opened") {
    if (!action.opened) action.opened = at;
    says = "round " + text_at(leaf, {"review", "round"});
  } else if (type == "review.voted") {
    tell_vote(leaf, action, index, at);
    if (!action.votes.empty())
      says = action.votes.back().reviewer + ": " + action.votes.back().decision + " (" +
             action.votes.back().assurance + ")";
  } else if (type == "review.vote_withdrawn") {
    says = text_at(leaf, {"vote", "reviewer"});
    for (Vote& vote : action.votes) vote.withdrawn = vote.withdrawn || vote.reviewer == says;
  } else if (type == "review.escalated") {
    says = "to " + text_at(leaf, {"review", "to"});
  } else if (type == "review.closed") {
    action.review_result = says = text_at(leaf, {"review", "result"});
    action.closed = at;
    if (says == "approved") action.state = says;
  } else if (type == "execution.intended") {
    if (!action.started) action.started = at;
    tell_execution(leaf, action);
    says = action.connector;
  } else if (type == "execution.finished" || type == "execution.unknown") {
    action.finished = at;
    tell_execution(leaf, action);
    says = action.outcome;
  } else if (const std::string by = text_at(leaf, {"by"}); !by.empty()) {
    says = "by " + by;
  }
  if (const std::string state(leaf.text("state")); !state.empty()) {
    action.state = state;
    static constexpr std::string_view kFinal[] = {"succeeded", "failed",  "unknown",
                                                  "denied",    "expired", "cancelled"};
    if (std::ranges::find(kFinal, state) != std::end(kFinal)) action.settled = at;
  }
  action.steps.push_back({index, at, type, std::move(says)});
}

}  // namespace

Story read_story(const std::vector<std::string>& leaves, std::uint64_t from) {
  Teller teller(from);
  for (const std::string& leaf : leaves) teller.tell(leaf);
  return teller.end();
}

}  // namespace keyturn::report
