#include "gate/testing.h"

namespace keyturn::gate {
namespace {

using testing::Bench;
using testing::Hold;
using testing::Latch;

Hold latch(Bench& b) {
  return std::make_shared<Latch>(b.io);
}

// The journal told a reader of the action (a list follows the journal on a thread of its own)
// before its answer reached whoever asked for it.
TEST_CASE("an action that a reader loaded and people decided meanwhile is not put back") {
  Bench b;
  const Hold hold = latch(b);
  b.journal->hold_append = [&](const store::AppendRequest& request) {
    return request.events.front().type == "action.decided" ? hold : nullptr;
  };
  const auto asked = b.begin(b.gate->submit(Bench::agent("bot"), Bench::request("ask")));
  REQUIRE(b.until([&] { return hold->waiting == 1; }));
  const std::vector<Event> committed = b.run(b.real->read_range(b.real->size() - 1, 1, false));
  const ActionId id(committed.front().stream.substr(7));
  const RecordPtr seen = b.run(b.gate->find(Bench::person("bob"), id));
  REQUIRE(seen);
  b.journal->hold_append = nullptr;
  REQUIRE(b.run(b.voting("bob", seen)).has_value());
  REQUIRE(b.until([&] { return seen->state == State::kSucceeded; }));
  hold->open();
  REQUIRE(b.until([&] { return asked->has_value(); }));
  b.settle_down();
  REQUIRE((*asked)->has_value());
  CHECK((**asked)->record->state == State::kSucceeded);
  CHECK(b.state(id) == State::kSucceeded);
  CHECK(b.gate->find_open(id) == nullptr);
  CHECK(b.executor.executed.size() == 1);
  CHECK(b.run(b.gate->comment(Bench::person("bob"), id, "done")).has_value());
}

TEST_CASE("an action that people released before its own answer arrived starts once") {
  Bench b;
  const Hold hold = latch(b), runs = latch(b);
  b.executor.hold_execute["ask"] = runs;
  b.journal->hold_append = [&](const store::AppendRequest& request) {
    return request.events.front().type == "action.decided" ? hold : nullptr;
  };
  const auto asked = b.begin(b.gate->submit(Bench::agent("bot"), Bench::request("ask")));
  REQUIRE(b.until([&] { return hold->waiting == 1; }));
  const std::vector<Event> committed = b.run(b.real->read_range(b.real->size() - 1, 1, false));
  const ActionId id(committed.front().stream.substr(7));
  b.journal->hold_append = nullptr;
  REQUIRE(b.run(b.voting("bob", b.run(b.gate->find(Bench::person("bob"), id)))).has_value());
  REQUIRE(b.until([&] { return runs->waiting == 1; }));
  hold->open();
  REQUIRE(b.until([&] { return asked->has_value(); }));
  b.settle_down();
  CHECK(b.executor.executed.size() == 1);
  runs->open();
  b.settle_down();
  CHECK(b.state(id) == State::kSucceeded);
}

TEST_CASE("whoever asks and whoever reads hold the same record, and it counts as pending once") {
  GateOptions options;
  options.pending_per_agent_max = 2;
  Bench b(options);
  const Hold hold = latch(b);
  b.journal->hold_append = [&](const store::AppendRequest& request) {
    return request.events.front().type == "action.decided" ? hold : nullptr;
  };
  const auto asked = b.begin(b.gate->submit(Bench::agent("bot"), Bench::request("ask")));
  REQUIRE(b.until([&] { return hold->waiting == 1; }));
  const std::vector<Event> committed = b.run(b.real->read_range(b.real->size() - 1, 1, false));
  const ActionId id(committed.front().stream.substr(7));
  const RecordPtr seen = b.run(b.gate->find(Bench::person("bob"), id));
  REQUIRE(seen);
  hold->open();
  b.journal->hold_append = nullptr;
  REQUIRE(b.until([&] { return asked->has_value(); }));
  CHECK((**asked)->record == seen);
  CHECK(b.gate->find_open(id) == seen);
  CHECK(b.ask("ask")->state == State::kPending);
  const Result<Submitted> third = b.run(b.gate->submit(Bench::agent("bot"), Bench::request("ask")));
  CHECK((!third && third.error().code == "too_many_pending"));
  REQUIRE(b.run(b.gate->cancel(Bench::agent("bot"), id)).has_value());
  CHECK(b.ask("ask")->state == State::kPending);
}

// A reader's copy of a settled action that was read before the last comment was committed.
TEST_CASE("an old copy that a slow reader brings does not hide what was written since") {
  GateOptions options;
  options.settled_kept_max = 1;
  Bench b(options);
  const RecordPtr one = b.ask("run", "one");
  REQUIRE(b.until([&] { return one->state == State::kSucceeded; }));
  const RecordPtr two = b.ask("run", "two");  // the first is no longer kept
  REQUIRE(b.until([&] { return two->state == State::kSucceeded; }));
  const Hold hold = latch(b);
  b.journal->hold_read = [&](const std::string&) { return hold; };
  const auto reading = b.begin(b.gate->find(Bench::person("ada"), one->id));
  REQUIRE(b.until([&] { return hold->waiting == 1; }));
  b.journal->hold_read = nullptr;
  REQUIRE(b.run(b.gate->comment(Bench::person("ada"), one->id, "first")).has_value());
  b.run(b.gate->find(Bench::person("ada"), two->id));  // again out of memory
  hold->open();
  REQUIRE(b.until([&] { return reading->has_value(); }));
  CHECK(b.run(b.gate->find(Bench::person("ada"), one->id))->comments.size() == 1);
  const Result<RecordPtr> second = b.run(b.gate->comment(Bench::person("ada"), one->id, "second"));
  REQUIRE_MESSAGE(second.has_value(), (second ? "" : second.error().message));
  CHECK((*second)->comments.size() == 2);
}

TEST_CASE("an old copy that a slow reader brings while somebody writes does not stay") {
  GateOptions options;
  options.settled_kept_max = 1;
  Bench b(options);
  const RecordPtr one = b.ask("run", "one");
  REQUIRE(b.until([&] { return one->state == State::kSucceeded; }));
  const RecordPtr two = b.ask("run", "two");
  REQUIRE(b.until([&] { return two->state == State::kSucceeded; }));
  const Hold reads = latch(b), writes = latch(b);
  b.journal->hold_read = [&](const std::string&) { return reads; };
  const auto reading = b.begin(b.gate->find(Bench::person("ada"), one->id));
  REQUIRE(b.until([&] { return reads->waiting == 1; }));
  b.journal->hold_read = nullptr;
  b.journal->hold_append = [&](const store::AppendRequest&) { return writes; };
  const auto commenting = b.begin(b.gate->comment(Bench::person("ada"), one->id, "first"));
  REQUIRE(b.until([&] { return writes->waiting == 1; }));
  b.journal->hold_append = nullptr;
  b.run(b.gate->find(Bench::person("ada"), two->id));  // again out of memory
  reads->open();
  REQUIRE(b.until([&] { return reading->has_value(); }));
  writes->open();
  REQUIRE(b.until([&] { return commenting->has_value(); }));
  CHECK(b.run(b.gate->find(Bench::person("ada"), one->id))->comments.size() == 1);
  CHECK(b.run(b.gate->comment(Bench::person("ada"), one->id, "second")).has_value());
}

}  // namespace
}  // namespace keyturn::gate
