// So many at a time, and so many of each: the rest waits its turn, for a while. Whoever has the
// fewest under way is next, and among these who came first. I/O thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "base/task.h"

namespace keyturn::gate {

class FairSemaphore {
  struct Impl;

 public:
  struct Limits {
    std::size_t all = 1, of_one = 1;  // at least 1
    std::chrono::steady_clock::duration patience{};
  };
  explicit FairSemaphore(Limits limits);

  // Held until destroyed; then the next runs (later, never from inside the destructor). May outlive
  // the FairSemaphore.
  class Hold {
   public:
    Hold(std::weak_ptr<Impl> turns, std::string who)
        : turns_(std::move(turns)), who_(std::move(who)) {}
    Hold(Hold&& other) noexcept = default;
    Hold& operator=(Hold&& other) = delete;
    ~Hold();

   private:
    std::weak_ptr<Impl> turns_;
    std::string who_;
  };

  // nullopt: it was not its turn within the patience.
  Task<std::optional<Hold>> take(std::string who);

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace keyturn::gate
