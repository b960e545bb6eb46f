#include "doc/read.h"

#include <doctest/doctest.h>

#include "doc/json.h"
#include "doc/yaml.h"

using namespace keyturn;

TEST_CASE("fields are read, and every problem is reported with its place") {
  const auto value = doc::parse_yaml(
      "name: x\ntol: y\ncount: 12\nttl: 4h\nlist: [a, b]\none: a\nflag: true\nwrong: [1]\nbig: "
      "99\nbad: soon\n",
      "f");
  REQUIRE(value);
  doc::Problems problems;
  doc::ObjectReader reader(*value, "/rules/0", problems);
  CHECK(reader.require_string("name") == "x");
  CHECK_FALSE(reader.string("tool"));
  CHECK(reader.integer("count", 0, 100) == 12);
  CHECK(reader.duration("ttl") == std::chrono::hours(4));
  CHECK(reader.strings("list") == std::vector<std::string>{"a", "b"});
  CHECK(reader.strings_or_one("one") == std::vector<std::string>{"a"});
  CHECK(reader.boolean("flag") == true);
  CHECK(problems.empty());

  CHECK_FALSE(reader.strings("wrong"));
  CHECK_FALSE(reader.integer("big", 0, 10));
  CHECK_FALSE(reader.duration("bad"));
  CHECK(reader.require_string("absent").empty());
  CHECK(reader.object("name") == nullptr);
  reader.finish();

  REQUIRE(problems.size() == 6);
  CHECK(doc::to_text(problems[0], "f.yaml") ==
        "f.yaml:8:9: \"wrong\" must be a list of strings, not a number in it");
  CHECK(problems[0].pointer == "/rules/0/wrong/0");
  CHECK(problems[1].code == "out_of_range");
  CHECK(problems[2].code == "bad_duration");
  CHECK(problems[3].code == "missing_field");
  CHECK(problems[3].pointer == "/rules/0");
  CHECK(problems[4].code == "wrong_type");
  CHECK(doc::to_text(problems[5], "f.yaml") ==
        "f.yaml:2:1: unknown field \"tol\" (did you mean \"tool\"?)");
  CHECK(problems[5].pointer == "/rules/0/tol");
  CHECK(doc::has_errors(problems));
}

TEST_CASE("something that is no object is reported once") {
  const auto value = doc::parse_json("[1]");
  doc::Problems problems;
  doc::ObjectReader reader(*value, "/x", problems);
  CHECK(reader.require_string("a").empty());
  CHECK(reader.any("b") == nullptr);
  reader.finish();
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].code == "wrong_type");
}

TEST_CASE("pointers are escaped and a problem without a position shows them") {
  CHECK(doc::pointer_escape("a/b~c") == "a~1b~0c");
  CHECK(doc::to_text({"c", "message", "/a", {}, false}, "f") == "error: message (at /a)");
}
