// Equality and order, cel-spec "Equality" and "Ordering": numbers as if on one number line.
#include <cmath>
#include <compare>

#include "cel/value.h"

namespace keyturn::cel {
namespace {

constexpr int kNotComparable = 2;

template <class T>
int sign_of(const T& a, const T& b) {
  if (a < b) return -1;
  return b < a ? 1 : 0;
}

int compare_doubles(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return kNotComparable;
  return sign_of(a, b);
}

int compare_int_uint(std::int64_t a, std::uint64_t b) {
  if (a < 0) return -1;
  return sign_of(static_cast<std::uint64_t>(a), b);
}

int compare_int_double(std::int64_t a, double b) {
  if (std::isnan(b)) return kNotComparable;
  if (b < -9223372036854775808.0) return 1;
  if (b > 9223372036854775808.0) return -1;
  return sign_of(static_cast<double>(a), b);
}

int compare_uint_double(std::uint64_t a, double b) {
  if (std::isnan(b)) return kNotComparable;
  if (b < 0) return 1;
  if (b > 18446744073709551616.0) return -1;
  return sign_of(static_cast<double>(a), b);
}

int flipped(int order) {
  return order == kNotComparable ? order : -order;
}

int compare_across(const Value& a, const Value& b) {
  if (a.is_int() && b.is_uint()) return compare_int_uint(a.as_int(), b.as_uint());
  if (a.is_int() && b.is_double()) return compare_int_double(a.as_int(), b.as_double());
  if (a.is_uint() && b.is_double()) return compare_uint_double(a.as_uint(), b.as_double());
  const bool number = a.is_uint() || a.is_double();
  if (number && (b.is_int() || b.is_uint())) return flipped(compare_across(b, a));
  return kNotComparable;
}

template <class T>
int compare_seconds(const T& a, const T& b) {
  return a.seconds != b.seconds ? sign_of(a.seconds, b.seconds) : sign_of(a.nanos, b.nanos);
}

struct Comparison {
  std::uint64_t steps = 0;
  std::uint64_t steps_max = 0;

  Equality values(const Value& a, const Value& b) {
    if (++steps > steps_max) return Equality::kError;
    if (a.is_error() || b.is_error()) return Equality::kError;
    if (a.kind() != b.kind()) return same(compare_across(a, b) == 0);
    switch (a.kind()) {
      case Kind::kNull:
        return Equality::kEqual;
      case Kind::kBool:
      case Kind::kInt:
      case Kind::kUint:
        return same(a.as_uint() == b.as_uint());
      case Kind::kDouble:
        return same(a.as_double() == b.as_double());
      case Kind::kString:
      case Kind::kBytes:
      case Kind::kType:
      case Kind::kAddress:
      case Kind::kNetwork:
        steps += a.text().size() / 64;
        return same(a.text() == b.text());
      case Kind::kTimestamp:
        return same(a.as_timestamp() == b.as_timestamp());
      case Kind::kDuration:
        return same(a.as_duration() == b.as_duration());
      case Kind::kList:
        return lists(a, b);
      case Kind::kMap:
        return maps(a, b);
      case Kind::kOptional:
        if (!a.has_value() || !b.has_value()) return same(a.has_value() == b.has_value());
        return values(a.unwrapped(), b.unwrapped());
      case Kind::kError:
        return Equality::kError;
    }
    return Equality::kError;
  }

  static Equality same(bool equal) { return equal ? Equality::kEqual : Equality::kUnequal; }

  Equality lists(const Value& a, const Value& b) {
    const auto left = a.items();
    const auto right = b.items();
    if (left.size() != right.size()) return Equality::kUnequal;
    for (std::size_t i = 0; i < left.size(); ++i) {
      const Equality e = values(left[i], right[i]);
      if (e != Equality::kEqual) return e;
    }
    return Equality::kEqual;
  }

  Equality maps(const Value& a, const Value& b) {
    if (a.entries().size() != b.entries().size()) return Equality::kUnequal;
    for (const MapEntry& entry : a.entries()) {
      const Value* other = b.find(entry.key);
      if (other == nullptr) return Equality::kUnequal;
      const Equality e = values(entry.value, *other);
      if (e != Equality::kEqual) return e;
    }
    return Equality::kEqual;
  }
};

}  // namespace

Equality equal(const Value& a, const Value& b, std::uint64_t* steps, std::uint64_t steps_max) {
  Comparison comparison{0, steps_max};
  const Equality result = comparison.values(a, b);
  if (steps != nullptr) *steps += comparison.steps;
  return result;
}

int compare(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return compare_across(a, b);
  switch (a.kind()) {
    case Kind::kBool:
      return sign_of(a.as_bool(), b.as_bool());
    case Kind::kInt:
      return sign_of(a.as_int(), b.as_int());
    case Kind::kUint:
      return sign_of(a.as_uint(), b.as_uint());
    case Kind::kDouble:
      return compare_doubles(a.as_double(), b.as_double());
    case Kind::kString:
    case Kind::kBytes:
      return sign_of(a.text(), b.text());
    case Kind::kTimestamp:
      return compare_seconds(a.as_timestamp(), b.as_timestamp());
    case Kind::kDuration:
      return compare_seconds(a.as_duration(), b.as_duration());
    case Kind::kNull:
    case Kind::kType:
    case Kind::kList:
    case Kind::kMap:
    case Kind::kOptional:
    case Kind::kAddress:
    case Kind::kNetwork:
    case Kind::kError:
      return kNotComparable;
  }
  return kNotComparable;
}

}  // namespace keyturn::cel
