#include "report/figures.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

namespace keyturn::report {
namespace {

constexpr std::size_t kDaysMax = 3700;

using Map = std::map<std::string, std::uint64_t>;

Counts by_name(const Map& map) {
  return {map.begin(), map.end()};
}

Counts most_first(const Map& map) {
  Counts out(map.begin(), map.end());
  std::ranges::sort(out, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  return out;
}

std::int64_t ms_between(Time from, Time to) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(to - from).count();
}

// The smallest value that is not below `percent` of all.
std::optional<std::int64_t> percentile(const std::vector<std::int64_t>& sorted,
                                       std::size_t percent) {
  if (sorted.empty()) return std::nullopt;
  const std::size_t rank = (sorted.size() * percent + 99) / 100;
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

struct Bucket {
  const char* name;
  std::int64_t below_ms;
};
constexpr std::array<Bucket, 8> kBuckets = {{{"< 10 s", 10'000},
                                             {"< 1 min", 60'000},
                                             {"< 5 min", 300'000},
                                             {"< 15 min", 900'000},
                                             {"< 1 h", 3'600'000},
                                             {"< 4 h", 14'400'000},
                                             {"< 24 h", 86'400'000},
                                             {"24 h +", INT64_MAX}}};

Counts histogram(const std::vector<std::int64_t>& values) {
  Counts out;
  for (const Bucket& bucket : kBuckets) out.emplace_back(bucket.name, 0);
  for (const std::int64_t value : values) {
    const auto at =
        std::ranges::find_if(kBuckets, [&](const Bucket& b) { return value < b.below_ms; });
    ++out[static_cast<std::size_t>(
              std::min<std::ptrdiff_t>(at - kBuckets.begin(), kBuckets.size() - 1))]
          .second;
  }
  return out;
}

Counts days_of(const Story& story) {
  if (!story.first || !story.last) return {};
  Map counts;
  for (const Action& action : story.actions) ++counts[day_of(action.decided)];
  Counts out;
  const auto last = std::chrono::floor<std::chrono::days>(*story.last);
  for (auto day = std::chrono::floor<std::chrono::days>(*story.first);
       day <= last && out.size() < kDaysMax; day += std::chrono::days(1)) {
    const std::string name = day_of(Time(day));
    const auto found = counts.find(name);
    out.emplace_back(name, found == counts.end() ? 0 : found->second);
  }
  return out;
}

void count_votes(const Action& action, Figures& out, Map& reviewers, Map& assurances) {
  for (const Vote& vote : action.votes) {
    if (vote.withdrawn) continue;
    ++out.votes;
    out.assertions += vote.has_assertion ? 1U : 0U;
    ++reviewers[vote.reviewer];
    ++assurances[vote.assurance];
    if (vote.decision == "approve" &&
        std::ranges::find(action.lineage, vote.reviewer) != action.lineage.end())
      ++out.votes_of_lineage;
  }
}

void count_execution(const Action& action, Figures& out) {
  if (!action.started) return;
  ++out.executions;
  if (action.effect != "require") return;
  ++out.required_executions;
  if (action.review_result != "approved") ++out.unapproved_executions;
}

doc::Value counts_value(const Counts& counts) {
  doc::Array out;
  for (const auto& [name, count] : counts)
    out.push_back(doc::object({{"name", name}, {"count", count}}));
  return out;
}

doc::Value optional_value(const std::optional<std::int64_t>& value) {
  return value ? doc::Value(*value) : doc::Value(nullptr);
}

}  // namespace

std::string day_of(Time time) {
  return to_rfc3339(time).substr(0, 10);
}

std::string text_of_ms(std::int64_t ms) {
  char out[48];
  if (ms < 1000)
    std::snprintf(out, sizeof out, "%lld ms", static_cast<long long>(ms));
  else if (ms < 60'000)
    std::snprintf(out, sizeof out, "%.1f s", static_cast<double>(ms) / 1000);
  else if (ms < 3'600'000)
    std::snprintf(out, sizeof out, "%lld min %lld s", static_cast<long long>(ms / 60'000),
                  static_cast<long long>(ms / 1000 % 60));
  else
    std::snprintf(out, sizeof out, "%lld h %lld min", static_cast<long long>(ms / 3'600'000),
                  static_cast<long long>(ms / 60'000 % 60));
  return out;
}

Figures figures_of(const Story& story) {
  Figures out;
  out.entries = story.to - story.from;
  out.actions = story.actions.size();
  out.carried = story.carried.size();
  for (const auto& [type, indexes] : story.by_type) out.types.emplace_back(type, indexes.size());
  out.days = days_of(story);
  Map effects, outcomes, tools, agents, rules, exceptions, owners, models, reviewers, assurances;
  std::vector<std::int64_t> waits;
  for (const Action& action : story.actions) {
    ++effects[action.effect];
    ++outcomes[action.state];
    ++tools[action.tool];
    ++agents[action.agent];
    ++owners[action.owner];
    ++models[action.model.empty() ? "(none claimed)" : action.model];
    for (const std::string& rule : action.rules) ++rules[rule];
    for (const std::string& exception : action.exceptions) ++exceptions[exception];
    count_votes(action, out, reviewers, assurances);
    count_execution(action, out);
    const bool by_people = action.review_result == "approved" || action.review_result == "denied";
    if (!by_people || !action.opened || !action.closed) continue;
    ++(action.review_result == "approved" ? out.approved : out.denied_by_people);
    waits.push_back(ms_between(*action.opened, *action.closed));
  }
  std::ranges::sort(waits);
  out.reviews = waits.size();
  out.decision_p50_ms = percentile(waits, 50);
  out.decision_p95_ms = percentile(waits, 95);
  out.decision_max_ms = percentile(waits, 100);
  out.decision_histogram = histogram(waits);
  out.effects = most_first(effects);
  out.outcomes = most_first(outcomes);
  out.tools = most_first(tools);
  out.agents = most_first(agents);
  out.owners = most_first(owners);
  out.models = most_first(models);
  out.rules = most_first(rules);
  out.exceptions = most_first(exceptions);
  out.reviewers = most_first(reviewers);
  out.assurances = by_name(assurances);
  return out;
}

doc::Value to_value(const Figures& f) {
  return doc::object({{"entries", f.entries},
                      {"actions", f.actions},
                      {"carried", f.carried},
                      {"types", counts_value(f.types)},
                      {"days", counts_value(f.days)},
                      {"effects", counts_value(f.effects)},
                      {"outcomes", counts_value(f.outcomes)},
                      {"tools", counts_value(f.tools)},
                      {"agents", counts_value(f.agents)},
                      {"owners", counts_value(f.owners)},
                      {"models", counts_value(f.models)},
                      {"rules", counts_value(f.rules)},
                      {"exceptions", counts_value(f.exceptions)},
                      {"reviewers", counts_value(f.reviewers)},
                      {"assurances", counts_value(f.assurances)},
                      {"reviews", f.reviews},
                      {"approved", f.approved},
                      {"denied_by_people", f.denied_by_people},
                      {"decision_p50_ms", optional_value(f.decision_p50_ms)},
                      {"decision_p95_ms", optional_value(f.decision_p95_ms)},
                      {"decision_max_ms", optional_value(f.decision_max_ms)},
                      {"decision_histogram", counts_value(f.decision_histogram)},
                      {"votes", f.votes},
                      {"assertions", f.assertions},
                      {"votes_of_lineage", f.votes_of_lineage},
                      {"executions", f.executions},
                      {"required_executions", f.required_executions},
                      {"unapproved_executions", f.unapproved_executions}});
}

}  // namespace keyturn::report
