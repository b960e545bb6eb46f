// Refusals that are recorded, a few a minute.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/time.h"

namespace keyturn::gate {

// Lets a few refusals of one kind a minute through to the ledger and counts the others, so that a
// flood can neither fill the ledger nor hide that it happened.
class RefusalMeter {
 public:
  explicit RefusalMeter(std::size_t per_minute) : per_minute_(per_minute) {}
  // Nothing: not now. Else how many of this kind were kept back before.
  std::optional<std::uint64_t> admit(const std::string& kind, Time now);
  std::uint64_t suppressed() const { return suppressed_; }

 private:
  struct Count {
    std::uint64_t recorded = 0, held_back = 0;
  };
  std::size_t per_minute_;
  Time minute_{};
  std::uint64_t recorded_ = 0;
  std::map<std::string, Count> counts_;
  std::uint64_t suppressed_ = 0;
};

}  // namespace keyturn::gate
