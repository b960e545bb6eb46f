// Carries word by every channel, and keeps what came of it. One courier a channel: they do not wait
// for each other, and nobody waits for them.
//
// Threads: the I/O thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/task.h"
#include "base/time.h"
#include "channels/channel.h"
#include "channels/keep.h"
#include "gate/gate.h"
#include "net/loop.h"

namespace keyturn::channels {

struct CourierOptions {
  std::size_t errands_at_once = 16;
  Duration first_backoff = std::chrono::seconds(1);  // doubled each time, with some chance in it
  Duration backoff_max = std::chrono::seconds(15);
  Duration forgotten_after = std::chrono::hours(24 * 30);  // of what is over
};

// What was given up.
struct DeadLetter {
  std::string action, place, word, why;
  Time at;
};

struct CourierState {
  std::string name, kind, status;  // running | failing
  std::uint64_t waiting = 0;       // actions that something is still to be done about
  std::uint64_t carried = 0;       // errands since the start
  std::optional<Refusal> error;    // why it fails
  std::optional<Time> failing_since;
  std::vector<DeadLetter> dead;  // newest first, at most 200
};
doc::Value to_value(const CourierState& state);

class Courier {
 public:
  Courier(gate::Gate& gate, net::Loop& loop, Keep& keep, Channel& channel,
          std::function<void(const std::string&)> log, CourierOptions options = {});
  ~Courier();

  // Reads what is kept, and looks at everything that is open or was not finished. Actions that were
  // asked for before this channel was ever configured are not told by it: their people have heard
  // of them.
  Task<Result<void>> start();
  void stop();
  // Again what was given up: all of it, or of one action. How many. What waits for the end of a
  // pause is tried now, too.
  std::size_t retry(const std::string& action = "");
  CourierState state() const;
  // What is kept of an action; null: nothing.
  const KeptPlaces* kept(const std::string& action) const;
  Channel& channel() { return channel_; }

 private:
  struct Impl;
  Channel& channel_;
  std::shared_ptr<Impl> impl_;
};

}  // namespace keyturn::channels
