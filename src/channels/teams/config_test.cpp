#include "channels/teams/config.h"

#include <doctest/doctest.h>

#include "channels/testing.h"

namespace keyturn::channels::teams {
namespace {

Config read(const std::string& yaml, std::string& problems) {
  Config out;
  problems = channels::testing::problems_of(
      yaml,
      [&](const doc::Value& tree, doc::Problems& found) { out = read_config(tree, "", found); });
  return out;
}

constexpr const char* kGood = R"(app_id: 11111111-2222-3333-4444-55555555555A
tenant: aaaaaaaa-0000-4000-8000-000000000001
secret: {secret: "env:TEAMS_SECRET"}
)";

}  // namespace

TEST_CASE("teams are read, and every mistake has its place") {
  std::string problems;
  const Config config =
      read(std::string(kGood) +
               "tell: both\nrooms: {dba: \"19:a@thread.tacv2\", \"*\": {conversation: "
               "\"19:b@thread.v2\", service_url: \"https://smba.trafficmanager.net/de/\"}}\n",
           problems);
  CHECK(problems.empty());
  CHECK(config.app_id == "11111111-2222-3333-4444-55555555555a");
  CHECK(config.rooms.at("dba").conversation == "19:a@thread.tacv2");
  CHECK(config.tell_rooms);

  const struct {
    std::string yaml, expected;
  } rows[] = {
      {"app_id: x\ntenant: y\nsecret: {secret: \"env:S\"}\n", "keyturn.yaml:1:9: the id of an app"},
      {"app_id: x\n", "tenant"},
      {std::string(kGood) + "tell: rooms\n", "say which, by group"},
      {std::string(kGood) + "rooms: {dba: \"19:a@thread.v2\"}\n", "only people are told"},
      {std::string(kGood) + "tell: rooms\nrooms: {dba: general}\n", "keyturn.yaml:5:14: a room is"},
      {std::string(kGood) + "tell: rooms\nrooms: {dba: {conversation: \"19:a\", service_url: "
                            "\"https://evil.trafficmanager.net/\"}}\n",
       "no host of Teams"},
      {std::string(kGood) + "service_url: \"http://smba.example/\"\n", "https"},
      {std::string(kGood) + "secrets: 1\n", "secrets"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.yaml);
    read(row.yaml, problems);
    CHECK_MESSAGE(problems.contains(row.expected), problems);
  }
}

TEST_CASE("our token goes to hosts of Teams only") {
  const Config config;
  for (const char* good : {"https://smba.trafficmanager.net/teams/", "https://a.botframework.com/x",
                           "https://smba.infra.gcc.teams.microsoft.com/teams"}) {
    CAPTURE(good);
    CHECK(may_be_service(config, good));
  }
  for (const char* bad :
       {"http://smba.trafficmanager.net/", "https://evil.trafficmanager.net/",
        "https://smba.trafficmanager.net.evil.example/",
        "https://smba.trafficmanager.net@evil.example/", "https://evilbotframework.com/",
        "https://evil.example/?smba.trafficmanager.net", "https://smba.trafficmanager.net:8443/",
        ""}) {
    CAPTURE(bad);
    CHECK_FALSE(may_be_service(config, bad));
  }
}

}  // namespace keyturn::channels::teams
