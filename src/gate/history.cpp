#include "gate/history.h"

namespace keyturn::gate {
namespace {

constexpr std::int64_t kMinutesKept = 60;
constexpr std::int64_t kHoursADay = 24;
constexpr std::int64_t kHoursKept = 7 * kHoursADay;

std::int64_t minute_of(Time at) {
  return std::chrono::floor<std::chrono::minutes>(at.time_since_epoch()).count();
}

std::int64_t hour_of(Time at) {
  return std::chrono::floor<std::chrono::hours>(at.time_since_epoch()).count();
}

History::Use use_of(const store::Uses& uses) {
  return {uses.actor, uses.tool, uses.kind, uses.name};
}

}  // namespace

void History::add(Buckets& buckets, std::int64_t at, std::int64_t kept, Counts more) {
  Counts& counts = buckets[at];
  counts.asked += more.asked;
  counts.denied += more.denied;
  const std::int64_t newest = buckets.rbegin()->first;
  buckets.erase(buckets.begin(), buckets.lower_bound(newest - kept));
}

void History::load(const std::vector<store::Uses>& minutes, const std::vector<store::Uses>& hours,
                   const std::vector<store::Uses>& ever) {
  for (const store::Uses& uses : ever) past_.try_emplace(use_of(uses));
  for (const store::Uses& uses : minutes) {
    add(past_[use_of(uses)].minutes, minute_of(uses.from), kMinutesKept, {uses.asked, uses.denied});
  }
  for (const store::Uses& uses : hours) {
    add(past_[use_of(uses)].hours, hour_of(uses.from), kHoursKept, {uses.asked, uses.denied});
  }
  known_ = true;
}

void History::asked(const Use& use, Time at) {
  Past& past = past_[use];
  add(past.minutes, minute_of(at), kMinutesKept, {1, 0});
  add(past.hours, hour_of(at), kHoursKept, {1, 0});
}

void History::not_asked(const Use& use, Time at) {
  Past& past = past_[use];
  add(past.minutes, minute_of(at), kMinutesKept, {-1, 0});
  add(past.hours, hour_of(at), kHoursKept, {-1, 0});
}

void History::denied(const Use& use, Time asked_at) {
  add(past_[use].hours, hour_of(asked_at), kHoursKept, {0, 1});
}

std::optional<policy::HistoryInput> History::of(const Use& use, Time now,
                                                std::optional<Time> own) const {
  if (!known_) return std::nullopt;
  policy::HistoryInput out;
  const auto found = past_.find(use);
  if (found == past_.end()) return out;
  out.first_time = false;
  const Past& past = found->second;
  for (auto at = past.minutes.lower_bound(minute_of(now) - kMinutesKept); at != past.minutes.end();
       ++at)
    out.count_1h += at->second.asked;
  const std::int64_t hour = hour_of(now);
  for (auto at = past.hours.lower_bound(hour - kHoursKept); at != past.hours.end(); ++at) {
    out.count_7d += at->second.asked;
    if (at->first < hour - kHoursADay) continue;
    out.count_24h += at->second.asked;
    out.denied_24h += at->second.denied;
  }
  if (own) {
    out.count_1h -= minute_of(*own) >= minute_of(now) - kMinutesKept ? 1 : 0;
    out.count_24h -= hour_of(*own) >= hour - kHoursADay ? 1 : 0;
    out.count_7d -= hour_of(*own) >= hour - kHoursKept ? 1 : 0;
  }
  return out;
}

}  // namespace keyturn::gate
