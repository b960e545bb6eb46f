#include "channels/pauses.h"

#include <algorithm>

namespace keyturn::channels {
namespace {

constexpr std::size_t kSilentMeansAway = 2;  // places, one after the other

}  // namespace

Time Pauses::until(const std::string& place) const {
  const auto found = places_.find(place);
  return found == places_.end() ? Time{} : found->second.until;
}

void Pauses::succeeded(const std::string& place) {
  places_.erase(place);
  silent_.clear();
  away_ = {};
}

void Pauses::forgive() {
  for (auto& [place, tries] : places_) tries.until = {};
  silent_.clear();
  away_ = {};
}

Duration Pauses::count(Tries& tries, const std::string& why, Time began, Time now,
                       double chance) const {
  if (tries.failures == 0) tries.since = now;
  if (tries.failures == 0 || began > tries.last) {
    ++tries.failures;
    tries.last = now;
  }
  tries.why = why;
  Duration wait = first_;
  for (unsigned n = 1; n < tries.failures && wait < most_; ++n) wait *= 2;
  wait = std::min(wait, most_);
  return wait - std::chrono::duration_cast<Duration>(wait * (chance / 2));
}

Time Pauses::failed(const std::string& place, const Undelivered& why, Time began, Time now,
                    double chance) {
  if (why.kind == Undelivered::Kind::kBusy) {
    rate_until_ = std::max(rate_until_, now + why.retry_after.value_or(first_));
    rate_why_ = why.why;
    return rate_until_;
  }
  Tries& tries = places_[place];
  if (why.kind == Undelivered::Kind::kPlaceBusy) {
    tries.until = std::max(tries.until, now + why.retry_after.value_or(first_));
    return tries.until;
  }
  const Duration wait = count(tries, why.why, began, now, chance);
  tries.until = now + why.retry_after.value_or(wait);
  silent_.insert(place);
  if (silent_.size() < kSilentMeansAway) return tries.until;
  away_.until = now + count(away_, why.why, began, now, chance);
  return std::max(tries.until, away_.until);
}

std::optional<Refusal> Pauses::error(Time now) const {
  if (away_.failures > 0) return Refusal{"unreachable", away_.why, ""};
  const Tries* last = nullptr;
  for (const auto& [place, tries] : places_) {
    if (tries.failures > 0 && (last == nullptr || tries.last > last->last)) last = &tries;
  }
  if (last != nullptr) return Refusal{"unreachable", last->why, ""};
  if (rate_until_ > now) return Refusal{"rate_limited", rate_why_, ""};
  return std::nullopt;
}

std::optional<Time> Pauses::failing_since() const {
  std::optional<Time> first;
  for (const auto& [place, tries] : places_) {
    if (tries.failures > 0 && (!first || tries.since < *first)) first = tries.since;
  }
  return first;
}

}  // namespace keyturn::channels
