#include "gate/inboxes.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <random>

#include "people/testing.h"

namespace keyturn::gate {
namespace {

using people::testing::apply;
using people::testing::at;
using people::testing::event_of;

const std::vector<std::string> kPeople{"ann", "ben", "cat", "dan", "eve"};
const std::vector<std::string> kGroups{"dba", "sre", "sec"};

// Random people, delegations and reviews, and the lists over them.
struct Game {
  std::mt19937 random;
  people::Directory directory;
  Inboxes inboxes{directory};
  std::vector<std::shared_ptr<ActionRecord>> actions;
  int minute = 0;
  int number = 0;

  int below(int end) { return std::uniform_int_distribution<int>(0, end - 1)(random); }
  template <class T>
  const T& one_of(const std::vector<T>& all) {
    return all[static_cast<std::size_t>(below(static_cast<int>(all.size())))];
  }

  explicit Game(unsigned seed) : random(seed) {
    for (const std::string& id : kPeople) {
      people::Person person;
      person.id = id;
      apply(directory, people::person_added(person));
    }
    for (const std::string& group : kGroups)
      apply(directory, people::group_changed(group, {one_of(kPeople), one_of(kPeople)}, {}));
    apply(directory, people::agent_added("bot", one_of(kPeople)));
    directory.pass_time(at(0));
  }

  Plan plan() {
    Plan out;
    switch (below(3)) {
      case 0:
        out.quorum[one_of(kGroups)] = 1 + below(3 - 1);
        break;
      case 1:
        out.any = {{{{one_of(kGroups), 1}}, {{one_of(kGroups), 2}}}};
        break;
      default:
        out.stages = {{{{one_of(kGroups), 1}}, {{one_of(kGroups), 1}}}};
    }
    return out;
  }

  void happen(ActionRecord& record, const std::vector<EventDraft>& drafts) {
    for (const EventDraft& draft : drafts) {
      record.review =
          review::evolve(record.review.value_or(review::Review{}), event_of(draft, at(minute)));
    }
    const review::Status status = record.review->status;
    record.state = status == review::Status::kOpen       ? State::kPending
                   : status == review::Status::kApproved ? State::kApproved
                                                         : State::kDenied;
  }

  void open() {
    auto record = std::make_shared<ActionRecord>();
    record->id = ActionId("act_" + std::to_string(1000 + number++));
    Principal bot;
    bot.kind = PrincipalKind::kAgent;
    bot.id = "bot";
    review::Open command{record->id.str(), plan(), "sha256:0",
                         people::lineage_of(directory, bot, at(minute), doc::Object{}),
                         at(minute + 100'000)};
    happen(*record, *review::decide({}, command, directory, at(minute)));
    actions.push_back(record);
    inboxes.put(record);
  }

  void vote() {
    if (actions.empty()) return;
    const auto record = one_of(actions);
    Principal who;
    who.kind = PrincipalKind::kPerson;
    who.id = one_of(kPeople);
    who.assurance = Assurance::kSession;
    who.channel = "web";
    review::CastVote vote{who, below(5) == 0 ? review::Decision::kDeny : review::Decision::kApprove,
                          "sha256:0"};
    const bool back = below(4) == 0;
    const auto drafts =
        back ? review::decide(*record->review, review::TakeBack{who}, directory, at(minute))
             : review::decide(*record->review, vote, directory, at(minute));
    if (!drafts) return;
    happen(*record, *drafts);
    inboxes.put(record);
  }

  void change_people() {
    const std::string& who = one_of(kPeople);
    switch (below(5)) {
      case 0:
        return apply(directory, people::group_changed(one_of(kGroups), {who}, {}));
      case 1:
        return apply(directory, people::group_changed(one_of(kGroups), {}, {who}));
      case 2:
        return apply(directory, people::person_deactivated(who, "left"), at(minute));
      case 3:
        return apply(directory, people::person_activated(who), at(minute));
      default:
        people::Delegation stand_in;
        stand_in.id = "del_" + std::to_string(number++);
        stand_in.from = who;
        stand_in.to = one_of(kPeople);
        stand_in.start = at(minute + below(5));
        stand_in.until = at(minute + 10);
        if (stand_in.from != stand_in.to) apply(directory, people::delegated(stand_in));
    }
  }

  std::set<std::string> counted(const std::string& person) const {
    std::set<std::string> out;
    for (const auto& record : actions) {
      const bool waits =
          record->state == State::kPending && review::waits_for(*record->review, directory, person);
      if (waits) out.insert(record->id.str());
    }
    return out;
  }

  std::set<std::string> voted(const std::string& person) const {
    std::set<std::string> out;
    for (const auto& record : actions) {
      const auto& votes = record->review->votes;
      if (record->state == State::kPending &&
          std::ranges::find(votes, person, &review::Vote::reviewer) != votes.end())
        out.insert(record->id.str());
    }
    return out;
  }
};

std::set<std::string> ids(const std::vector<const ActionRecord*>& list) {
  std::set<std::string> out;
  for (const ActionRecord* record : list) out.insert(record->id.str());
  return out;
}

TEST_CASE("a kept list is what counting anew gives, whatever happened in whatever order") {
  const bool held = rc::check([](unsigned seed) {
    Game game(seed);
    const int steps = 1 + game.below(60);
    for (int step = 0; step < steps; ++step) {
      switch (game.below(8)) {
        case 0:
        case 1:
        case 2:
          game.open();
          break;
        case 3:
        case 4:
        case 5:
          game.vote();
          break;
        case 6:
          game.change_people();
          break;
        default:
          game.minute += 1 + game.below(7);
          game.directory.pass_time(at(game.minute));
      }
      const std::string& asker = game.one_of(kPeople);  // so that the others' lists are older
      const auto list = game.inboxes.waiting_for(asker);
      RC_ASSERT(ids(list) == game.counted(asker));
      RC_ASSERT(std::ranges::is_sorted(list, {}, [](const ActionRecord* r) { return r->id; }));
      RC_ASSERT(game.inboxes.count(asker) == list.size());
      RC_ASSERT(ids(game.inboxes.voted_by(asker)) == game.voted(asker));
      if (step % 20 == 19) game.inboxes.tidy();
    }
  });
  CHECK(held);
}

TEST_CASE(
    "whoever watches hears of what begins and ends to wait for them, and of what they voted on") {
  const bool held = rc::check([](unsigned seed) {
    Game game(seed);
    std::map<std::string, std::set<std::string>> heard;
    for (const std::string& person : kPeople) {
      game.inboxes.watch(person, [&heard, person](const RecordPtr& record) {
        heard[person].insert(record->id.str());
      });
    }
    for (int step = 0; step < 30; ++step) {
      if (game.below(6) == 0) game.change_people();
      std::map<std::string, std::set<std::string>> before;
      for (const std::string& person : kPeople) before[person] = game.counted(person);
      heard.clear();
      if (game.below(2) == 0)
        game.open();
      else
        game.vote();
      for (const std::string& person : kPeople) {
        std::set<std::string> moved;
        std::ranges::set_symmetric_difference(before[person], game.counted(person),
                                              std::inserter(moved, moved.end()));
        RC_ASSERT(std::ranges::includes(heard[person], moved));
      }
    }
  });
  CHECK(held);
}

TEST_CASE("a watcher that stopped hears nothing, and its list is forgotten when nobody asks") {
  Game game(7);
  for (const std::string& person : kPeople)
    apply(game.directory, people::group_changed("sre", {person}, {}));
  int calls = 0;
  const std::uint64_t number = game.inboxes.watch("ann", [&](const RecordPtr&) { ++calls; });
  game.inboxes.unwatch("ann", number);
  for (int i = 0; i < 4; ++i) game.inboxes.tidy();
  for (int i = 0; i < 20; ++i) game.open();
  CHECK(calls == 0);
  CHECK(ids(game.inboxes.waiting_for("ann")) == game.counted("ann"));
}

}  // namespace
}  // namespace keyturn::gate
