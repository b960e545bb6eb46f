#include <algorithm>

#include "gate/testing.h"

namespace keyturn::gate {
namespace {

using testing::Bench;
using testing::Hold;
using testing::Latch;

doc::Value text(const std::string& words) {
  return doc::object({{"text", words}});
}

bool touches(const store::AppendRequest& request, std::string_view type) {
  return std::ranges::any_of(request.events, [&](const EventDraft& e) { return e.type == type; });
}

TEST_CASE("an amendment and what it amends are one commit, also when the power goes") {
  Bench b;
  const RecordPtr old = b.ask("ask", "wrong");
  const auto hold = std::make_shared<Latch>(b.io);
  b.journal->hold_append = [&](const store::AppendRequest&) { return hold; };
  const auto amending = b.begin(b.gate->amend(Bench::agent("bot"), old->id, text("right"), "typo"));
  REQUIRE(b.until([&] { return hold->waiting == 1; }));
  b.open();  // the first commit is durable, and nothing after it ever happened
  CHECK(b.state(old->id) == State::kCancelled);
  const std::vector<RecordPtr> open = b.gate->open_records();
  REQUIRE(open.size() == 1);
  CHECK(open.front()->amends == old->id.str());
  CHECK(open.front()->state == State::kPending);
  CHECK(open.front()->args == text("right"));
}

TEST_CASE("nobody ever sees an amended action and its successor both open, or neither") {
  Bench b;
  const RecordPtr old = b.ask("ask", "wrong");
  std::vector<std::size_t> open;
  const Watch watch =
      b.gate->watch_all([&](const RecordPtr&) { open.push_back(b.gate->open_records().size()); });
  const Result<Submitted> made =
      b.run(b.gate->amend(Bench::agent("bot"), old->id, text("right"), ""));
  REQUIRE(made.has_value());
  CHECK(open == std::vector<std::size_t>{1, 1});
  CHECK(old->amended_by == made->record->id.str());
}

TEST_CASE(
    "when the world moves while the successor is described, the old one waits until it is decided "
    "again") {
  Bench b;
  const RecordPtr old = b.ask("slow-ask", "wrong");
  const auto hold = std::make_shared<Latch>(b.io);
  b.executor.hold_describe["slow-ask"] = hold;
  const auto amending = b.begin(b.gate->amend(Bench::agent("bot"), old->id, text("right"), ""));
  REQUIRE(b.until([&] { return hold->waiting == 1; }));
  std::string policy(testing::kPolicy);
  policy.replace(policy.find("revision: 1"), 11, "revision: 2");
  b.activate("policy", policy);
  CHECK(old->state == State::kPending);
  hold->open();
  REQUIRE(b.until([&] { return amending->has_value(); }));
  REQUIRE((*amending)->has_value());
  CHECK((**amending)->record->config_digest == b.gate->world().configuration->digest);
  CHECK(old->state == State::kCancelled);
  CHECK(old->amended_by == (**amending)->record->id.str());
}

TEST_CASE("an amender who is deactivated while the successor is described amends nothing") {
  Bench b;
  const RecordPtr old = b.ask("slow-ask", "wrong");
  const auto hold = std::make_shared<Latch>(b.io);
  b.executor.hold_describe["slow-ask"] = hold;
  const auto amending = b.begin(b.gate->amend(Bench::person("bob"), old->id, text("right"), ""));
  REQUIRE(b.until([&] { return hold->waiting == 1; }));
  b.record({people::person_deactivated("bob", "left")});
  hold->open();
  REQUIRE(b.until([&] { return amending->has_value(); }));
  REQUIRE_FALSE((*amending)->has_value());
  CHECK((*amending)->error().code == "not_allowed");
  CHECK(b.state(old->id) == State::kPending);
  CHECK(b.gate->open_records().size() == 1);
}

TEST_CASE("the requester, its owner and the people asked amend; those who only read do not") {
  const struct {
    Principal who;
    std::string code;  // "" may
  } rows[] = {
      {Bench::agent("bot"), ""},
      {Bench::person("olga"), ""},
      {Bench::person("bob"), ""},
      {Bench::person("alan"), "not_allowed"},  // an auditor
      {Bench::person("ada"), "not_allowed"},   // an administrator
      {Bench::person("gus"), "not_allowed"},   // claimed to have prompted it: an owner of bot2
      {Bench::agent("bot2"), "not_found"},
      {Bench::person("mia"), "not_found"},
      {{PrincipalKind::kHost, "host", "", Assurance::kToken, "host"}, "not_allowed"},
  };
  Bench b;
  people::Person gus;
  gus.id = gus.name = "gus";
  gus.auditor = true;
  b.record({people::person_added(gus)});
  for (const auto& row : rows) {
    CAPTURE(row.who.id);
    ActionRequest request = Bench::request("ask");
    request.claims = doc::object({{"on_behalf_of", "gus"}});
    const Result<Submitted> old = b.run(b.gate->submit(Bench::agent("bot"), request));
    REQUIRE(old.has_value());
    const Result<Submitted> made =
        b.run(b.gate->amend(row.who, old->record->id, text("other"), ""));
    CHECK((made ? "" : made.error().code) == row.code);
    CHECK((old->record->state == State::kPending) == !row.code.empty());
  }
}

TEST_CASE("who may use the grant may not amend the request") {
  Bench b;
  ActionRequest request;
  request.tool = "deploy";
  request.args = doc::object({{"ref", "v1"}});
  const Result<Submitted> old = b.run(b.gate->submit(Bench::agent("bot"), request));
  REQUIRE(old.has_value());
  const Result<Submitted> made = b.run(
      b.gate->amend(Bench::agent("deployer"), old->record->id, doc::object({{"ref", "v2"}}), ""));
  REQUIRE_FALSE(made.has_value());
  CHECK(b.state(old->record->id) == State::kPending);
}

TEST_CASE("whoever amended may amend again, though they are not asked any more") {
  Bench b;
  const RecordPtr old = b.ask("ask", "wrong");
  const Result<Submitted> once =
      b.run(b.gate->amend(Bench::person("bob"), old->id, text("better"), ""));
  REQUIRE(once.has_value());
  CHECK(
      b.run(b.gate->amend(Bench::person("bob"), once->record->id, text("right"), "")).has_value());
}

TEST_CASE("amending counts as asking: the amender's rate, the requester's pending actions") {
  GateOptions options;
  options.pending_per_agent_max = 1;
  options.requests_per_second_max = 0.4;  // a burst of 4
  Bench b(options);
  RecordPtr now = b.ask("ask", "0");
  for (int i = 1; i < 4; ++i) {  // it takes the place of the one that it amends
    const Result<Submitted> made =
        b.run(b.gate->amend(Bench::agent("bot"), now->id, text(std::to_string(i)), ""));
    REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().message));
    now = made->record;
  }
  const Result<Submitted> more = b.run(b.gate->amend(Bench::agent("bot"), now->id, text("4"), ""));
  REQUIRE_FALSE(more.has_value());
  CHECK(more.error().code == "rate_limited");
  CHECK(now->state == State::kPending);
  const Result<Submitted> other =
      b.run(b.gate->amend(Bench::person("bob"), now->id, text("5"), ""));
  CHECK_MESSAGE(other.has_value(), "another amender has a rate of their own");
}

TEST_CASE("a deferred action that becomes a pending one by amending needs room among the pending") {
  GateOptions options;
  options.pending_per_agent_max = 1;
  Bench b(options);
  const RecordPtr later = b.ask("later");
  REQUIRE(later->state == State::kDeferred);
  b.ask("ask");
  std::string policy(testing::kPolicy);
  policy.replace(policy.find("tool: [ask,"), 11, "tool: [later, ask,");
  policy.replace(policy.find("tool: [later, slow-later]"), 25, "tool: [slow-later]");
  b.activate("policy", policy);
  const Result<Submitted> made =
      b.run(b.gate->amend(Bench::agent("bot"), later->id, text("now"), ""));
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().code == "too_many_pending");
  CHECK(b.state(later->id) == State::kDeferred);
}

TEST_CASE("an amendment that is refused leaves the old one alone") {
  Bench b;
  const RecordPtr old = b.ask("ask");
  const auto code = [&](doc::Value args, std::string note = "") {
    const Result<Submitted> made =
        b.run(b.gate->amend(Bench::agent("bot"), old->id, std::move(args), std::move(note)));
    return made ? std::string() : made.error().code;
  };
  CHECK(code(doc::object({{"text", 7}})) == "invalid_args");
  CHECK(code(text("x"), std::string(5000, 'n')) == "note_too_large");
  b.record({people::agent_suspended("bot", "ada", "")});
  const Result<Submitted> suspended =
      b.run(b.gate->amend(Bench::person("olga"), old->id, text("x"), ""));
  REQUIRE_FALSE(suspended.has_value());
  CHECK(suspended.error().code == "suspended");
  CHECK(b.state(old->id) == State::kPending);
  CHECK(std::ranges::none_of(b.journal->appends, [](const store::AppendRequest& request) {
    return touches(request, "action.amended");
  }));
}

}  // namespace
}  // namespace keyturn::gate
