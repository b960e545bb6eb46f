#include "doc/value.h"

#include <algorithm>
#include <charconv>

#include "doc/decimal.h"

namespace keyturn::doc {
namespace {

template <class Integer>
std::optional<Integer> exact_integer(const std::string& text) {
  Integer value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  if (error == std::errc{} && end == last) return value;

  const auto decimal = parse_decimal(text);
  if (!decimal) return std::nullopt;
  const auto size = static_cast<std::int64_t>(decimal->digits.size());
  if (decimal->exponent < size || decimal->exponent > 20) return std::nullopt;
  std::string whole = decimal->negative ? "-" : "";
  whole += decimal->digits;
  whole.append(static_cast<std::size_t>(decimal->exponent - size), '0');
  if (decimal->digits.empty()) return 0;
  const char* const whole_last = whole.data() + whole.size();
  const auto again = std::from_chars(whole.data(), whole_last, value);
  if (again.ec != std::errc{} || again.ptr != whole_last) return std::nullopt;
  return value;
}

bool same_members(const Object& a, const Object& b) {
  if (a.size() != b.size()) return false;
  const auto same = [](const Member& x, const Member& y) {
    return x.key == y.key && x.value == y.value;
  };
  const auto sorted = [](const Object& object) {
    std::vector<const Member*> out;
    out.reserve(object.size());
    for (const Member& member : object) out.push_back(&member);
    std::ranges::sort(out, {}, [](const Member* m) { return std::string_view(m->key); });
    return out;
  };
  const bool same_order = std::ranges::equal(a, b, {}, &Member::key, &Member::key);
  if (same_order) return std::ranges::equal(a, b, same);
  return std::ranges::equal(sorted(a), sorted(b),
                            [&](const Member* x, const Member* y) { return same(*x, *y); });
}

}  // namespace

std::optional<std::int64_t> Value::as_int64() const {
  return is_number() ? exact_integer<std::int64_t>(as_number().text) : std::nullopt;
}

std::optional<std::uint64_t> Value::as_uint64() const {
  return is_number() ? exact_integer<std::uint64_t>(as_number().text) : std::nullopt;
}

std::optional<double> Value::as_double() const {
  return is_number() ? nearest_double(as_number().text) : std::nullopt;
}

const Value* Value::find(std::string_view key) const {
  const auto* members = std::get_if<Object>(&data_);
  if (members == nullptr) return nullptr;
  for (const Member& member : *members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

const Value* Value::find_path(std::initializer_list<std::string_view> keys) const {
  const Value* at = this;
  for (const std::string_view key : keys) {
    at = at->find(key);
    if (at == nullptr) return nullptr;
  }
  return at;
}

std::string_view Value::text(std::string_view key) const {
  const Value* value = find(key);
  return value != nullptr && value->is_string() ? std::string_view(value->as_string())
                                                : std::string_view();
}

const Array& Value::list(std::string_view key) const {
  static const Array kNone;
  const Value* value = find(key);
  return value != nullptr && value->is_array() ? value->as_array() : kNone;
}

std::int64_t Value::integer(std::string_view key, std::int64_t otherwise) const {
  const Value* value = find(key);
  return value != nullptr ? value->as_int64().value_or(otherwise) : otherwise;
}

bool Value::flag(std::string_view key) const {
  const Value* value = find(key);
  return value != nullptr && value->is_bool() && value->as_bool();
}

Value& Value::set(std::string key, Value value) {
  if (is_null()) data_ = Object{};
  Object& members = as_object();
  for (Member& member : members) {
    if (member.key == key) {
      member.value = std::move(value);
      return member.value;
    }
  }
  members.push_back({std::move(key), std::move(value), {}});
  return members.back().value;
}

void Value::push(Value value) {
  if (is_null()) data_ = Array{};
  as_array().push_back(std::move(value));
}

bool Value::operator==(const Value& other) const {
  if (kind() != other.kind()) return false;
  switch (kind()) {
    case Kind::kNull:
      return true;
    case Kind::kBool:
      return as_bool() == other.as_bool();
    case Kind::kNumber:
      return as_number().text == other.as_number().text;
    case Kind::kString:
      return as_string() == other.as_string();
    case Kind::kArray:
      return as_array() == other.as_array();
    case Kind::kObject:
      return same_members(as_object(), other.as_object());
  }
  return false;
}

Value object(std::initializer_list<Entry> members) {
  Object out;
  out.reserve(members.size());
  for (const Entry& entry : members)
    out.push_back({std::string(entry.key), std::move(entry.value), {}});
  return Value(std::move(out));
}

namespace {

Value array_from(const auto& texts) {
  Array out;
  out.reserve(texts.size());
  for (const std::string& text : texts) out.emplace_back(text);
  return Value(std::move(out));
}

}  // namespace

Value array_of(const std::vector<std::string>& texts) {
  return array_from(texts);
}

Value array_of_set(const std::set<std::string>& texts) {
  return array_from(texts);
}

}  // namespace keyturn::doc
