// What was decided, described or counted is only good in the world in which it was: each of these
// changes the world between two steps of one command, and the command notices.
#include <algorithm>

#include "gate/testing.h"

namespace keyturn::gate {
namespace {

using testing::Bench;
using testing::Hold;
using testing::Latch;

std::string with(std::string text, std::string_view old, std::string_view replacement) {
  const std::size_t at = text.find(old);
  REQUIRE(at != std::string::npos);
  return text.replace(at, old.size(), replacement);
}

std::string policy_with(std::string_view old, std::string_view replacement) {
  return with(std::string(testing::kPolicy), old, replacement);
}

// Begins something that describes a tool, and stops it there.
struct Midway {
  Bench b;
  Hold hold = std::make_shared<Latch>(b.io);

  template <class T>
  std::shared_ptr<std::optional<T>> stop_at_describe(const char* tool, Task<T> task) {
    b.executor.hold_describe[tool] = hold;
    const auto begun = b.begin(std::move(task));
    REQUIRE(b.until([&] { return hold->waiting == 1; }));
    return begun;
  }
  template <class T>
  T go_on(const std::shared_ptr<std::optional<T>>& begun) {
    hold->open();
    REQUIRE(b.until([&] { return begun->has_value(); }));
    b.settle_down();
    return std::move(**begun);
  }
};

TEST_CASE("a request is decided by the policy that is in force when it is recorded") {
  Midway m;
  const auto asked =
      m.stop_at_describe("swift", m.b.gate->submit(Bench::agent("bot"), Bench::request("swift")));
  m.b.activate("policy", policy_with("tool: [run, swift]", "tool: [run]"));
  const Result<Submitted> made = m.go_on(asked);
  REQUIRE(made.has_value());
  CHECK(made->record->state == State::kDenied);
  CHECK(m.b.executor.executed.empty());
}

TEST_CASE("a case names the configuration that it is recorded under, groups included") {
  Midway m;
  const auto asked = m.stop_at_describe(
      "slow-ask", m.b.gate->submit(Bench::agent("bot"), Bench::request("slow-ask")));
  const std::string before = m.b.gate->world().configuration->digest;
  m.b.record({people::group_changed("dba", {}, {"bob"})});
  const Result<Submitted> made = m.go_on(asked);
  REQUIRE(made.has_value());
  CHECK(made->record->config_digest != before);
  CHECK(made->record->config_digest == m.b.gate->world().configuration->digest);
}

TEST_CASE("an agent that is suspended while its request is described asks for nothing") {
  Midway m;
  const auto asked =
      m.stop_at_describe("swift", m.b.gate->submit(Bench::agent("bot"), Bench::request("swift")));
  m.b.record({people::agent_suspended("bot", "ada", "")});
  const Result<Submitted> made = m.go_on(asked);
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().code == "suspended");
  CHECK(m.b.executor.executed.empty());
}

TEST_CASE("an approval releases nothing that policy denies by the time it is described") {
  Midway m;
  const RecordPtr asked = m.b.ask("slow-ask");
  const auto voting = m.stop_at_describe("slow-ask", m.b.voting("bob", asked));
  m.b.activate("policy", policy_with("tool: [ask, slow-ask]", "tool: [ask]"));
  const Result<RecordPtr> voted = m.go_on(voting);
  REQUIRE(voted.has_value());
  CHECK((*voted)->state == State::kDenied);
  CHECK(m.b.executor.executed.empty());
}

TEST_CASE(
    "an approval releases nothing of an agent that is suspended by the time it is described") {
  Midway m;
  const RecordPtr asked = m.b.ask("slow-ask");
  const auto voting = m.stop_at_describe("slow-ask", m.b.voting("bob", asked));
  m.b.record({people::agent_suspended("bot", "ada", "")});
  const Result<RecordPtr> voted = m.go_on(voting);
  REQUIRE_FALSE(voted.has_value());
  CHECK(voted.error().code == "suspended");
  CHECK(m.b.state(asked->id) == State::kPending);
  CHECK(m.b.executor.executed.empty());
}

TEST_CASE("an approval of somebody who is deactivated before it releases is none") {
  Midway m;
  const RecordPtr asked = m.b.ask("slow-ask");
  const auto voting = m.stop_at_describe("slow-ask", m.b.voting("bob", asked));
  m.b.record({people::person_deactivated("bob", "left")});
  const Result<RecordPtr> voted = m.go_on(voting);
  REQUIRE_FALSE(voted.has_value());
  CHECK(voted.error().code == "quorum_lost");
  CHECK(m.b.state(asked->id) == State::kPending);
  CHECK(m.b.executor.executed.empty());
}

TEST_CASE("what is behind a tool's name is compared again when the approval is described") {
  Midway m;
  const RecordPtr asked = m.b.ask("slow-ask");
  m.b.executor.hidden["slow-ask"] = "another program";
  const Result<RecordPtr> voted = m.b.run(m.b.voting("bob", asked));
  m.b.settle_down();
  REQUIRE(voted.has_value());
  CHECK((*voted)->state == State::kPending);
  CHECK((*voted)->review->round == 2);
  CHECK((*voted)->review->votes.empty());
  CHECK(m.b.executor.executed.empty());
}

// The vote's answer is on its way from the disk: the release is durable, and nothing has started.
TEST_CASE("a tool that is redefined between its release and its start is not started") {
  Midway m;
  const RecordPtr asked = m.b.ask("ask");
  m.b.journal->hold_append = [&](const store::AppendRequest& request) {
    return request.events.back().type == "execution.intended" ? m.hold : nullptr;
  };
  const auto voting = m.b.begin(m.b.voting("bob", asked));
  REQUIRE(m.b.until([&] { return m.hold->waiting == 1; }));
  m.b.activate("tools",
               with(testing::tools_text(), "ask: {exec: [/bin/echo,", "ask: {exec: [/bin/cat,"));
  const Result<RecordPtr> voted = m.go_on(voting);
  REQUIRE(voted.has_value());
  CHECK((*voted)->state == State::kFailed);
  REQUIRE((*voted)->outcome);
  CHECK((*voted)->outcome->reason.contains("nothing was started"));
  CHECK(m.b.executor.executed.empty());
}

TEST_CASE(
    "a modification that policy would make otherwise by now is a change of what was reviewed") {
  Bench b;
  const RecordPtr asked = b.ask("ask", "mine");
  b.activate("policy", policy_with("rules:\n",
                                   "rules:\n- {id: theirs, match: {tool: [ask]}, effect: "
                                   "modify, modify: {set: {args.text: theirs}}}\n"));
  const Result<RecordPtr> voted = b.run(b.voting("bob", asked));
  b.settle_down();
  REQUIRE(voted.has_value());
  CHECK((*voted)->state == State::kPending);
  CHECK((*voted)->review->votes.empty());
  CHECK(b.executor.executed.empty());
}

TEST_CASE("two accounts that turn out to be one human count once, in the commit that releases") {
  Bench b;
  people::Person second;
  second.id = second.name = "bob2";
  b.record({people::person_added(second), people::group_changed("dba", {"bob2"}, {})});
  b.activate("policy",
             policy_with("tool: [ask, slow-ask]}, effect: require, require: {quorum: {dba: 1}",
                         "tool: [ask, slow-ask]}, effect: require, require: {quorum: {dba: 2}"));
  const RecordPtr asked = b.ask("ask");
  REQUIRE(b.run(b.voting("bob", asked)).has_value());
  SUBCASE("known before the second votes: it voted already") {
    b.record({people::alias_added("bob2", "bob")});
    const Result<RecordPtr> again = b.run(b.voting("bob2", asked));
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error().code == "already_voted");
  }
  SUBCASE("learnt while the second's vote is described: it releases nothing") {
    const auto hold = std::make_shared<Latch>(b.io);
    b.executor.hold_describe["ask"] = hold;
    const auto voting = b.begin(b.voting("bob2", asked));
    REQUIRE(b.until([&] { return hold->waiting == 1; }));
    b.record({people::alias_added("bob2", "bob")});
    hold->open();
    REQUIRE(b.until([&] { return voting->has_value(); }));
    CHECK_FALSE((*voting)->has_value());
  }
  b.settle_down();
  CHECK(b.state(asked->id) == State::kPending);
  CHECK(b.executor.executed.empty());
  b.executor.hold_describe.clear();
  REQUIRE(b.run(b.voting("erin", asked)).has_value());
  REQUIRE(b.until([&] { return b.state(asked->id) == State::kSucceeded; }));
}

// ---------------------------------------------------------------- grants
struct Granted {
  Bench b;
  RecordPtr action;
  std::string grant;

  Granted() {
    ActionRequest request;
    request.tool = "deploy";
    request.args = doc::object({{"ref", "v1"}});
    const Result<Submitted> made = b.run(b.gate->submit(Bench::agent("bot"), request));
    REQUIRE(made.has_value());
    action = made->record;
    REQUIRE(b.run(b.voting("bob", action)).has_value());
    REQUIRE(action->state == State::kApproved);
    grant = b.gate->take_grant(Bench::agent("bot"), *action).value_or("");
  }
  std::string consume() {
    const Result<RecordPtr> used =
        b.run(b.gate->consume_grant(Bench::agent("deployer"), grant, action->case_digest));
    return used ? "" : used.error().code;
  }
};

TEST_CASE("a grant is used once") {
  Granted g;
  CHECK(g.consume().empty());
  CHECK(g.consume() == "already_used");
}

TEST_CASE("a grant does not outlive what it rests on") {
  const struct {
    const char* what;
    std::function<void(Bench&)> change;
    const char* code;
  } rows[] = {
      {"policy denies it",
       [](Bench& b) { b.activate("policy", policy_with("tool: [deploy]", "tool: [nothing]")); },
       "digest_mismatch"},
      {"policy asks for more people",
       [](Bench& b) {
         b.activate("policy",
                    policy_with("tool: [deploy]}, effect: require, require: {quorum: {dba: 1}",
                                "tool: [deploy]}, effect: require, require: {quorum: {dba: 2}"));
       },
       "digest_mismatch"},
      {"the tool is another one",
       [](Bench& b) { b.activate("tools", with(testing::tools_text(), "name: web", "name: db")); },
       "digest_mismatch"},
      {"the agent is suspended",
       [](Bench& b) { b.record({people::agent_suspended("bot", "ada", "")}); }, "closed"},
      {"who approved has left",
       [](Bench& b) { b.record({people::person_deactivated("bob", "left")}); }, "quorum_lost"},
      {"who approved is no dba any more",
       [](Bench& b) { b.record({people::group_changed("dba", {}, {"bob"})}); }, "digest_mismatch"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    Granted g;
    row.change(g.b);
    CHECK(g.consume() == row.code);
    CHECK(g.b.state(g.action->id) == State::kApproved);
    CHECK(std::ranges::none_of(g.b.stream(g.action->id),
                               [](const Event& e) { return e.type == "grant.consumed"; }));
  }
}

}  // namespace
}  // namespace keyturn::gate
