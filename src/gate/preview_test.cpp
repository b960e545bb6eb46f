// What people are shown of what an action would touch, and what happens when that has moved by the
// time it is released.
#include <algorithm>

#include "doc/json.h"
#include "gate/testing.h"

namespace keyturn::gate {
namespace {

using testing::Bench;

std::string with(std::string text, std::string_view old, std::string_view replacement) {
  const std::size_t at = text.find(old);
  REQUIRE(at != std::string::npos);
  return text.replace(at, old.size(), replacement);
}

// "ask" and "run" have a preview and a state.
struct Looking {
  Bench b;

  Looking() {
    b.activate("tools", tools());
    see("12 rows", "sha256:one");
  }
  static std::string tools() {
    std::string text = testing::tools_text();
    for (const char* name : {"  ask: {", "  run: {", "  later: {"})
      text = with(text, name, std::string(name) + "preview: [/bin/true], state: [/bin/true], ");
    return text;
  }
  void see(const std::string& shown, const std::string& state) {
    for (const char* name : {"ask", "run", "later"})
      b.executor.previews.insert_or_assign(name, Previewed{doc::object({{"rows", shown}}), state});
  }
  void see_nothing(const std::string& why) {
    b.executor.previews.insert_or_assign("ask", refuse("cannot_connect", why));
  }
  Result<RecordPtr> approve(const RecordPtr& record, const std::string& who = "bob") {
    Result<RecordPtr> voted = b.run(b.voting(who, record));
    b.settle_down();
    return voted;
  }
  bool ran() const { return !b.executor.executed.empty(); }
};

TEST_CASE("people are shown what it would touch, and their approval is good for that state") {
  Looking l;
  const RecordPtr asked = l.b.ask("ask");
  CHECK(asked->preview.text("rows") == "12 rows");
  CHECK(asked->state_print == "sha256:one");
  SUBCASE("it has not moved: released") {
    REQUIRE(l.approve(asked));
    CHECK(l.b.state(asked->id) == State::kSucceeded);
    CHECK(l.b.executor.compared == std::vector<std::string>{"ask"});
  }
  SUBCASE("what is shown differs, and the state does not: released") {
    l.see("other words for 12 rows", "sha256:one");
    REQUIRE(l.approve(asked));
    CHECK(l.b.state(asked->id) == State::kSucceeded);
  }
  SUBCASE("the state moved: back to review, without votes, under another digest") {
    const std::string digest = asked->case_digest;
    l.see("5,000 rows", "sha256:two");
    const Result<RecordPtr> voted = l.approve(asked);
    REQUIRE(voted);
    CHECK((*voted)->state == State::kPending);
    CHECK((*voted)->review->votes.empty());
    CHECK((*voted)->review->round == 2);
    CHECK((*voted)->case_digest != digest);
    CHECK((*voted)->preview.text("rows") == "5,000 rows");
    CHECK((*voted)->state_print == "sha256:two");
    CHECK_FALSE(l.ran());
    // Whoever looks at the new one may agree to it.
    REQUIRE(l.approve(*voted, "erin"));
    CHECK(l.b.state(asked->id) == State::kSucceeded);
  }
}

TEST_CASE("what was shown is in the record, and still there after a restart") {
  Looking l;
  const ActionId id = l.b.ask("ask")->id;
  l.b.open();
  const RecordPtr found =
      l.b.run(l.b.gate->find({PrincipalKind::kHost, "host", "", Assurance::kToken, "host"}, id));
  REQUIRE(found);
  CHECK(found->preview.text("rows") == "12 rows");
  CHECK(found->state_print == "sha256:one");
  l.see("5,000 rows", "sha256:two");
  REQUIRE(l.approve(found));
  CHECK(l.b.state(id) == State::kPending);
  CHECK_FALSE(l.ran());
}

TEST_CASE("what is shown is part of the case's digest: other rows, another case") {
  // Two actions never have one digest; the same action that returns with the same state has another
  // one when it is shown otherwise.
  Looking l;
  const RecordPtr asked = l.b.ask("ask");
  const std::vector<Event> events = l.b.stream(asked->id);
  REQUIRE(events.front().private_part);
  CHECK(events.front().private_part->find("preview")->text("rows") == "12 rows");
  CHECK(events.front().private_part->text("state") == "sha256:one");
  // Nothing of it stands in what everybody may read.
  CHECK(doc::write_json(events.front().body).find("12 rows") == std::string::npos);
}

TEST_CASE("a state that cannot be told keeps nobody from being asked, and releases nothing") {
  Looking l;
  SUBCASE("from the beginning: once it can be told, people look at it first") {
    l.see_nothing("the database is away");
    const RecordPtr asked = l.b.ask("ask");
    CHECK(asked->state == State::kPending);
    CHECK(asked->preview.text("unavailable") == "the database is away");
    const Result<RecordPtr> refused = l.approve(asked);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "state_unavailable");
    CHECK(refused.error().message.contains("the database is away"));
    CHECK(asked->review->votes.empty());
    l.see("12 rows", "sha256:one");
    const Result<RecordPtr> voted = l.approve(asked);
    REQUIRE(voted);
    CHECK((*voted)->state == State::kPending);
    CHECK((*voted)->preview.text("rows") == "12 rows");
    CHECK_FALSE(l.ran());
    REQUIRE(l.approve(*voted));
    CHECK(l.b.state(asked->id) == State::kSucceeded);
  }
  SUBCASE("at release: the vote is not counted, and counts when it can be told again") {
    const RecordPtr asked = l.b.ask("ask");
    l.see_nothing("the database is away");
    const Result<RecordPtr> refused = l.approve(asked);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "state_unavailable");
    CHECK(l.b.state(asked->id) == State::kPending);
    CHECK(asked->review->votes.empty());
    CHECK_FALSE(l.ran());
    l.see("12 rows", "sha256:one");
    REQUIRE(l.approve(asked));
    CHECK(l.b.state(asked->id) == State::kSucceeded);
  }
  SUBCASE("a denial needs no state") {
    const RecordPtr asked = l.b.ask("ask");
    l.see_nothing("the database is away");
    REQUIRE(l.b.run(l.b.voting("bob", asked, review::Decision::kDeny)));
    CHECK(l.b.state(asked->id) == State::kDenied);
  }
}

TEST_CASE("slow looks of one agent keep neither another's nor a vote waiting") {
  Looking l;
  const RecordPtr asked = l.b.ask("ask");
  l.b.executor.previewed.clear();
  const auto latch = std::make_shared<testing::Latch>(l.b.io);
  l.b.executor.hold_preview["ask"] = latch;
  using Answer = std::shared_ptr<std::optional<Result<Submitted>>>;
  const auto begin = [&](const char* who, int n) -> Answer {
    return l.b.begin(l.b.gate->submit(Bench::agent(who), Bench::request("ask", std::to_string(n))));
  };
  std::vector<Answer> answers;
  for (int n = 0; n < 9; ++n) answers.push_back(begin("bot2", n));
  l.b.settle_down();
  CHECK(l.b.executor.previewed.size() == 2);
  // Another agent's are looked at beside them, and what people agreed to is compared and released.
  answers.push_back(begin("bot", 10));
  l.b.settle_down();
  CHECK(l.b.executor.previewed.size() == 3);
  REQUIRE(l.approve(asked));
  CHECK(l.b.state(asked->id) == State::kSucceeded);
  CHECK(l.b.executor.compared == std::vector<std::string>{"ask"});
  latch->open();
  REQUIRE(l.b.until([&] {
    return std::ranges::all_of(answers, [](const Answer& one) { return one->has_value(); });
  }));
  CHECK(l.b.executor.previewed.size() == 10);
  for (const Answer& one : answers) CHECK((**one).has_value());
}

TEST_CASE("what is looked at again for a vote has the vote's room") {
  Looking l;
  const RecordPtr asked = l.b.ask("ask");
  const auto latch = std::make_shared<testing::Latch>(l.b.io);
  l.b.executor.hold_preview["later"] = latch;
  l.b.activate("policy", with(std::string(testing::kPolicy), "tool: [ask,", "tool: [ask, later,"));
  std::vector<std::shared_ptr<std::optional<Result<Submitted>>>> answers;
  for (int n = 0; n < 4; ++n)
    answers.push_back(l.b.begin(l.b.gate->submit(Bench::agent(n < 2 ? "bot" : "bot2"),
                                                 Bench::request("later", std::to_string(n)))));
  l.b.settle_down();
  l.see("5,000 rows", "sha256:two");
  const Result<RecordPtr> voted = l.approve(asked);
  REQUIRE(voted);
  CHECK((*voted)->preview.text("rows") == "5,000 rows");
  latch->open();
  l.b.settle_down();
}

TEST_CASE("what was issued for a look stands in the action's stream, whatever came of the look") {
  Looking l;
  const auto see = [&](const std::string& rows, const std::string& state, bool fails = false) {
    Previewed seen{doc::object({{"rows", rows}}), state};
    if (fails)
      seen.shown = doc::object({{"unavailable", "it is away"}, {"code", "preview_failed"}});
    const doc::Value used =
        doc::object({{"id", "crd_1"}, {"name", "orders"}, {"ended", "revoked"}});
    seen.shown.set("credentials", doc::Array{used});
    l.b.executor.previews.insert_or_assign("ask", std::move(seen));
  };
  see("12 rows", "sha256:one");
  const auto noted = [&](const ActionId& id) {
    std::string out;
    for (const Event& event : l.b.stream(id)) {
      if (event.type.starts_with("credential.")) out += event.type.substr(11) + " ";
    }
    return out;
  };
  const RecordPtr asked = l.b.ask("ask");
  const doc::Value body = l.b.stream(asked->id).back().body;
  CHECK(body.text("for") == "look");
  CHECK(body.find("credential")->text("name") == "orders");
  CHECK(noted(asked->id) == "issued revoked ");
  SUBCASE("a look at release, and the release") {
    REQUIRE(l.approve(asked));
    CHECK(l.b.state(asked->id) == State::kSucceeded);
    CHECK(noted(asked->id) == "issued revoked issued revoked ");
  }
  SUBCASE("one that finds another state, and the look at that") {
    see("5,000 rows", "sha256:two");
    REQUIRE(l.approve(asked));
    CHECK(l.b.state(asked->id) == State::kPending);
    CHECK(noted(asked->id) == "issued revoked issued revoked issued revoked ");
  }
  SUBCASE("one that fails, and a vote that is refused for that") {
    see("", "", true);
    const Result<RecordPtr> refused = l.approve(asked);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "state_unavailable");
    CHECK(l.b.state(asked->id) == State::kPending);
    CHECK(noted(asked->id) == "issued revoked issued revoked ");
    see("12 rows", "sha256:one");  // nothing of the next vote is lost by it
    REQUIRE(l.approve(asked));
    CHECK(l.b.state(asked->id) == State::kSucceeded);
  }
}

TEST_CASE("nothing is looked at when nobody is asked") {
  Looking l;
  CHECK(l.b.ask("run")->preview.is_null());
  l.b.settle_down();
  CHECK(l.ran());
  ActionRequest request = Bench::request("ask");
  REQUIRE(l.b.run(l.b.gate->explain(request, "bot", nullptr, true)));
  REQUIRE(l.b.run(l.b.gate->foresee(Bench::agent("bot"), request)));
  CHECK(l.b.executor.previewed.empty());
  CHECK(l.b.executor.compared.empty());
  // A tool without a preview is not asked for one.
  const RecordPtr asked = l.b.ask("slow-ask");
  REQUIRE(l.approve(asked));
  CHECK(l.b.executor.previewed.empty());
  CHECK(l.b.executor.compared.empty());
}

TEST_CASE("a state that moves while policy decides again is drift, too") {
  Looking l;
  const RecordPtr asked = l.b.ask("ask");
  // Another configuration, in which the same people do: without the drift it would be released.
  l.b.activate("policy", with(std::string(testing::kPolicy), "revision: 1", "revision: 2"));
  l.b.executor.after_compare = [&] { l.see("5,000 rows", "sha256:two"); };
  const Result<RecordPtr> voted = l.approve(asked);
  REQUIRE(voted);
  CHECK((*voted)->state == State::kPending);
  CHECK((*voted)->preview.text("rows") == "5,000 rows");
  CHECK_FALSE(l.ran());
}

TEST_CASE("what has drifted is shown anew even where policy would ask nobody by now") {
  Looking l;
  const RecordPtr asked = l.b.ask("ask");
  l.b.activate("policy", with(with(std::string(testing::kPolicy), "tool: [run, swift]",
                                   "tool: [run, swift, ask]"),
                              "tool: [ask, slow-ask]", "tool: [slow-ask]"));
  SUBCASE("drifted") {
    l.see("5,000 rows", "sha256:two");
    const Result<RecordPtr> voted = l.approve(asked);
    REQUIRE(voted);
    CHECK((*voted)->state == State::kPending);
    CHECK((*voted)->preview.text("rows") == "5,000 rows");
    CHECK((*voted)->state_print == "sha256:two");
    CHECK_FALSE(l.ran());
  }
  SUBCASE("not drifted") {
    REQUIRE(l.approve(asked));
    CHECK(l.b.state(asked->id) == State::kSucceeded);
  }
}

TEST_CASE("a tool that has lost its preview by the time it is released returns to review") {
  Looking l;
  const RecordPtr asked = l.b.ask("ask");
  l.b.activate("tools", testing::tools_text());
  const Result<RecordPtr> voted = l.approve(asked);
  REQUIRE(voted);
  CHECK((*voted)->state == State::kPending);
  CHECK((*voted)->preview.is_null());
  CHECK((*voted)->state_print.empty());
  CHECK_FALSE(l.ran());
}

TEST_CASE("an action that comes to people after a deferral is looked at then") {
  Looking l;
  l.b.activate("policy", with(std::string(testing::kPolicy),
                              "{id: then, match: {tool: [later, slow-later]}, when: 'request.time "
                              ">= timestamp(\"2026-11-21T06:00:00Z\")', effect: allow}",
                              "{id: then, match: {tool: [later, slow-later]}, when: 'request.time "
                              ">= timestamp(\"2026-11-21T06:00:00Z\")', effect: require, require: "
                              "{quorum: {dba: 1}, assurance: token, expires: 1h}}"));
  const RecordPtr asked = l.b.ask("later");
  REQUIRE(asked->state == State::kDeferred);
  CHECK(l.b.executor.previewed.empty());
  l.b.pass_until("2026-11-21T06:00:01Z");
  l.b.tick();
  CHECK(asked->state == State::kPending);
  CHECK(asked->preview.text("rows") == "12 rows");
  CHECK(asked->state_print == "sha256:one");
}

}  // namespace
}  // namespace keyturn::gate
