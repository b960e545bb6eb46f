#include "net/kept_wires.h"

#include <map>
#include <vector>

namespace keyturn::net {

using SteadyClock = std::chrono::steady_clock;

struct KeptWires::Shelf {
  struct Kept {
    std::unique_ptr<Wire> wire;
    SteadyClock::time_point until;
  };
  std::map<std::string, std::vector<Kept>> places;
  bool is_watched = false;

  void drop_old() {
    const auto now = SteadyClock::now();
    for (auto& [where, place] : places)
      std::erase_if(place, [now](const Kept& kept) { return kept.until <= now; });
    std::erase_if(places, [](const auto& place) { return place.second.empty(); });
  }
};

KeptWires::KeptWires(Loop& loop, std::size_t per_host_max)
    : loop_(loop), per_host_max_(per_host_max), shelf_(std::make_shared<Shelf>()) {}

std::unique_ptr<Wire> KeptWires::take(const std::string& where) {
  shelf_->drop_old();
  const auto place = shelf_->places.find(where);
  if (place == shelf_->places.end()) return nullptr;
  while (!place->second.empty()) {
    std::unique_ptr<Wire> wire = std::move(place->second.back().wire);
    place->second.pop_back();
    if (wire->is_idle()) return wire;
  }
  return nullptr;
}

void KeptWires::keep(const std::string& where, std::unique_ptr<Wire> wire, Duration most) {
  std::vector<Shelf::Kept>& place = shelf_->places[where];
  if (place.size() >= per_host_max_) return;
  wire->tcp().expires_never();
  place.push_back({std::move(wire), SteadyClock::now() + most});
  if (shelf_->is_watched) return;
  shelf_->is_watched = true;
  loop_.spawn(clear(loop_, shelf_));
}

Task<void> KeptWires::clear(Loop& loop, std::weak_ptr<Shelf> watched) {
  while (true) {
    co_await loop.sleep(std::chrono::seconds(1));
    const std::shared_ptr<Shelf> shelf = watched.lock();
    if (!shelf) co_return;
    shelf->drop_old();
    if (!shelf->places.empty()) continue;
    shelf->is_watched = false;
    co_return;
  }
}

}  // namespace keyturn::net
