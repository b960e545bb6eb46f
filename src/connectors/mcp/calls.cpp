#include "connectors/mcp/calls.h"

#include "base/task_impl.h"

namespace keyturn::connectors::mcp {

void Calls::attend(const ActionId& action, std::shared_ptr<Attendant> attendant) {
  Place& place = places_[action.str()];
  place.attendant = std::move(attendant);
  if (place.waiter) place.waiter->fire();
}

void Calls::leave(const ActionId& action) {
  const auto place = places_.find(action.str());
  if (place == places_.end()) return;
  place->second.attendant.reset();
  if (!place->second.waiter) places_.erase(place);
}

Task<std::shared_ptr<Attendant>> Calls::take(ActionId action, Duration most) {
  const std::string key = action.str();
  const auto there = places_.find(key);
  if (there == places_.end() || !there->second.attendant) {
    const auto waiter = std::make_shared<net::Waiter>(loop_);
    places_[key].waiter = waiter;
    co_await waiter->wait(most);
  }
  std::shared_ptr<Attendant> attendant = std::move(places_[key].attendant);
  places_.erase(key);
  co_return attendant;
}

}  // namespace keyturn::connectors::mcp
