#include "gate/refusal_meter.h"

#include <utility>

namespace keyturn::gate {
namespace {

constexpr std::size_t kKindsMax = 1'000;
constexpr std::uint64_t kRecordedPerMinuteMax = 120;  // of all kinds together

}  // namespace

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

}  // namespace keyturn::gate
