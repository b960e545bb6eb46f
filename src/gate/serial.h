// One at a time: commands on the same key run in the order they came, others side by side. I/O
// thread only.
#pragma once

#include <memory>
#include <string>

#include "base/task.h"

namespace keyturn::gate {

class Serial {
 public:
  Serial();
  ~Serial();  // waiting coroutines are destroyed

  // Held until destroyed; then the next in line runs (later, never from inside the destructor).
  class Hold {
   public:
    Hold() = default;
    Hold(Serial* serial, std::string key) : serial_(serial), key_(std::move(key)) {}
    Hold(Hold&& other) noexcept : serial_(other.serial_), key_(std::move(other.key_)) {
      other.serial_ = nullptr;
    }
    Hold& operator=(Hold&& other) noexcept;
    ~Hold();

   private:
    Serial* serial_ = nullptr;
    std::string key_;
  };

  Task<Hold> take(std::string key);

 private:
  void release(const std::string& key);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keyturn::gate
