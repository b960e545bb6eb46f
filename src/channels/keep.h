// Small things that are kept beside the record: what was delivered where. Never the truth about an
// action, and nothing private; losing it costs a message shown twice.
//
// Threads: called on, and resumes on, the I/O thread.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/task.h"

namespace keyturn::channels {

class Keep {
 public:
  virtual ~Keep() = default;
  // Everything under this prefix, by key. Code: kept_unreadable.
  virtual Task<Result<std::vector<std::pair<std::string, std::string>>>> read(
      std::string prefix) = 0;
  // Durable before a crash of this process; a power cut may lose the last moments. nullopt: erased.
  // Calls come into force in order. Code: kept_unwritable.
  virtual Task<Result<void>> write(std::string key, std::optional<std::string> value) = 0;
};

}  // namespace keyturn::channels
