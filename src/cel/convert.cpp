#include "cel/convert.h"

#include <cmath>

#include "base/bytes.h"
#include "cel/address.h"
#include "cel/clip.h"
#include "cel/number_text.h"
#include "cel/time_text.h"

namespace keyturn::cel {
namespace {

Value text_value(const std::string& text, Strings strings) {
  return strings == Strings::kBorrow ? Value::borrowed(text) : Value::string(text);
}

Value number_value(const doc::Value& value) {
  const std::string& text = value.as_number().text;
  if (text.find_first_of(".eE") == std::string::npos) {
    if (const auto i = value.as_int64()) return Value::integer(*i);
    if (const auto u = value.as_uint64()) return Value::uinteger(*u);
  }
  if (const auto d = value.as_double()) return Value::number(*d);
  return Value::error("the number " + clip(text, 40) + " does not fit in a double");
}

Value mismatch(const Type& type, const doc::Value& value) {
  static constexpr const char* kKinds[] = {"null",     "a boolean", "a number",
                                           "a string", "an array",  "an object"};
  return Value::error("expected " + to_text(type) + ", got " +
                      kKinds[static_cast<std::size_t>(value.kind())]);
}

Value number_as(const doc::Value& value, const Type& type) {
  if (!value.is_number()) return mismatch(type, value);
  if (type.is(TypeKind::kInt)) {
    const auto i = value.as_int64();
    return i ? Value::integer(*i) : Value::error("expected int, got " + value.as_number().text);
  }
  if (type.is(TypeKind::kUint)) {
    const auto u = value.as_uint64();
    return u ? Value::uinteger(*u) : Value::error("expected uint, got " + value.as_number().text);
  }
  const auto d = value.as_double();
  return d ? Value::number(*d) : Value::error("expected double, got " + value.as_number().text);
}

Value text_as(const doc::Value& value, const Type& type, Strings strings) {
  if (!value.is_string()) return mismatch(type, value);
  const std::string& text = value.as_string();
  switch (type.kind()) {
    case TypeKind::kTimestamp:
      if (const auto time = parse_timestamp(text)) return Value::timestamp(*time);
      break;
    case TypeKind::kDuration:
      if (const auto duration = parse_duration(text)) return Value::duration(*duration);
      break;
    case TypeKind::kBytes:
      if (const auto bytes = from_base64(text)) return Value::bytes(*bytes);
      break;
    default:
      return text_value(text, strings);
  }
  return Value::error("expected " + to_text(type) + ", got \"" + clip(text) + "\"");
}

Value list_as(const doc::Value& value, const Type& item, Strings strings) {
  std::vector<Value> items;
  items.reserve(value.as_array().size());
  for (const doc::Value& v : value.as_array()) items.push_back(from_doc(v, item, strings));
  return Value::list(std::move(items));
}

Value map_as(const doc::Value& value, const Type& type, Strings strings) {
  std::vector<MapEntry> entries;
  entries.reserve(value.as_object().size());
  for (const doc::Member& member : value.as_object()) {
    Type of;
    if (type.is(TypeKind::kMap)) of = type.parameter_at(1);
    if (const Type* field = type.field(member.key)) of = *field;
    entries.push_back({text_value(member.key, strings), from_doc(member.value, of, strings)});
  }
  return Value::map(std::move(entries));
}

// Back to documents, with a budget: values may share parts, and unfold to many times their size.
class DocWriter {
 public:
  Result<doc::Value> write(const Value& v) {
    if (++nodes_ > kNodesMax) return refuse("too_large", "the value has too many parts");
    switch (v.kind()) {
      case Kind::kNull:
        return doc::Value();
      case Kind::kBool:
        return doc::Value(v.as_bool());
      case Kind::kInt:
        return doc::Value(v.as_int());
      case Kind::kUint:
        return doc::Value(v.as_uint());
      case Kind::kDouble:
        return number(v.as_double());
      case Kind::kString:
      case Kind::kType:
        return doc::Value(v.text());
      case Kind::kBytes:
        return doc::Value(to_base64(v.text()));
      case Kind::kTimestamp:
        return doc::Value(to_rfc3339(v.as_timestamp()));
      case Kind::kDuration:
        return doc::Value(to_seconds_text(v.as_duration()));
      case Kind::kAddress:
        return doc::Value(to_text(address_of(v)));
      case Kind::kNetwork:
        return doc::Value(to_text(network_of(v)));
      case Kind::kList:
        return list(v);
      case Kind::kMap:
        return map(v);
      case Kind::kOptional:
        return v.has_value() ? write(v.unwrapped()) : doc::Value();
      case Kind::kError:
        return refuse("cel_error", std::string(v.text()));
    }
    return refuse("cel_error", "unknown kind of value");
  }

 private:
  static constexpr std::size_t kNodesMax = 200'000;

  static Result<doc::Value> number(double d) {
    if (!std::isfinite(d)) return refuse("not_json", double_text(d) + " cannot be written as JSON");
    return doc::Value(doc::Number{double_text(d)});
  }

  Result<doc::Value> list(const Value& v) {
    doc::Array out;
    for (const Value& item : v.items()) {
      Result<doc::Value> written = write(item);
      if (!written) return written;
      out.push_back(std::move(*written));
    }
    return doc::Value(std::move(out));
  }

  Result<doc::Value> map(const Value& v) {
    doc::Value out{doc::Object{}};
    for (const MapEntry& entry : v.entries()) {
      Result<doc::Value> written = write(entry.value);
      if (!written) return written;
      const std::string key =
          entry.key.is_string() ? std::string(entry.key.text()) : to_text(entry.key);
      out.set(key, std::move(*written));
    }
    return out;
  }

  std::size_t nodes_ = 0;
};

}  // namespace

Value from_doc(const doc::Value& value, Strings strings) {
  return from_doc(value, Type::dyn(), strings);
}

Value from_doc(const doc::Value& value, const Type& type, Strings strings) {
  switch (type.kind()) {
    case TypeKind::kInt:
    case TypeKind::kUint:
    case TypeKind::kDouble:
      return number_as(value, type);
    case TypeKind::kString:
    case TypeKind::kBytes:
    case TypeKind::kTimestamp:
    case TypeKind::kDuration:
      return text_as(value, type, strings);
    case TypeKind::kBool:
      return value.is_bool() ? Value::boolean(value.as_bool()) : mismatch(type, value);
    case TypeKind::kNull:
      return value.is_null() ? Value::null() : mismatch(type, value);
    case TypeKind::kList:
      return value.is_array() ? list_as(value, type.parameter_at(0), strings)
                              : mismatch(type, value);
    case TypeKind::kMap:
    case TypeKind::kObject:
      return value.is_object() ? map_as(value, type, strings) : mismatch(type, value);
    case TypeKind::kDyn:
    case TypeKind::kType:
    case TypeKind::kOpaque:
    case TypeKind::kParameter:
    case TypeKind::kError:
      break;
  }
  switch (value.kind()) {
    case doc::Kind::kNull:
      return Value::null();
    case doc::Kind::kBool:
      return Value::boolean(value.as_bool());
    case doc::Kind::kNumber:
      return number_value(value);
    case doc::Kind::kString:
      return text_value(value.as_string(), strings);
    case doc::Kind::kArray:
      return list_as(value, Type::dyn(), strings);
    case doc::Kind::kObject:
      return map_as(value, Type::dyn(), strings);
  }
  return Value::error("unknown kind of document value");
}

Result<doc::Value> to_doc(const Value& value) {
  return DocWriter().write(value);
}

}  // namespace keyturn::cel
