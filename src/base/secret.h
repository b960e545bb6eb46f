// A value that must never be printed. It cannot be formatted, streamed or compared by accident; its
// memory is wiped when it goes.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace keyturn {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret() { wipe(); }

  // The one way to the bytes. Search for reveal() to audit every use.
  std::string_view reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  void wipe() noexcept;
  std::string value_;
};

}  // namespace keyturn
