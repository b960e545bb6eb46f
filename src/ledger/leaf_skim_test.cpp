#include "ledger/leaf_skim.h"

#include <doctest/doctest.h>

#include <string>

using keyturn::ledger::skim_leaf;

TEST_CASE("a leaf's envelope is read without what is inside its other members") {
  const std::string leaf =
      R"({"a":{"stream":"not this","b":["}\"{",{"prev":"nor this"}]},"node":"vm","position":12,)"
      R"("prev":"ab","private":"cd","stream":"action/act_1","time":"2026-11-21T11:23:53.083Z",)"
      R"("type":"x.y","v":1,"zz":"\\"})";
  const auto found = skim_leaf(leaf);
  REQUIRE(found.has_value());
  CHECK(found->stream == "action/act_1");
  CHECK(found->prev == "ab");
  CHECK(found->private_part == "cd");
  CHECK(found->type == "x.y");
  CHECK(found->time == "2026-11-21T11:23:53.083Z");
  CHECK(found->position == 12);
}

TEST_CASE("what is no leaf has no envelope") {
  const std::string good = R"({"position":1,"prev":"","stream":"s","time":"t","type":"x"})";
  REQUIRE(skim_leaf(good).has_value());
  for (std::size_t length = 0; length < good.size(); ++length)
    CHECK_FALSE(skim_leaf(std::string_view(good).substr(0, length)).has_value());
  CHECK_FALSE(skim_leaf(good + " ").has_value());
  CHECK_FALSE(skim_leaf(R"({"position":"1","prev":"","stream":"s","time":"t","type":"x"})"));
  CHECK_FALSE(skim_leaf(R"({"position":1,"prev":null,"stream":"s","time":"t","type":"x"})"));
  CHECK_FALSE(skim_leaf(R"({"position":0,"prev":"","stream":"s","time":"t","type":"x"})"));
  CHECK_FALSE(skim_leaf(R"({"position":1,"prev":"","stream":"s","time":"t","type":"x"]})"));
}
