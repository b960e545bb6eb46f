// What time does to a review that nobody answers: reminders, and escalation.
#include <algorithm>

#include "gate/testing.h"

namespace keyturn::gate {
namespace {

using testing::Bench;

constexpr std::string_view kRules = R"(apiVersion: keyturn/v1
kind: Policy
metadata: {name: tests, revision: 2}
rules:
- {id: asked, match: {tool: [ask]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 12h, remind: 10m, escalate: {after: 30m, to: leads, instead_of: [dba]}}}
- {id: told, match: {tool: [slow-ask]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 12h, escalate: {after: 30m, to: leads}}}
)";

struct Office : Bench {
  struct Told {
    Notice::Kind kind;
    std::string action;
    std::vector<std::string> to;
    bool operator==(const Told&) const = default;
  };
  std::vector<Told> told;
  Watch watch;

  Office() {
    pass_until("2026-11-21T06:00:00Z");
    std::vector<EventDraft> events;
    events.push_back(people::group_changed("leads", {"mia", "olga"}, {}));
    record(std::move(events));
    activate("policy", std::string(kRules));
    listen();
  }
  void listen() {
    watch = gate->watch_notices(
        [this](const Notice& n) { told.push_back({n.kind, n.record->id.str(), n.to}); });
  }
  void reopen() {
    watch = {};
    open();
    listen();
  }
  void pass(int minutes_) {
    clock.time += std::chrono::minutes(minutes_);
    tick();
  }
  std::vector<std::string> inbox_of(const std::string& who) {
    std::vector<std::string> out;
    for (const ActionRecord* record : gate->waiting_for(who)) out.push_back(record->id.str());
    return out;
  }
  std::size_t count(const ActionId& id, std::string_view type) {
    const std::vector<Event> events = stream(id);
    return static_cast<std::size_t>(std::ranges::count(events, type, &Event::type));
  }
};

using Kind = Notice::Kind;

TEST_CASE("people are reminded by the clock, once for each time, and it is in the record") {
  Office o;
  const RecordPtr one = o.ask("ask");
  o.pass(9);
  CHECK(o.told.empty());
  o.pass(1);
  REQUIRE(o.told.size() == 1);
  CHECK(o.told.front() == Office::Told{Kind::kReminder, one->id.str(), {"bob", "erin"}});
  for (int i = 0; i < 5; ++i) o.tick();
  CHECK(o.count(one->id, "review.reminded") == 1);
  CHECK(one->timeline.back().text == "reminded (1): waits for dba");
  o.reopen();
  o.tick();
  CHECK(o.count(one->id, "review.reminded") == 1);
}

TEST_CASE("who is out of office is not reminded") {
  Office o;
  std::vector<EventDraft> events;
  events.push_back(people::away_set("bob", o.clock.time + std::chrono::hours(2)));
  o.record(std::move(events));
  o.ask("ask");
  o.pass(10);
  REQUIRE(o.told.size() == 1);
  CHECK(o.told.front().to == std::vector<std::string>{"erin"});
}

TEST_CASE("what was missed while nothing ran is recorded once, and not made up for") {
  Office o;
  const RecordPtr asked = o.ask("ask");
  const ActionId id = asked->id;
  o.clock.time += std::chrono::minutes(100);
  o.reopen();
  o.tick();
  o.tick();
  CHECK(o.count(id, "review.reminded") == 1);
  CHECK(o.count(id, "review.escalated") == 1);
  const RecordPtr now = o.gate->find_open(id);
  CHECK(now->review->reminders == 3);
  CHECK(now->review->escalated_to == "leads");
  o.pass(49);
  CHECK(o.count(id, "review.reminded") == 1);
  o.pass(1);
  CHECK(o.count(id, "review.reminded") == 2);
}

TEST_CASE("an escalation tells the others, shows it to them, and lets policy say who decides") {
  Office o;
  const RecordPtr decides = o.ask("ask"), tells = o.ask("slow-ask");
  CHECK_FALSE(o.gate->may_read(Bench::person("mia"), *tells));
  o.pass(30);
  CHECK(std::ranges::count(o.told, Kind::kEscalation, &Office::Told::kind) == 2);
  for (const Office::Told& one : o.told) {
    if (one.kind == Kind::kEscalation) CHECK(one.to == std::vector<std::string>{"mia"});
  }
  CHECK(o.gate->may_read(Bench::person("mia"), *tells));
  CHECK(o.inbox_of("mia").size() == 2);
  CHECK(o.gate->may_vote("mia", *decides));
  CHECK_FALSE(o.gate->may_vote("mia", *tells));
  CHECK(o.inbox_of("olga").empty());  // the agent is hers
  CHECK(o.run(o.voting("mia", tells)).error().code == "not_a_reviewer");
  CHECK(o.run(o.gate->comment(Bench::person("mia"), tells->id, "is bob ill?")).has_value());
  REQUIRE(o.run(o.voting("mia", decides)).has_value());
  o.settle_down();
  CHECK(decides->state == State::kSucceeded);
  CHECK(o.inbox_of("mia") == std::vector<std::string>{tells->id.str()});
}

TEST_CASE("the escalation is what is recorded, also after a crash; and it ends with the review") {
  Office o;
  const ActionId id = o.ask("ask")->id;
  o.pass(30);
  o.reopen();
  const RecordPtr again = o.gate->find_open(id);
  REQUIRE(o.gate->may_vote("mia", *again));
  CHECK(o.inbox_of("mia").size() == 1);
  o.pass(12 * 60);
  CHECK(again->state == State::kExpired);
  CHECK(o.inbox_of("mia").empty());
  CHECK(o.count(id, "review.escalated") == 1);
}

TEST_CASE("a reminder that cannot be recorded is not sent, and is tried again") {
  Office o;
  const RecordPtr one = o.ask("ask");
  o.journal->refuse_append = [](const store::AppendRequest&) { return true; };
  o.pass(10);
  CHECK(o.told.empty());
  o.journal->refuse_append = nullptr;
  o.tick();
  CHECK(o.told.size() == 1);
  CHECK(o.count(one->id, "review.reminded") == 1);
}

}  // namespace
}  // namespace keyturn::gate
