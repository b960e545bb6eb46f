// What this server remembers of callers, bounded.
#include <algorithm>
#include <cmath>

#include "api/impl.h"

namespace keyturn::api {
namespace {

constexpr std::size_t kLooksMax = 10'000;
constexpr std::size_t kKindsMax = 1'000;
constexpr std::size_t kPeersMax = 4'096;
constexpr double kSignInsBurst = 60, kSignInsPerSecond = 2, kForgottenAfter = 60;
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

Result<void> SignInLimit::admit(const std::string& peer, Time now) {
  const auto refused = [](double wait) {
    const auto whole = static_cast<unsigned>(std::clamp(std::ceil(wait), 1.0, 60.0));
    return std::unexpected(Refusal{
        "too_many_sign_ins",
        "too many attempts to sign in; try again in " + std::to_string(whole) + " s", "", whole});
  };
  const auto rested_for = [now](const auto& item) {
    return std::chrono::duration<double>(now - item.second.at).count();
  };
  if (buckets_.size() >= kPeersMax && !buckets_.contains(peer)) {
    std::erase_if(buckets_, [&](const auto& item) { return rested_for(item) >= kForgottenAfter; });
    if (buckets_.size() >= kPeersMax)
      return refused(kForgottenAfter -
                     rested_for(*std::ranges::max_element(buckets_, {}, rested_for)));
  }
  const auto [found, is_new] = buckets_.try_emplace(peer, Bucket{kSignInsBurst, now});
  Bucket& bucket = found->second;
  const double seconds = std::max(0.0, std::chrono::duration<double>(now - bucket.at).count());
  bucket.tokens = std::min(kSignInsBurst, bucket.tokens + seconds * kSignInsPerSecond);
  bucket.at = now;
  if (bucket.tokens < 1) return refused((1 - bucket.tokens) / kSignInsPerSecond);
  bucket.tokens -= 1;
  return {};
}

}  // namespace keyturn::api
