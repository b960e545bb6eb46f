#include "cli/run_text.h"

#include <doctest/doctest.h>

#include "cli/remote.h"
#include "doc/json.h"

using namespace keyturn;
using namespace keyturn::cli;

namespace {

doc::Value json(std::string_view text) {
  return *doc::parse_json(text);
}

bool has(const std::string& text, std::string_view words) {
  const bool found = text.contains(words);
  if (!found) MESSAGE(words << " is not in:\n" << text);
  return found;
}

}  // namespace

TEST_CASE("a query is added to one that is there") {
  CHECK(with_query("/v1/runs", {}) == "/v1/runs");
  CHECK(with_query("/v1/runs", {{"runbook", "a b"}, {"state", ""}}) == "/v1/runs?runbook=a%20b");
  CHECK(with_query("/v1/runs?runbook=a", {{"after", "x"}}) == "/v1/runs?runbook=a&after=x");
  CHECK(with_query("/v1/runs?runbook=a", {{"after", ""}}) == "/v1/runs?runbook=a");
}

TEST_CASE("what a run waits for is told with who has it") {
  struct Case {
    const char* run;
    const char* line;
  };
  for (const auto& [run, line] : {
           Case{R"({"state":"running"})", "running"},
           Case{R"({"state":"failed","reason":"two: exited with code 3"})",
                "failed: two: exited with code 3"},
           Case{R"({"state":"held","waits":["sure"],"steps":[{"path":"sure","needed":
                [{"group":"sre","count":1,"have":0}]}]})",
                "held: sure (1 of sre (0 so far))"},
           Case{R"({"state":"waiting","waits_for":[{"lock":"db/a","held_by":["act_1"]},
                {"held_by":["act_2","act_3"]}]})",
                "waiting: for lock db/a, held by act_1, for its turn, behind act_2 and act_3"},
           Case{R"({"state":"waiting","waits_for":[{"held_by":[]}]})", "waiting: for its turn"},
           Case{R"({"state":"paused","paused_by":"olga"})", "paused: by olga"},
           Case{R"({"state":"paused","paused_by":"olga","paused_with":"act_0"})",
                "paused: by olga, with act_0"},
           Case{
               R"({"state":"running","held_up":{"step":"two","code":"busy","message":"too much"}})",
               "running: two cannot be asked for yet: too much"},
           Case{R"({"state":"stopped","asks":["two"]})",
                "stopped: two (nobody knows how it ended)"},
           Case{R"({"state":"waiting","waits_for":[{"lock":"a\u001b[2J","held_by":[]}]})",
                "waiting: for lock a⟦U+001B⟧[2J"},
       }) {
    CHECK(run_line(json(run)) == line);
  }
}

TEST_CASE("a step that failed or asks says where to look") {
  CHECK(step_line(json(R"({"path":"two","state":"failed","reason":"exited with code 3",
                           "action":"act_2","attempt":2})")) ==
        "failed    two (try 2): exited with code 3; keyturn show act_2");
  CHECK(step_line(json(R"({"path":"two","state":"failed","reason":"no such item"})")) ==
        "failed    two: no such item");
  CHECK(step_line(json(R"({"path":"two","state":"succeeded","duration_ms":12})")) ==
        "succeeded two in 12ms");
  CHECK(step_line(json(R"({"path":"two","state":"pending","action":"act_2"})")) ==
        "pending   two: needs people; keyturn show act_2");
}

TEST_CASE("a stopped run says what people type") {
  const std::string said = how_to_settle(json(
      R"({"id":"act_1","runbook":"patch","asks":["one","all[0]"],
          "steps":[{"path":"one","action":"act_2"}]})"));
  CHECK(has(said, "keyturn runbook resolve act_1 one --outcome OUTCOME --note \"WHAT YOU SAW\"\n"));
  CHECK(has(said, "keyturn show act_2\n"));
  CHECK(has(said, "keyturn runbook resolve act_1 'all[0]' --outcome"));
  CHECK(how_to_settle(json(R"({"id":"act_1"})")).empty());
}

TEST_CASE("why a run was started is short") {
  CHECK(why_started(json(R"({"asked_for":"ticket 4711","inputs":{"by":"x","hosts":["a"]}})")) ==
        "ticket 4711; by=x hosts=[\"a\"]");
  CHECK(why_started(json(R"({"inputs":{}})")).empty());
  const std::string cut = why_started(json(R"({"asked_for":")" + std::string(500, 'x') + "\"}"));
  CHECK(cut.size() < 70);
  CHECK(cut.ends_with("…"));
}

TEST_CASE("the last words of a program are one line, and nothing of it moves a terminal") {
  CHECK(last_words(json(R"({"outcome":{"stderr":"first\ndisk is gone\n\n"}})")) == "disk is gone");
  CHECK(last_words(json(R"({"outcome":{"stderr":"\u001b[2Jx"}})")) == "⟦U+001B⟧[2Jx");
  CHECK(last_words(json(R"({"outcome":{"stderr":" \n"}})")).empty());
  CHECK(last_words(json(R"({"state":"failed"})")).empty());
}

TEST_CASE("a plan says whom each step asks, and of a hold point the question") {
  const std::string said = plan_text(json(R"({"steps":[
      {"path":"one","kind":"action","tool":"t","args":{"a":1},"covered":true,
       "verdict":{"effect":"require","plan":{"quorum":{"dba":1},"assurance":"token"}}},
      {"path":"two","kind":"action","tool":"t","args":{},"verdict":{"effect":"require"}},
      {"path":"sure","kind":"approve","args":{"message":"Go on?","show":null},
       "asks":{"quorum":{"sre":2},"assurance":"token"}},
      {"path":"then","kind":"approve","args":{"message":"Now?","show":{"n":1}}},
      {"path":"late","kind":"action","tool":"t","waits_for":"steps.one.outputs.n"}]})"));
  CHECK(has(said, "require, with the plan: 1 of dba; at least: token"));
  CHECK(has(said, "Go on?"));
  CHECK(has(said, "asks 2 of sre; at least: token"));
  CHECK(has(said, "Now? {\"n\":1}"));
  CHECK(has(said, "asks people"));
  CHECK(has(said, "later, with steps.one.outputs.n"));
  CHECK_FALSE(said.contains("null"));
}

TEST_CASE("a runbook is told with its inputs, locks, triggers and steps") {
  const std::string said =
      runbook_text(json(R"({"name":"patch","description":"Patches","revision":3,
      "review":"plan","open":2,"locks":["host/{{ inputs.host }}"],"concurrency":{"limit":1},
      "inputs":{"type":"object","required":["host"],"properties":{
        "host":{"type":"string","description":"Which"},"n":{"type":"integer","default":3},
        "all":{"type":"array","items":{"type":"string"}},"when":{"enum":["now","later"]}}},
      "triggers":[{"schedule":"0 2 * * *","time_zone":"UTC","as":"bot","next":"2026-01-01T02:00:00Z"},
                  {"webhook":"w","kind":"github","as":"bot"}],
      "graph":[{"id":"one","name":"First","kind":"action","tool":"t","compensate":"undo","tries":3},
               {"id":"both","name":"both","kind":"branches","branches":[
                 {"name":"left","steps":[{"id":"in","name":"in","kind":"pass"}]}]}]})"));
  for (const char* words :
       {"patch: Patches\n", "revision 3, approved as a whole before it starts, 2 under way",
        "  at most 1 at once", "  lock host/{{ inputs.host }}", "needed", "Which", "else 3",
        "array of string", "[\"now\",\"later\"]", "schedule 0 2 * * * UTC", "as bot",
        "next 2026-01-01T02:00:00Z", "webhook w (github)", "  one", "First",
        "up to 3 times, undone by undo", "    left:", "      in"}) {
    CHECK(has(said, words));
  }
}
