// Runs on a real gate and journal: steps as actions, holds, plans approved as a whole, crashes.
#include "runs/runs.h"

#include <rapidcheck.h>

#include <algorithm>

#include "gate/replay.h"
#include "runs/testing.h"

namespace keyturn::runs {
namespace {

using gate::RecordPtr;

constexpr std::string_view kTools = R"(tools:
  run: {exec: [/bin/echo, "{{text}}"], params: {text: {type: string, default: x}}, sandbox: none}
  ask: {exec: [/bin/echo, "{{text}}"], params: {text: {type: string, default: x}}, sandbox: none}
  undo: {exec: [/bin/echo, "{{text}}"], params: {text: {type: string, default: x}}, sandbox: none}
  no: {exec: [/bin/echo], sandbox: none}
--- # file: runbooks/plain.yaml
kind: Runbook
metadata: {name: plain}
inputs: {host: {type: string}}
steps:
- {id: one, tool: run, args: {text: "{{ inputs.host }}"}}
- {id: mark, pass: true}
- {id: two, tool: run, args: {text: "after {{ steps.one.outcome }}"}}
outputs: {last: "steps.two.outcome"}
---
kind: Runbook
metadata: {name: held}
steps:
- {id: one, tool: run, compensate: {tool: undo}}
- {id: sure, approve: {message: "go on?", require: {quorum: {dba: 1}, assurance: token, expires: 1h}}}
- {id: two, tool: run}
---
kind: Runbook
metadata: {name: whole}
review: plan
inputs: {host: {type: string}}
steps:
- {id: one, tool: ask, args: {text: "{{ inputs.host }}"}}
- {id: two, tool: ask, args: {text: "two"}}
- {id: three, tool: ask, args: {text: "{{ steps.two.outcome }}"}}
---
kind: Runbook
metadata: {name: doomed}
steps:
- {id: one, tool: run, compensate: {tool: undo, args: {text: back}}}
- {id: two, tool: no}
---
kind: Runbook
metadata: {name: endless}
steps:
- {id: again, runbook: endless}
)";

constexpr std::string_view kRules = R"(apiVersion: keyturn/v1
kind: Policy
metadata: {name: tests, revision: 1}
defaults: {effect: deny, onError: deny}
rules:
- {id: free, match: {tool: [run, undo, "runbook.*"]}, effect: allow}
- {id: asked, match: {tool: [ask]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}
)";

struct Field : testing::Field {
  Field() : testing::Field(kTools, kRules) {}
};

using testing::Steps;

}  // namespace

TEST_CASE(
    "a run's steps are actions in its starter's name, and its outputs are the action's result") {
  Field f;
  const RecordPtr begun = f.start("plain", doc::object({{"host", "web1"}}));
  f.settle_down();
  CHECK(f.steps(begun->id) ==
        Steps{"one#1 run succeeded", "mark#1 keyturn.pass succeeded", "two#1 run succeeded"});
  const RecordPtr ended = f.look(begun->id);
  CHECK(ended->state == State::kSucceeded);
  REQUIRE(ended->outcome.has_value());
  CHECK(ended->outcome->result == doc::object({{"last", "succeeded"}}));
  CHECK(f.executor.executed.size() == 2);
  CHECK(f.runs->count_open().empty());
}

TEST_CASE(
    "a hold point asks the people it names, never the owner; denied, what was done is undone") {
  for (const bool agreed : {true, false}) {
    Field f;
    const RecordPtr begun = f.start("held");
    f.settle_down();
    const RecordPtr hold = f.pending("sure");
    REQUIRE(hold);
    CHECK(hold->description.text("message") == "go on?");
    CHECK(!f.run(f.voting("olga", hold)).has_value());
    CHECK(!f.run(f.voting("mia", hold)).has_value());
    REQUIRE(
        f.run(f.voting("bob", hold, agreed ? review::Decision::kApprove : review::Decision::kDeny))
            .has_value());
    f.settle_down();
    CHECK(f.steps(begun->id).back() ==
          (agreed ? "two#1 run succeeded" : "one~compensate#1 undo succeeded"));
    CHECK(f.state(begun->id) == (agreed ? State::kSucceeded : State::kFailed));
  }
}

TEST_CASE(
    "a plan approved as a whole covers the steps it shows; what it could not show asks again") {
  Field f;
  const RecordPtr asked = f.start("whole", doc::object({{"host", "web1"}}));
  REQUIRE(asked->state == State::kPending);
  CHECK(asked->verdict.plan.quorum == Quorum{{"dba", 1}});
  REQUIRE(f.run(f.voting("bob", asked)).has_value());
  f.settle_down();
  CHECK(f.steps(asked->id) ==
        Steps{"one#1 ask succeeded", "two#1 ask succeeded", "three#1 ask pending"});
  const RecordPtr third = f.pending("three");
  REQUIRE(third);
  REQUIRE(f.run(f.voting("erin", third)).has_value());
  f.settle_down();
  CHECK(f.state(asked->id) == State::kSucceeded);
}

namespace {

// "ask" has a preview and a state.
struct Looking : Field {
  Looking() {
    std::string tools(kTools);
    tools.replace(tools.find("  ask: {"), 8, "  ask: {preview: [/bin/true], state: [/bin/true], ");
    activate("tools", tools);
    see("12 rows", "sha256:one");
  }
  void see(const std::string& shown, const std::string& state) {
    executor.previews.insert_or_assign("ask",
                                       gate::Previewed{doc::object({{"rows", shown}}), state});
  }
  RecordPtr start_whole() { return start("whole", doc::object({{"host", "web1"}})); }
};

}  // namespace

TEST_CASE("who approves a plan sees what its steps would touch, and agrees to that state") {
  Looking f;
  const RecordPtr asked = f.start_whole();
  CHECK(asked->preview.text("kind") == "plan");
  const doc::Value* steps = asked->preview.find("steps");
  REQUIRE(steps != nullptr);
  REQUIRE(steps->as_array().size() == 2);  // what "three" would do is not known
  CHECK(steps->as_array()[0].text("path") == "one");
  CHECK(steps->as_array()[0].find_path({"preview", "rows"})->as_string() == "12 rows");
  CHECK(steps->as_array()[0].text("state") == "sha256:one");
  SUBCASE("it stands so: the steps are done, each bound to it") {
    f.see("said otherwise", "sha256:one");
    REQUIRE(f.run(f.voting("bob", asked)).has_value());
    f.settle_down();
    CHECK(f.steps(asked->id) ==
          Steps{"one#1 ask succeeded", "two#1 ask succeeded", "three#1 ask pending"});
    CHECK(f.executor.states == std::vector<std::string>{"sha256:one", "sha256:one"});
  }
  SUBCASE("it moved before the plan was released: back to review, nothing begun") {
    f.see("5,000 rows", "sha256:two");
    const Result<RecordPtr> voted = f.run(f.voting("bob", asked));
    REQUIRE(voted.has_value());
    f.settle_down();
    CHECK((*voted)->state == State::kPending);
    CHECK((*voted)->review->round == 2);
    CHECK(f.steps(asked->id).empty());
    REQUIRE(f.run(f.voting("erin", *voted)).has_value());
    f.settle_down();
    CHECK(f.steps(asked->id).size() == 3);
  }
  SUBCASE("it moved while the run went on: that step asks by itself, and shows it as it is now") {
    const gate::testing::Hold latch = std::make_shared<gate::testing::Latch>(f.io);
    f.executor.hold_execute["ask"] = latch;
    REQUIRE(f.run(f.voting("bob", asked)).has_value());
    REQUIRE(f.until([&] { return latch->waiting == 1; }));
    f.see("5,000 rows", "sha256:two");
    latch->open();
    f.executor.hold_execute.clear();
    f.settle_down();
    CHECK(f.steps(asked->id) == Steps{"one#1 ask succeeded", "two#1 ask pending"});
    const RecordPtr two = f.pending("two");
    REQUIRE(two);
    CHECK(two->preview.text("rows") == "5,000 rows");
    CHECK(two->state_print == "sha256:two");
  }
}

TEST_CASE("a step of a plan that could not be looked at is agreed to only by itself") {
  Looking f;
  f.executor.previews.insert_or_assign("ask", refuse("cannot_connect", "the database is away"));
  const RecordPtr asked = f.start_whole();
  const doc::Value* steps = asked->preview.find("steps");
  REQUIRE(steps != nullptr);
  CHECK(steps->as_array()[0].find_path({"preview", "unavailable"})->as_string() ==
        "the database is away");
  SUBCASE("still away") {}
  SUBCASE("there again") {
    f.see("12 rows", "sha256:one");
  }
  const Result<RecordPtr> voted = f.run(f.voting("bob", asked));
  REQUIRE(voted.has_value());
  f.settle_down();
  if ((*voted)->state == State::kPending) {  // it is another state than was seen
    CHECK((*voted)->review->round == 2);
    CHECK(f.steps(asked->id).empty());
    return;
  }
  CHECK(f.steps(asked->id) == Steps{"one#1 ask pending"});
}

TEST_CASE("a start whose plan asked people is taken again as policy itself decided it") {
  for (const std::string rule :
       {"effect: allow}\n",
        "effect: require, require: {quorum: {sec: 1}, assurance: token, expires: 1h}}\n"}) {
    Field f;
    const std::string rules =
        std::string(kRules) + "- {id: starts, match: {tool: [runbook.whole]}, " + rule;
    f.activate("policy", rules);
    const RecordPtr asked = f.start("whole", doc::object({{"host", "web1"}}));
    REQUIRE(asked->state == State::kPending);
    CHECK(asked->verdict.plan.quorum.contains("dba"));
    const auto decision = gate::recorded_decision(f.stream(asked->id).front());
    REQUIRE(decision.has_value());
    doc::Problems problems;
    const auto document = policy::Document::load(rules, {}, problems);
    REQUIRE(document.has_value());
    const auto again = policy::repeat(*document, *decision);
    REQUIRE(again.has_value());
    CHECK(policy::turn_between(decision->verdict, *again) == policy::Turn::kUnchanged);
    const auto without = policy::Document::load(std::string(kRules), {}, problems);
    REQUIRE(without.has_value());
    const auto freed = policy::repeat(*without, *decision);
    REQUIRE(freed.has_value());
    CHECK(policy::turn_between(decision->verdict, *freed) ==
          (rule.starts_with("effect: allow") ? policy::Turn::kUnchanged : policy::Turn::kLooser));
  }
}

TEST_CASE("a step that would run something else than the plan showed asks by itself") {
  Field f;
  const RecordPtr asked = f.start("whole", doc::object({{"host", "web1"}}));
  const gate::testing::Hold latch = std::make_shared<gate::testing::Latch>(f.io);
  f.executor.hold_execute["ask"] = latch;
  REQUIRE(f.run(f.voting("bob", asked)).has_value());
  REQUIRE(f.until([&] { return latch->waiting == 1; }));
  f.executor.hidden["ask"] = "another program";
  latch->open();
  f.executor.hold_execute.clear();
  f.settle_down();
  CHECK(f.steps(asked->id) == Steps{"one#1 ask succeeded", "two#1 ask pending"});
}

TEST_CASE(
    "a step that people amended is that step: its successor ends it, with or without a crash") {
  for (const bool crashes : {false, true}) {
    Field f;
    const RecordPtr asked = f.start("whole", doc::object({{"host", "web1"}}));
    REQUIRE(f.run(f.voting("bob", asked)).has_value());
    f.settle_down();
    const RecordPtr third = f.pending("three");
    REQUIRE(third);
    const Result<gate::Submitted> amended =
        f.run(f.gate->amend(f.person("erin"), third->id, doc::object({{"text", "less"}}), ""));
    REQUIRE_MESSAGE(amended.has_value(), (amended ? "" : amended.error().message));
    REQUIRE(amended->record->run.has_value());
    CHECK(amended->record->run->step == "three");
    f.settle_down();
    if (crashes) f.crash();
    CHECK(f.state(asked->id) == State::kExecuting);
    REQUIRE(f.run(f.voting("bob", f.look(amended->record->id))).has_value());
    f.settle_down();
    CHECK(f.state(amended->record->id) == State::kSucceeded);
    CHECK(f.state(asked->id) == State::kSucceeded);
    CHECK(f.runs->count_open().empty());
  }
}

TEST_CASE("a cancelled run waits for what was under way when it crashed") {
  Field f;
  const gate::testing::Hold latch = std::make_shared<gate::testing::Latch>(f.io);
  f.executor.hold_execute["run"] = latch;
  const RecordPtr begun = f.start("held");
  REQUIRE(f.until([&] { return latch->waiting == 1; }));
  const std::string id = begun->id.str();
  REQUIRE(f.run(f.runs->cancel(f.person("ada"), id, "wrong host")).has_value());
  std::string step;
  for (const RecordPtr& record : f.gate->open_records()) {
    if (record->run) step = record->id.str();
  }
  const gate::testing::Hold unclear = std::make_shared<gate::testing::Latch>(f.io);
  f.executor.hold_recover[step] = unclear;
  f.executor.hold_execute.clear();
  f.crash();
  REQUIRE(f.until([&] { return unclear->waiting == 1; }));
  f.settle_down();
  CHECK(f.steps(begun->id) == Steps{"one#1 run executing"});
  CHECK(f.state(begun->id) == State::kExecuting);
  unclear->open();
  f.settle_down();
  CHECK(f.steps(begun->id) == Steps{"one#1 run failed"});
  CHECK(f.look(begun->id)->outcome->reason == "cancelled by ada: wrong host");
}

TEST_CASE("an approval of a plan that is denied starts nothing") {
  Field f;
  const RecordPtr asked = f.start("whole", doc::object({{"host", "web1"}}));
  REQUIRE(f.run(f.voting("bob", asked, review::Decision::kDeny)).has_value());
  f.settle_down();
  CHECK(f.steps(asked->id).empty());
  CHECK(f.executor.executed.empty());
}

TEST_CASE("a step that policy denies fails the run, and what was done is undone") {
  Field f;
  const RecordPtr begun = f.start("doomed");
  f.settle_down();
  CHECK(f.steps(begun->id) ==
        Steps{"one#1 run succeeded", "two#1 no denied", "one~compensate#1 undo succeeded"});
  CHECK(f.look(begun->id)->outcome->reason.find("denied") != std::string::npos);
}

TEST_CASE("runs that start runs end at a depth") {
  Field f;
  const RecordPtr begun = f.start("endless");
  REQUIRE(f.until([&] { return f.state(begun->id) == State::kFailed; }));
  CHECK(f.runs->count_open().empty());
}

TEST_CASE("steps of runs are nobody else's to ask for") {
  Field f;
  for (const char* tool : {"keyturn.hold", "keyturn.pass"}) {
    ActionRequest request;
    request.tool = tool;
    request.args = doc::Object{};
    const Result<gate::Submitted> made = f.run(f.gate->submit(f.agent("bot"), request));
    REQUIRE(!made.has_value());
    CHECK(made.error().code == "steps_only");
  }
}

TEST_CASE("paused, cancelled: by its starter, its owner or an administrator") {
  Field f;
  const RecordPtr begun = f.start("held");
  f.settle_down();
  const std::string id = begun->id.str();
  CHECK(f.run(f.runs->pause(f.person("mia"), id)).error().code == "not_allowed");
  REQUIRE(f.run(f.runs->pause(f.person("olga"), id)).has_value());
  CHECK(f.run(f.runs->resume(f.agent("bot"), id)).error().code == "not_allowed");
  REQUIRE(f.run(f.voting("bob", f.pending("sure"))).has_value());
  f.settle_down();
  CHECK(f.steps(begun->id).back() == "sure#1 keyturn.hold succeeded");
  f.crash();
  f.settle_down();
  CHECK(f.steps(begun->id).back() == "sure#1 keyturn.hold succeeded");
  REQUIRE(f.run(f.runs->cancel(f.person("ada"), id, "wrong host")).has_value());
  REQUIRE(f.run(f.runs->resume(f.person("ada"), id)).has_value());
  f.settle_down();
  CHECK(f.steps(begun->id).back() == "one~compensate#1 undo succeeded");
  CHECK(f.look(begun->id)->outcome->reason == "cancelled by ada: wrong host");
}

TEST_CASE(
    "property: whenever it crashes, a run goes on, and no step is two actions or runs twice") {
  CHECK(rc::check([] {
    Field f;
    const RecordPtr begun = f.start("held");
    for (int crashes = *rc::gen::inRange(1, 4); crashes > 0; --crashes) {
      // The answer of one commit never arrives: whoever waits for it was cut off just then.
      const auto latch = std::make_shared<gate::testing::Latch>(f.io);
      f.journal->hold_append = [latch, left = *rc::gen::inRange(0, 8)](const auto&) mutable {
        return left-- == 0 ? latch : nullptr;
      };
      f.settle_down();
      f.crash();
    }
    f.settle_down();
    if (const RecordPtr hold = f.pending("sure")) {
      RC_ASSERT(f.run(f.voting("bob", hold)).has_value());
    }
    REQUIRE(f.until([&] { return is_final(f.state(begun->id)); }));
    f.settle_down();
    Steps seen = f.steps(begun->id);
    for (std::string& one : seen) one = one.substr(0, one.find(' '));
    const std::set<std::string> distinct(seen.begin(), seen.end());
    RC_ASSERT(distinct.size() == seen.size());
    const std::set<std::string> ran(f.executor.executed.begin(), f.executor.executed.end());
    RC_ASSERT(ran.size() == f.executor.executed.size());
    RC_ASSERT(f.runs->count_open().empty());
  }));
}

}  // namespace keyturn::runs
