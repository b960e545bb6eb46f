// getHours() and its like, with the time zone known only at run time (constant zones:
// time_field_node).
#include "cel/builtins.h"
#include "cel/clip.h"
#include "cel/time_zone.h"

namespace keyturn::cel {
namespace {

template <TimeField kField>
Value get(Frame& frame, Arguments args) {
  if (args[0]->kind() == Kind::kDuration && args.size() == 1) {
    return field_of(args[0]->as_duration(), kField);
  }
  if (args[0]->kind() != Kind::kTimestamp) return no_overload("time field", args);
  if (args.size() == 1) {
    return Value::integer(field_of(args[0]->as_timestamp(), kField, *TimeZone::utc()));
  }
  if (!args[1]->is_string()) return no_overload("time field", args);
  if (!frame.charge(50)) return over_limit();
  const auto zone = TimeZone::find(args[1]->text());
  if (!zone) {
    return Value::error("unknown time zone: " + clip(args[1]->text()));
  }
  return Value::integer(field_of(args[0]->as_timestamp(), kField, *zone));
}

CallBound bound_of_field(std::span<const Extent> args) {
  return {args.size() > 1 ? Amount{50} : 0, Extent::scalar()};
}

constexpr BuiltinEntry kTimeTable[] = {
    {"getFullYear", get<TimeField::kFullYear>, 1, 2, bound_of_field},
    {"getMonth", get<TimeField::kMonth>, 1, 2, bound_of_field},
    {"getDate", get<TimeField::kDate>, 1, 2, bound_of_field},
    {"getDayOfMonth", get<TimeField::kDayOfMonth>, 1, 2, bound_of_field},
    {"getDayOfWeek", get<TimeField::kDayOfWeek>, 1, 2, bound_of_field},
    {"getDayOfYear", get<TimeField::kDayOfYear>, 1, 2, bound_of_field},
    {"getHours", get<TimeField::kHours>, 1, 2, bound_of_field},
    {"getMinutes", get<TimeField::kMinutes>, 1, 2, bound_of_field},
    {"getSeconds", get<TimeField::kSeconds>, 1, 2, bound_of_field},
    {"getMilliseconds", get<TimeField::kMilliseconds>, 1, 2, bound_of_field}};

}  // namespace

std::span<const BuiltinEntry> time_builtins() {
  return kTimeTable;
}

}  // namespace keyturn::cel
