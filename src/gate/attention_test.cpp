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
  past.approvals.push_back({"bot", "ask", "host", "here", "act_before", "bob", b.clock.now()});
  past.approvals.push_back({"bot", "ask", "host", "here", record->id.str(), "erin", b.clock.now()});
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

TEST_CASE("an amended exercise is one still, also where policy would allow what it is amended to") {
  Knowing b;
  const RecordPtr record = b.plant("rm -rf");
  Result<Submitted> amended =
      b.run(b.gate->amend(signed_in("bob"), record->id, doc::object({{"text", "ls"}}), ""));
  REQUIRE(amended.has_value());
  CHECK(b.vote("erin", amended->record) == "");
  CHECK(amended->record->canary_result == "missed");
  const RecordPtr other = b.plant("rm -rf");
  std::string policy(testing::kPolicy);
  policy.insert(policy.find("- {id: asked"),
                "- {id: fine, match: {tool: [ask]}, when: 'action.args.text == \"ls\"', effect: "
                "allow}\n");
  policy.replace(policy.find("match: {tool: [ask, slow-ask]}, effect"), 38,
                 "match: {tool: [ask, slow-ask]}, when: 'action.args.text != \"ls\"', effect");
  b.activate("policy", policy);
  amended = b.run(b.gate->amend(signed_in("bob"), other->id, doc::object({{"text", "ls"}}), ""));
  b.settle_down();
  REQUIRE(amended.has_value());
  CHECK(amended->record->canary_result == "amended");
  CHECK(b.executor.executed.empty());
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
