// How many runs at once, and locks, on a real gate and journal: who waits, for what, and that it is
// the same after a crash.
#include "runbook/turns.h"

#include <rapidcheck.h>

#include <algorithm>

#include "runs/testing.h"

namespace keyturn::runs {
namespace {

using gate::RecordPtr;
using gate::testing::Hold;
using gate::testing::Latch;

constexpr std::string_view kTools = R"(tools:
  run: {exec: [/bin/echo, "{{text}}"], params: {text: {type: string, default: x}}, sandbox: none}
--- # file: runbooks/locked.yaml
kind: Runbook
metadata: {name: locked}
inputs: {names: {type: array, items: {type: string, maxLength: 300}}}
locks: ["{{ size(inputs.names) > 0 ? inputs.names[0] : 'none' }}", "db/{{ size(inputs.names) > 1 ? inputs.names[1] : 'none' }}"]
steps:
- {id: one, tool: run}
---
kind: Runbook
metadata: {name: other}
locks: [a]
steps:
- {id: one, tool: run}
---
kind: Runbook
metadata: {name: two}
concurrency: {limit: 2}
steps:
- {id: one, tool: run}
---
kind: Runbook
metadata: {name: six}
concurrency: {limit: 6}
steps:
- {id: one, tool: run}
---
kind: Runbook
metadata: {name: pair}
inputs: {names: {type: array, items: {type: string}}}
concurrency: {limit: 2}
locks: ["db/{{ inputs.names[0] }}"]
steps:
- {id: one, tool: run}
---
kind: Runbook
metadata: {name: single}
concurrency: {limit: 1, busy: refuse}
steps:
- {id: one, tool: run}
---
kind: Runbook
metadata: {name: parent}
locks: [a]
steps:
- {id: child, runbook: other}
---
kind: Runbook
metadata: {name: first}
locks: [x]
steps:
- {id: slow, tool: run}
- {id: child, runbook: takes_y}
---
kind: Runbook
metadata: {name: second}
locks: [y]
steps:
- {id: slow, tool: run}
- {id: child, runbook: takes_x}
---
kind: Runbook
metadata: {name: takes_x}
locks: [x]
steps:
- {id: one, pass: true}
---
kind: Runbook
metadata: {name: takes_y}
locks: [y]
steps:
- {id: one, pass: true}
)";

constexpr std::string_view kRules = R"(apiVersion: keyturn/v1
kind: Policy
metadata: {name: tests, revision: 1}
defaults: {effect: deny, onError: deny}
rules:
- {id: free, match: {tool: [run, "runbook.*"]}, effect: allow}
)";

using Waits = std::vector<runbook::WaitsFor>;

struct Field : testing::Field {
  Hold latch = std::make_shared<Latch>(io);

  Field() : testing::Field(kTools, kRules) {}

  // Its programs do not end before let_go().
  void hold_programs() {
    latch = std::make_shared<Latch>(io);
    executor.hold_execute["run"] = latch;
  }
  void let_go() {
    executor.hold_execute.clear();
    latch->open();
    settle_down();
  }
  std::string start(const std::string& name, const std::vector<std::string>& names = {}) {
    ActionRequest request;
    request.tool = "runbook." + name;
    request.args = name == "locked" || name == "pair"
                       ? doc::object({{"names", doc::array_of(names)}})
                       : doc::Value(doc::Object{});
    Result<gate::Submitted> made = run(gate->submit(agent("bot"), request));
    REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().message));
    settle_down();
    return made->record->id.str();
  }
  State how(const std::string& id) { return state(ActionId(id)); }
  std::string reason(const std::string& id) {
    const RecordPtr found = run(gate->find(host(), ActionId(id)));
    return found && found->outcome ? found->outcome->reason : "";
  }
  RecordPtr pending_step(const std::string& id) {
    for (const RecordPtr& record : gate->open_records()) {
      if (record->run && record->run->run == id) return record;
    }
    return nullptr;
  }
  doc::Value show(const std::string& id) {
    Result<doc::Value> out = run(runs->show(host(), id));
    REQUIRE(out.has_value());
    return *out;
  }
  bool holds(const std::string& id) {
    const doc::Value shown = show(id);
    CHECK((shown.text("state") != "waiting" || shown.find("waits_for") != nullptr));
    return shown.find("turn_at") != nullptr && shown.find("waits_for") == nullptr;
  }
  Waits waits(const std::string& id) {
    Waits out;
    const doc::Value shown = show(id);
    const doc::Value* list = shown.find("waits_for");
    for (const doc::Value& one : list == nullptr ? doc::Array{} : list->as_array()) {
      runbook::WaitsFor kept{std::string(one.text("lock")), {}};
      for (const doc::Value& by : one.find("held_by")->as_array())
        kept.by.push_back(by.as_string());
      out.push_back(std::move(kept));
    }
    return out;
  }
};

}  // namespace

TEST_CASE("a lock is one run's at a time, in the order of their starts; who waits sees for whom") {
  Field f;
  f.hold_programs();
  const std::string a = f.start("locked", {"a", "x"});
  const std::string b = f.start("locked", {"b", "x"});
  const std::string c = f.start("other");
  const std::string d = f.start("locked", {"d"});
  CHECK(f.holds(a));
  CHECK(f.holds(d));
  CHECK(f.waits(b) == Waits{{"db/x", {a}}});
  CHECK(f.waits(c) == Waits{{"a", {a}}});
  CHECK(f.waits(a).empty());
  f.let_go();
  for (const std::string& one : {a, b, c, d}) CHECK(f.how(one) == State::kSucceeded);
  CHECK(f.runs->count_open().empty());
}

TEST_CASE("so many at once; one that does not wait fails and says why") {
  Field f;
  f.hold_programs();
  const std::string a = f.start("two"), b = f.start("two"), c = f.start("two");
  CHECK(f.holds(a));
  CHECK(f.holds(b));
  CHECK(f.waits(c) == Waits{{"", {a, b}}});
  const std::string d = f.start("single"), e = f.start("single");
  CHECK(f.how(e) == State::kFailed);
  CHECK(f.reason(e).find(d) != std::string::npos);
  f.let_go();
  CHECK(f.how(c) == State::kSucceeded);
  CHECK(f.how(d) == State::kSucceeded);
  CHECK(f.how(f.start("single")) == State::kSucceeded);
}

TEST_CASE("a place that is free is not kept for a run that waits for a lock") {
  Field f;
  f.hold_programs();
  const std::string a = f.start("pair", {"x"}), b = f.start("pair", {"x"});
  CHECK(f.waits(b) == Waits{{"db/x", {a}}});
  const std::string c = f.start("pair", {"y"});
  CHECK(f.holds(c));
  const std::string d = f.start("pair", {"z"});
  CHECK(f.waits(d) == Waits{{"", {a, c}}});
  f.let_go();
  for (const std::string& one : {a, b, c, d}) CHECK(f.how(one) == State::kSucceeded);
}

TEST_CASE("a turn that could not be recorded is recorded later, whatever else happens to the run") {
  Field f;
  f.hold_programs();
  const std::string a = f.start("other"), b = f.start("other"), c = f.start("other");
  int refused = 0;
  f.journal->refuse_append = [&](const store::AppendRequest& request) {
    const bool turn = std::ranges::any_of(
        request.events, [](const EventDraft& draft) { return draft.type == "run.locked"; });
    refused += turn ? 1 : 0;
    return turn;
  };
  f.let_go();
  CHECK(f.how(a) == State::kSucceeded);
  CHECK(refused == 1);
  CHECK_FALSE(f.holds(b));
  REQUIRE(f.run(f.runs->pause(f.agent("bot"), b)).has_value());
  REQUIRE(f.run(f.runs->resume(f.agent("bot"), b)).has_value());  // it looks at what to do
  f.settle_down();
  f.journal->refuse_append = nullptr;
  f.clock.time += std::chrono::seconds(2);
  f.runs->tick();
  f.settle_down();
  CHECK(f.how(b) == State::kSucceeded);
  CHECK(f.how(c) == State::kSucceeded);
}

TEST_CASE("a list names some of those that hold what a run waits for, the run itself all") {
  Field f;
  f.hold_programs();
  std::vector<std::string> six;
  for (int i = 0; i < 6; ++i) six.push_back(f.start("six"));
  const std::string last = f.start("six");
  const RecordPtr record = f.gate->find_open(ActionId(last));
  REQUIRE(record);
  const doc::Value line = f.runs->summary(*record);
  CHECK(line.text("state") == "waiting");
  REQUIRE(line.find("waits_for") != nullptr);
  CHECK(line.find("waits_for")->as_array().front().find("held_by")->as_array().size() == 5);
  CHECK(f.waits(last) == Waits{{"", six}});
  f.let_go();
}

TEST_CASE("whoever waits can be cancelled; paused, it lets others by") {
  Field f;
  f.hold_programs();
  const std::string a = f.start("other"), b = f.start("other"), c = f.start("other"),
                    d = f.start("other");
  REQUIRE(f.run(f.runs->cancel(f.agent("bot"), b, "no longer")).has_value());
  f.settle_down();
  CHECK(f.how(b) == State::kFailed);
  CHECK(f.reason(b) == "cancelled by bot: no longer");
  REQUIRE(f.run(f.runs->pause(f.agent("bot"), c)).has_value());
  f.let_go();
  CHECK(f.how(a) == State::kSucceeded);
  CHECK(f.how(d) == State::kSucceeded);
  CHECK_FALSE(f.holds(c));
  REQUIRE(f.run(f.runs->resume(f.agent("bot"), c)).has_value());
  f.settle_down();
  CHECK(f.how(c) == State::kSucceeded);
}

TEST_CASE("a run within another has its locks; a circle is refused and waits for ever for nobody") {
  Field f;
  CHECK(f.how(f.start("parent")) == State::kSucceeded);
  f.hold_programs();
  const std::string a = f.start("first"), b = f.start("second");
  f.let_go();
  const std::string both = f.reason(a) + f.reason(b);
  CHECK(both.find("it would wait for a run that waits for it") != std::string::npos);
  CHECK((f.how(a) == State::kSucceeded) != (f.how(b) == State::kSucceeded));
  CHECK(f.runs->count_open().empty());
}

TEST_CASE("a lock without a name begins nothing") {
  Field f;
  const std::string a = f.start("locked", {std::string(300, 'x')});
  CHECK(f.how(a) == State::kFailed);
  CHECK(f.reason(a).find("a lock's name") != std::string::npos);
}

TEST_CASE("after a crash whoever held holds, and whoever waited waits") {
  Field f;
  f.hold_programs();
  const std::string a = f.start("other"), b = f.start("other");
  f.executor.hold_execute.clear();  // what ran then never ends
  const auto recovering = std::make_shared<Latch>(f.io);
  const RecordPtr step = f.pending_step(a);
  REQUIRE(step);
  f.executor.hold_recover[step->id.str()] = recovering;
  f.crash();
  f.settle_down();
  CHECK(f.holds(a));
  CHECK(f.waits(b) == Waits{{"a", {a}}});
  recovering->open();
  f.settle_down();
  CHECK(f.how(a) == State::kFailed);
  CHECK(f.how(b) == State::kSucceeded);
}

TEST_CASE("property: whenever it crashes, no lock is two runs', no limit is passed, and all end") {
  CHECK(rc::check([] {
    Field f;
    std::map<std::string, std::vector<std::string>> asked;  // run -> locks
    std::vector<std::string> limited;
    for (int left = *rc::gen::inRange(2, 7); left > 0; --left) {
      // The answer of one commit comes late, or never, when it crashes before.
      const auto cut = std::make_shared<Latch>(f.io);
      const int at = *rc::gen::inRange(0, 6);
      f.journal->hold_append = [cut, count = at](const auto&) mutable {
        return count-- == 0 ? cut : nullptr;
      };
      if (*rc::gen::inRange(0, 3) == 0) {
        ActionRequest request;
        request.tool = "runbook.two";
        request.args = doc::Object{};
        f.begin(f.gate->submit(f.agent("bot"), request));
      } else {
        const std::vector<std::string> names{*rc::gen::element<std::string>("a", "b"),
                                             *rc::gen::element<std::string>("x", "y", "z")};
        ActionRequest request;
        request.tool = "runbook.locked";
        request.args = doc::object({{"names", doc::array_of(names)}});
        f.begin(f.gate->submit(f.agent("bot"), request));
      }
      f.settle_down();
      if (*rc::gen::arbitrary<bool>()) {
        f.crash();
      } else {
        f.journal->hold_append = nullptr;
        cut->open();
      }
      f.settle_down();
    }
    f.crash();
    f.settle_down();
    REQUIRE(f.until([&] { return f.runs->count_open().empty(); }));
    f.settle_down();
    // As the ledger tells it.
    std::map<std::string, std::string> held;  // lock -> run
    std::set<std::string> two;
    std::map<std::string, std::vector<std::string>> locks_of;
    for (const Event& event : f.run(f.real->read_range(0, 10'000, true))) {
      if (!event.stream.starts_with("run/")) continue;
      const std::string id = event.stream.substr(4);
      if (event.type == "run.locked") {
        RC_ASSERT(!locks_of.contains(id));
        std::vector<std::string>& mine = locks_of[id];
        for (const doc::Value& lock : event.private_part->find("locks")->as_array())
          mine.push_back(lock.as_string());
        for (const std::string& lock : mine) RC_ASSERT(held.emplace(lock, id).second);
        if (event.body.find("run")->text("runbook") == "two") two.insert(id);
        RC_ASSERT(two.size() <= 2);
      }
      if (event.type == "run.ended") {
        for (const std::string& lock : locks_of[id]) held.erase(lock);
        two.erase(id);
      }
    }
    RC_ASSERT(held.empty());
    RC_ASSERT(two.empty());
  }));
}

}  // namespace keyturn::runs
