#include <algorithm>

#include "gate/testing.h"

namespace keyturn::gate {
namespace {

using people::Emergency;
using people::EmergencyKind;
using testing::Bench;

constexpr std::string_view kGlassPolicy = R"(apiVersion: keyturn/v1
kind: Policy
metadata: {name: glass, revision: 1}
defaults: {effect: deny, onError: deny}
emergencies:
  incident: {openers: [sre], lasts: 2h}
  break_glass: {openers: [lead], lasts: 30m, reviewers: [dba], review_within: 12h}
rules:
- {id: free, match: {tool: [run]}, effect: allow}
- {id: closed, match: {tool: [swift]}, when: 'request.time < timestamp("2030-01-01T00:00:00Z")', effect: deny, waivable: true}
- {id: glass, match: {tool: [swift]}, when: 'request.break_glass != ""', effect: allow, waives: [closed]}
- {id: asked, match: {tool: [ask]}, unless: 'request.incident != ""', effect: require, require: {quorum: {dba: 2}, assurance: token, expires: 1h}}
- {id: asked-less, match: {tool: [ask]}, when: 'request.incident != ""', effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h, review_after: 4h}}
- {id: asked-glass, match: {tool: [slow-ask]}, when: 'request.break_glass != ""', effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 5h}}
)";

// mia leads, olga is on call (and owns the agents); bob and erin are dba.
struct Office : Bench {
  Office() {
    std::vector<EventDraft> events;
    events.push_back(people::group_changed("lead", {"mia", "bob"}, {}));
    events.push_back(people::group_changed("sre", {"alan"}, {}));
    record(std::move(events));
    activate("policy", std::string(kGlassPolicy));
  }
  static Principal in_browser(const std::string& id) {
    return {PrincipalKind::kPerson, id, "ses_" + id, Assurance::kSession, "web"};
  }
  Result<Emergency> begin_one(EmergencyKind kind, const std::string& who,
                              std::set<std::string> agents = {"bot"},
                              std::optional<Duration> lasts = {}) {
    Gate::OpenEmergency wanted{kind, std::move(agents), "the site is down", lasts, {}};
    if (kind == EmergencyKind::kBreakGlass) wanted.assertion = doc::object({{"signature", "s"}});
    return run(gate->open_emergency(in_browser(who), std::move(wanted)));
  }
  Emergency glass(const std::string& who = "mia") {
    Result<Emergency> opened = begin_one(EmergencyKind::kBreakGlass, who);
    REQUIRE(opened.has_value());
    return *opened;
  }
  std::string look(const std::string& who, const RecordPtr& record, bool justified = true) {
    Result<RecordPtr> done =
        run(gate->look_after(in_browser(who), record->id, justified, "I looked at it"));
    return done ? "ok" : done.error().code;
  }
  std::vector<std::string> types(const RecordPtr& record) {
    std::vector<std::string> out;
    for (const Event& event : stream(record->id)) out.push_back(event.type);
    return out;
  }
};

template <class T>
std::string code(const Result<T>& result) {
  return result ? "ok" : result.error().code;
}

TEST_CASE("policy says who may open what, for how long, and for whom") {
  Office b;
  using enum EmergencyKind;
  CHECK(code(b.begin_one(kIncident, "alan", {})) == "ok");
  CHECK(code(b.begin_one(kIncident, "mia")) == "not_an_opener");
  CHECK(code(b.begin_one(kBreakGlass, "alan")) == "not_an_opener");
  CHECK(code(b.begin_one(kBreakGlass, "nobody")) == "inactive");
  CHECK(code(b.begin_one(kBreakGlass, "mia", {})) == "invalid_args");
  CHECK(code(b.begin_one(kBreakGlass, "mia", {"zeus"})) == "unknown_agent");
  CHECK(code(b.begin_one(kBreakGlass, "mia", {"bot"}, std::chrono::minutes(31))) == "invalid_args");
  Gate::OpenEmergency plain{kBreakGlass, {"bot"}, "why", {}, {}};
  CHECK(code(b.run(b.gate->open_emergency(b.in_browser("mia"), plain))) == "passkey_required");
  plain.kind = kIncident;
  CHECK(code(b.run(b.gate->open_emergency(b.person("alan"), plain))) == "assurance_too_low");
  CHECK(code(b.run(b.gate->open_emergency(b.agent("bot"), plain))) == "not_an_opener");
  plain.reason.clear();
  CHECK(code(b.run(b.gate->open_emergency(b.in_browser("alan"), plain))) == "empty_text");
  b.activate("policy", std::string(testing::kPolicy));
  CHECK(code(b.begin_one(kBreakGlass, "mia")) == "not_an_opener");  // the policy names nobody
}

TEST_CASE(
    "broken glass counts for its agents, for its time, and is recorded where it made a "
    "difference") {
  Office b;
  CHECK(b.ask("swift")->state == State::kDenied);
  const Emergency glass = b.glass();
  const RecordPtr used = b.ask("swift");
  CHECK(used->break_glass == glass.id);
  CHECK(std::ranges::count(used->lineage.parties, people::Party{people::Role::kOpener, "mia"}) ==
        1);
  CHECK(b.ask("swift", "x", "bot2")->state == State::kDenied);
  CHECK(b.ask("run")->break_glass.empty());  // it would have been the same without
  CHECK(b.gate->world().emergencies.find(glass.id)->uses == 1);
  const auto events = b.run(b.real->read_stream("emergency/" + glass.id, 1, true));
  REQUIRE(events.size() == 2);
  CHECK(events[0].type == "breakglass.opened");
  CHECK(events[0].private_part->text("reason") == "the site is down");
  CHECK(events[0].body.find("emergency")->find("assertion")->text("signature") == "s");
  CHECK(events[1].type == "breakglass.used");
  CHECK(events[1].body.find("used_by")->text("action") == used->id.str());
  b.clock.time += std::chrono::minutes(31);
  CHECK(b.ask("swift")->state == State::kDenied);
  const Emergency again = b.glass();
  CHECK(code(b.run(b.gate->close_emergency(b.in_browser("erin"), again.id))) == "not_allowed");
  CHECK(code(b.run(b.gate->close_emergency(b.in_browser("bob"), again.id))) == "ok");
  CHECK(code(b.run(b.gate->close_emergency(b.in_browser("bob"), again.id))) == "closed");
  CHECK(b.ask("swift")->state == State::kDenied);
}

TEST_CASE("what broken glass made possible is looked at afterwards, by somebody else, with words") {
  Office b;
  b.glass("bob");  // a dba, too
  const RecordPtr used = b.ask("swift");
  REQUIRE(b.until([&] { return used->state == State::kSucceeded; }));
  b.settle_down();
  REQUIRE(used->after_review);
  CHECK(used->after_review->is_open());
  CHECK(used->after_review->groups == std::set<std::string>{"dba"});
  CHECK(b.types(used).back() == "breakglass.review_due");
  CHECK(b.gate->to_look_after("erin").size() == 1);
  CHECK(b.gate->to_look_after("bob").empty());
  CHECK(b.look("bob", used) == "related_to_requester");   // he broke it
  CHECK(b.look("olga", used) == "related_to_requester");  // her agent
  CHECK(b.look("ada", used) == "not_a_reviewer");
  CHECK(code(b.run(b.gate->look_after(b.person("erin"), used->id, true, "fine"))) ==
        "assurance_too_low");
  CHECK(code(b.run(b.gate->look_after(b.in_browser("erin"), used->id, true, ""))) == "empty_text");
  // It cannot be erased before, and it stays open over a restart.
  CHECK(code(b.run(b.gate->erasable(used->id, ""))) == "still_open");
  b.open();
  REQUIRE(b.gate->to_look_after("erin").size() == 1);
  const RecordPtr after = b.gate->to_look_after("").front();
  CHECK(b.look("erin", after, false) == "ok");
  CHECK(after->after_review->by == "erin");
  CHECK_FALSE(after->after_review->justified);
  CHECK(b.look("erin", after) == "closed");
  CHECK(b.gate->to_look_after("").empty());
  CHECK(code(b.run(b.gate->erasable(used->id, ""))) == "ok");
  b.open();
  CHECK(b.gate->to_look_after("").empty());
}

TEST_CASE("an exception for an incident is gone when the incident is") {
  Office b;
  REQUIRE(b.begin_one(EmergencyKind::kIncident, "alan", {}).has_value());
  const RecordPtr asked = b.ask("ask");
  CHECK(asked->verdict.plan.quorum == Quorum{{"dba", 1}});
  const std::string id = asked->incident;
  REQUIRE(b.gate->world().emergencies.find(id) != nullptr);
  CHECK(code(b.run(b.gate->close_emergency(b.in_browser("alan"), id))) == "ok");
  // One vote would have done; at the release it is decided again, and needs two.
  CHECK(code(b.run(b.voting("bob", asked))) == "ok");
  CHECK(asked->state == State::kPending);
  CHECK(asked->verdict.plan.quorum == Quorum{{"dba", 2}});
  CHECK(code(b.run(b.voting("erin", asked))) == "ok");
  REQUIRE(b.until([&] { return asked->state == State::kSucceeded; }));
  b.settle_down();
  CHECK_FALSE(asked->after_review);  // in the end it needed no exception
  CHECK(b.executor.executed.size() == 1);
}

TEST_CASE("another emergency than it was agreed under returns it, without its opener") {
  Office b;
  std::vector<EventDraft> events;
  events.push_back(people::group_changed("sre", {"bob"}, {}));
  b.record(std::move(events));
  Result<Emergency> first = b.begin_one(EmergencyKind::kIncident, "alan", {});
  REQUIRE(first.has_value());
  const RecordPtr asked = b.ask("ask");
  REQUIRE(b.run(b.gate->close_emergency(b.in_browser("alan"), first->id)).has_value());
  Result<Emergency> second = b.begin_one(EmergencyKind::kIncident, "bob", {});
  REQUIRE(second.has_value());
  // bob opened the one that now makes one vote enough: his is not that vote.
  CHECK(code(b.run(b.voting("bob", asked))) == "ok");
  CHECK(asked->state == State::kPending);
  CHECK(asked->incident == second->id);
  CHECK(b.executor.executed.empty());
  b.settle_down();
  CHECK(b.gate->world().emergencies.find(second->id)->uses == 1);
  CHECK(code(b.run(b.voting("erin", asked))) == "ok");
  REQUIRE(b.until([&] { return asked->state == State::kSucceeded; }));
  b.settle_down();
  CHECK(b.look("bob", asked) == "related_to_requester");
}

TEST_CASE("where an incident or broken glass would do, both were used") {
  Office b;
  b.activate("policy", std::string(kGlassPolicy) +
                           "- {id: either, match: {tool: [later]}, when: 'request.break_glass != "
                           "\"\" || request.incident != \"\"', effect: allow}\n");
  REQUIRE(b.begin_one(EmergencyKind::kIncident, "alan", {}).has_value());
  const Emergency glass = b.glass();
  const RecordPtr used = b.ask("later");
  CHECK(used->break_glass == glass.id);
  CHECK_FALSE(used->incident.empty());
  REQUIRE(b.until([&] { return used->state == State::kSucceeded; }));
  b.settle_down();
  CHECK(used->after_review);
}

TEST_CASE("an approval under broken glass does not outlive it") {
  Office b;
  const Emergency glass = b.glass();
  const RecordPtr asked = b.ask("slow-ask");
  REQUIRE(asked->state == State::kPending);
  b.clock.time += std::chrono::minutes(31);
  CHECK(code(b.run(b.voting("erin", asked))) == "ok");
  CHECK(asked->state == State::kDenied);
  CHECK(b.executor.executed.empty());
}

TEST_CASE("who is shut out keeps no glass broken") {
  Office b;
  b.glass();
  CHECK_FALSE(b.ask("swift")->break_glass.empty());
  std::vector<EventDraft> events;
  events.push_back(people::person_deactivated("mia", "left"));
  b.record(std::move(events));
  CHECK(b.ask("swift")->state == State::kDenied);
}

TEST_CASE("a grant under broken glass is used while it is broken") {
  Office b;
  b.activate("policy", std::string(kGlassPolicy) +
                           "- {id: deploys, match: {tool: [deploy]}, when: 'request.break_glass != "
                           "\"\"', effect: allow}\n");
  const Emergency glass = b.glass();
  ActionRequest request;
  request.tool = "deploy";
  request.args = doc::object({{"ref", "v1"}});
  Result<Submitted> made = b.run(b.gate->submit(b.agent("bot"), request));
  REQUIRE(made.has_value());
  const auto grant = b.gate->take_grant(b.agent("bot"), *made->record);
  REQUIRE(grant);
  REQUIRE(b.run(b.gate->close_emergency(b.in_browser("mia"), glass.id)).has_value());
  CHECK(code(b.run(b.gate->consume_grant(b.agent("deployer"), *grant,
                                         made->record->case_digest))) == "digest_mismatch");
}

TEST_CASE("a plan asks for a look afterwards without any glass") {
  Office b;
  REQUIRE(b.begin_one(EmergencyKind::kIncident, "alan", {}).has_value());
  const RecordPtr asked = b.ask("ask");
  CHECK(code(b.run(b.voting("bob", asked))) == "ok");
  REQUIRE(b.until([&] { return asked->state == State::kSucceeded; }));
  b.settle_down();
  REQUIRE(asked->after_review);
  CHECK(asked->after_review->due <= b.clock.time + std::chrono::hours(4));
  CHECK(b.look("bob", asked) == "not_a_reviewer");  // he approved it
  CHECK(b.look("alan", asked) == "related_to_requester");
  CHECK(b.look("erin", asked) == "ok");
}

TEST_CASE("why an emergency was opened goes with its opener's words, when it is over") {
  Office b;
  const Emergency glass = b.glass();
  CHECK(b.run(b.gate->erasable_emergencies("mia")).empty());  // it is not
  b.clock.time += std::chrono::minutes(31);
  CHECK(b.run(b.gate->erasable_emergencies("bob")).empty());
  std::vector<Gate::Erasable> hers = b.run(b.gate->erasable_emergencies("mia"));
  REQUIRE(hers.size() == 1);
  CHECK(hers[0].entries.size() == 1);
  REQUIRE(b.run(b.gate->erase(std::move(hers), doc::object({{"person", "mia"}}), ActionId("act_1")))
              .has_value());
  CHECK(b.gate->world().emergencies.find(glass.id)->reason.empty());
  CHECK(b.gate->world().directory.person("mia")->name == "mia");  // that is another erasure
  b.open();
  CHECK(b.gate->world().emergencies.find(glass.id)->reason.empty());
  CHECK(b.gate->world().emergencies.find(glass.id)->opener == "mia");
}

TEST_CASE("a late report leaves the look due") {
  Office b;
  b.activate("policy", std::string(kGlassPolicy) +
                           "- {id: deploys, match: {tool: [deploy]}, when: 'request.break_glass != "
                           "\"\"', effect: allow}\n");
  b.glass();
  ActionRequest request;
  request.tool = "deploy";
  request.args = doc::object({{"ref", "v1"}});
  Result<Submitted> made = b.run(b.gate->submit(b.agent("bot"), request));
  REQUIRE(made.has_value());
  const RecordPtr record = made->record;
  const auto grant = b.gate->take_grant(b.agent("bot"), *record);
  REQUIRE(grant);
  REQUIRE(b.run(b.gate->consume_grant(b.agent("deployer"), *grant, record->case_digest)));
  b.clock.time += std::chrono::hours(24);
  b.tick();
  REQUIRE(b.until([&] { return record->state == State::kUnknown; }));
  const Time due = record->after_review->due;
  REQUIRE(b.run(b.gate->report_outcome(b.agent("deployer"), record->id, OutcomeKind::kSucceeded,
                                       doc::object({{"ok", true}}))));
  CHECK(b.types(record).back() == "breakglass.review_due");
  CHECK(record->after_review->due == due);
  b.open();
  CHECK(b.gate->to_look_after("erin").size() == 1);
}

}  // namespace
}  // namespace keyturn::gate
