#include <algorithm>

#include "gate/testing.h"

namespace keyturn::gate {
namespace {

using testing::Bench;
using testing::Hold;
using testing::Latch;

constexpr const char* kEvening = "2026-11-21T18:00:00Z";

struct Said {
  std::vector<std::string> lines;
  GateOptions options(GateOptions wanted = {}) {
    wanted.log = [this](std::string_view line) { lines.emplace_back(line); };
    return wanted;
  }
};

TEST_CASE("a description that hangs delays nobody else's expiry or awakening") {
  Bench b;
  std::vector<RecordPtr> hanging, pending, others;
  for (int i = 0; i < 5; ++i) {
    pending.push_back(b.ask("ask"));
    hanging.push_back(b.ask("slow-later"));
    others.push_back(b.ask("later"));
  }
  const auto all = [](const std::vector<RecordPtr>& records, State state) {
    return std::ranges::all_of(records, [&](const RecordPtr& r) { return r->state == state; });
  };
  REQUIRE(all(hanging, State::kDeferred));
  const auto hold = std::make_shared<Latch>(b.io);
  b.executor.hold_describe["slow-later"] = hold;
  b.pass_until(kEvening);
  b.tick();
  CHECK(all(pending, State::kExpired));
  for (int i = 0; i < 3; ++i) b.tick();  // an agent has only so many decided again at once
  CHECK(all(others, State::kSucceeded));
  const RecordPtr later = b.ask("ask");
  b.clock.time += std::chrono::hours(2);
  b.tick();
  CHECK(later->state == State::kExpired);
  CHECK(hold->waiting == 5);  // each is decided again once, however many ticks it takes
  CHECK(all(hanging, State::kDeferred));
  hold->open();
  b.settle_down();
  CHECK(all(hanging, State::kSucceeded));
  CHECK(b.executor.executed.size() == 10);
}

TEST_CASE("a commit that hangs delays nobody else either") {
  Bench b;
  const RecordPtr one = b.ask("ask"), two = b.ask("ask");
  const auto hold = std::make_shared<Latch>(b.io);
  b.pass_until(kEvening);
  bool first = true;
  b.journal->hold_append = [&](const store::AppendRequest&) {
    return std::exchange(first, false) ? hold : nullptr;
  };
  b.tick();
  CHECK((one->state == State::kExpired) + (two->state == State::kExpired) == 1);
  hold->open();
  b.settle_down();
  CHECK((one->state == State::kExpired && two->state == State::kExpired));
}

TEST_CASE("what breaks is said once, keeps nobody waiting, and is done at a later tick") {
  Said said;
  Bench b(said.options());
  const RecordPtr breaking = b.ask("later"), pending = b.ask("ask");
  b.executor.break_describe["later"] = 3;
  b.pass_until(kEvening);
  b.tick();
  CHECK(pending->state == State::kExpired);
  CHECK(breaking->state == State::kDeferred);
  REQUIRE(said.lines.size() == 1);
  CHECK(said.lines.front().contains(breaking->id.str()));
  CHECK(said.lines.front().contains("describe breaks"));
  b.tick();
  b.tick();
  CHECK(breaking->state == State::kDeferred);
  b.tick();
  CHECK(breaking->state == State::kSucceeded);
  CHECK(said.lines.size() == 1);
}

TEST_CASE("a description that could not be had for want of room is asked for again, not denied") {
  Bench b;
  const RecordPtr later = b.ask("later");
  b.executor.refuse_describe["later"] = {"overloaded", "too many blocking calls", ""};
  b.pass_until(kEvening);
  b.tick();
  CHECK(later->state == State::kDeferred);
  b.executor.refuse_describe.clear();
  b.tick();
  CHECK(later->state == State::kSucceeded);
  const RecordPtr asked = b.ask("ask");
  b.executor.refuse_describe["ask"] = {"overloaded", "too many blocking calls", ""};
  const Result<RecordPtr> voted = b.run(b.voting("bob", asked));
  REQUIRE_FALSE(voted.has_value());
  CHECK(voted.error().code == "overloaded");
  CHECK(asked->state == State::kPending);
  b.executor.refuse_describe.clear();
  CHECK(b.run(b.voting("bob", asked)).has_value());
}

TEST_CASE("a deferred action that cannot be described any more is denied, and says why") {
  Bench b;
  const RecordPtr later = b.ask("later");
  b.executor.refuse_describe["later"] = {"no_program", "/bin/echo is not there", ""};
  b.pass_until(kEvening);
  b.tick();
  REQUIRE(later->state == State::kDenied);
  REQUIRE(later->verdict.reasons.size() == 1);
  CHECK(later->verdict.reasons.front().contains("/bin/echo is not there"));
  CHECK_FALSE(later->case_digest.empty());
}

TEST_CASE("one agent's hanging deferrals do not use up another's") {
  GateOptions options;
  options.wakes_at_once = 4;
  options.wakes_of_one_at_once = 2;
  Bench b(options);
  for (int i = 0; i < 10; ++i) b.ask("slow-later", std::to_string(i), "bot");
  const RecordPtr other = b.ask("later", "x", "bot2");
  const auto hold = std::make_shared<Latch>(b.io);
  b.executor.hold_describe["slow-later"] = hold;
  b.pass_until(kEvening);
  b.tick();
  CHECK(hold->waiting == 2);
  CHECK(other->state == State::kSucceeded);
  hold->open();
  for (int i = 0; i < 5; ++i) b.tick();
  CHECK(b.gate->open_records().empty());
}

TEST_CASE("what is due at the same moment is bounded, and none of it is forgotten") {
  GateOptions options;
  options.closings_at_once = 3;
  Bench b(options);
  for (int i = 0; i < 10; ++i) b.ask("ask", std::to_string(i));
  const auto hold = std::make_shared<Latch>(b.io);
  b.journal->hold_append = [&](const store::AppendRequest&) { return hold; };
  b.pass_until(kEvening);
  b.tick();
  b.tick();
  CHECK(hold->waiting == 3);
  b.journal->hold_append = nullptr;
  hold->open();
  for (int i = 0; i < 4; ++i) b.tick();
  CHECK(b.gate->open_records().empty());
}

TEST_CASE("an outcome that the journal has no room for is recorded later, not lost") {
  Bench b;
  b.journal->refuse_append = [](const store::AppendRequest& request) {
    return request.events.front().type == "execution.finished";
  };
  const RecordPtr ran = b.ask("run");
  b.settle_down();
  b.tick();
  CHECK(ran->state == State::kExecuting);
  b.journal->refuse_append = nullptr;
  b.tick();
  CHECK(ran->state == State::kSucceeded);
  CHECK(b.executor.executed.size() == 1);
}

// ---------------------------------------------------------------- after a crash
struct Crashed {
  Said said;
  Bench b;
  std::vector<RecordPtr> before;

  explicit Crashed(int count, GateOptions options = {}) : b(said.options(std::move(options))) {
    b.executor.hold_execute["run"] = std::make_shared<Latch>(b.io);
    for (int i = 0; i < count; ++i) before.push_back(b.ask("run", std::to_string(i)));
    b.executor.hold_execute.clear();
    b.open();
  }
};

TEST_CASE("a program that still runs after a crash keeps no other from being recovered") {
  Crashed c(5);
  const auto hold = std::make_shared<Latch>(c.b.io);
  c.b.executor.hold_recover[c.before[2]->id.str()] = hold;
  c.b.gate->recover();
  c.b.settle_down();
  REQUIRE(c.b.gate->open_records().size() == 1);
  CHECK(c.b.gate->open_records().front()->id == c.before[2]->id);
  CHECK(c.b.gate->open_records().front()->state == State::kExecuting);
  hold->open();
  c.b.settle_down();
  CHECK(c.b.gate->open_records().empty());
  CHECK(c.b.state(c.before[2]->id) == State::kFailed);
}

TEST_CASE("questions after a crash are bounded, and programs that still run do not use them up") {
  GateOptions options;
  options.recoveries_at_once = 3;
  Crashed c(10, options);
  const auto hold = std::make_shared<Latch>(c.b.io);
  std::vector<std::string> ids;
  for (const RecordPtr& record : c.before) ids.push_back(record->id.str());
  for (int i = 0; i < 10; ++i) {
    if (i % 2 == 0) c.b.executor.hold_recover[ids[static_cast<std::size_t>(i)]] = hold;
  }
  c.b.gate->recover();
  c.b.settle_down();
  CHECK(hold->waiting <= 3);
  for (int i = 0; i < 4; ++i) c.b.tick();
  CHECK(c.b.gate->open_records().size() == 5);  // those that still run
  hold->open();
  c.b.settle_down();
  CHECK(c.b.gate->open_records().empty());
}

TEST_CASE("a question that breaks is asked again at the next tick") {
  Crashed c(2);
  c.b.executor.break_recover[c.before[0]->id.str()] = 1;
  c.b.gate->recover();
  c.b.settle_down();
  CHECK(c.b.gate->open_records().size() == 1);  // not before
  REQUIRE(c.said.lines.size() == 1);
  CHECK(c.said.lines.front().contains("recover breaks"));
  c.b.tick();
  CHECK(c.b.gate->open_records().empty());
}

TEST_CASE("only what a crash left is asked about, never what begins now") {
  Crashed c(1);
  const auto hold = std::make_shared<Latch>(c.b.io);
  c.b.executor.hold_execute["run"] = hold;
  c.b.gate->recover();
  const RecordPtr now = c.b.ask("run");
  c.b.tick();
  c.b.tick();
  CHECK(now->state == State::kExecuting);
  CHECK(c.b.executor.recovered == std::vector<std::string>{c.before[0]->id.str()});
  hold->open();
  c.b.settle_down();
  CHECK(now->state == State::kSucceeded);
}

}  // namespace
}  // namespace keyturn::gate
