// + - * / % and unary minus. Overflow is an error (cel-spec "Overflow").
#include <cmath>
#include <limits>

#include "cel/builtins.h"
#include "cel/time_text.h"

namespace keyturn::cel {
namespace {

Value overflow(const char* type) {
  return Value::error(std::string(type) + " overflow");
}

bool both(Arguments args, Kind kind) {
  return args[0]->kind() == kind && args[1]->kind() == kind;
}

// `int_op` and `uint_op` return true on overflow.
template <class IntOp, class UintOp, class DoubleOp>
Value numbers(const char* name, Arguments args, IntOp int_op, UintOp uint_op, DoubleOp double_op) {
  const Value& a = *args[0];
  const Value& b = *args[1];
  if (both(args, Kind::kInt)) {
    std::int64_t result = 0;
    return int_op(a.as_int(), b.as_int(), &result) ? overflow("int") : Value::integer(result);
  }
  if (both(args, Kind::kDouble)) return Value::number(double_op(a.as_double(), b.as_double()));
  if (both(args, Kind::kUint)) {
    std::uint64_t result = 0;
    return uint_op(a.as_uint(), b.as_uint(), &result) ? overflow("uint") : Value::uinteger(result);
  }
  return no_overload(name, args);
}

Value add_texts(Frame& frame, const Value& a, const Value& b) {
  if (!frame.charge_text(a.text().size() + b.text().size())) return over_limit();
  std::string out(a.text());
  out += b.text();
  return a.is_string() ? Value::string(out) : Value::bytes(out);
}

Value add_lists(Frame& frame, const Value& a, const Value& b) {
  if (!frame.charge(a.items().size() + b.items().size())) return over_limit();
  std::vector<Value> out(a.items().begin(), a.items().end());
  out.insert(out.end(), b.items().begin(), b.items().end());
  return Value::list(std::move(out));
}

Value moved(const Value& time, const Value& by, bool back) {
  const auto nanos = to_nanos(by.as_duration());
  std::int64_t amount = 0;
  if (!nanos || __builtin_sub_overflow(0, *nanos, &amount)) return overflow("duration");
  const auto result = add(time.as_timestamp(), back ? amount : *nanos);
  return result ? Value::timestamp(*result) : overflow("timestamp");
}

Value combine_durations(const Value& a, const Value& b, bool minus) {
  const auto left = to_nanos(a.as_duration());
  const auto right = to_nanos(b.as_duration());
  std::int64_t sum = 0;
  if (!left || !right ||
      (minus ? __builtin_sub_overflow(*left, *right, &sum)
             : __builtin_add_overflow(*left, *right, &sum))) {
    return overflow("duration");
  }
  return Value::duration(from_nanos(sum));
}

Value add(Frame& frame, Arguments args) {
  const Value& a = *args[0];
  const Value& b = *args[1];
  if (both(args, Kind::kString) || both(args, Kind::kBytes)) return add_texts(frame, a, b);
  if (both(args, Kind::kList)) return add_lists(frame, a, b);
  if (both(args, Kind::kDuration)) return combine_durations(a, b, false);
  if (a.kind() == Kind::kTimestamp && b.kind() == Kind::kDuration) return moved(a, b, false);
  if (a.kind() == Kind::kDuration && b.kind() == Kind::kTimestamp) return moved(b, a, false);
  return numbers(
      "+", args, [](auto x, auto y, auto* r) { return __builtin_add_overflow(x, y, r); },
      [](auto x, auto y, auto* r) { return __builtin_add_overflow(x, y, r); },
      [](double x, double y) { return x + y; });
}

Value subtract(Frame&, Arguments args) {
  const Value& a = *args[0];
  const Value& b = *args[1];
  if (both(args, Kind::kDuration)) return combine_durations(a, b, true);
  if (a.kind() == Kind::kTimestamp && b.kind() == Kind::kDuration) return moved(a, b, true);
  if (both(args, Kind::kTimestamp)) {
    const auto nanos = nanos_between(b.as_timestamp(), a.as_timestamp());
    return nanos ? Value::duration(from_nanos(*nanos)) : overflow("duration");
  }
  return numbers(
      "-", args, [](auto x, auto y, auto* r) { return __builtin_sub_overflow(x, y, r); },
      [](auto x, auto y, auto* r) { return __builtin_sub_overflow(x, y, r); },
      [](double x, double y) { return x - y; });
}

Value multiply(Frame&, Arguments args) {
  return numbers(
      "*", args, [](auto x, auto y, auto* r) { return __builtin_mul_overflow(x, y, r); },
      [](auto x, auto y, auto* r) { return __builtin_mul_overflow(x, y, r); },
      [](double x, double y) { return x * y; });
}

bool divides_by_zero(Arguments args) {
  return (args[1]->is_int() || args[1]->is_uint()) && args[1]->as_uint() == 0 &&
         args[0]->kind() == args[1]->kind();
}

template <class T>
bool quotient(T x, T y, T* r) {
  if constexpr (std::numeric_limits<T>::is_signed) {
    if (x == std::numeric_limits<T>::min() && y == -1) return true;
  }
  *r = x / y;
  return false;
}

Value divide(Frame&, Arguments args) {
  if (divides_by_zero(args)) return Value::error("division by zero");
  return numbers("/", args, quotient<std::int64_t>, quotient<std::uint64_t>,
                 [](double x, double y) { return x / y; });
}

Value modulo(Frame&, Arguments args) {
  if (divides_by_zero(args)) return Value::error("modulus by zero");
  if (both(args, Kind::kInt)) {
    const std::int64_t y = args[1]->as_int();
    return y == -1 && args[0]->as_int() == std::numeric_limits<std::int64_t>::min()
               ? overflow("int")
               : Value::integer(args[0]->as_int() % y);
  }
  if (both(args, Kind::kUint)) return Value::uinteger(args[0]->as_uint() % args[1]->as_uint());
  return no_overload("%", args);
}

Value negate(Frame&, Arguments args) {
  const Value& a = *args[0];
  if (a.is_double()) return Value::number(-a.as_double());
  if (!a.is_int()) return no_overload("-", args);
  std::int64_t result = 0;
  return __builtin_sub_overflow(std::int64_t{0}, a.as_int(), &result) ? overflow("int")
                                                                      : Value::integer(result);
}

// Texts and lists are put one after the other.
CallBound bound_of_add(std::span<const Extent> args) {
  Extent of = both(args[0], args[1]);
  of.text = plus(args[0].text, args[1].text);
  of.items = plus(args[0].items, args[1].items);
  of.simple = args[0].simple && args[1].simple;
  of.simple_items = args[0].simple_items && args[1].simple_items;
  return {plus(text_cost(of.text), of.items), of};
}

constexpr BuiltinEntry kArithmeticTable[] = {
    {"_+_", add, 2, 2, bound_of_add},         {"_-_", subtract, 2, 2, bound_of_number},
    {"_*_", multiply, 2, 2, bound_of_number}, {"_/_", divide, 2, 2, bound_of_number},
    {"_%_", modulo, 2, 2, bound_of_number},   {"-_", negate, 1, 1, bound_of_number}};

}  // namespace

std::span<const BuiltinEntry> arithmetic_builtins() {
  return kArithmeticTable;
}

}  // namespace keyturn::cel
