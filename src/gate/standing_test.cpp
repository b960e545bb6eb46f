#include "people/standing.h"

#include <algorithm>

#include "gate/testing.h"

namespace keyturn::gate {
namespace {

using people::Standing;
using testing::Bench;

constexpr std::string_view kStandingPolicy = R"(apiVersion: keyturn/v1
kind: Policy
metadata: {name: standing, revision: 1}
defaults: {effect: deny, onError: deny}
emergencies:
  incident: {openers: [sre], lasts: 2h}
standing:
- {id: asks, match: {tool: [ask, slow-ask, deploy]}, lasts: 7d, uses: 10, bounds: [args.text]}
rules:
- {id: never, match: {tool: [ask]}, when: action.args.text == "never", effect: deny}
- {id: asked, match: {tool: [ask]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h, review_after: 4h}}
- {id: two, match: {tool: [slow-ask]}, effect: require, require: {quorum: {dba: 2}, assurance: token, expires: 1h}}
- {id: granted, match: {tool: [deploy]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}
- {id: asked-loud, match: {tool: [later]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}
)";

std::string with(std::string_view text, std::string_view from, std::string_view to) {
  std::string out(text);
  const std::size_t place = out.find(from);
  REQUIRE(place != std::string::npos);
  return out.replace(place, from.size(), to);
}

// pat proposes; bob, erin and cleo are dba; olga owns the agents.
struct Office : Bench {
  Office() {
    std::vector<EventDraft> events;
    for (const char* id : {"pat", "cleo"}) {
      people::Person person;
      person.id = person.name = id;
      events.push_back(people::person_added(person));
    }
    events.push_back(people::group_changed("dba", {"cleo"}, {}));
    events.push_back(people::group_changed("sre", {"alan"}, {}));
    record(std::move(events));
    activate("policy", std::string(kStandingPolicy));
  }
  static Principal by(const std::string& id) { return person(id); }
  RecordPtr approved(const std::string& tool, const std::string& text,
                     std::vector<std::string> voters = {"bob"}, const std::string& who = "bot") {
    RecordPtr record = tool == "deploy" ? deploy(text, who) : ask(tool, text, who);
    REQUIRE(record->state == State::kPending);
    for (const std::string& voter : voters) REQUIRE(run(voting(voter, record)).has_value());
    settle_down();
    return record;
  }
  RecordPtr deploy(const std::string& ref, const std::string& who = "bot") {
    ActionRequest wanted;
    wanted.tool = "deploy";
    wanted.args = doc::object({{"ref", ref}});
    Result<Submitted> made = run(gate->submit(agent(who), wanted));
    REQUIRE(made.has_value());
    return made->record;
  }
  Gate::StandingWish wish(const RecordPtr& model, std::uint64_t uses = 3) {
    return {model->id, {}, uses, clock.now() + std::chrono::hours(24)};
  }
  // As people agreed to it in an action of keyturn.standing (admin/standing.cpp).
  Standing agreed(const RecordPtr& model, std::vector<std::string> voters = {"bob"},
                  people::Bounds bounds = {}, std::uint64_t uses = 3) {
    Gate::StandingWish wanted = wish(model, uses);
    wanted.bounds = std::move(bounds);
    Result<Standing> one = run(gate->standing_like(by("ada"), wanted));
    REQUIRE_MESSAGE(one.has_value(), (one ? "" : one.error().message));
    one->id = "sa_" + std::to_string(++granted_);
    one->action = "act_agreed";
    one->proposer = "pat";
    one->lineage.requester_kind = PrincipalKind::kPerson;
    one->lineage.requester = "pat";
    one->lineage.requested_at = clock.now();
    for (const std::string& voter : voters)
      one->approvals.push_back({voter, "", "api", Assurance::kToken});
    std::vector<EventDraft> events;
    events.push_back(people::standing_granted(*one));
    record(std::move(events));
    return *gate->world().standing.find(one->id);
  }
  std::uint64_t uses(const Standing& one) { return gate->world().standing.find(one.id)->uses; }
  std::string used(const RecordPtr& record) {
    settle_down();
    return record->standing.empty() ? std::string(to_text(record->state)) : record->standing;
  }
  std::string consume(const RecordPtr& record) {
    const auto grant = gate->take_grant(agent("bot"), *record);
    REQUIRE(grant.has_value());
    Result<RecordPtr> done =
        run(gate->consume_grant(agent("deployer"), *grant, record->case_digest));
    return done ? "ok" : done.error().code;
  }
  int granted_ = 0;
};

template <class T>
std::string code(const Result<T>& result) {
  return result ? "ok" : result.error().code;
}

people::Bounds one_of(const char* param, std::vector<doc::Value> values) {
  return {{param, {.least = {}, .most = {}, .one_of = std::move(values)}}};
}

TEST_CASE("it stands in for people, once for each use, and each use is an action of its own") {
  Office b;
  const Standing one = b.agreed(b.approved("ask", "x"), {"bob"}, {}, 2);
  const RecordPtr first = b.ask("ask", "x");
  const RecordPtr second = b.ask("ask", "x");
  CHECK(b.used(first) == one.id);
  CHECK(b.used(second) == one.id);
  CHECK(first->id != second->id);
  CHECK(first->case_digest != second->case_digest);
  CHECK(b.state(first->id) == State::kSucceeded);
  CHECK(first->verdict.decided_by == "standing:sa_1");
  CHECK(first->verdict.effect == Effect::kAllow);
  CHECK(first->stood_in_for.decided_by == "asked");
  CHECK(first->stood_in_for.plan.quorum == Quorum{{"dba", 1}});
  const auto hit = std::ranges::find(first->verdict.hits, std::string("asked"), &RuleHit::rule);
  REQUIRE(hit != first->verdict.hits.end());
  CHECK(hit->exceptions == std::vector<std::string>{"standing:sa_1"});
  CHECK(first->verdict.reasons.front().find("use 1 of 2") != std::string::npos);
  CHECK(first->timeline.front().text == "allowed by standing approval sa_1");
  CHECK(b.used(b.ask("ask", "x")) == "pending");  // every use is taken
  const auto events = b.run(b.real->read_stream("standing/sa_1", 1, true));
  REQUIRE(events.size() == 3);
  CHECK(events[1].type == "standing.used");
  CHECK(events[1].body.find("used_by")->text("action") == first->id.str());
  const auto releases = b.run(b.journal->find_claim("release/" + first->id.str()));
  CHECK(releases.has_value());
}

TEST_CASE("it is for one agent, tool, definition, operation and resource, and for what was shown") {
  Office b;
  const Standing one = b.agreed(b.approved("ask", "x"));
  CHECK(b.used(b.ask("ask", "y")) == "pending");
  CHECK(b.used(b.ask("ask", "x", "bot2")) == "pending");
  CHECK(b.used(b.ask("slow-ask", "x")) == "pending");
  b.executor.hidden["ask"] = "another script";
  CHECK(b.used(b.ask("ask", "x")) == "pending");
  b.executor.hidden["ask"] = "";
  CHECK(b.used(b.ask("ask", "x")) == one.id);
  const std::string tools = testing::tools_text();
  for (const auto& [from, to] :
       {std::pair{"ask: {exec: [/bin/echo,", "ask: {exec: [/bin/cat,"},
        {"ask: {exec: [/bin/echo, \"{{text}}\"], params: {text: {type: string, default: x}}, "
         "resource: {kind: host, name: here, env: prod}",
         "ask: {exec: [/bin/echo, \"{{text}}\"], params: {text: {type: string, default: x}}, "
         "resource: {kind: host, name: here, env: prod, labels: {a: b}}"}}) {
    b.activate("tools", with(tools, from, to));
    CHECK_MESSAGE(b.used(b.ask("ask", "x")) == "pending", to);
  }
  b.activate("tools", tools);
  CHECK(b.used(b.ask("ask", "x")) == one.id);
  CHECK(b.uses(one) == 2);
}

TEST_CASE("within bounds is what the approver stated and policy permits") {
  Office b;
  const RecordPtr model = b.approved("ask", "x");
  Gate::StandingWish wanted = b.wish(model);
  wanted.bounds = one_of("text", {"y"});
  CHECK(code(b.run(b.gate->standing_like(b.by("ada"), wanted))) == "invalid_args");  // not x
  wanted.bounds = one_of("other", {"x"});
  CHECK(code(b.run(b.gate->standing_like(b.by("ada"), wanted))) == "invalid_args");
  const Standing one = b.agreed(model, {"bob"}, one_of("text", {"x", "y", "never"}), 5);
  CHECK(b.used(b.ask("ask", "y")) == one.id);
  CHECK(b.used(b.ask("ask", "z")) == "pending");
  CHECK(b.used(b.ask("ask", "never")) == "denied");  // never over a denial
  CHECK(b.used(b.ask("ask", "x")) == one.id);
  b.activate("policy", with(kStandingPolicy, ", bounds: [args.text]", ""));
  CHECK(b.used(b.ask("ask", "x")) == "pending");
}

TEST_CASE(
    "what is asked again after a denial, cannot be inspected, or is an emergency's, is for "
    "people") {
  Office b;
  const Standing one = b.agreed(b.approved("ask", "x"));
  const RecordPtr asked = b.ask("slow-ask", "x");
  CHECK(b.used(asked) == "pending");
  b.activate("policy", with(kStandingPolicy, "text == \"never\"", "text == \"x\""));
  CHECK(b.used(b.ask("ask", "x")) == "denied");
  b.activate("policy", std::string(kStandingPolicy));
  CHECK(b.used(b.ask("ask", "x")) == "pending");  // it was denied before

  Office c;
  const Standing two = c.agreed(c.approved("ask", "x"));
  c.executor.uninspectable = true;
  CHECK(c.used(c.ask("ask", "x")) == "pending");
  c.executor.uninspectable = false;
  CHECK(c.used(c.ask("ask", "x")) == two.id);
  CHECK(b.uses(one) == 0);
}

TEST_CASE("two at once do not both take the last use") {
  Office b;
  const Standing one = b.agreed(b.approved("ask", "x"), {"bob"}, {}, 1);
  std::vector<std::shared_ptr<std::optional<Result<Submitted>>>> all;
  for (int i = 0; i < 12; ++i)
    all.push_back(b.begin(b.gate->submit(b.agent("bot"), b.request("ask", "x"))));
  REQUIRE(b.until(
      [&] { return std::ranges::all_of(all, [](const auto& a) { return a->has_value(); }); }));
  int stood = 0, pending = 0;
  for (const auto& made : all) {
    REQUIRE((*made)->has_value());
    stood += (**made)->record->standing.empty() ? 0 : 1;
    pending += (**made)->record->state == State::kPending ? 1 : 0;
  }
  CHECK(stood == 1);
  CHECK(pending == 11);
  CHECK(b.uses(one) == 1);
}

TEST_CASE("many at once use it side by side, each once") {
  Office b;
  const Standing one = b.agreed(b.approved("ask", "x"), {"bob"}, {}, 10);
  std::vector<std::shared_ptr<std::optional<Result<Submitted>>>> all;
  for (int i = 0; i < 10; ++i)
    all.push_back(b.begin(b.gate->submit(b.agent("bot"), b.request("ask", "x"))));
  REQUIRE(b.until(
      [&] { return std::ranges::all_of(all, [](const auto& a) { return a->has_value(); }); }));
  for (const auto& made : all) {
    REQUIRE((*made)->has_value());
    CHECK((**made)->record->standing == one.id);
  }
  CHECK(b.uses(one) == 10);
}

TEST_CASE("revoked between the decision and its record, it decides nothing") {
  Office b;
  const Standing one = b.agreed(b.approved("ask", "x"));
  // The revocation is durable; this process has not heard of it when it decides.
  const auto latch = std::make_shared<testing::Latch>(b.io);
  b.journal->hold_append = [&](const store::AppendRequest& request) {
    return request.events.front().type == "standing.revoked" ? latch : nullptr;
  };
  const auto revoking = b.begin(b.gate->revoke_standing(b.by("bob"), one.id, "no more"));
  const auto asking = b.begin(b.gate->submit(b.agent("bot"), b.request("ask", "x")));
  REQUIRE(b.until([&] { return asking->has_value() || latch->waiting > 0; }));
  latch->open();
  REQUIRE(b.until([&] { return asking->has_value() && revoking->has_value(); }));
  REQUIRE_MESSAGE((*asking)->has_value(),
                  (**asking ? "" : (*asking)->error().code + ": " + (*asking)->error().message));
  CHECK(b.used((**asking)->record) == "pending");
  CHECK(b.uses(one) == 0);
}

TEST_CASE("who ends it: whoever agreed, is asked, proposed it, owns the agent or administers") {
  for (const char* who : {"bob", "cleo", "pat", "olga", "ada"}) {
    Office b;
    const Standing one = b.agreed(b.approved("ask", "x"));
    CHECK(b.gate->may_see("alan", one));
    CHECK_FALSE(b.gate->may_see("mia", one));
    CHECK(code(b.run(b.gate->revoke_standing(b.by("mia"), one.id, "x"))) == "not_found");
    CHECK(code(b.run(b.gate->revoke_standing(b.by("alan"), one.id, "x"))) == "not_allowed");
    CHECK(code(b.run(b.gate->revoke_standing(b.agent("bot"), one.id, "x"))) == "not_found");
    CHECK(code(b.run(b.gate->revoke_standing(b.by(who), one.id, ""))) == "empty_text");
    CHECK_MESSAGE(code(b.run(b.gate->revoke_standing(b.by(who), one.id, "x"))) == "ok", who);
    CHECK(code(b.run(b.gate->revoke_standing(b.by(who), one.id, "x"))) == "closed");
    CHECK(b.used(b.ask("ask", "x")) == "pending");
  }
  Office b;
  const Standing one = b.agreed(b.approved("ask", "x"));
  const Principal host{PrincipalKind::kHost, "host", "", Assurance::kToken, "host"};
  CHECK(code(b.run(b.gate->revoke_standing(host, one.id, "x"))) == "ok");
  CHECK(b.gate->world().standing.find(one.id)->revoked_by == "host");
}

TEST_CASE("it ends with its time, and while its agent is suspended nothing is asked at all") {
  Office b;
  const Standing one = b.agreed(b.approved("ask", "x"));
  b.record([] {
    std::vector<EventDraft> events;
    events.push_back(people::agent_suspended("bot", "olga", "test"));
    return events;
  }());
  CHECK(code(b.run(b.gate->submit(b.agent("bot"), b.request("ask", "x")))) == "suspended");
  CHECK(b.gate->why_over(one) == "the agent is suspended");
  std::vector<EventDraft> resumed;
  resumed.push_back(people::agent_resumed("bot", "olga"));
  b.record(std::move(resumed));
  CHECK(b.used(b.ask("ask", "x")) == one.id);
  b.clock.time += std::chrono::hours(24);
  CHECK(b.used(b.ask("ask", "x")) == "pending");
  CHECK(b.gate->why_over(one) == "its time is over");
}

TEST_CASE("another owner ends it, also when the first one comes back") {
  Office b;
  const Standing one = b.agreed(b.approved("ask", "x"));
  for (const char* owner : {"mia", "olga"}) {
    b.clock.time += std::chrono::minutes(1);
    std::vector<EventDraft> events;
    events.push_back(people::agent_owner_changed("bot", owner));
    b.record(std::move(events));
    CHECK(b.used(b.ask("ask", "x")) == "pending");
  }
  CHECK(b.gate->why_over(one) == "the agent has had another owner since");
}

TEST_CASE("who agreed is counted again at each use") {
  Office b;
  const Standing one = b.agreed(b.approved("slow-ask", "x", {"bob", "erin"}), {"bob", "erin"});
  CHECK(b.used(b.ask("slow-ask", "x")) == one.id);
  SUBCASE("somebody who is named in on_behalf_of does not count") {
    ActionRequest wanted = b.request("slow-ask", "x");
    wanted.claims = doc::object({{"on_behalf_of", "erin"}});
    const auto made = b.run(b.gate->submit(b.agent("bot"), wanted));
    REQUIRE(made.has_value());
    CHECK(b.used(made->record) == "pending");
  }
  SUBCASE("nor somebody who left the group") {
    std::vector<EventDraft> events;
    events.push_back(people::group_changed("dba", {}, {"erin"}));
    b.record(std::move(events));
    CHECK(b.used(b.ask("slow-ask", "x")) == "pending");
  }
  SUBCASE("nor who was shut out") {
    std::vector<EventDraft> events;
    events.push_back(people::person_deactivated("erin", "left"));
    b.record(std::move(events));
    CHECK(b.used(b.ask("slow-ask", "x")) == "pending");
  }
  SUBCASE("nor who turned out to be the same human") {
    std::vector<EventDraft> events;
    events.push_back(people::alias_added("bob", "erin"));
    b.record(std::move(events));
    CHECK(b.used(b.ask("slow-ask", "x")) != one.id);
  }
  SUBCASE("nor who proposed it") {
    Standing mine = *b.gate->world().standing.find(one.id);
    mine.id = "sa_mine";
    mine.proposer = "erin";
    std::vector<EventDraft> events;
    events.push_back(people::standing_revoked(one, "bob", "x"));
    events.push_back(people::standing_granted(mine));
    b.record(std::move(events));
    CHECK(b.used(b.ask("slow-ask", "x")) == "pending");
  }
  CHECK(b.uses(one) == 1);
}

TEST_CASE(
    "a policy that asks for more, permits less or asks for evidence outside, is not stood in for") {
  for (const auto& [from, to] :
       {std::pair{"quorum: {dba: 2}, assurance: token", "quorum: {dba: 3}, assurance: token"},
        {"quorum: {dba: 2}, assurance: token", "quorum: {dba: 2}, assurance: passkey"},
        {"quorum: {dba: 2}, assurance: token", "quorum: {dba: 2, sre: 1}, assurance: token"},
        {"quorum: {dba: 2}, assurance: token",
         "quorum: {dba: 2}, channels: [web], assurance: token"},
        {"quorum: {dba: 2}, assurance: token",
         "quorum: {dba: 2}, evidence: published, assurance: token"},
        {"quorum: {dba: 2}, assurance: token", "quorum: {dba: 2}, another: 1h, assurance: token"},
        {"quorum: {dba: 2}, assurance: token", "quorum: {dba: 2}, look: 30s, assurance: token"},
        {"quorum: {dba: 2}, assurance: token",
         "quorum: {dba: 2}, retype: resource.name, assurance: token"},
        {"[ask, slow-ask, deploy]", "[ask, deploy]"},
        {"lasts: 7d", "lasts: 1m"},
        {"uses: 10", "uses: 1"}}) {
    Office b;
    const Standing one = b.agreed(b.approved("slow-ask", "x", {"bob", "erin"}), {"bob", "erin"});
    CHECK(b.used(b.ask("slow-ask", "x")) == one.id);
    b.clock.time += std::chrono::minutes(2);
    b.activate("policy", with(kStandingPolicy, from, to));
    CHECK_MESSAGE(b.used(b.ask("slow-ask", "x")) == "pending", to);
    b.activate("policy", std::string(kStandingPolicy));
    CHECK(b.used(b.ask("slow-ask", "x")) == one.id);
  }
}

TEST_CASE("less than policy asks by now is enough: it is stricter than it has to be") {
  Office b;
  const Standing one = b.agreed(b.approved("slow-ask", "x", {"bob", "erin"}), {"bob", "erin"});
  b.activate("policy", with(kStandingPolicy, "quorum: {dba: 2}", "quorum: {dba: 1}"));
  CHECK(b.used(b.ask("slow-ask", "x")) == one.id);
}

TEST_CASE("the look afterwards stays due, by somebody who has not agreed") {
  Office b;
  const Standing one = b.agreed(b.approved("ask", "x"));
  const RecordPtr record = b.ask("ask", "x");
  CHECK(b.used(record) == one.id);
  REQUIRE(b.until([&] { return record->after_review.has_value(); }));
  CHECK(record->after_review->groups == std::set<std::string>{"dba"});
  CHECK(code(can_look_after(b.gate->world(), b.by("bob"), *record)) == "not_a_reviewer");
  CHECK(code(can_look_after(b.gate->world(), b.by("pat"), *record)) == "related_to_requester");
  CHECK(code(can_look_after(b.gate->world(), b.by("cleo"), *record)) == "ok");
}

TEST_CASE("a grant is used only while what it was allowed by stands; the use counts once") {
  Office b;
  const Standing one = b.agreed(b.approved("deploy", "v1"), {"bob"}, {}, 3);
  const RecordPtr fine = b.deploy("v1");
  CHECK(b.used(fine) == one.id);
  b.activate("policy", with(kStandingPolicy, "revision: 1", "revision: 2"));
  CHECK(b.consume(fine) == "ok");
  CHECK(b.uses(one) == 1);
  SUBCASE("the last use is its own") {
    b.deploy("v1");
    const RecordPtr last = b.deploy("v1");
    CHECK(b.used(last) == one.id);
    CHECK(b.uses(one) == 3);
    CHECK(b.consume(last) == "ok");
  }
  const RecordPtr waits = b.deploy("v1");
  if (waits->standing.empty()) return;
  SUBCASE("revoked") {
    REQUIRE(b.run(b.gate->revoke_standing(b.by("bob"), one.id, "no more")).has_value());
    CHECK(b.consume(waits) == "closed");
  }
  SUBCASE("its time is over") {
    b.clock.time += std::chrono::hours(23) + std::chrono::minutes(30);
    const RecordPtr late = b.deploy("v1");
    CHECK(b.used(late) == one.id);
    b.clock.time += std::chrono::minutes(31);
    CHECK(b.consume(late) == "closed");
  }
  SUBCASE("an approver left") {
    std::vector<EventDraft> events;
    events.push_back(people::group_changed("dba", {}, {"bob"}));
    b.record(std::move(events));
    CHECK(b.consume(waits) == "closed");
  }
  SUBCASE("another owner") {
    b.clock.time += std::chrono::minutes(1);
    std::vector<EventDraft> events;
    events.push_back(people::agent_owner_changed("bot", "mia"));
    b.record(std::move(events));
    CHECK(b.consume(waits) == "closed");
  }
  SUBCASE("policy permits it no more") {
    b.activate("policy", with(kStandingPolicy, "[ask, slow-ask, deploy]", "[ask, slow-ask]"));
    CHECK(b.consume(waits) == "closed");
  }
  SUBCASE("policy allows it without anybody") {
    b.activate("policy", with(kStandingPolicy,
                              "match: {tool: [deploy]}, effect: require, require: {quorum: {dba: "
                              "1}, assurance: token, expires: 1h}",
                              "match: {tool: [deploy]}, effect: allow"));
    CHECK(b.consume(waits) == "ok");
  }
}

TEST_CASE("what people were asked before it stood stays theirs, and takes no use") {
  Office b;
  const RecordPtr model = b.approved("ask", "x");
  const RecordPtr waiting = b.ask("ask", "x");
  const Standing one = b.agreed(model);
  CHECK(b.used(waiting) == "pending");
  b.activate("policy",
             with(kStandingPolicy, "revision: 1", "revision: 2"));  // decided again at release
  REQUIRE(b.run(b.voting("erin", waiting)).has_value());
  CHECK(b.used(waiting) == "succeeded");
  CHECK(b.uses(one) == 0);
}

TEST_CASE("it is known again after a restart, with what it was used for") {
  Office b;
  const Standing one = b.agreed(b.approved("ask", "x"), {"bob"}, {}, 2);
  CHECK(b.used(b.ask("ask", "x")) == one.id);
  b.open();
  REQUIRE(b.gate->world().standing.find(one.id) != nullptr);
  CHECK(b.uses(one) == 1);
  CHECK(b.used(b.ask("ask", "x")) == one.id);
  CHECK(b.used(b.ask("ask", "x")) == "pending");
}

TEST_CASE("what cannot stand is refused with the reason") {
  Office b;
  const RecordPtr model = b.approved("ask", "x");
  const auto like = [&](const RecordPtr& record, std::uint64_t uses = 1, const char* who = "ada") {
    return code(b.run(b.gate->standing_like(b.by(who), b.wish(record, uses))));
  };
  CHECK(like(model) == "ok");
  CHECK(like(model, 1, "mia") == "not_found");
  CHECK(like(model, 11) == "invalid_args");
  CHECK(like(model, 0) == "invalid_args");
  Gate::StandingWish wanted = b.wish(model);
  wanted.until = b.clock.now() + std::chrono::hours(24 * 7) + std::chrono::minutes(1);
  CHECK(code(b.run(b.gate->standing_like(b.by("ada"), wanted))) == "invalid_args");
  wanted.until = b.clock.now();
  CHECK(code(b.run(b.gate->standing_like(b.by("ada"), wanted))) == "invalid_args");
  CHECK(like(b.ask("ask", "x")) == "cannot_stand");         // nobody approved it
  CHECK(like(b.approved("later", "x")) == "cannot_stand");  // policy permits nothing
  b.executor.hidden["ask"] = "another script";
  CHECK(like(model) == "cannot_stand");
  b.executor.hidden["ask"] = "";
  b.activate("tools",
             with(testing::tools_text(), "ask: {exec: [/bin/echo,", "ask: {exec: [/bin/cat,"));
  CHECK(like(model) == "cannot_stand");
  b.activate("tools", testing::tools_text());
  b.activate("policy", with(kStandingPolicy, "text == \"never\"", "text == \"x\""));
  CHECK(like(model) == "cannot_stand");  // denied by now
  b.activate("policy", with(kStandingPolicy, "metadata", "mode: observe\nmetadata"));
  CHECK(like(model) == "cannot_stand");
}

}  // namespace
}  // namespace keyturn::gate
