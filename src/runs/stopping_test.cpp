// What ends a run early, who may have it so, and whose a run's steps are.
#include <algorithm>

#include "runs/testing.h"

namespace keyturn::runs {
namespace {

using gate::RecordPtr;
using gate::testing::Hold;
using gate::testing::Latch;
using testing::Steps;

constexpr std::string_view kTools = R"(tools:
  run: {exec: [/bin/echo, "{{text}}"], params: {text: {type: string, default: x}}, sandbox: none}
  ask: {exec: [/bin/echo, "{{text}}"], params: {text: {type: string, default: x}}, sandbox: none}
  undo: {exec: [/bin/echo, "{{text}}"], params: {text: {type: string, default: x}}, sandbox: none}
--- # file: runbooks/inner.yaml
kind: Runbook
metadata: {name: inner}
steps:
- {id: first, tool: run, compensate: {tool: undo}}
- {id: sure, approve: {message: "go on?", require: {quorum: {dba: 1}, assurance: token, expires: 12h}}}
- {id: last, tool: run}
---
kind: Runbook
metadata: {name: outer}
steps:
- {id: begin, tool: run, compensate: {tool: undo}}
- {id: within, runbook: inner}
- {id: end, tool: run}
---
kind: Runbook
metadata: {name: late}
timeout: 1h
steps:
- {id: within, runbook: inner}
---
kind: Runbook
metadata: {name: late_step}
steps:
- {id: within, runbook: inner, timeout: 1h}
---
kind: Runbook
metadata: {name: asks}
inputs: {text: {type: string, default: x}}
steps:
- {id: one, tool: run, compensate: {tool: undo}}
- {id: two, tool: ask, args: {text: "{{ inputs.text }}"}}
- {id: three, tool: run}
---
kind: Runbook
metadata: {name: named}
review: plan
steps:
- {id: one, tool: ask, args: {text: "{{ run.id }}"}}
---
kind: Runbook
metadata: {name: one_at_a_time}
locks: [x]
steps:
- {id: one, tool: run}
)";

constexpr std::string_view kRules = R"(apiVersion: keyturn/v1
kind: Policy
metadata: {name: tests, revision: 1}
defaults: {effect: deny, onError: deny}
rules:
- {id: free, match: {tool: [run, undo, "runbook.*"]}, effect: allow}
- {id: never, match: {tool: [run]}, when: "has(claims.model) && claims.model == 'bad'", effect: deny}
- {id: asked, match: {tool: [ask]}, when: "action.args.text != 'harmless'", effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}
- {id: as the runbook does, match: {tool: [ask]}, when: "request.runbook == 'asks' && action.args.text == 'harmless'", effect: allow}
)";

struct Field : testing::Field {
  Field() : testing::Field(kTools, kRules) {}

  Result<void> cancel(const RecordPtr& run) {
    return this->run(runs->cancel(person("ada"), run->id.str(), "wrong host"));
  }
  RecordPtr child_of(const RecordPtr& outer) {
    for (const RecordPtr& record : gate->open_records()) {
      if (record->run && record->run->run == outer->id.str()) return record;
    }
    return nullptr;
  }
  void tick() {
    runs->tick();
    settle_down();
  }
  // What is recorded of these types from now on is refused.
  void refuse_appends_of(const std::string& type) {
    journal->refuse_append = [type](const store::AppendRequest& request) {
      return std::ranges::any_of(request.events,
                                 [&](const EventDraft& one) { return one.type == type; });
    };
  }
  std::vector<std::string> types() {
    std::vector<std::string> out;
    for (const Event& event : run(real->read_range(0, 10'000, false))) out.push_back(event.type);
    return out;
  }
};

std::string code(const Result<void>& result) {
  return result ? "ok" : result.error().code;
}

}  // namespace

TEST_CASE("who cancels a run cancels the runs within it, and each undoes what it did") {
  for (const bool crashes : {false, true}) {
    CAPTURE(crashes);
    Field f;
    const RecordPtr outer = f.start("outer");
    f.settle_down();
    const RecordPtr inner = f.child_of(outer);
    REQUIRE(inner);
    REQUIRE(f.pending("sure"));
    CHECK(f.show(outer->id).text("state") == "held");
    REQUIRE(f.cancel(outer).has_value());
    if (crashes) f.crash();
    f.tick();
    CHECK(f.pending("sure") == nullptr);
    CHECK(f.state(inner->id) == State::kFailed);
    CHECK(f.steps(inner->id) == Steps{"first#1 run succeeded", "sure#1 keyturn.hold cancelled",
                                      "first~compensate#1 undo succeeded"});
    CHECK(f.steps(outer->id).back() == "begin~compensate#1 undo succeeded");
    CHECK(f.runs->count_open().empty());
  }
}

TEST_CASE("a timeout of a run or of a step ends the run within it") {
  for (const std::string name : {"late", "late_step"}) {
    CAPTURE(name);
    Field f;
    const RecordPtr outer = f.start(name);
    f.settle_down();
    const RecordPtr inner = f.child_of(outer);
    REQUIRE(inner);
    f.clock.time += std::chrono::hours(2);
    f.tick();
    f.tick();
    CHECK(f.state(inner->id) == State::kFailed);
    CHECK(f.steps(inner->id).back() == "first~compensate#1 undo succeeded");
    CHECK(f.state(outer->id) == State::kFailed);
    const std::vector<std::string> types = f.types();
    CHECK(std::ranges::count(types, "run.cancelled") == (name == "late" ? 2 : 1));
  }
}

TEST_CASE("a paused run pauses the runs within it") {
  Field f;
  const RecordPtr outer = f.start("outer");
  f.settle_down();
  const RecordPtr inner = f.child_of(outer);
  REQUIRE(f.run(f.runs->pause(f.person("olga"), outer->id.str())).has_value());
  REQUIRE(f.run(f.voting("bob", f.pending("sure"))).has_value());
  f.settle_down();
  CHECK(f.steps(inner->id).back() == "sure#1 keyturn.hold succeeded");
  CHECK(f.show(inner->id).text("state") == "paused");
  CHECK(f.show(inner->id).text("paused_with") == outer->id.str());
  CHECK(code(f.run(f.runs->resume(f.person("olga"), inner->id.str()))) == "closed");
  REQUIRE(f.run(f.runs->resume(f.person("olga"), outer->id.str())).has_value());
  f.settle_down();
  CHECK(f.state(inner->id) == State::kSucceeded);
  CHECK(f.state(outer->id) == State::kSucceeded);
  CHECK_FALSE(f.show(outer->id).flag("paused"));
}

TEST_CASE("what is being asked for when the run is cancelled is not begun any more") {
  for (const std::string text : {"harmless", "it is asked"}) {  // harmless: allowed at once
    CAPTURE(text);
    Field f;
    const Hold first = std::make_shared<Latch>(f.io);
    f.executor.hold_execute["run"] = first;
    const RecordPtr begun = f.start("asks", doc::object({{"text", text}}));
    REQUIRE(f.until([&] { return first->waiting == 1; }));
    const Hold latch = std::make_shared<Latch>(f.io);
    f.executor.hold_describe["ask"] = latch;
    f.executor.hold_execute.clear();
    first->open();
    REQUIRE(f.until([&] { return latch->waiting == 1; }));
    REQUIRE(f.cancel(begun).has_value());
    f.executor.hold_describe.clear();
    latch->open();
    f.settle_down();
    CHECK(f.state(begun->id) == State::kFailed);
    CHECK(f.steps(begun->id) == Steps{"one#1 run succeeded", "one~compensate#1 undo succeeded"});
  }
}

TEST_CASE("nothing of a run stands in the record behind its cancelling but what undoes") {
  Field f;
  const RecordPtr begun = f.start("asks");
  f.settle_down();
  const RecordPtr two = f.pending("two");
  REQUIRE(two);
  const Hold latch = std::make_shared<Latch>(f.io);
  f.journal->hold_append = [&](const store::AppendRequest& request) {
    return request.events.front().type == "run.cancelled" ? latch : nullptr;
  };
  const auto cancelling = f.begin(f.runs->cancel(f.person("ada"), begun->id.str(), "no"));
  REQUIRE(f.until([&] { return latch->waiting == 1; }));
  const auto voted = f.run(f.voting("bob", two));
  REQUIRE_FALSE(voted.has_value());
  CHECK(voted.error().code == "run_cancelled");
  latch->open();
  f.settle_down();
  CHECK(cancelling->has_value());
  CHECK(f.steps(begun->id) ==
        Steps{"one#1 run succeeded", "two#1 ask cancelled", "one~compensate#1 undo succeeded"});
}

TEST_CASE("a cancelling that finds the disk busy is told to the steps again") {
  Field f;
  const RecordPtr begun = f.start("asks");
  f.settle_down();
  REQUIRE(f.pending("two"));
  f.refuse_appends_of("review.closed");
  REQUIRE(f.cancel(begun).has_value());
  f.settle_down();
  CHECK(f.pending("two"));
  f.journal->refuse_append = nullptr;
  f.tick();
  CHECK(f.pending("two") == nullptr);
  CHECK(f.state(begun->id) == State::kFailed);
}

TEST_CASE("a step that ended just before everything stopped is known, and undone") {
  Field f;
  const Hold latch = std::make_shared<Latch>(f.io);
  f.executor.hold_execute["run"] = latch;
  const RecordPtr begun = f.start("asks");
  REQUIRE(f.until([&] { return latch->waiting == 1; }));
  REQUIRE(f.cancel(begun).has_value());
  f.refuse_appends_of("run.step_ended");
  f.executor.hold_execute.clear();
  latch->open();
  f.settle_down();
  CHECK(f.state(begun->id) == State::kExecuting);
  SUBCASE("everything stopped") {
    f.crash();
  }
  SUBCASE("the disk was busy only") {
    f.journal->refuse_append = nullptr;
    f.clock.time += std::chrono::seconds(2);
    f.tick();
  }
  f.settle_down();
  CHECK(f.steps(begun->id) == Steps{"one#1 run succeeded", "one~compensate#1 undo succeeded"});
  CHECK(f.state(begun->id) == State::kFailed);
  CHECK(f.show(begun->id).find("steps")->as_array().size() == 2);
}

TEST_CASE("who started it is gone: it is cancelled all the same") {
  Field f;
  ActionRequest request;
  request.tool = "runbook.asks";
  request.args = doc::Object{};
  const auto made = f.run(f.gate->submit(f.person("mia"), request));
  REQUIRE(made.has_value());
  f.settle_down();
  REQUIRE(f.pending("two"));
  f.record({people::person_deactivated("mia", "left")});
  REQUIRE(f.cancel(made->record).has_value());
  f.settle_down();
  CHECK(f.pending("two") == nullptr);
  const RecordPtr ended = f.look(made->record->id);
  CHECK(ended->state == State::kFailed);
  CHECK(ended->outcome->reason.contains("not undone: one~compensate: "));
}

TEST_CASE("of an agent that is suspended, what undoes waits, and says for what") {
  Field f;
  const RecordPtr begun = f.start("asks");
  f.settle_down();
  f.record({people::agent_suspended("bot", "ada", "odd")});
  REQUIRE(f.cancel(begun).has_value());
  f.settle_down();
  const doc::Value shown = f.show(begun->id);
  CHECK(shown.text("state") == "cancelling");
  REQUIRE(shown.find("held_up") != nullptr);
  CHECK(shown.find("held_up")->text("step") == "one~compensate");
  CHECK(shown.find("held_up")->text("code") == "suspended");
}

TEST_CASE("who had a part in a run has it in its steps, however deep") {
  const doc::Value claims = doc::object({{"on_behalf_of", "bob"}});
  for (const std::string name : {"inner", "outer"}) {
    CAPTURE(name);
    Field f;
    const RecordPtr begun = f.start(name, doc::Object{}, claims);
    f.settle_down();
    const RecordPtr hold = f.pending("sure");
    REQUIRE(hold);
    CHECK_FALSE(f.run(f.voting("bob", hold)).has_value());
    REQUIRE(f.run(f.voting("erin", hold)).has_value());
    f.settle_down();
    CHECK(f.state(begun->id) == State::kSucceeded);
  }
}

TEST_CASE("what a policy says of who asks holds for the steps of their runs") {
  Field f;
  const RecordPtr begun = f.start("inner", doc::Object{}, doc::object({{"model", "bad"}}));
  f.settle_down();
  CHECK(f.steps(begun->id) == Steps{"first#1 run denied"});
  // Why is for people, on the step's page: an agent reads the run.
  CHECK(f.look(begun->id)->outcome->reason == "first: denied by policy");
}

TEST_CASE("an agent puts nothing of its own into a step; whom people change it for is asked") {
  Field f;
  const RecordPtr begun = f.start("asks");
  f.settle_down();
  const RecordPtr two = f.pending("two");
  const doc::Value harmless = doc::object({{"text", "harmless"}});
  const auto own = f.run(f.gate->amend(f.agent("bot"), two->id, harmless, ""));
  REQUIRE_FALSE(own.has_value());
  CHECK(own.error().code == "not_allowed");
  const auto changed = f.run(f.gate->amend(f.person("olga"), two->id, harmless, ""));
  REQUIRE(changed.has_value());
  CHECK(changed->record->state == State::kPending);
  CHECK(changed->record->verdict.plan.quorum == Quorum{{"dba", 1}});
  REQUIRE(f.run(f.voting("bob", f.look(changed->record->id))).has_value());
  f.settle_down();
  CHECK(f.state(begun->id) == State::kSucceeded);
}

TEST_CASE("who is asked about a step may read the run, and nobody else besides who it is of") {
  Field f;
  const RecordPtr begun = f.start("asks");
  f.settle_down();
  REQUIRE(f.pending("two"));
  CHECK(f.run(f.runs->show(f.person("erin"), begun->id.str())).has_value());
  CHECK_FALSE(f.run(f.runs->show(f.person("mia"), begun->id.str())).has_value());
  REQUIRE(f.run(f.voting("bob", f.pending("two"))).has_value());
  f.settle_down();
  CHECK(f.run(f.runs->show(f.person("bob"), begun->id.str())).has_value());
}

TEST_CASE("what an agent paused, people take over") {
  Field f;
  const std::string id = f.start("asks")->id.str();
  f.settle_down();
  REQUIRE(f.run(f.runs->pause(f.agent("bot"), id)).has_value());
  REQUIRE(f.run(f.runs->pause(f.person("olga"), id)).has_value());
  CHECK(code(f.run(f.runs->pause(f.person("ada"), id))) == "closed");
  CHECK(code(f.run(f.runs->resume(f.agent("bot"), id))) == "not_allowed");
  CHECK(code(f.run(f.runs->resume(f.person("ada"), id))) == "ok");
}

TEST_CASE("of two who do the same to a run at once, one is told so") {
  Field f;
  const RecordPtr begun = f.start("asks");
  f.settle_down();
  const auto first = f.begin(f.runs->cancel(f.person("ada"), begun->id.str(), "a"));
  const auto second = f.begin(f.runs->cancel(f.person("olga"), begun->id.str(), "b"));
  f.settle_down();
  CHECK(code(**first) == "ok");
  CHECK(code(**second) != "ok");
  const std::vector<std::string> types = f.types();
  CHECK(std::ranges::count(types, "run.cancelled") == 1);
}

TEST_CASE("a run that is just being begun can be cancelled") {
  Field f;
  const Hold latch = std::make_shared<Latch>(f.io);
  f.journal->hold_append = [&](const store::AppendRequest& request) {
    return request.events.front().type == "run.started" ? latch : nullptr;
  };
  const RecordPtr begun = f.start("asks");
  REQUIRE(f.until([&] { return latch->waiting == 1; }));
  const auto cancelled = f.begin(f.runs->cancel(f.person("ada"), begun->id.str(), "no"));
  latch->open();
  f.settle_down();
  REQUIRE(cancelled->has_value());
  CHECK(code(**cancelled) == "ok");
  CHECK(f.state(begun->id) == State::kFailed);
}

TEST_CASE("a lock that came free while a run was being begun is taken") {
  Field f;
  const Hold programs = std::make_shared<Latch>(f.io);
  f.executor.hold_execute["run"] = programs;
  const RecordPtr first = f.start("one_at_a_time");
  REQUIRE(f.until([&] { return programs->waiting == 1; }));
  const Hold latch = std::make_shared<Latch>(f.io);
  f.journal->hold_append = [&](const store::AppendRequest& request) {
    return request.events.front().type == "run.started" ? latch : nullptr;
  };
  const RecordPtr second = f.start("one_at_a_time");
  REQUIRE(f.until([&] { return latch->waiting == 1; }));
  f.executor.hold_execute.clear();
  programs->open();
  f.settle_down();
  CHECK(f.state(first->id) == State::kSucceeded);
  latch->open();
  f.settle_down();
  CHECK(f.state(second->id) == State::kSucceeded);
}

TEST_CASE("a plan knows the id of its run, and covers a step that uses it") {
  Field f;
  const RecordPtr asked = f.start("named");
  REQUIRE(asked->state == State::kPending);
  REQUIRE(f.run(f.voting("bob", asked)).has_value());
  f.settle_down();
  CHECK(f.state(asked->id) == State::kSucceeded);
  CHECK(f.steps(asked->id) == Steps{"one#1 ask succeeded"});
}

TEST_CASE("the words of a run are erased with its action") {
  Field f;
  const RecordPtr begun = f.start("asks", doc::object({{"text", "harmless"}}));
  f.settle_down();
  REQUIRE(f.state(begun->id) == State::kSucceeded);
  std::vector<gate::Gate::Erasable> parts = f.run(f.gate->erasable_of_run(begun->id));
  REQUIRE(parts.size() == 1);
  CHECK(parts.front().stream == "run/" + begun->id.str());
  const auto own = f.run(f.gate->erasable(begun->id, ""));
  REQUIRE(own.has_value());
  parts.push_back(*own);
  REQUIRE(f.run(f.gate->erase(parts, doc::object({{"action", begun->id.str()}}),
                              ActionId("act_01jtest0000000000000000009")))
              .has_value());
  CHECK(f.run(f.gate->erasable_of_run(begun->id)).empty());
  const doc::Value shown = f.show(begun->id);
  CHECK(shown.find("inputs")->as_object().empty());
  f.crash();
  CHECK(f.runs->count_open().empty());
}

}  // namespace keyturn::runs
