#include "doc/value.h"

#include <doctest/doctest.h>

using namespace keyturn;
using doc::Number;
using doc::Value;

TEST_CASE("numbers are read exactly or not at all") {
  const struct {
    const char* text;
    std::optional<std::int64_t> value;
  } table[] = {
      {"0", 0},
      {"-0", 0},
      {"1.0", 1},
      {"1e2", 100},
      {"12300e-2", 123},
      {"-1.5e1", -15},
      {"9223372036854775807", INT64_MAX},
      {"9223372036854775808", std::nullopt},
      {"-9223372036854775808", INT64_MIN},
      {"-9.223372036854775808e18", INT64_MIN},
      {"1.5", std::nullopt},
      {"1e19", std::nullopt},
      {"1e400", std::nullopt},
      {"1e-1", std::nullopt},
      {"0e400", 0},
      {"abc", std::nullopt},
      {"", std::nullopt},
  };
  for (const auto& row : table) {
    CAPTURE(row.text);
    CHECK(Value(Number{row.text}).as_int64() == row.value);
  }
  CHECK(Value(Number{"18446744073709551615"}).as_uint64() == UINT64_MAX);
  CHECK_FALSE(Value(Number{"-1"}).as_uint64());
  CHECK(Value(Number{"0.1"}).as_double() == 0.1);
  CHECK_FALSE(Value(Number{"1e400"}).as_double());
  CHECK(Value(Number{"1e-400"}).as_double() == 0.0);
  CHECK_FALSE(Value("1").as_int64());
}

TEST_CASE("members are found, set and compared") {
  Value value = doc::object({{"a", 1}, {"b", doc::object({{"c", "x"}})}, {"t", true}});
  CHECK(value.integer("a") == 1);
  CHECK(value.integer("z", 7) == 7);
  CHECK(value.find_path({"b", "c"})->as_string() == "x");
  CHECK(value.find_path({"b", "d", "e"}) == nullptr);
  CHECK(value.text("b") == "");
  CHECK(value.flag("t"));
  value.set("a", "new");
  CHECK(value.text("a") == "new");
  CHECK(value.as_object().size() == 3);

  Value built;
  built.set("t", true);
  built.set("b", doc::object({{"c", "x"}}));
  built.set("a", "new");
  CHECK(built == value);
  built.set("b", nullptr);
  CHECK_FALSE(built == value);

  Value list;
  list.push(1);
  list.push("b");
  CHECK(list.as_array().size() == 2);
  CHECK(doc::array_of({"x", "y"}).as_array()[1].as_string() == "y");
  CHECK(Value(std::uint64_t{UINT64_MAX}).as_number().text == "18446744073709551615");
}
