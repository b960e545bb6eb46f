#include "channels/slack/pace.h"

#include <algorithm>

namespace keyturn::channels::slack {
namespace {

constexpr Duration kBetween = std::chrono::seconds(5);
constexpr int kBurst = 3;  // people who talk to each other see it at once
// A card that may go does so within this time.
constexpr Duration kCardGoes = std::chrono::seconds(2);

}  // namespace

std::optional<Duration> Pace::take(const std::string& conversation, Time now) {
  std::erase_if(places_, [&](const auto& one) {
    return one.second.used_up <= now && one.second.card_until <= now;
  });
  Place& place = places_[conversation];
  if (place.card_until > now) return place.card_until - now;
  const Time used_up = std::max(place.used_up, now);
  if (used_up - now > kBetween * (kBurst - 1)) return used_up - now - kBetween * (kBurst - 1);
  place.used_up = used_up + kBetween;
  return std::nullopt;
}

void Pace::give_back(const std::string& conversation) {
  if (const auto found = places_.find(conversation); found != places_.end())
    found->second.used_up -= kBetween;
}

void Pace::card_waits(const std::string& conversation, Time until, Time now) {
  Place& place = places_[conversation];
  place.card_until = std::max(place.card_until, std::max(until, now) + kCardGoes);
}

void Pace::card_went(const std::string& conversation) {
  if (const auto found = places_.find(conversation); found != places_.end())
    found->second.card_until = Time{};
}

}  // namespace keyturn::channels::slack
