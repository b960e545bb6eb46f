// cel-go's math extension.
#include <cmath>
#include <limits>

#include "cel/builtins.h"

namespace keyturn::cel {
namespace {

template <int kSign>  // 1: greatest, -1: least
Value extreme(Frame& frame, Arguments args) {
  const char* name = kSign > 0 ? "math.greatest" : "math.least";
  std::vector<const Value*> items(args.begin(), args.end());
  if (args.size() == 1 && args[0]->is_list()) {
    if (!frame.charge(args[0]->size())) return over_limit();
    items.clear();
    for (const Value& item : args[0]->items()) items.push_back(&item);
    if (items.empty()) return Value::error(std::string(name) + " of an empty list");
  }
  const Value* best = items[0];
  for (const Value* item : items) {
    if (!item->is_number()) return no_overload(name, args);
    if (compare(*item, *best) == kSign) best = item;
  }
  return *best;
}

template <double (*kFunction)(double)>
Value of_double(Frame&, Arguments args) {
  if (!args[0]->is_double()) return no_overload("math", args);
  return Value::number(kFunction(args[0]->as_double()));
}

Value square_root(Frame&, Arguments args) {
  const Value& a = *args[0];
  if (a.is_double()) return Value::number(std::sqrt(a.as_double()));
  if (a.is_int()) return Value::number(std::sqrt(static_cast<double>(a.as_int())));
  if (a.is_uint()) return Value::number(std::sqrt(static_cast<double>(a.as_uint())));
  return no_overload("math.sqrt", args);
}

Value absolute(Frame&, Arguments args) {
  const Value& a = *args[0];
  if (a.is_double()) return Value::number(std::fabs(a.as_double()));
  if (a.is_uint()) return a;
  if (!a.is_int()) return no_overload("math.abs", args);
  if (a.as_int() == std::numeric_limits<std::int64_t>::min()) return Value::error("int overflow");
  return Value::integer(a.as_int() < 0 ? -a.as_int() : a.as_int());
}

Value sign(Frame&, Arguments args) {
  const Value& a = *args[0];
  if (a.is_int()) return Value::integer(a.as_int() > 0 ? 1 : a.as_int() < 0 ? -1 : 0);
  if (a.is_uint()) return Value::uinteger(a.as_uint() > 0 ? 1 : 0);
  if (!a.is_double()) return no_overload("math.sign", args);
  const double d = a.as_double();
  if (std::isnan(d)) return a;
  return Value::number(d > 0 ? 1 : d < 0 ? -1 : 0);
}

template <bool (*kTest)(double)>
Value test_double(Frame&, Arguments args) {
  if (!args[0]->is_double()) return no_overload("math", args);
  return Value::boolean(kTest(args[0]->as_double()));
}
bool is_nan(double d) {
  return std::isnan(d);
}
bool is_inf(double d) {
  return std::isinf(d);
}
bool is_finite(double d) {
  return std::isfinite(d);
}
double ceiling(double d) {
  return std::ceil(d);
}
double floor_of(double d) {
  return std::floor(d);
}
double round_of(double d) {
  return std::round(d);
}
double truncated(double d) {
  return std::trunc(d);
}

std::uint64_t bit_and(std::uint64_t a, std::uint64_t b) {
  return a & b;
}
std::uint64_t bit_or(std::uint64_t a, std::uint64_t b) {
  return a | b;
}
std::uint64_t bit_xor(std::uint64_t a, std::uint64_t b) {
  return a ^ b;
}

template <std::uint64_t (*kFunction)(std::uint64_t, std::uint64_t)>
Value bits(Frame&, Arguments args) {
  const Value& a = *args[0];
  const Value& b = *args[1];
  if (a.is_int() && b.is_int()) {
    return Value::integer(static_cast<std::int64_t>(kFunction(a.as_uint(), b.as_uint())));
  }
  if (a.is_uint() && b.is_uint()) return Value::uinteger(kFunction(a.as_uint(), b.as_uint()));
  return no_overload("math.bit", args);
}

Value bit_not(Frame&, Arguments args) {
  if (args[0]->is_int()) return Value::integer(~args[0]->as_int());
  if (args[0]->is_uint()) return Value::uinteger(~args[0]->as_uint());
  return no_overload("math.bitNot", args);
}

template <bool kLeft>
Value shift(Frame&, Arguments args) {
  const Value& a = *args[0];
  if ((!a.is_int() && !a.is_uint()) || !args[1]->is_int())
    return no_overload("math.bitShift", args);
  const std::int64_t by = args[1]->as_int();
  if (by < 0) return Value::error("math.bitShift: negative offset: " + std::to_string(by));
  const std::uint64_t shifted = by > 63 ? 0 : kLeft ? a.as_uint() << by : a.as_uint() >> by;
  return a.is_int() ? Value::integer(static_cast<std::int64_t>(shifted)) : Value::uinteger(shifted);
}

constexpr BuiltinEntry kMathTable[] = {
    {"math.greatest", extreme<1>, 1, 6},
    {"math.least", extreme<-1>, 1, 6},
    {"math.ceil", of_double<ceiling>, 1, 1, bound_of_number},
    {"math.floor", of_double<floor_of>, 1, 1, bound_of_number},
    {"math.round", of_double<round_of>, 1, 1, bound_of_number},
    {"math.trunc", of_double<truncated>, 1, 1, bound_of_number},
    {"math.sqrt", square_root, 1, 1, bound_of_number},
    {"math.abs", absolute, 1, 1, bound_of_number},
    {"math.sign", sign, 1, 1, bound_of_number},
    {"math.isNaN", test_double<is_nan>, 1, 1, bound_of_number},
    {"math.isInf", test_double<is_inf>, 1, 1, bound_of_number},
    {"math.isFinite", test_double<is_finite>, 1, 1, bound_of_number},
    {"math.bitAnd", bits<bit_and>, 2, 2, bound_of_number},
    {"math.bitOr", bits<bit_or>, 2, 2, bound_of_number},
    {"math.bitXor", bits<bit_xor>, 2, 2, bound_of_number},
    {"math.bitNot", bit_not, 1, 1, bound_of_number},
    {"math.bitShiftLeft", shift<true>, 2, 2, bound_of_number},
    {"math.bitShiftRight", shift<false>, 2, 2, bound_of_number}};

}  // namespace

std::span<const BuiltinEntry> math_builtins() {
  return kMathTable;
}

}  // namespace keyturn::cel
