// A denied request that comes again is known, exercises never run, and policy can ask for somebody
// else than who agreed of late.
#include <algorithm>

#include "gate/testing.h"

namespace keyturn::gate {
namespace {

using review::Decision;
using testing::Bench;

Principal signed_in(const std::string& id) {
  return {PrincipalKind::kPerson, id, "ses_" + id, Assurance::kSession, "web"};
}

// What asks of the journal's past would answer: nothing.
struct Knowing : Bench {
  explicit Knowing(const std::string& another = "") {
    gate->load_past({});
    if (!another.empty()) ask_for_another(another);
  }
  void ask_for_another(const std::string& within) {
    std::string policy(testing::kPolicy);
    const std::string old = "match: {tool: [ask, slow-ask]}, effect: require, require: {";
    policy.insert(policy.find(old) + old.size(), "another: " + within + ", ");
    activate("policy", policy);
  }
  std::string vote(const std::string& who, const RecordPtr& record,
                   Decision decision = Decision::kApprove) {
    const Result<RecordPtr> done = run(voting(who, record, decision));
    settle_down();
    return done ? "" : done.error().code;
  }
  RecordPtr plant(const std::string& text = "x", const std::string& by = "alan") {
    Result<RecordPtr> planted = run(gate->plant_canary(signed_in(by), "bot", request("ask", text)));
    REQUIRE_MESSAGE(planted.has_value(), (planted ? "" : planted.error().message));
    return *planted;
  }
  std::vector<std::string> types(const RecordPtr& record) {
    std::vector<std::string> out;
    for (const Event& event : stream(record->id)) out.push_back(event.type);
    return out;
  }
};

TEST_CASE("a request that people denied is known when it comes again, with the latest of them") {
  Knowing b;
  const RecordPtr first = b.ask("ask", "drop it");
  CHECK(first->repeats == 0);
  CHECK(b.vote("bob", first, Decision::kDeny) == "");
  const RecordPtr second = b.ask("ask", "drop it");
  CHECK(second->repeats == 1);
  CHECK(second->repeats_of == first->id.str());
  CHECK(b.vote("bob", second, Decision::kDeny) == "");
  const RecordPtr third = b.ask("ask", "drop it");
  CHECK(third->repeats == 2);
  CHECK(third->repeats_of == second->id.str());
  CHECK(b.ask("ask", "something else")->repeats == 0);
  CHECK(b.ask("ask", "drop it", "bot2")->repeats == 0);
  // The denial by people can be found again after a restart.
  const std::vector<Event> events = b.stream(first->id);
  CHECK_FALSE(events.back().body.text("request_print").empty());
}

TEST_CASE("whoever approved the like of it lately does not approve this one; somebody else does") {
  Knowing b("1h");
  const RecordPtr first = b.ask("ask", "one");
  const RecordPtr second = b.ask("ask", "two");
  CHECK(b.vote("bob", first) == "");
  CHECK(b.vote("bob", second) == "another_reviewer");
  CHECK(b.vote("bob", b.ask("ask", "three"), Decision::kDeny) == "");  // to deny anybody may
  CHECK(b.vote("bob", b.ask("slow-ask", "of another kind")) == "");
  CHECK(b.vote("erin", second) == "");
  CHECK(b.state(second->id) == State::kSucceeded);
}

TEST_CASE("an approval that is older than that, or was taken back, does not stand in the way") {
  Knowing b("30m");
  b.pass_until("2026-11-21T05:10:00Z");
  CHECK(b.vote("bob", b.ask("ask", "one")) == "");
  b.pass_until("2026-11-21T05:39:00Z");
  CHECK(b.vote("bob", b.ask("ask", "two")) == "another_reviewer");
  b.pass_until("2026-11-21T05:41:00Z");
  CHECK(b.vote("bob", b.ask("ask", "three")) == "");
}

TEST_CASE("what is told of the past stands in the way, and nobody approves before it is told") {
  Bench b;
  std::string policy(testing::kPolicy);
  policy.insert(policy.find("assurance: token, expires: 1h}}"), "another: 1h, ");
  b.activate("policy", policy);
  const RecordPtr record = b.ask("ask", "one");
  CHECK(b.run(b.voting("bob", record)).error().code == "another_reviewer");
  Gate::Past past;
  past.approvals.push_back(
      {"bot", "ask", "host", "here", "act_before", "bob", "bob", b.clock.now()});
  past.approvals.push_back(
      {"bot", "ask", "host", "here", record->id.str(), "erin", "erin", b.clock.now()});
  b.gate->load_past(past);
  CHECK(b.run(b.voting("bob", record)).error().code == "another_reviewer");
  CHECK(
      b.run(b.voting("erin", record)).has_value());  // her vote on this very one is none before it
}

TEST_CASE("an exercise that is approved is revealed, and nothing of it ever runs") {
  Knowing b;
  const RecordPtr record = b.plant("rm -rf");
  CHECK(record->state == State::kPending);
  CHECK(record->requester.id == "bot");
  CHECK(b.vote("bob", record) == "");
  CHECK(b.state(record->id) == State::kCancelled);
  CHECK(record->canary_result == "missed");
  CHECK(b.executor.executed.empty());
  CHECK(b.types(record) == std::vector<std::string>{"action.decided", "review.opened",
                                                    "review.voted", "review.closed",
                                                    "canary.revealed"});
  b.open();
  CHECK(b.state(record->id) == State::kCancelled);
  CHECK(b.gate->open_records().empty());
}

TEST_CASE(
    "an exercise that is denied is caught, one that nobody answers expires, and it is no repeat") {
  Knowing b;
  const RecordPtr caught = b.plant("drop it");
  CHECK(b.vote("bob", caught, Decision::kDeny) == "");
  CHECK(caught->canary_result == "caught");
  CHECK(b.state(caught->id) == State::kDenied);
  const RecordPtr real = b.ask("ask", "drop it");
  CHECK(real->repeats == 0);
  CHECK(real->inputs.find_path({"history", "denied_24h"})->as_int64() == 0);
  const RecordPtr unanswered = b.plant();
  b.pass_until("2026-11-21T09:00:00Z");
  b.tick();
  CHECK(unanswered->canary_result == "expired");
  CHECK(b.state(unanswered->id) == State::kExpired);
}

TEST_CASE("after a crash an exercise is still one") {
  Knowing b;
  const ActionId id = b.plant("x")->id;
  b.open();
  b.gate->load_past({});
  const RecordPtr record = b.gate->find_open(id);
  REQUIRE(record);
  CHECK(record->canary == "alan");
  CHECK(b.vote("bob", record) == "");
  CHECK(record->canary_result == "missed");
  CHECK(b.executor.executed.empty());
}

TEST_CASE("to amend an exercise ends it: nothing follows from it") {
  Knowing b;
  const RecordPtr record = b.plant("rm -rf");
  const Result<Submitted> amended =
      b.run(b.gate->amend(signed_in("bob"), record->id, doc::object({{"text", "ls"}}), ""));
  REQUIRE_FALSE(amended.has_value());
  CHECK(amended.error().code == "closed");
  CHECK(record->canary_result == "amended");
  CHECK(b.state(record->id) == State::kCancelled);
  CHECK(b.gate->open_records().empty());
  CHECK(b.executor.executed.empty());
}

TEST_CASE("exercises take nothing from their agent: neither room nor history, over a restart too") {
  GateOptions few;
  few.pending_per_agent_max = 2;
  Bench b(few);
  b.gate->load_past({});
  std::vector<ActionId> planted;
  for (int i = 0; i < 3; ++i) {
    Result<RecordPtr> one =
        b.run(b.gate->plant_canary(signed_in("alan"), "bot", Bench::request("ask")));
    REQUIRE(one.has_value());
    planted.push_back((*one)->id);
  }
  const RecordPtr first = b.ask("ask", "a");
  CHECK(first->inputs.find_path({"history", "count_24h"})->as_int64() == 0);
  CHECK(b.ask("ask", "b")->state == State::kPending);
  CHECK(b.run(b.gate->submit(Bench::agent("bot"), Bench::request("ask"))).error().code ==
        "too_many_pending");
  for (const ActionId& id : planted)
    CHECK(b.run(b.voting("erin", b.gate->find_open(id), Decision::kDeny)).has_value());
  CHECK(b.run(b.gate->submit(Bench::agent("bot"), Bench::request("ask"))).error().code ==
        "too_many_pending");  // the end of one makes no room either
  CHECK(b.run(b.gate->plant_canary(signed_in("alan"), "bot", Bench::request("ask"))).has_value());
  b.open();
  // What the lists tell of the past: three of the agent's own, and the exercise that is open.
  Gate::Past past;
  const Time now = b.clock.now();
  past.hours.push_back({"bot", "ask", "host", "here", now, 3, 0});
  past.minutes = past.ever = past.hours;
  b.gate->load_past(past);
  Result<doc::Value> explained =
      b.run(b.gate->explain(Bench::request("ask"), "bot", nullptr, true));
  REQUIRE(explained.has_value());
  const RecordPtr other = b.ask("ask", "c", "bot2");
  CHECK(other->state == State::kPending);
  b.pass_until("2026-11-21T06:30:00Z");
  b.tick();
  const RecordPtr later = b.ask("ask", "d");
  CHECK(later->inputs.find_path({"history", "count_24h"})->as_int64() == 2);
}

TEST_CASE("so many exercises at once, and no more") {
  Knowing b;
  std::string code;
  int planted = 0;
  while (code.empty() && planted < 100) {
    const Result<RecordPtr> one =
        b.run(b.gate->plant_canary(signed_in("alan"), "bot", Bench::request("ask")));
    code = one ? "" : one.error().code;
    if (one) ++planted;
  }
  CHECK(code == "too_many_pending");
  CHECK(planted == 20);
}

TEST_CASE("who stands in for somebody is not somebody else, whether the place is named or not") {
  Knowing b("1h");
  people::Delegation one;
  one.id = "del_1";
  one.from = "bob";
  one.to = "mia";
  one.start = b.clock.now();
  one.until = one.start + std::chrono::hours(5);
  b.record({people::delegated(one)});
  CHECK(b.vote("bob", b.ask("ask", "one")) == "");
  const RecordPtr second = b.ask("ask", "two");
  CHECK(b.vote("mia", second) == "another_reviewer");  // it could only be bob's place
  CHECK(b.vote("erin", second) == "");
}

TEST_CASE("two approvals of the like at the same moment are one too many") {
  Knowing b("1h");
  const RecordPtr first = b.ask("ask", "one"), second = b.ask("ask", "two");
  const auto one = b.begin(b.voting("bob", first)), two = b.begin(b.voting("bob", second));
  REQUIRE(b.until([&] { return one->has_value() && two->has_value(); }));
  b.settle_down();
  CHECK((*one)->has_value() != (*two)->has_value());
  CHECK(b.executor.executed.size() == 1);
}

TEST_CASE("who was refused for it cannot tell an exercise from the rest") {
  Knowing b("1h");
  std::string policy(testing::kPolicy);
  policy.replace(policy.find("require: {quorum: {dba: 1}"), 26,
                 "require: {another: 1h, quorum: {dba: 2}");
  b.activate("policy", policy);
  const RecordPtr open = b.plant("two"), real = b.ask("ask", "three");
  CHECK(b.vote("bob", open) == "");
  CHECK(b.vote("bob", real) == "another_reviewer");
  CHECK(b.vote("erin", open, Decision::kDeny) == "");
  CHECK(b.vote("bob", real) == "");  // it was an exercise: it counts no more
}

TEST_CASE("nobody who knows of an exercise decides about it, and its agent does not see it") {
  Knowing b;
  b.record({people::group_changed("dba", {"alan"}, {})});
  const RecordPtr record = b.plant();
  CHECK(b.vote("alan", record) == "related_to_requester");
  CHECK_FALSE(b.gate->may_read(Bench::agent("bot"), *record));
  CHECK_FALSE(b.gate->may_read(signed_in("olga"), *record));  // who owns the agent
  CHECK(b.gate->may_read(signed_in("bob"), *record));
}

TEST_CASE("who may plant an exercise, and of what") {
  Knowing b;
  const auto code = [&](Principal who, const std::string& agent, const std::string& tool) {
    const Result<RecordPtr> done =
        b.run(b.gate->plant_canary(std::move(who), agent, Bench::request(tool)));
    return done ? std::string() : done.error().code;
  };
  CHECK(code(signed_in("bob"), "bot", "ask") == "not_allowed");
  CHECK(code(Bench::person("ada"), "bot", "ask") == "assurance_too_low");
  CHECK(code(Bench::agent("bot"), "bot", "ask") == "not_allowed");
  CHECK(code(signed_in("ada"), "nobody", "ask") == "unknown_agent");
  CHECK(code(signed_in("ada"), "bot", "run") == "canary_not_asked");
  CHECK(code(signed_in("ada"), "bot", "later") == "canary_not_asked");
  CHECK(code(signed_in("ada"), "bot", "ask") == "");
  CHECK(b.executor.executed.empty());
}

}  // namespace
}  // namespace keyturn::gate
