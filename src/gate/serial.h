// One at a time: commands on the same key run in the order they came, others side by side. I/O
// thread only.
#pragma once

#include <memory>
#include <string>

#include "base/task.h"

namespace keyturn::gate {

class Serial {
  struct Impl;

 public:
  Serial();
  ~Serial();  // waiting coroutines are destroyed

  // Held until destroyed; then the next in line runs (later, never from inside the destructor). May
  // outlive the Serial: coroutines that never end go with their loop.
  class Hold {
   public:
    Hold() = default;
    Hold(std::weak_ptr<Impl> lines, std::string key)
        : lines_(std::move(lines)), key_(std::move(key)) {}
    Hold(Hold&& other) noexcept = default;
    Hold& operator=(Hold&& other) noexcept;
    ~Hold();

   private:
    std::weak_ptr<Impl> lines_;
    std::string key_;
  };

  Task<Hold> take(std::string key);

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace keyturn::gate
