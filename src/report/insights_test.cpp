#include "report/insights.h"

#include <doctest/doctest.h>

#include "doc/json.h"

namespace keyturn::report {
namespace {

double seconds_of(int bucket) {
  return bucket;  // a second a bucket: easy to read
}

struct Period {
  InsightsInput in{.from = *from_rfc3339("2026-11-19T00:00:00Z"),
                   .to = *from_rfc3339("2026-11-21T00:00:00Z"),
                   .seconds_of = seconds_of};
  std::int64_t first = 0;

  Period() {
    first = std::chrono::floor<std::chrono::days>(in.from).time_since_epoch().count();
    in.members["sre"] = {"ann", "ben", "cat"};
    in.members["dba"] = {"dan", "eve"};
    in.members["sec"] = {"fay"};
    in.tools = {"sql"};
    for (int i = 0; i < 25; ++i) in.tools.insert("tool-" + std::to_string(i));
  }
  void add(const std::string& what, const std::string& name, const std::string& detail,
           std::int64_t n = 1, std::int64_t day = 0) {
    in.figures.push_back({first + day, what, name, detail, n});
  }
  std::string text(std::initializer_list<std::string_view> path) const {
    const doc::Value all = insights(in);
    const doc::Value* found = all.find_path(path);
    return found == nullptr ? "?" : doc::write_json(*found);
  }
};

TEST_CASE("every day of the period is there, whether something happened or not") {
  Period p;
  p.add("outcome", "sql", "allowed", 5, 1);
  p.add("outcome", "sql", "refused", 2, 1);
  CHECK(
      p.text({"by_day"}) ==
      R"([{"day":"2026-11-19","allowed":0,"denied":0,"approved":0,"refused":0,"expired":0,"cancelled":0},)"
      R"({"day":"2026-11-20","allowed":5,"denied":0,"approved":0,"refused":2,"expired":0,"cancelled":0}])");
  CHECK(p.text({"total"}) == "7");
}

TEST_CASE("the tools with the most stand alone, the others together") {
  Period p;
  for (int i = 0; i < 25; ++i) p.add("outcome", "tool-" + std::to_string(i), "allowed", 100 - i);
  const doc::Value all = insights(p.in);
  const doc::Array& tools = all.find("by_tool")->as_array();
  REQUIRE(tools.size() == 21);
  CHECK(tools[0].text("tool") == "tool-0");
  CHECK(tools[20].find("tool")->is_null());
  CHECK(tools[20].integer("allowed") == 80 + 79 + 78 + 77 + 76);
}

TEST_CASE("names of tools that there are not are not told") {
  Period p;
  p.add("outcome", "sql", "allowed", 5);
  p.add("outcome", "my-secret-project", "denied", 2);
  CHECK(
      p.text({"by_tool"}) ==
      R"([{"tool":"sql","allowed":5,"denied":0,"approved":0,"refused":0,"expired":0,"cancelled":0},)"
      R"({"tool":null,"allowed":0,"denied":2,"approved":0,"refused":0,"expired":0,"cancelled":0}])");
}

TEST_CASE("nobody is told of alone: a group of fewer than three is part of the others") {
  Period p;
  for (const char* group : {"sre", "dba", "sec"}) p.add("asked", group, "", 10);
  p.add("vote", "sre", "approve ann", 4);
  p.add("vote", "sre", "deny ben", 1);
  p.add("vote", "dba", "approve dan", 3);
  p.add("vote", "sec", "approve fay", 2);
  p.add("vote", "sre", "approve dan", 7);  // asked beside dba: dan's vote was not of sre
  p.add("look", "sre", "8 ann", 1);
  CHECK(p.text({"groups"}) ==
        R"([{"group":"sre","members":3,"asked":10,"answered":5,"approved":4,"look_p50_s":8.5},)"
        R"({"group":null,"members":3,"asked":20,"answered":5,"approved":5,"look_p50_s":null}])");
  for (const char* name : {"ann", "ben", "dan", "fay", "dba", "sec"})
    CHECK(doc::write_json(insights(p.in)).find(name) == std::string::npos);
  p.in.members.erase("sec");
  CHECK(p.text({"groups"}).find("null,\"members\"") == std::string::npos);  // two together are two
}

TEST_CASE("times are quantiles over buckets, by day and over all") {
  Period p;
  p.add("took", "", "10", 50);
  p.add("took", "", "20", 49);
  p.add("took", "", "900", 1, 1);
  p.add("took", "sre", "20", 49);
  CHECK(p.text({"time_to_decision", "p50_s"}) == "10.5");
  CHECK(p.text({"time_to_decision", "p90_s"}) == "20.5");
  CHECK(p.text({"time_to_decision", "p99_s"}) == "20.5");
  CHECK(p.text({"time_to_decision", "count"}) == "100");
  CHECK(p.text({"time_to_decision", "by_group"}) ==
        R"([{"group":"sre","count":49,"p50_s":20.5,"p90_s":20.5}])");
  CHECK(Period().text({"time_to_decision", "p50_s"}) == "null");
}

TEST_CASE("exercises and hours are counted") {
  Period p;
  p.add("canary", "", "caught", 2);
  p.add("canary", "", "missed", 1);
  p.add("canary", "sre", "missed", 1);
  p.add("hour", "asked", "23", 4);
  CHECK(
      p.text({"canaries"}) ==
      R"({"caught":2,"missed":1,"expired":0,"by_group":[{"group":"sre","caught":0,"missed":1}]})");
  const doc::Value all = insights(p.in);
  REQUIRE(all.find("by_hour")->as_array().size() == 24);
  CHECK(all.find("by_hour")->as_array()[23].integer("asked") == 4);
}

}  // namespace
}  // namespace keyturn::report
