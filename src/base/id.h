// Strong identifiers: an ActionId is not a PersonId. Opaque text, ordered, hashable, explicit to
// make.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace keyturn {

template <class Tag>
class Id {
 public:
  Id() = default;
  explicit Id(std::string text) : text_(std::move(text)) {}
  const std::string& str() const { return text_; }
  bool empty() const { return text_.empty(); }
  auto operator<=>(const Id&) const = default;

 private:
  std::string text_;
};

class Random;
class Clock;

// "act_" + 26 characters of Crockford base32: 48 bits of milliseconds, then 80 random bits, so that
// ids sort by the time they were made (the layout of a ULID, in lower case).
std::string make_sortable_id(std::string_view prefix, std::int64_t unix_ms, Random& random);

}  // namespace keyturn

template <class Tag>
struct std::hash<keyturn::Id<Tag>> {
  std::size_t operator()(const keyturn::Id<Tag>& id) const noexcept {
    return std::hash<std::string>{}(id.str());
  }
};
