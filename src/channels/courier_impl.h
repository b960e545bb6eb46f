// What a courier holds. Private to courier.cpp and courier_work.cpp.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/task_impl.h"
#include "channels/courier.h"
#include "channels/pauses.h"

namespace keyturn::channels {

struct Courier::Impl : std::enable_shared_from_this<Courier::Impl> {
  Impl(gate::Gate& g, net::Loop& l, Keep& k, Channel& c,
       std::function<void(const std::string&)> say, CourierOptions o)
      : gate(g),
        loop(l),
        keep(k),
        channel(c),
        log(std::move(say)),
        options(o),
        waiter(l),
        pauses(o.first_backoff, o.backoff_max) {}

  using Self = std::shared_ptr<Impl>;
  static Task<void> run(Self me);
  static Task<void> look(Self me, std::string action);
  static Task<void> look_at(Self me, std::string action);
  static Task<Carried> carried_by(Channel& channel, Matter matter, Errand errand, doc::Value memo);
  static Task<void> carry(Self me, Matter matter, Errand errand);
  Task<Result<void>> load();
  Task<void> put(std::string action, std::string place, Kept kept);
  Task<void> forget(std::string action);
  void owe(const gate::RecordPtr& record);
  void owe_no_more(const std::string& action);
  static Task<void> remember(Self me, std::string action, bool is_owed);
  std::string key_of(const std::string& action, const std::string& place) const {
    return std::string(channel.name()) + "/at/" + action + "/" + place;
  }
  Time now() const { return gate.clock().now(); }

  void changed(const gate::RecordPtr& record);
  void enqueue(const std::string& action) {
    if (queued.insert(action).second) fresh.push_back(action);
    waiter.fire();
  }
  void enqueue_later(const std::string& action) {
    if (queued.insert(action).second) again.push_back(action);
  }
  void wake_due(Time at);
  void look_again_at_people(Time at);
  void start_looks();
  void consider(const Matter& matter);
  bool is_done(const gate::ActionRecord& record) const { return is_final(record.state); }
  void failed(const std::string& action, const std::string& place, const Undelivered& why,
              Time began);
  void look_at_trouble();
  void try_now();

  gate::Gate& gate;
  net::Loop& loop;
  Keep& keep;
  Channel& channel;
  std::function<void(const std::string&)> log;
  CourierOptions options;
  net::Waiter waiter;
  gate::Watch watch;

  std::unordered_map<std::string, KeptPlaces> kept;  // by action
  // Actions that were over before anything about them was carried: kept, like what was carried, for
  // the next start, which looks at what is open and at what is kept.
  std::set<std::string> owed;
  std::set<std::string> finished;  // actions that are over, with nothing left to be done
  std::deque<std::string> fresh, again;
  std::set<std::string> queued;
  std::set<std::string> unseen;                          // changed while it was being looked at
  std::set<std::string> looking;                         // actions
  std::set<std::pair<std::string, std::string>> flying;  // action, place
  std::multimap<Time, std::string> later;
  Pauses pauses;
  bool in_trouble = false;  // as the channel said when it was last looked at
  Time since{};             // of the channel's first start
  Time looked_at_people{}, forgot{};
  std::uint64_t directory = 0, reach = 0;  // of the last look at people
  std::uint64_t carried = 0;
  bool stopping = false;
};

}  // namespace keyturn::channels
