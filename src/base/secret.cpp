#include "base/secret.h"

#include <cstring>

namespace keyturn {

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    value_ = std::move(other.value_);
    other.wipe();
  }
  return *this;
}

void Secret::wipe() noexcept {
  // capacity(), not size(): a moved-from short string still holds its bytes in place.
  explicit_bzero(value_.data(), value_.capacity());
  value_.clear();
}

}  // namespace keyturn
