// What this server remembers of callers, bounded.
#include <algorithm>
#include <cmath>

#include "api/impl.h"

namespace keyturn::api {
namespace {

constexpr std::size_t kLooksMax = 10'000;
constexpr std::size_t kPeersMax = 4'096;
constexpr double kSignInsBurst = 60, kSignInsPerSecond = 2, kForgottenAfter = 60;

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

Result<void> SignInLimit::admit(const std::string& peer, Time now) {
  const auto refused = [](double wait) {
    const auto whole = static_cast<unsigned>(std::clamp(std::ceil(wait), 1.0, 60.0));
    return std::unexpected(Refusal{
        "too_many_sign_ins",
        "too many attempts to sign in; try again in " + std::to_string(whole) + " s", "", whole});
  };
  const auto rested_for = [now](const auto& item) {
    return std::chrono::duration<double>(now - item.second.last()).count();
  };
  if (buckets_.size() >= kPeersMax && !buckets_.contains(peer)) {
    std::erase_if(buckets_, [&](const auto& item) { return rested_for(item) >= kForgottenAfter; });
    if (buckets_.size() >= kPeersMax)
      return refused(kForgottenAfter -
                     rested_for(*std::ranges::max_element(buckets_, {}, rested_for)));
  }
  const double wait = buckets_[peer].take({kSignInsBurst, kSignInsPerSecond}, now);
  if (wait > 0) return refused(wait);
  return {};
}

}  // namespace keyturn::api
