// What this server remembers of callers, bounded.
#include <algorithm>

#include "api/impl.h"

namespace keyturn::api {
namespace {

constexpr std::size_t kLooksMax = 10'000;
constexpr std::size_t kKindsMax = 1'000;
constexpr std::size_t kPeersMax = 4'096;
constexpr double kSignInsBurst = 60, kSignInsPerSecond = 2;
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

bool SignInLimit::admit(const std::string& peer, Time now) {
  if (buckets_.size() >= kPeersMax && !buckets_.contains(peer)) {
    const auto rested = [&](const auto& item) {
      return now - item.second.at > std::chrono::minutes(1);
    };
    std::erase_if(buckets_, rested);
    if (buckets_.size() >= kPeersMax) return false;
  }
  const auto [found, is_new] = buckets_.try_emplace(peer, Bucket{kSignInsBurst, now});
  Bucket& bucket = found->second;
  const double seconds = std::max(0.0, std::chrono::duration<double>(now - bucket.at).count());
  bucket.tokens = std::min(kSignInsBurst, bucket.tokens + seconds * kSignInsPerSecond);
  bucket.at = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

}  // namespace keyturn::api
