// One parameter's JSON Schema words, checked and compiled.
#pragma once

#include <re2/re2.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "doc/read.h"
#include "doc/value.h"

namespace keyturn::catalog {

enum class ValueType { kString, kInteger, kNumber, kBoolean, kArray, kObject };
std::string_view to_text(ValueType type);

struct Schema {
  struct Property {
    std::string name;
    std::shared_ptr<const Schema> schema;
    bool required = false;
  };
  ValueType type = ValueType::kString;
  std::shared_ptr<const re2::RE2> pattern;
  doc::Array allowed;  // enum; empty: any
  std::optional<double> minimum, maximum;
  std::size_t length_min = 0, length_max = SIZE_MAX;  // code points
  std::size_t bytes_max = 65536;
  std::size_t items_min = 0, items_max = 1000;
  std::shared_ptr<const Schema> items;  // null: any scalar
  std::vector<Property> properties;
  std::optional<doc::Value> default_value;
  bool leading_dash = false;
};

// What a parameter says besides its schema.
struct ParamWords {
  bool required = true;
  bool secret = false;
};

// Reads and checks a schema; problems are positioned. `words`, if given, receives the parameter's
// own words (required, secret), which are refused where it is null: inside items and properties.
std::shared_ptr<const Schema> load_schema(const doc::Value& value, const std::string& pointer,
                                          doc::Problems& problems, ParamWords* words);

struct Tool;
// JSON Schema (2020-12) of the tool's arguments: an object. Words of Keyturn's own are left out,
// and so are patterns that ECMAScript would read otherwise; secret parameters are writeOnly.
doc::Value json_schema_of(const Tool& tool);

// Refuses with invalid_args and the JSON Pointer of what is wrong, which starts with `pointer`.
[[nodiscard]] Result<void> check_value(const Schema& schema, const doc::Value& value,
                                       const std::string& pointer);

}  // namespace keyturn::catalog
