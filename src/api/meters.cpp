// What this server remembers of callers, bounded.
#include <algorithm>

#include "api/impl.h"

namespace keyturn::api {
namespace {

constexpr std::size_t kLooksMax = 10'000;
constexpr std::size_t kKindsMax = 1'000;
constexpr std::uint64_t kRecordedPerMinuteMax = 120;  // of all kinds together

}  // namespace

void Looks::saw(const std::string& who, const std::string& digest, Time now) {
  if (first_.size() >= kLooksMax && !first_.contains({who, digest})) {
    first_.erase(
        std::ranges::min_element(first_, {}, [](const auto& item) { return item.second; }));
  }
  first_.try_emplace({who, digest}, now);
}

std::optional<Duration> Looks::since(const std::string& who, const std::string& digest,
                                     Time now) const {
  const auto found = first_.find({who, digest});
  if (found == first_.end()) return std::nullopt;
  return std::max(Duration{0}, now - found->second);
}

std::optional<std::uint64_t> RefusalMeter::admit(const std::string& kind, Time now) {
  if (now - minute_ >= std::chrono::minutes(1) || now < minute_) {
    minute_ = now;
    recorded_ = 0;
    // What was held back is said with the next one of its kind; the others start over.
    std::erase_if(counts_, [](const auto& item) { return item.second.held_back == 0; });
    for (auto& [name, count] : counts_) count.recorded = 0;
  }
  if (counts_.size() >= kKindsMax && !counts_.contains(kind)) {
    ++suppressed_;
    return std::nullopt;
  }
  Count& count = counts_[kind];
  if (count.recorded >= per_minute_ || recorded_ >= kRecordedPerMinuteMax) {
    ++count.held_back;
    ++suppressed_;
    return std::nullopt;
  }
  ++count.recorded;
  ++recorded_;
  return std::exchange(count.held_back, 0);
}

}  // namespace keyturn::api
