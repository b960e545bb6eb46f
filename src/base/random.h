// The one door to randomness.
#pragma once

#include <cstddef>
#include <string>

namespace keyturn {

class Random {
 public:
  virtual ~Random() = default;
  // Fills [out, out+size) with unpredictable bytes. Never fails: an implementation that cannot
  // deliver ends the process.
  virtual void fill(void* out, std::size_t size) = 0;

  std::string bytes(std::size_t size) {
    std::string out(size, '\0');
    fill(out.data(), size);
    return out;
  }
};

class SystemRandom final : public Random {  // getrandom(2), read ahead in blocks; thread-safe
 public:
  void fill(void* out, std::size_t size) override;
};

}  // namespace keyturn
