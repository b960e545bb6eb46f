#include "cel/value.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "cel/convert.h"
#include "doc/json.h"

using namespace keyturn;
using namespace keyturn::cel;

TEST_CASE("values are small and copies share") {
  CHECK(sizeof(Value) == 16);
  Value a = Value::string("hello");
  Value b = a;
  a = Value::integer(1);
  CHECK(b.text() == "hello");
  const Value& alias = b;
  b = alias;
  CHECK(b.text() == "hello");
  Value list = Value::list({b, Value::null()});
  b = list;
  list = Value();
  CHECK(b.items()[0].text() == "hello");
}

TEST_CASE("numbers are equal across types, and nothing else is") {
  CHECK(Value::integer(1) == Value::uinteger(1));
  CHECK(Value::integer(1) == Value::number(1.0));
  CHECK_FALSE(Value::integer(-1) == Value::uinteger(std::numeric_limits<std::uint64_t>::max()));
  CHECK_FALSE(Value::number(NAN) == Value::number(NAN));
  CHECK_FALSE(Value::string("1") == Value::integer(1));
  CHECK_FALSE(Value::string("a") == Value::bytes("a"));
  CHECK(Value::list({Value::integer(1)}) == Value::list({Value::number(1)}));
  CHECK(compare(Value::integer(-1), Value::uinteger(0)) == -1);
  CHECK(compare(Value::string("a"), Value::integer(0)) == 2);
}

TEST_CASE("maps find their keys, small or large") {
  for (const int size : {3, 8, 9, 1000}) {
    std::vector<MapEntry> entries;
    for (int i = 0; i < size; ++i) {
      entries.push_back({Value::string("k" + std::to_string(i)), Value::integer(i)});
    }
    entries.push_back({Value::integer(7), Value::boolean(true)});
    const Value map = Value::map(entries);
    REQUIRE(map.is_map());
    for (int i = 0; i < size; ++i) CHECK(map.find("k" + std::to_string(i))->as_int() == i);
    CHECK(map.find("none") == nullptr);
    CHECK(map.find(Value::number(7.0))->is_true());
    CHECK(map.find(Value::uinteger(7))->is_true());
    CHECK(map.find(Value::number(7.5)) == nullptr);
    entries.push_back({Value::uinteger(7), Value::null()});
    CHECK(Value::map(entries).is_error());
  }
}

TEST_CASE("documents become values and come back") {
  const auto doc = doc::parse_json(R"({"a":[1,2.5,18446744073709551615,"x",null,true],"b":{}})");
  REQUIRE(doc.has_value());
  for (const Strings strings : {Strings::kCopy, Strings::kBorrow}) {
    const Value value = from_doc(*doc, strings);
    const auto items = value.find("a")->items();
    CHECK(items[0].is_int());
    CHECK(items[1].is_double());
    CHECK(items[2].is_uint());
    CHECK(doc::write_json(*to_doc(value)) == doc::write_json(*doc));
  }
  const auto large = doc::parse_json(R"({"n":1e400})");
  CHECK(from_doc(*large).find("n")->is_error());
}

TEST_CASE("a declared type decides what a document's value becomes") {
  const Type type = Type::object(
      "args", {{"price", Type::number()}, {"at", Type::timestamp()}, {"name", Type::string()}});
  const auto doc = doc::parse_json(R"({"price":3,"at":"2026-11-21T00:00:00Z","name":7})");
  const Value value = from_doc(*doc, type);
  CHECK(value.find("price")->is_double());
  CHECK(value.find("at")->kind() == Kind::kTimestamp);
  CHECK(value.find("name")->text() == "expected string, got a number");
}

TEST_CASE("what JSON cannot say is refused") {
  CHECK(to_doc(Value::number(NAN)).error().code == "not_json");
  CHECK(to_doc(Value::error("e")).error().code == "cel_error");
  CHECK(doc::write_json(*to_doc(Value::duration({90, 500'000'000}))) == "\"90.5s\"");
  CHECK(doc::write_json(*to_doc(Value::bytes("\xff"))) == "\"/w==\"");
}
