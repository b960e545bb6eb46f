#include "channels/courier.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <map>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>

#include "channels/testing.h"

namespace keyturn::channels {
namespace {

using Kind = Undelivered::Kind;

constexpr std::string_view kTwo = R"(apiVersion: keyturn/v1
kind: Policy
metadata: {name: tests, revision: 2}
defaults: {effect: deny, onError: deny}
rules:
- {id: asked, match: {tool: [ask]}, effect: require, require: {quorum: {dba: 2}, assurance: token, expires: 1h}}
)";

// The other side, as it would be seen there: by place and action, the words that hang there.
struct OtherSide {
  std::map<std::pair<std::string, std::string>, std::string> shown;
  std::set<std::pair<std::string, std::string>> under_way;
  std::function<std::optional<Undelivered>(const Errand&)> trouble;
  bool breaks = false;        // carry() throws
  bool loses_answer = false;  // it was done, and nobody hears of it
  std::size_t carried = 0, at_once = 0;
  unsigned takes_us = 200;
};

// Everybody who is asked, and one room: what hangs there is the state and the votes.
class Board final : public Channel {
 public:
  Board(OtherSide& other, net::Loop& loop) : other_(other), loop_(loop) {}
  std::string_view name() const override { return "board"; }
  std::string_view kind() const override { return "slack"; }
  Task<Result<void>> start() override { co_return Result<void>{}; }
  std::uint64_t reach() const override { return reachable; }

  static std::string word_of(const gate::ActionRecord& record) {
    std::string out(to_text(record.state));
    for (const review::Vote& vote : record.review->votes) out += " " + vote.reviewer;
    return out + " " + std::to_string(record.comments.size());
  }
  std::vector<Errand> due(const Matter& matter, const KeptPlaces& kept) override {
    std::set<std::string> places;
    if (matter.record->state == State::kPending) {
      places.insert("room");
      for (const std::string& id : matter.asked) places.insert("person:" + id);
    }
    for (const auto& [place, one] : kept) places.insert(place);
    if (reachable == 0) places.clear();
    std::vector<Errand> out;
    for (const std::string& place : places) out.push_back({place, word_of(*matter.record), {}});
    return out;
  }
  Task<Carried> carry(Matter matter, Errand errand, doc::Value memo) override {
    const std::pair key{errand.place, matter.record->id.str()};
    CHECK(other_.under_way.insert(key).second);  // one at a time for a place of an action
    other_.at_once = std::max(other_.at_once, other_.under_way.size());
    co_await loop_.sleep(std::chrono::microseconds(other_.takes_us));
    CHECK(errand.word == word_of(*matter.record));  // it does not change under the errand
    other_.under_way.erase(key);
    if (other_.breaks) throw std::runtime_error("it breaks");
    const std::optional<Undelivered> why =
        other_.trouble ? other_.trouble(errand) : std::optional<Undelivered>{};
    // Of what was put there first the place is not known until the answer comes.
    if (why && (!other_.loses_answer || memo.is_null())) co_return std::unexpected(*why);
    other_.shown[key] = errand.word;
    ++other_.carried;
    if (why) co_return std::unexpected(*why);
    co_return doc::object({{"id", errand.place}});
  }
  std::uint64_t reachable = 1;

 private:
  OtherSide& other_;
  net::Loop& loop_;
};

// A gate whose clock, journal and tasks are the loop's, and couriers that come and go.
struct Post {
  net::Loop loop;
  store::sqlite::testing::TempDir dir;
  SystemClock clock;
  SystemRandom random;
  gate::testing::HeldExecutor executor;
  std::unique_ptr<store::Journal> journal;
  std::unique_ptr<gate::Gate> gate;
  testing::MemoryKeep keep;
  OtherSide other;
  std::unique_ptr<Board> board;
  std::unique_ptr<Courier> courier;
  std::vector<std::string> log;

  Post() {
    auto opened = store::sqlite::open_journal({.path = dir.file("journal.db"),
                                               .master = Secret(std::string(32, 'M')),
                                               .node = "test",
                                               .closed_types = {}},
                                              clock, random, loop.executor());
    REQUIRE(opened.has_value());
    journal = std::move(*opened);
    gate::Ports ports{*journal,
                      executor,
                      clock,
                      random,
                      [this](Task<void> task) { loop.spawn(std::move(task)); },
                      Secret(std::string(32, 'H'))};
    gate = std::make_unique<gate::Gate>(std::move(ports), gate::GateOptions{});
    gate->load();
  }

  // Runs the test as a coroutine, to its end.
  static Task<void> to_the_end(Post& post, Task<void> test) {
    co_await std::move(test);
    if (post.courier) post.courier->stop();
    post.loop.stop();
  }
  void run(Task<void> test) {
    loop.spawn(to_the_end(*this, std::move(test)));
    loop.run();
  }

  Task<void> record(std::vector<EventDraft> events) {
    CHECK((co_await gate->record(std::move(events), {})).has_value());
  }
  Task<void> populate() {
    std::vector<EventDraft> events;
    for (const char* id : {"olga", "bob", "erin", "mia"}) {
      people::Person person;
      person.id = person.name = id;
      events.push_back(people::person_added(person));
    }
    events.push_back(people::group_changed("dba", {"bob", "erin"}, {}));
    events.push_back(people::agent_added("bot", "olga"));
    events.push_back({"tools", "tools.activated", doc::object({{"by", "host"}}),
                      doc::object({{"text", gate::testing::tools_text()}})});
    events.push_back({"policy", "policy.activated", doc::object({{"by", "host"}}),
                      doc::object({{"text", std::string(kTwo)}})});
    co_await record(std::move(events));
  }
  Task<void> open_courier() {
    if (courier) courier->stop();
    courier.reset();
    board = std::make_unique<Board>(other, loop);
    courier = std::make_unique<Courier>(
        *gate, loop, keep, *board, [this](const std::string& line) { log.push_back(line); },
        CourierOptions{.errands_at_once = 4,
                       .first_backoff = std::chrono::milliseconds(1),
                       .backoff_max = std::chrono::milliseconds(5)});
    CHECK((co_await courier->start()).has_value());
  }
  // What ran when a courier went still holds on to its channel.
  Task<void> let_errands_end() {
    while (!other.under_way.empty()) co_await loop.sleep(std::chrono::milliseconds(1));
  }
  Task<gate::RecordPtr> ask() {
    auto made = co_await gate->submit(gate::testing::Bench::agent("bot"),
                                      gate::testing::Bench::request("ask"));
    REQUIRE(made.has_value());
    co_return made->record;
  }
  Task<void> vote(std::string who, gate::RecordPtr record, review::Decision decision) {
    gate::VoteCommand command;
    command.decision = decision;
    command.digest = record->case_digest;
    (void)co_await gate->vote(gate::testing::Bench::person(who), record->id, std::move(command));
  }
  // What hangs there of an action, in one line; until it is that, or too late.
  std::string of(const gate::RecordPtr& record) {
    std::string out;
    for (const auto& [key, word] : other.shown) {
      if (key.second == record->id.str()) out += key.first + "=" + word + ";";
    }
    return out;
  }
  template <class Done>
  Task<bool> until(Done done) {
    for (int round = 0; round < 20'000; ++round) {
      if (done()) co_return true;
      co_await loop.sleep(std::chrono::milliseconds(1));
    }
    co_return false;
  }
};

Undelivered unreachable() {
  return {Kind::kUnreachable, "it does not answer", {}};
}

Task<void> told_of_changes(Post& post) {
  co_await post.populate();
  co_await post.open_courier();
  const gate::RecordPtr record = co_await post.ask();
  CHECK(co_await post.until([&] {
    return post.of(record) == "person:bob=pending 0;person:erin=pending 0;room=pending 0;";
  }));
  co_await post.vote("bob", record, review::Decision::kDeny);
  CHECK(co_await post.until([&] {
    return post.of(record) == "person:bob=denied bob 0;person:erin=denied bob 0;room=denied bob 0;";
  }));
}

Task<void> older_than_the_channel(Post& post) {
  co_await post.populate();
  const gate::RecordPtr old = co_await post.ask();
  co_await post.loop.sleep(std::chrono::milliseconds(5));
  co_await post.open_courier();
  const gate::RecordPtr record = co_await post.ask();
  CHECK(co_await post.until([&] { return !post.of(record).empty(); }));
  CHECK(post.of(old).empty());
}

Task<void> given_up_and_again(Post& post) {
  co_await post.populate();
  bool never = true;
  post.other.trouble = [&](const Errand& errand) -> std::optional<Undelivered> {
    if (never && errand.place == "room") return Undelivered{Kind::kNever, "no such room", {}};
    return std::nullopt;
  };
  co_await post.open_courier();
  const gate::RecordPtr record = co_await post.ask();
  CHECK(co_await post.until([&] {
    return post.of(record) == "person:bob=pending 0;person:erin=pending 0;" &&
           post.courier->state().dead.size() == 1;
  }));
  CHECK(post.courier->state().dead.front().why == "no such room");
  CHECK(post.courier->state().status == "running");
  const std::size_t carried = post.other.carried;
  co_await post.loop.sleep(std::chrono::milliseconds(30));
  CHECK(post.other.carried == carried);  // not again by itself
  co_await post.open_courier();          // and it is known after a restart
  CHECK(post.courier->state().dead.size() == 1);
  never = false;
  CHECK(post.courier->retry("act_other") == 0);
  CHECK(post.courier->retry(record->id.str()) == 1);
  CHECK(co_await post.until([&] { return post.other.shown.size() == 3; }));
  CHECK(post.courier->state().dead.empty());
}

Task<void> what_breaks_breaks_nothing(Post& post) {
  co_await post.populate();
  post.other.breaks = true;
  co_await post.open_courier();
  const gate::RecordPtr record = co_await post.ask();
  CHECK(co_await post.until([&] { return post.courier->state().error.has_value(); }));
  CHECK(post.courier->state().status == "failing");
  post.other.breaks = false;
  CHECK(co_await post.until([&] { return post.other.shown.size() == 3; }));
  CHECK(co_await post.until([&] { return post.courier->state().status == "running"; }));
}

Task<void> others_can_be_reached(Post& post) {
  co_await post.populate();
  co_await post.open_courier();
  post.board->reachable = 0;
  const gate::RecordPtr record = co_await post.ask();
  co_await post.loop.sleep(std::chrono::milliseconds(50));
  CHECK(post.of(record).empty());
  post.board->reachable = 7;
  CHECK(co_await post.until([&] { return post.other.shown.size() == 3; }));
  co_await post.record({people::group_changed("dba", {"mia"}, {})});
  CHECK(co_await post.until([&] { return post.other.shown.size() == 4; }));
}

std::optional<Undelivered> some_trouble(std::mt19937& draw) {
  switch (draw() % 6) {
    case 0:
      return unreachable();
    case 1:
      return Undelivered{Kind::kBusy, "too fast", std::chrono::milliseconds(draw() % 4)};
    case 2:
      return Undelivered{Kind::kPlaceBusy, "too fast there", std::chrono::milliseconds(draw() % 4)};
    default:
      return std::nullopt;
  }
}

// Changes, failures and restarts in any order: in the end what hangs everywhere is what is so.
Task<void> any_order(Post& post, std::mt19937& draw, bool& held) {
  co_await post.populate();
  bool stormy = true;
  post.other.trouble = [&](const Errand&) {
    post.other.loses_answer = stormy && draw() % 4 == 0;
    post.other.takes_us = draw() % 4000;
    return stormy ? some_trouble(draw) : std::nullopt;
  };
  co_await post.open_courier();
  std::vector<gate::RecordPtr> all;
  for (int step = 0; step < 60; ++step) {
    const unsigned what = draw() % 10;
    if (what < 4 || all.empty()) {
      all.push_back(co_await post.ask());
    } else if (what < 8) {
      const auto decision = draw() % 3 == 0 ? review::Decision::kDeny : review::Decision::kApprove;
      co_await post.vote(draw() % 2 == 0 ? "bob" : "erin", all[draw() % all.size()], decision);
    } else if (what == 8) {
      co_await post.loop.sleep(std::chrono::milliseconds(draw() % 8));
    } else {
      post.courier->stop();
      co_await post.let_errands_end();
      co_await post.open_courier();
    }
  }
  stormy = false;
  post.other.loses_answer = false;
  held = co_await post.until([&] {
    for (const gate::RecordPtr& record : all) {
      for (const auto& [key, word] : post.other.shown) {
        if (key.second == record->id.str() && word != Board::word_of(*record)) return false;
      }
      if (record->state == State::kPending &&
          !post.other.shown.contains({"room", record->id.str()}))
        return false;
    }
    return true;
  });
  held = held && post.other.at_once <= 4;
}

}  // namespace

TEST_CASE("what hangs at every place follows the action") {
  Post post;
  post.run(told_of_changes(post));
}

TEST_CASE("what was asked for before a channel was ever configured is not told by it") {
  Post post;
  post.run(older_than_the_channel(post));
}

TEST_CASE("what will never be taken is given up, shown, and tried again when somebody says so") {
  Post post;
  post.run(given_up_and_again(post));
}

TEST_CASE("a channel that breaks breaks nothing else, and is tried again") {
  Post post;
  post.run(what_breaks_breaks_nothing(post));
}

TEST_CASE("what is open is looked at again when others are asked, or can be reached") {
  Post post;
  post.run(others_can_be_reached(post));
}

TEST_CASE("over any changes, failures and restarts, in the end what is shown is what is so") {
  const bool held = rc::check([](unsigned seed) {
    std::mt19937 draw(seed);
    Post post;
    bool good = false;
    post.run(any_order(post, draw, good));
    RC_ASSERT(good);
  });
  CHECK(held);
}

}  // namespace keyturn::channels
