// What starts only while its requester is there: once, and never what is not what was decided.
#include <rapidcheck.h>

#include <algorithm>

#include "catalog/pins.h"
#include "gate/testing.h"

namespace keyturn::gate {
namespace {

using testing::Bench;

constexpr std::string_view kServer = R"(upstreams:
  files: {attached: true, gates: [resources/read]}
  other: {attached: true}
)";

constexpr std::string_view kRules = R"(apiVersion: keyturn/v1
kind: Policy
metadata: {name: tests, revision: 1}
defaults: {effect: deny, onError: deny}
rules:
- {id: free, match: {tool: [files.read, files.resources/read]}, effect: allow}
- {id: asked, match: {tool: [files.write]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}
- {id: shown, match: {tool: [files.erase]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h, evidence: published}}
- {id: later, match: {tool: [files.later]}, when: 'request.time < timestamp("2026-11-21T06:00:00Z")', effect: defer, defer: {until: 'timestamp("2026-11-21T06:00:00Z")', latest: 24h}}
- {id: then, match: {tool: [files.later]}, when: 'request.time >= timestamp("2026-11-21T06:00:00Z")', effect: allow}
)";

EventDraft pinned(const std::vector<std::string>& names, const std::string& description,
                  const std::string& upstream = "files") {
  doc::Value tools = doc::Object{}, definitions = doc::Object{};
  for (const std::string& name : names) {
    const doc::Value definition = doc::object({{"name", name}, {"description", description}});
    tools.set(name, catalog::definition_digest(definition).value());
    definitions.set(name, definition);
  }
  return {"upstream/" + upstream, "upstream.pinned",
          doc::object({{"upstream", upstream}, {"tools", tools}, {"by", "first_use"}}),
          doc::object({{"definitions", definitions}})};
}

struct Server : Bench {
  explicit Server(GateOptions wanted = {}) : Bench(std::move(wanted)) {
    activate("tools", std::string(kServer));
    activate("policy", std::string(kRules));
    pin("as it was");
  }
  void pin(const std::string& description) {
    record({pinned({"read", "write", "erase", "later"}, description)});
  }
  Task<Result<Submitted>> calling(const std::string& tool) {
    ActionRequest call;
    call.tool = tool;
    call.args = doc::object({{"path", "/data/x"}});
    call.attended = true;
    return gate->submit(agent("bot"), call);
  }
  RecordPtr call(const std::string& tool) {
    Result<Submitted> made = run(calling(tool));
    REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().message));
    return made->record;
  }
  RecordPtr approved(const std::string& tool) {
    const RecordPtr asked = call(tool);
    REQUIRE(asked->state == State::kPending);
    REQUIRE(run(voting("bob", asked)).has_value());
    return asked;
  }
  Result<RecordPtr> take_up(const RecordPtr& record, const std::string& who = "bot") {
    Result<RecordPtr> taken = run(gate->take_up(agent(who), record->id));
    settle_down();
    return taken;
  }
  std::string code(const RecordPtr& record, const std::string& who = "bot") {
    const Result<RecordPtr> taken = take_up(record, who);
    return taken ? "" : taken.error().code;
  }
  std::size_t count(const ActionId& id, std::string_view type) {
    return static_cast<std::size_t>(
        std::ranges::count_if(stream(id), [&](const Event& e) { return e.type == type; }));
  }
};

TEST_CASE("a tool call that policy allows starts at once, as one of an MCP server") {
  Server s;
  const RecordPtr read = s.call("files.read");
  s.settle_down();
  CHECK(s.state(read->id) == State::kSucceeded);
  CHECK(s.executor.executed.size() == 1);
  CHECK(s.executor.attended.size() == 1);
  const std::vector<Event> events = s.stream(read->id);
  const auto intended = std::ranges::find(events, "execution.intended", &Event::type);
  REQUIRE(intended != events.end());
  CHECK(intended->body.find_path({"execution", "connector"})->as_string() == "mcp");
  CHECK(events.front().body.flag("attended"));
  const ActionId method = s.call("files.resources/read")->id;
  s.settle_down();
  CHECK(s.state(method) == State::kSucceeded);
  CHECK(s.call("files.unseen")->state == State::kDenied);  // nobody pinned it
}

TEST_CASE("what people approve waits until its requester takes it up, and starts then") {
  Server s;
  const RecordPtr asked = s.approved("files.write");
  s.settle_down();
  CHECK(asked->state == State::kApproved);
  CHECK(asked->awaits_requester);
  CHECK(s.executor.executed.empty());
  CHECK(asked->timeline.back().type == "release.awaited");
  const Result<RecordPtr> taken = s.take_up(asked);
  REQUIRE(taken.has_value());
  CHECK(s.state(asked->id) == State::kSucceeded);
  CHECK(s.executor.attended == std::vector<std::string>{asked->id.str()});
  CHECK_FALSE(asked->awaits_requester);
  // Whoever comes once more gets it as it is.
  CHECK(s.code(asked).empty());
  CHECK(s.executor.executed.size() == 1);
}

TEST_CASE("an agent that does not wait has its approved action started without it") {
  Server s;
  ActionRequest request;
  request.tool = "files.write";
  request.args = doc::Object{};
  const Result<Submitted> made = s.run(s.gate->submit(Bench::agent("bot"), request));
  REQUIRE(made.has_value());
  REQUIRE(s.run(s.voting("bob", made->record)).has_value());
  s.settle_down();
  CHECK(s.state(made->record->id) == State::kSucceeded);
  CHECK(s.executor.attended.empty());
}

TEST_CASE("what nobody takes up expires") {
  Server s;
  const RecordPtr asked = s.approved("files.write");
  s.pass_until("2026-11-21T06:04:42Z");
  s.tick();
  CHECK(s.state(asked->id) == State::kApproved);
  s.pass_until("2026-11-21T06:04:44Z");
  CHECK(s.code(asked) == "closed");
  s.tick();
  CHECK(s.state(asked->id) == State::kExpired);
  CHECK(s.code(asked).empty());  // it is over: the record says how
  CHECK(s.executor.executed.empty());
}

TEST_CASE("only its requester takes it up, and only when it is approved") {
  Server s;
  const RecordPtr waits = s.call("files.write");
  CHECK(s.code(waits) == "closed");
  const RecordPtr asked = s.approved("files.write");
  CHECK(s.code(asked, "bot2") == "not_found");
  Result<RecordPtr> by_person = s.run(s.gate->take_up(Bench::person("bob"), asked->id));
  REQUIRE_FALSE(by_person.has_value());
  CHECK(by_person.error().code == "not_found");
  Result<RecordPtr> unknown = s.run(s.gate->take_up(Bench::agent("bot"), ActionId("act_x")));
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().code == "not_found");
  CHECK(s.executor.executed.empty());
}

TEST_CASE("taken up twice at once it runs once") {
  Server s;
  const RecordPtr asked = s.approved("files.write");
  const auto first = s.begin(s.gate->take_up(Bench::agent("bot"), asked->id));
  const auto second = s.begin(s.gate->take_up(Bench::agent("bot"), asked->id));
  REQUIRE(s.until([&] { return first->has_value() && second->has_value(); }));
  s.settle_down();
  CHECK((*first)->has_value());
  CHECK((*second)->has_value());
  CHECK(s.executor.executed.size() == 1);
  CHECK(s.count(asked->id, "execution.intended") == 1);
}

TEST_CASE("an approval of a definition that changed since returns to review") {
  Server s;
  SUBCASE("after it was approved") {
    const RecordPtr asked = s.approved("files.write");
    s.pin("as it is now");
    const Result<RecordPtr> taken = s.take_up(asked);
    REQUIRE(taken.has_value());
    CHECK((*taken)->state == State::kPending);
    CHECK((*taken)->review->round == 2);
    CHECK((*taken)->review->votes.empty());
    // People agree to what it is now.
    REQUIRE(s.run(s.voting("erin", *taken)).has_value());
    REQUIRE(s.take_up(asked).has_value());
    CHECK(s.executor.executed.size() == 1);
  }
  SUBCASE("before the vote") {
    const RecordPtr asked = s.call("files.write");
    s.pin("as it is now");
    const Result<RecordPtr> voted = s.run(s.voting("bob", asked));
    REQUIRE(voted.has_value());
    CHECK((*voted)->state == State::kPending);
    CHECK((*voted)->review->votes.empty());
    CHECK(s.executor.executed.empty());
  }
  SUBCASE("another server's definitions, and what is only offered, change nothing") {
    const RecordPtr asked = s.approved("files.write");
    s.record({pinned({"write"}, "another", "other")});
    EventDraft offered = pinned({"write"}, "offered");
    offered.type = "upstream.offered";
    s.record({offered});
    REQUIRE(s.take_up(asked).has_value());
    CHECK(s.executor.executed.size() == 1);
  }
}

// The definition changes between what is looked at and what is recorded.
TEST_CASE("a definition that is pinned while an approval is described is noticed") {
  Server s;
  const RecordPtr asked = s.approved("files.write");
  const auto hold = std::make_shared<testing::Latch>(s.io);
  s.executor.hold_describe["files.write"] = hold;
  const auto taking = s.begin(s.gate->take_up(Bench::agent("bot"), asked->id));
  REQUIRE(s.until([&] { return hold->waiting == 1; }));
  s.pin("as it is now");
  hold->open();
  REQUIRE(s.until([&] { return taking->has_value(); }));
  s.settle_down();
  CHECK(s.state(asked->id) == State::kPending);
  CHECK(s.executor.executed.empty());
}

TEST_CASE("policy that asks for more, a reviewer who left, a suspended agent: nothing starts") {
  Server s;
  const RecordPtr asked = s.approved("files.write");
  SUBCASE("policy asks for more people") {
    std::string rules(kRules);
    const std::string one = "effect: require, require: {quorum: {dba: 1}";
    rules.replace(rules.find(one), one.size(), "effect: require, require: {quorum: {dba: 2}");
    s.activate("policy", rules);
    CHECK(s.code(asked).empty());
    CHECK(s.state(asked->id) == State::kPending);
    CHECK(asked->review->votes.size() == 1);  // the vote stands
  }
  SUBCASE("policy denies it") {
    std::string rules(kRules);
    rules.replace(rules.find("tool: [files.write]"), 19, "tool: [nothing]");
    s.activate("policy", rules);
    CHECK(s.code(asked).empty());
    CHECK(s.state(asked->id) == State::kDenied);
  }
  SUBCASE("who approved has left") {
    s.record({people::person_deactivated("bob", "left")});
    CHECK(s.code(asked) == "quorum_lost");
    CHECK(s.state(asked->id) == State::kApproved);
  }
  SUBCASE("the agent is suspended") {
    s.record({people::agent_suspended("bot", "ada", "")});
    CHECK(s.code(asked) == "suspended");
    CHECK(s.state(asked->id) == State::kApproved);
  }
  SUBCASE("it is cancelled") {
    REQUIRE(s.run(s.gate->cancel(Bench::agent("bot"), asked->id)).has_value());
    CHECK(s.code(asked).empty());
    CHECK(s.state(asked->id) == State::kCancelled);
  }
  CHECK(s.executor.executed.empty());
}

TEST_CASE("after a restart it still waits, and starts once") {
  Server s;
  const ActionId id = s.approved("files.write")->id;
  s.open();
  const RecordPtr asked = s.gate->find_open(id);
  REQUIRE(asked);
  CHECK(asked->attended);
  CHECK(asked->awaits_requester);
  CHECK(s.gate->world().pins.pinned("files", "write") != nullptr);
  s.gate->recover();
  s.tick();
  CHECK(s.executor.executed.empty());
  CHECK(s.code(asked).empty());
  CHECK(s.executor.executed.size() == 1);
  s.open();
  CHECK(s.state(id) == State::kSucceeded);
}

TEST_CASE("what waits for evidence waits for its requester after that") {
  std::uint64_t published = 0;
  GateOptions options;
  options.evident = [&](std::string_view) { return published; };
  Server s(std::move(options));
  const RecordPtr asked = s.approved("files.erase");
  CHECK(asked->held_for == "published");
  CHECK_FALSE(asked->awaits_requester);
  CHECK(s.code(asked).empty());  // too early: approved, as it is
  CHECK(asked->state == State::kApproved);
  SUBCASE("the evidence comes") {
    published = s.real->size();
    s.gate->evidence_moved();
    s.settle_down();
    CHECK(asked->awaits_requester);
    CHECK(s.executor.executed.empty());
    s.gate->evidence_moved();
    s.settle_down();
    CHECK(s.count(asked->id, "release.awaited") == 1);
    CHECK(s.code(asked).empty());
    CHECK(s.executor.executed.size() == 1);
  }
  SUBCASE("the evidence comes over a restart") {
    const ActionId id = asked->id;
    published = s.real->size();
    s.open();
    s.gate->evidence_moved();
    s.settle_down();
    const RecordPtr again = s.gate->find_open(id);
    REQUIRE(again);
    CHECK(again->awaits_requester);
    CHECK(s.code(again).empty());
    CHECK(s.executor.executed.size() == 1);
  }
  SUBCASE("it never comes") {
    s.pass_until("2026-11-21T06:04:44Z");
    s.tick();
    CHECK(s.state(asked->id) == State::kExpired);
    CHECK(s.executor.executed.empty());
  }
}

TEST_CASE("what a deferral ends in is decided then, and starts when it is taken up") {
  Server s;
  const RecordPtr asked = s.call("files.later");
  REQUIRE(asked->state == State::kDeferred);
  CHECK(s.code(asked) == "closed");
  s.pass_until("2026-11-21T06:00:01Z");
  s.tick();
  CHECK(asked->state == State::kApproved);
  CHECK(asked->awaits_requester);
  CHECK(s.executor.executed.empty());
  SUBCASE("as it is") {
    CHECK(s.code(asked).empty());
    CHECK(s.executor.executed.size() == 1);
  }
  SUBCASE("the definition is another: policy decides that one") {
    s.pin("as it is now");
    CHECK(s.code(asked).empty());
    CHECK(s.executor.executed.size() == 1);
    CHECK(s.count(asked->id, "action.decided") == 3);
  }
  SUBCASE("policy asks people by now") {
    std::string rules(kRules);
    rules.replace(rules.find("effect: allow", rules.find("id: then")), 13,
                  "effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}");
    s.activate("policy", rules);
    CHECK(s.code(asked).empty());
    CHECK(asked->state == State::kPending);
    CHECK(s.executor.executed.empty());
  }
  SUBCASE("nobody does") {
    s.pass_until("2026-11-21T07:00:02Z");
    s.tick();
    CHECK(asked->state == State::kExpired);
    CHECK(s.executor.executed.empty());
  }
}

TEST_CASE("an amended call waits for the client that held the first one") {
  Server s;
  const RecordPtr asked = s.call("files.write");
  const Result<Submitted> amended = s.run(s.gate->amend(
      Bench::person("erin"), asked->id, doc::object({{"path", "/data/other"}}), "the other one"));
  REQUIRE(amended.has_value());
  CHECK(asked->amended_by == amended->record->id.str());
  CHECK(amended->record->attended);
  REQUIRE(s.run(s.voting("bob", amended->record)).has_value());
  CHECK(amended->record->awaits_requester);
  CHECK(s.code(amended->record).empty());
  CHECK(s.executor.executed == std::vector<std::string>{amended->record->id.str()});
}

// Everything at once and in any order: nothing runs twice, nothing that people did not approve, and
// nothing that nobody took up.
TEST_CASE("any order of votes, clients that come, cancellations and time releases at most once") {
  CHECK(rc::check("one release, and only of what was approved and taken up", [] {
    Server s;
    const RecordPtr asked = s.call("files.write");
    const ActionId id = asked->id;
    bool taken = false, approved = false;
    std::vector<std::shared_ptr<std::optional<Result<RecordPtr>>>> begun;
    const auto wait = [&] {
      REQUIRE(s.until([&] {
        return std::ranges::all_of(begun, [](const auto& b) { return b->has_value(); });
      }));
      begun.clear();
    };
    const auto steps = *rc::gen::container<std::vector<int>>(
        *rc::gen::inRange(1, 14), rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, 10)));
    for (const int step : steps) {
      const RecordPtr now = s.gate->find_open(id);
      if (step <= 2) {
        taken = true;
        begun.push_back(s.begin(s.gate->take_up(Bench::agent("bot"), id)));
      } else if (step == 3) {
        begun.push_back(s.begin(s.gate->take_up(Bench::agent("bot2"), id)));
      } else if (step <= 5 && now) {
        approved = true;
        begun.push_back(s.begin(s.voting(step == 4 ? "bob" : "erin", now)));
      } else if (step == 6) {
        begun.push_back(s.begin(s.gate->cancel(Bench::agent("bot"), id)));
      } else if (step == 7) {
        s.pin(std::to_string(begun.size()));
      } else if (step == 8) {
        s.clock.time += std::chrono::minutes(25);
        s.gate->tick();
      } else {
        wait();
        s.settle_down();
        s.open();
      }
      if (*rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, 3)) == 0) wait();
    }
    wait();
    s.settle_down();
    const std::size_t intended = s.count(id, "execution.intended");
    RC_ASSERT(intended <= 1U);
    RC_ASSERT(s.executor.executed.size() == intended);
    RC_ASSERT(intended == 0U || (taken && approved));
    RC_CLASSIFY(intended == 1U, "released");
  }));
}

}  // namespace
}  // namespace keyturn::gate
