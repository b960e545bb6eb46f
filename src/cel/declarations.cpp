#include "cel/declarations.h"

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>

#include "cel/signature.h"

namespace keyturn::cel {
namespace {

struct Declaration {
  std::string_view name;
  std::initializer_list<std::string_view> overloads;
};

// clang-format off
const Declaration kOperators[] = {
  {"_?_:_", {"conditional (bool, A, A) A"}},
  {"_&&_", {"logical_and (bool, bool) bool"}},
  {"_||_", {"logical_or (bool, bool) bool"}},
  {"!_", {"logical_not (bool) bool"}},
  {"@not_strictly_false", {"not_strictly_false (bool) bool"}},
  {"_==_", {"equals (A, A) bool"}},
  {"_!=_", {"not_equals (A, A) bool"}},
  {"_+_", {"add_bytes (bytes, bytes) bytes", "add_double (double, double) double",
    "add_duration_duration (duration, duration) duration", "add_duration_timestamp (duration, timestamp) timestamp",
    "add_timestamp_duration (timestamp, duration) timestamp", "add_int64 (int, int) int",
    "add_list (list(A), list(A)) list(A)", "add_string (string, string) string", "add_uint64 (uint, uint) uint"}},
  {"_-_", {"subtract_double (double, double) double", "subtract_duration_duration (duration, duration) duration",
    "subtract_int64 (int, int) int", "subtract_timestamp_duration (timestamp, duration) timestamp",
    "subtract_timestamp_timestamp (timestamp, timestamp) duration", "subtract_uint64 (uint, uint) uint"}},
  {"_*_", {"multiply_double (double, double) double", "multiply_int64 (int, int) int", "multiply_uint64 (uint, uint) uint"}},
  {"_/_", {"divide_double (double, double) double", "divide_int64 (int, int) int", "divide_uint64 (uint, uint) uint"}},
  {"_%_", {"modulo_int64 (int, int) int", "modulo_uint64 (uint, uint) uint"}},
  {"-_", {"negate_double (double) double", "negate_int64 (int) int"}},
  {"_[_]", {"index_list (list(A), int) A", "index_map (map(A, B), A) B",
    "optional_list_index_int (optional(list(V)), int) optional(V)",
    "optional_map_index_value (optional(map(K, V)), K) optional(V)"}},
  {"_[?_]", {"list_optindex_optional_int (list(V), int) optional(V)",
    "optional_list_optindex_optional_int (optional(list(V)), int) optional(V)",
    "map_optindex_optional_value (map(K, V), K) optional(V)",
    "optional_map_optindex_optional_value (optional(map(K, V)), K) optional(V)"}},
  {"_?._", {"select_optional_field (dyn, string) optional(dyn)"}},
  {"@in", {"in_list (A, list(A)) bool", "in_map (A, map(A, B)) bool"}},
};

const Declaration kStandard[] = {
  {"size", {"size_bytes (bytes) int", "bytes_size .(bytes) int", "size_list (list(A)) int", "list_size .(list(A)) int",
    "size_map (map(A, B)) int", "map_size .(map(A, B)) int", "size_string (string) int", "string_size .(string) int"}},
  {"type", {"type (A) type(A)"}},
  {"bool", {"bool_to_bool (bool) bool", "string_to_bool (string) bool"}},
  {"bytes", {"bytes_to_bytes (bytes) bytes", "string_to_bytes (string) bytes"}},
  {"double", {"double_to_double (double) double", "int64_to_double (int) double", "string_to_double (string) double",
    "uint64_to_double (uint) double"}},
  {"duration", {"duration_to_duration (duration) duration", "int64_to_duration (int) duration",
    "string_to_duration (string) duration"}},
  {"dyn", {"to_dyn (A) dyn"}},
  {"int", {"int64_to_int64 (int) int", "double_to_int64 (double) int", "duration_to_int64 (duration) int",
    "string_to_int64 (string) int", "timestamp_to_int64 (timestamp) int", "uint64_to_int64 (uint) int"}},
  {"string", {"string_to_string (string) string", "bool_to_string (bool) string", "bytes_to_string (bytes) string",
    "double_to_string (double) string", "duration_to_string (duration) string", "int64_to_string (int) string",
    "timestamp_to_string (timestamp) string", "uint64_to_string (uint) string",
    "ip_to_string (net.IP) string", "cidr_to_string (net.CIDR) string"}},
  {"timestamp", {"timestamp_to_timestamp (timestamp) timestamp", "int64_to_timestamp (int) timestamp",
    "string_to_timestamp (string) timestamp"}},
  {"uint", {"uint64_to_uint64 (uint) uint", "double_to_uint64 (double) uint", "int64_to_uint64 (int) uint",
    "string_to_uint64 (string) uint"}},
  {"matches", {"matches (string, string) bool", "matches_string .(string, string) bool"}},
  {"contains", {"contains_string .(string, string) bool"}},
  {"endsWith", {"ends_with_string .(string, string) bool"}},
  {"startsWith", {"starts_with_string .(string, string) bool"}},
  {"getHours", {"timestamp_to_hours .(timestamp) int", "timestamp_to_hours_with_tz .(timestamp, string) int",
    "duration_to_hours .(duration) int"}},
  {"getMinutes", {"timestamp_to_minutes .(timestamp) int", "timestamp_to_minutes_with_tz .(timestamp, string) int",
    "duration_to_minutes .(duration) int"}},
  {"getSeconds", {"timestamp_to_seconds .(timestamp) int", "timestamp_to_seconds_tz .(timestamp, string) int",
    "duration_to_seconds .(duration) int"}},
  {"getMilliseconds", {"timestamp_to_milliseconds .(timestamp) int",
    "timestamp_to_milliseconds_with_tz .(timestamp, string) int", "duration_to_milliseconds .(duration) int"}},
  {"getFullYear", {"timestamp_to_year .(timestamp) int", "timestamp_to_year_with_tz .(timestamp, string) int"}},
  {"getMonth", {"timestamp_to_month .(timestamp) int", "timestamp_to_month_with_tz .(timestamp, string) int"}},
  {"getDate", {"timestamp_to_day_of_month_1_based .(timestamp) int",
    "timestamp_to_day_of_month_1_based_with_tz .(timestamp, string) int"}},
  {"getDayOfMonth", {"timestamp_to_day_of_month .(timestamp) int",
    "timestamp_to_day_of_month_with_tz .(timestamp, string) int"}},
  {"getDayOfWeek", {"timestamp_to_day_of_week .(timestamp) int",
    "timestamp_to_day_of_week_with_tz .(timestamp, string) int"}},
  {"getDayOfYear", {"timestamp_to_day_of_year .(timestamp) int",
    "timestamp_to_day_of_year_with_tz .(timestamp, string) int"}},
};

const Declaration kOptionals[] = {
  {"optional.of", {"optional_of (V) optional(V)"}},
  {"optional.ofNonZeroValue", {"optional_ofNonZeroValue (V) optional(V)"}},
  {"optional.none", {"optional_none () optional(V)"}},
  {"value", {"optional_value .(optional(V)) V"}},
  {"hasValue", {"optional_hasValue .(optional(V)) bool"}},
  {"or", {"optional_or_optional .(optional(V), optional(V)) optional(V)"}},
  {"orValue", {"optional_orValue_value .(optional(V), V) V"}},
};

const Declaration kStrings[] = {
  {"charAt", {"string_char_at_int .(string, int) string"}},
  {"indexOf", {"string_index_of_string .(string, string) int", "string_index_of_string_int .(string, string, int) int"}},
  {"lastIndexOf", {"string_last_index_of_string .(string, string) int",
    "string_last_index_of_string_int .(string, string, int) int"}},
  {"join", {"list_join .(list(string)) string", "list_join_string .(list(string), string) string"}},
  {"lowerAscii", {"string_lower_ascii .(string) string"}},
  {"upperAscii", {"string_upper_ascii .(string) string"}},
  {"replace", {"string_replace_string_string .(string, string, string) string",
    "string_replace_string_string_int .(string, string, string, int) string"}},
  {"split", {"string_split_string .(string, string) list(string)",
    "string_split_string_int .(string, string, int) list(string)"}},
  {"substring", {"string_substring_int .(string, int) string", "string_substring_int_int .(string, int, int) string"}},
  {"trim", {"string_trim .(string) string"}},
  {"reverse", {"string_reverse .(string) string"}},
  {"format", {"string_format .(string, list(dyn)) string"}},
  {"strings.quote", {"strings_quote (string) string"}},
  {"base64.encode", {"base64_encode_bytes (bytes) string"}},
  {"base64.decode", {"base64_decode_string (string) bytes"}},
};

const Declaration kMath[] = {
  {"math.ceil", {"math_ceil_double (double) double"}},
  {"math.floor", {"math_floor_double (double) double"}},
  {"math.round", {"math_round_double (double) double"}},
  {"math.trunc", {"math_trunc_double (double) double"}},
  {"math.sqrt", {"math_sqrt_double (double) double", "math_sqrt_int (int) double", "math_sqrt_uint (uint) double"}},
  {"math.abs", {"math_abs_double (double) double", "math_abs_int (int) int", "math_abs_uint (uint) uint"}},
  {"math.sign", {"math_sign_double (double) double", "math_sign_int (int) int", "math_sign_uint (uint) uint"}},
  {"math.isNaN", {"math_isNaN_double (double) bool"}},
  {"math.isInf", {"math_isInf_double (double) bool"}},
  {"math.isFinite", {"math_isFinite_double (double) bool"}},
  {"math.bitAnd", {"math_bitAnd_int_int (int, int) int", "math_bitAnd_uint_uint (uint, uint) uint"}},
  {"math.bitOr", {"math_bitOr_int_int (int, int) int", "math_bitOr_uint_uint (uint, uint) uint"}},
  {"math.bitXor", {"math_bitXor_int_int (int, int) int", "math_bitXor_uint_uint (uint, uint) uint"}},
  {"math.bitNot", {"math_bitNot_int_int (int) int", "math_bitNot_uint_uint (uint) uint"}},
  {"math.bitShiftLeft", {"math_bitShiftLeft_int_int (int, int) int", "math_bitShiftLeft_uint_int (uint, int) uint"}},
  {"math.bitShiftRight", {"math_bitShiftRight_int_int (int, int) int", "math_bitShiftRight_uint_int (uint, int) uint"}},
};

const Declaration kNetwork[] = {
  {"ip", {"string_to_ip (string) net.IP", "cidr_ip .(net.CIDR) net.IP"}},
  {"isIP", {"is_ip (string) bool"}},
  {"ip.isCanonical", {"ip_is_canonical (string) bool"}},
  {"family", {"ip_family .(net.IP) int"}},
  {"isUnspecified", {"ip_is_unspecified .(net.IP) bool"}},
  {"isLoopback", {"ip_is_loopback .(net.IP) bool"}},
  {"isGlobalUnicast", {"ip_is_global_unicast .(net.IP) bool"}},
  {"isLinkLocalMulticast", {"ip_is_link_local_multicast .(net.IP) bool"}},
  {"isLinkLocalUnicast", {"ip_is_link_local_unicast .(net.IP) bool"}},
  {"cidr", {"string_to_cidr (string) net.CIDR"}},
  {"isCIDR", {"is_cidr (string) bool"}},
  {"containsIP", {"cidr_contains_ip .(net.CIDR, net.IP) bool", "cidr_contains_ip_string .(net.CIDR, string) bool"}},
  {"containsCIDR", {"cidr_contains_cidr .(net.CIDR, net.CIDR) bool",
    "cidr_contains_cidr_string .(net.CIDR, string) bool"}},
  {"masked", {"cidr_masked .(net.CIDR) net.CIDR"}},
  {"prefixLength", {"cidr_prefix_length .(net.CIDR) int"}},
};
// clang-format on

template <std::size_t N>
void declare(const Declaration (&table)[N], std::vector<Function>& out) {
  for (const Declaration& d : table) {
    Function f{std::string(d.name), {}, nullptr};
    for (const std::string_view text : d.overloads) f.overloads.push_back(parse_overload(text));
    out.push_back(std::move(f));
  }
}

// < <= > >= over every pair of kinds that have an order.
void declare_relations(std::vector<Function>& out) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kPairs = {
      {{"bool", "bool"},
       {"int64", "int64"},
       {"int64", "double"},
       {"int64", "uint64"},
       {"uint64", "uint64"},
       {"uint64", "double"},
       {"uint64", "int64"},
       {"double", "double"},
       {"double", "int64"},
       {"double", "uint64"},
       {"string", "string"},
       {"bytes", "bytes"},
       {"timestamp", "timestamp"},
       {"duration", "duration"}}};
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kRelations = {
      {{"_<_", "less"}, {"_<=_", "less_equals"}, {"_>_", "greater"}, {"_>=_", "greater_equals"}}};
  const auto type_name = [](std::string_view word) {
    return word.ends_with("64") ? word.substr(0, word.size() - 2) : word;
  };
  for (const auto& [op, word] : kRelations) {
    Function f{std::string(op), {}, nullptr};
    for (const auto& [a, b] : kPairs) {
      Overload o;
      o.id = std::string(word) + "_" + std::string(a);
      if (a != b) o.id += "_" + std::string(b);
      o.parameters = {parse_type(type_name(a)), parse_type(type_name(b))};
      o.result = Type::boolean();
      f.overloads.push_back(std::move(o));
    }
    out.push_back(std::move(f));
  }
}

// math.greatest and math.least: up to six numbers of any kind, or a list of them.
void declare_extremes(std::vector<Function>& out) {
  for (const std::string word : {"greatest", "least"}) {
    Function f{"math." + word, {}, nullptr};
    const std::string id = word == "greatest" ? "math_@max" : "math_@min";
    for (const std::string type : {"double", "int", "uint"}) {
      f.overloads.push_back(parse_overload(id + "_" + type + " (" + type + ") " + type));
      f.overloads.push_back(parse_overload(id + "_list_" + type + " (list(" + type + ")) " + type));
    }
    for (std::size_t count = 2; count <= 6; ++count) {
      for (const Type& type : {Type::integer(), Type::uinteger(), Type::number(), Type::dyn()}) {
        Overload o{id + "_" + to_text(type) + "_" + std::to_string(count), {}, type, false};
        o.parameters.assign(count, type);
        f.overloads.push_back(std::move(o));
      }
    }
    f.overloads.push_back(parse_overload(id + "_list_dyn (list(dyn)) dyn"));
    out.push_back(std::move(f));
  }
}

}  // namespace

std::vector<Function> standard_functions() {
  std::vector<Function> out;
  declare(kOperators, out);
  declare_relations(out);
  declare(kStandard, out);
  declare(kOptionals, out);
  declare(kStrings, out);
  declare(kMath, out);
  declare(kNetwork, out);
  declare_extremes(out);
  out.push_back({"cel.@mapInsert",
                 {parse_overload("@mapInsert_map_key_value (map(K, V), K, V) map(K, V)"),
                  parse_overload("@mapInsert_map_map (map(K, V), map(K, V)) map(K, V)")},
                 nullptr});
  return out;
}

}  // namespace keyturn::cel
