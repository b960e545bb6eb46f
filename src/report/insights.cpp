#include "report/insights.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

namespace keyturn::report {
namespace {

constexpr std::array<std::string_view, 6> kOutcomes{"allowed", "denied",  "approved",
                                                    "refused", "expired", "cancelled"};
constexpr std::size_t kToolsMax = 20;
constexpr int kHours = 24;

using Tally = std::map<std::string, std::int64_t, std::less<>>;
using Buckets = std::map<int, std::int64_t>;

int number(std::string_view text) {
  int out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

std::int64_t total(const Tally& counts) {
  std::int64_t sum = 0;
  for (const auto& [key, n] : counts) sum += n;
  return sum;
}

doc::Value outcomes(doc::Value out, const Tally& counts) {
  for (const std::string_view word : kOutcomes) {
    const auto found = counts.find(word);
    out.set(std::string(word), found == counts.end() ? std::int64_t{0} : found->second);
  }
  return out;
}

// To the millisecond.
doc::Value seconds(double value) {
  std::array<char, 64> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.3f", value);
  std::string out(text.data(), static_cast<std::size_t>(size));
  out.erase(out.find_last_not_of('0') + 1);
  if (out.ends_with('.')) out.pop_back();
  return doc::Number{std::move(out)};
}

std::int64_t count_of(const Buckets& buckets) {
  std::int64_t sum = 0;
  for (const auto& [bucket, n] : buckets) sum += n;
  return sum;
}

std::string date(std::int64_t day) {
  return to_rfc3339(Time(std::chrono::days(day))).substr(0, 10);
}

// One group, or all that are too small to be told of alone.
struct Group {
  std::set<std::string> members;
  std::int64_t asked = 0, answered = 0, approved = 0;
  std::int64_t caught = 0, missed = 0;
  Buckets looks, took;
};

class InsightsComposer {
 public:
  explicit InsightsComposer(const InsightsInput& in) : in_(in) {
    std::set<std::string> asked;
    for (const DayFigure& figure : in.figures) {
      if (figure.what == "asked") asked.insert(figure.name);
    }
    for (const auto& [name, members] : in.members) {
      if (members.size() >= kTellingGroupMin)
        groups_[name].members = members;
      else if (asked.contains(name))
        small_.members.insert(members.begin(), members.end());
    }
    for (const DayFigure& figure : in.figures) add(figure);
  }

  doc::Value compose() const {
    std::int64_t all = 0;
    for (const auto& [day, counts] : by_day_) all += total(counts);
    return doc::object({{"from", to_rfc3339(in_.from)},
                        {"to", to_rfc3339(in_.to)},
                        {"total", all},
                        {"by_day", days()},
                        {"by_tool", tools()},
                        {"time_to_decision", times()},
                        {"by_hour", hours()},
                        {"groups", groups()},
                        {"repeats", repeats()},
                        {"canaries", canaries()}});
  }

 private:
  Group& group(const std::string& name) {
    const auto found = groups_.find(name);
    return found == groups_.end() ? small_ : found->second;
  }

  // Votes are counted under every group that was asked; here under those the voter is in.
  bool is_of(const std::string& name, std::string_view reviewer) const {
    const auto found = in_.members.find(name);
    return found != in_.members.end() && found->second.contains(std::string(reviewer));
  }

  void add(const DayFigure& f) {
    const std::size_t space = f.detail.find(' ');
    const std::string_view word = std::string_view(f.detail).substr(0, space);
    const std::string_view reviewer =
        space == std::string::npos ? "" : std::string_view(f.detail).substr(space + 1);
    if (f.what == "outcome") {
      by_day_[f.day][f.detail] += f.n;
      (in_.tools.contains(f.name) ? by_tool_[f.name] : others_)[f.detail] += f.n;
    } else if (f.what == "hour") {
      (f.name == "asked" ? asked_ : answered_)[number(f.detail)] += f.n;
    } else if (f.what == "took") {
      if (f.name.empty()) took_[f.day][number(f.detail)] += f.n;
      if (!f.name.empty()) group(f.name).took[number(f.detail)] += f.n;
    } else if (f.what == "asked") {
      group(f.name).asked += f.n;
    } else if (f.what == "vote" && is_of(f.name, reviewer)) {
      group(f.name).answered += f.n;
      if (word == "approve") group(f.name).approved += f.n;
    } else if (f.what == "look" && is_of(f.name, reviewer)) {
      group(f.name).looks[number(word)] += f.n;
    } else if (f.what == "canary") {
      if (f.name.empty()) canaries_[f.detail] += f.n;
      if (!f.name.empty() && f.detail == "caught") group(f.name).caught += f.n;
      if (!f.name.empty() && f.detail == "missed") group(f.name).missed += f.n;
    }
  }

  // The middle of the bucket's seconds: buckets are narrow.
  doc::Value quantile(const Buckets& buckets, double q) const {
    const std::int64_t all = count_of(buckets);
    if (all == 0) return nullptr;
    std::int64_t below = 0;
    for (const auto& [bucket, n] : buckets) {
      below += n;
      if (static_cast<double>(below) >= q * static_cast<double>(all))
        return seconds((in_.seconds_of(bucket) + in_.seconds_of(bucket + 1)) / 2);
    }
    return nullptr;
  }

  doc::Array days() const {
    doc::Array out;
    const auto day_of = [](Time time) {
      return std::chrono::floor<std::chrono::days>(time).time_since_epoch().count();
    };
    for (std::int64_t day = day_of(in_.from); day < day_of(in_.to); ++day) {
      const auto found = by_day_.find(day);
      out.push_back(outcomes(doc::object({{"day", date(day)}}),
                             found == by_day_.end() ? Tally{} : found->second));
    }
    return out;
  }

  doc::Array tools() const {
    std::vector<std::pair<std::int64_t, std::string>> order;
    for (const auto& [tool, counts] : by_tool_) order.emplace_back(-total(counts), tool);
    std::ranges::sort(order);
    doc::Array out;
    Tally others = others_;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const Tally& counts = by_tool_.at(order[i].second);
      if (i < kToolsMax)
        out.push_back(outcomes(doc::object({{"tool", order[i].second}}), counts));
      else
        for (const auto& [word, n] : counts) others[word] += n;
    }
    if (!others.empty()) out.push_back(outcomes(doc::object({{"tool", nullptr}}), others));
    return out;
  }

  doc::Value times() const {
    Buckets all;
    doc::Array by_day, by_group;
    for (const auto& [day, buckets] : took_) {
      for (const auto& [bucket, n] : buckets) all[bucket] += n;
      by_day.push_back(doc::object({{"day", date(day)},
                                    {"count", count_of(buckets)},
                                    {"p50_s", quantile(buckets, 0.5)},
                                    {"p90_s", quantile(buckets, 0.9)}}));
    }
    each_group([&](const doc::Value& name, const Group& one) {
      if (one.took.empty()) return;
      by_group.push_back(doc::object({{"group", name},
                                      {"count", count_of(one.took)},
                                      {"p50_s", quantile(one.took, 0.5)},
                                      {"p90_s", quantile(one.took, 0.9)}}));
    });
    return doc::object({{"count", count_of(all)},
                        {"p50_s", quantile(all, 0.5)},
                        {"p90_s", quantile(all, 0.9)},
                        {"p99_s", quantile(all, 0.99)},
                        {"by_day", std::move(by_day)},
                        {"by_group", std::move(by_group)}});
  }

  doc::Array hours() const {
    doc::Array out;
    const auto at = [](const Buckets& counts, int hour) {
      const auto found = counts.find(hour);
      return found == counts.end() ? std::int64_t{0} : found->second;
    };
    for (int hour = 0; hour < kHours; ++hour) {
      out.push_back(doc::object(
          {{"hour", hour}, {"asked", at(asked_, hour)}, {"answered", at(answered_, hour)}}));
    }
    return out;
  }

  template <class Each>
  void each_group(Each each) const {
    for (const auto& [name, one] : groups_) each(doc::Value(name), one);
    const bool told = small_.members.size() >= kTellingGroupMin;
    if (told) each(doc::Value(nullptr), small_);
  }

  doc::Array groups() const {
    doc::Array out;
    each_group([&](const doc::Value& name, const Group& one) {
      if (one.asked == 0 && one.answered == 0) return;
      out.push_back(doc::object({{"group", name},
                                 {"members", one.members.size()},
                                 {"asked", one.asked},
                                 {"answered", one.answered},
                                 {"approved", one.approved},
                                 {"look_p50_s", quantile(one.looks, 0.5)}}));
    });
    return out;
  }

  doc::Array repeats() const {
    doc::Array out;
    for (const Repeated& one : in_.repeats) {
      out.push_back(doc::object(
          {{"agent", one.agent}, {"tool", one.tool}, {"times", one.times}, {"last", one.last}}));
    }
    return out;
  }

  doc::Value canaries() const {
    doc::Array by_group;
    each_group([&](const doc::Value& name, const Group& one) {
      if (one.caught + one.missed == 0) return;
      by_group.push_back(
          doc::object({{"group", name}, {"caught", one.caught}, {"missed", one.missed}}));
    });
    const auto of = [&](std::string_view word) {
      const auto found = canaries_.find(word);
      return found == canaries_.end() ? std::int64_t{0} : found->second;
    };
    return doc::object({{"caught", of("caught")},
                        {"missed", of("missed")},
                        {"expired", of("expired")},
                        {"by_group", std::move(by_group)}});
  }

  const InsightsInput& in_;
  std::map<std::int64_t, Tally> by_day_;
  std::map<std::string, Tally> by_tool_;
  Tally others_;
  std::map<std::int64_t, Buckets> took_;
  Buckets asked_, answered_;  // by hour
  std::map<std::string, Group> groups_;
  Group small_;
  Tally canaries_;
};

}  // namespace

doc::Value insights(const InsightsInput& in) {
  return InsightsComposer(in).compose();
}

}  // namespace keyturn::report
