#include "channels/teams/activity.h"

#include <doctest/doctest.h>

#include "doc/json.h"

namespace keyturn::channels::teams {
namespace {

Activity read(std::string_view json) {
  const auto tree = doc::parse_json(json);
  REQUIRE(tree);
  return activity_of(*tree);
}

}  // namespace

TEST_CASE("what was said is read without the mention of the bot, and of the bot only") {
  const Activity one = read(R"({"type":"message","recipient":{"id":"28:us"},
    "text":"<at>Keyturn</at>&nbsp; show <at>Bob</at> act_1 \n","entities":[
    {"type":"mention","text":"<at>Keyturn</at>","mentioned":{"id":"28:us"}},
    {"type":"mention","text":"<at>Bob</at>","mentioned":{"id":"29:bob"}}]})");
  CHECK(one.text == "show <at>Bob</at> act_1");
}

TEST_CASE("a tenant that is said twice is said the same, or not at all") {
  constexpr std::string_view kOne = "aaaaaaaa-0000-4000-8000-000000000001";
  const auto tenant = [](const std::string& data, const std::string& conversation) {
    return read(R"({"channelData":{"tenant":{"id":")" + data +
                R"("}},"conversation":{"tenantId":")" + conversation + R"("}})")
        .tenant;
  };
  const std::string one(kOne);
  CHECK(tenant(one, one) == one);
  CHECK(tenant(one, "") == one);
  CHECK(tenant("", one) == one);
  CHECK(tenant(one, "bbbbbbbb-0000-4000-8000-000000000002").empty());
  CHECK(tenant("common", "").empty());
  CHECK(tenant("AAAAAAAA-0000-4000-8000-000000000001", "") == one);
}

TEST_CASE("an activity of odd shapes is nobody's") {
  for (
      const char* json :
      {"{}", R"({"from":5,"conversation":[],"channelData":"x","text":7,"type":null})",
       R"({"entities":[1,"x",null,{"type":"mention"},{"type":"mention","text":"","mentioned":{}}]})",
       R"({"membersAdded":[null,5,{"id":5}],"membersRemoved":{},"value":[]})",
       R"({"from":{"aadObjectId":"../../etc","id":{}},"recipient":{"id":""},"text":"<at></at>"})"}) {
    CAPTURE(json);
    const Activity one = read(json);
    CHECK(one.object_id.empty());
    CHECK(one.user.empty());
    CHECK(one.tenant.empty());
  }
}

TEST_CASE("a conversation is a channel and a thread in it") {
  CHECK(without_thread("19:a@thread.tacv2;messageid=5") == "19:a@thread.tacv2");
  CHECK(without_thread("a:chat") == "a:chat");
}

}  // namespace keyturn::channels::teams
