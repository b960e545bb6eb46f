// Bounds of cost, node by node. Each node says the bounds of what it charges.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cel/cost.h"
#include "cel/paths.h"
#include "cel/type.h"
#include "cel/value.h"

namespace keyturn::cel {

using Amount = std::uint64_t;

// Saturating: past the largest number everything is the largest number.
inline Amount plus(Amount a, Amount b) {
  Amount out = 0;
  return __builtin_add_overflow(a, b, &out) ? std::numeric_limits<Amount>::max() : out;
}
inline Amount times(Amount a, Amount b) {
  Amount out = 0;
  return __builtin_mul_overflow(a, b, &out) ? std::numeric_limits<Amount>::max() : out;
}
inline Amount text_cost(Amount bytes) {  // as Frame::charge_text
  return plus(1, bytes / 16);
}

bool is_simple(const Type& type);  // see Extent::simple

// How large a value may be, everything inside it included.
struct Extent {
  Amount text = 0;            // bytes of the longest text
  Amount items = 0;           // of the longest list or map
  Amount values = 1;          // all values in it, itself and keys too
  bool simple = false;        // null, bool, number or string
  bool simple_items = false;  // its elements (keys of a map) are

  static Extent scalar() { return {0, 0, 1, true, false}; }
  static Extent of(const Value& value);
  static Extent of(const Type& type, const SizeMax& max);
  Extent element() const;
};

Extent either(const Extent& a, const Extent& b);
Extent both(const Extent& a, const Extent& b);  // side by side, in one value

struct Bound {
  Amount least = 0;
  Amount most = 0;
  Extent of;
};

// A comparison of two values, beyond the step of its node.
Amount equality_cost(const Extent& a, const Extent& b);
// A search through the elements of `container`.
Amount search_cost(const Extent& item, const Extent& container);

// What is known of the input and of variables.
class Estimate {
 public:
  explicit Estimate(const SizeMax& otherwise) : otherwise_(otherwise) {}

  void set_path(Slot slot, Extent extent) { paths_[slot] = extent; }
  Extent path(Slot slot) const {
    const auto found = paths_.find(slot);
    return found == paths_.end() ? Extent::of(Type::dyn(), otherwise_) : found->second;
  }
  Extent unknown() const { return Extent::of(Type::dyn(), otherwise_); }
  void set_local(std::size_t depth, Extent extent) {
    if (locals_.size() <= depth) locals_.resize(depth + 1);
    locals_[depth] = extent;
  }
  Extent local(std::size_t depth) const { return locals_[depth]; }

 private:
  SizeMax otherwise_;
  std::unordered_map<Slot, Extent> paths_;
  std::vector<Extent> locals_;
};

// What a function of the language charges at most, beyond the step of its call, and how large its
// result may be.
struct CallBound {
  Amount most = 0;
  Extent of;
};
using CallBounds = CallBound (*)(std::span<const Extent> args);

CallBound bound_of_any(std::span<const Extent> args);     // of a function that says nothing else
CallBound bound_of_number(std::span<const Extent> args);  // numbers to a number
CallBound bound_of_test(std::span<const Extent> args);    // reads its first text
CallBound bound_of_text(std::span<const Extent> args);    // a text no longer than its first
CallBound bound_of_part(std::span<const Extent> args);    // its arguments, or a part of them

}  // namespace keyturn::cel
