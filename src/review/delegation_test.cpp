// Standing in for somebody: a place is filled once, and by nobody who could not have it.
#include "people/delegation.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "people/testing.h"
#include "review/review.h"

using namespace keyturn;
using namespace keyturn::review;
using people::Directory;
using people::testing::apply;
using people::testing::at;
using people::testing::event_of;

namespace {

// alice and bob in dba, carol in sre, dave in nothing; erin in dba owns ops-bot.
Directory office() {
  Directory d;
  apply(d, people::person_added({.id = "alice", .groups = {"dba"}}));
  apply(d, people::person_added({.id = "bob", .groups = {"dba"}}));
  apply(d, people::person_added({.id = "carol", .groups = {"sre"}}));
  apply(d, people::person_added({.id = "dave"}));
  apply(d, people::person_added({.id = "erin", .groups = {"dba"}}));
  apply(d, people::agent_added("ops-bot", "erin"));
  d.pass_time(at(10));
  return d;
}

people::Delegation stands_in(std::string from, std::string to, int start = 0, int until = 100) {
  people::Delegation out;
  out.id = "del_" + from + "_" + to;
  out.from = std::move(from);
  out.to = std::move(to);
  out.start = at(start);
  out.until = at(until);
  return out;
}

struct Case {
  Directory directory = office();
  Review review;

  explicit Case(Quorum quorum) {
    Open open;
    open.action = "act_1";
    open.plan.quorum = std::move(quorum);
    open.digest = "sha256:1";
    open.lineage.requester = "ops-bot";
    open.lineage.requested_at = at(10);
    open.lineage.add(people::Role::kOwner, "erin");
    open.expires_at = at(1000);
    REQUIRE(run(open, 10) == "ok");
  }

  std::string run(const Command& command, int minute) {
    directory.pass_time(at(minute));
    const auto drafts = decide(review, command, directory, at(minute));
    if (!drafts) return drafts.error().code;
    for (const EventDraft& draft : *drafts)
      review = evolve(std::move(review), event_of(draft, at(minute)));
    return "ok";
  }

  std::string vote(std::string by, int minute = 11, Decision decision = Decision::kApprove,
                   std::optional<std::string> instead_of = {}) {
    CastVote cast;
    cast.by = {.kind = PrincipalKind::kPerson,
               .id = std::move(by),
               .assurance = Assurance::kSession,
               .channel = "web"};
    cast.decision = decision;
    cast.digest = review.digest;
    cast.instead_of = std::move(instead_of);
    return run(cast, minute);
  }
  std::string deny(std::string by, int minute = 11) {
    return vote(std::move(by), minute, Decision::kDeny);
  }
  bool waits(std::string_view person) const { return waits_for(review, directory, person); }
};

}  // namespace

TEST_CASE("somebody who stands in fills the place, and the record says whose it is") {
  Case c({{"dba", 2}});
  CHECK(c.vote("dave") == "not_a_reviewer");
  apply(c.directory, people::delegated(stands_in("alice", "dave")));
  CHECK(c.waits("dave"));
  CHECK(c.vote("dave") == "ok");
  CHECK(c.review.votes.at(0).instead_of == "alice");
  CHECK(c.review.status == Status::kOpen);
  CHECK_FALSE(c.waits("alice"));
  CHECK(c.vote("alice") == "already_voted");  // the place is taken
  CHECK(c.vote("bob") == "ok");
  REQUIRE(c.review.status == Status::kApproved);
  REQUIRE(c.review.places.size() == 2);
  CHECK(std::ranges::count(c.review.places, Place{"dba", "dave", "alice"}) == 1);
  CHECK(std::ranges::count(c.review.places, Place{"dba", "bob", ""}) == 1);
  CHECK(check_release(c.review, c.directory, at(12)).has_value());
}

TEST_CASE("standing in adds a place to nobody") {
  Case c({{"dba", 2}});
  apply(c.directory, people::delegated(stands_in("alice", "bob")));
  CHECK(c.vote("bob") == "ok");
  CHECK(c.review.votes.at(0).instead_of.empty());  // one's own place first
  CHECK(c.vote("bob", 11, Decision::kApprove, "alice") == "already_voted");
  CHECK(c.review.status == Status::kOpen);
  // Two who stand in for one.
  Case two({{"dba", 2}});
  apply(two.directory, people::delegated(stands_in("alice", "dave")));
  apply(two.directory, people::delegated(stands_in("alice", "carol")));
  CHECK(two.vote("dave") == "ok");
  CHECK(two.vote("carol") == "already_voted");
  CHECK_FALSE(two.waits("carol"));
  // Even if both were on record, one counts.
  const Tally count =
      tally(two.review.plan, {{"dave", "alice"}, {"carol", "alice"}, {"alice"}}, two.directory, {});
  CHECK(count.places.size() == 1);
}

TEST_CASE("who has delegated may still say no") {
  Case c({{"dba", 2}});
  apply(c.directory, people::delegated(stands_in("alice", "dave")));
  CHECK(c.vote("dave") == "ok");
  CHECK(c.deny("alice") == "ok");
  CHECK(c.review.status == Status::kDenied);
}

TEST_CASE("a delegation counts while it is in force, at the vote and at the release") {
  Case c({{"dba", 1}, {"sre", 1}});
  apply(c.directory, people::delegated(stands_in("alice", "dave", 20, 30)));
  CHECK(c.vote("dave", 19) == "not_a_reviewer");
  CHECK(c.vote("dave", 20) == "ok");
  CHECK(c.vote("carol", 25) == "ok");
  REQUIRE(c.review.status == Status::kApproved);
  CHECK(check_release(c.review, c.directory, at(25)).has_value());
  c.directory.pass_time(at(30));
  CHECK(check_release(c.review, c.directory, at(30)).error().code == "quorum_lost");

  Case ended({{"dba", 1}, {"sre", 1}});
  const people::Delegation early = stands_in("alice", "dave");
  apply(ended.directory, people::delegated(early));
  CHECK(ended.vote("dave", 12) == "ok");
  apply(ended.directory, people::delegation_ended(early, "alice"), at(13));
  CHECK(ended.vote("carol", 14) == "ok");
  CHECK(ended.review.status == Status::kOpen);
}

TEST_CASE("delegates of who is excluded are excluded, in their own place too") {
  Case c({{"dba", 1}});
  apply(c.directory, people::delegated(stands_in("erin", "bob")));
  apply(c.directory, people::delegated(stands_in("erin", "dave")));
  CHECK(c.vote("bob") == "related_to_requester");
  CHECK(c.vote("dave") == "related_to_requester");
  CHECK_FALSE(c.waits("bob"));
  // While it lasts: else an owner could exclude everybody, by delegating to them for a moment.
  apply(c.directory, people::delegation_ended(stands_in("erin", "bob"), "bob"), at(11));
  CHECK(c.vote("bob", 20) == "ok");
  // Not who has delegated to one of them.
  Case other({{"dba", 1}});
  apply(other.directory, people::delegated(stands_in("alice", "erin")));
  CHECK(other.vote("erin", 20, Decision::kApprove, "alice") == "related_to_requester");
  CHECK(other.vote("alice", 20) == "ok");
}

TEST_CASE("who cannot review has nobody review for them") {
  Case c({{"dba", 1}});
  apply(c.directory, people::delegated(stands_in("alice", "dave")));
  apply(c.directory, people::person_deactivated("alice", "left"));
  CHECK(c.vote("dave") == "not_a_reviewer");
  apply(c.directory, people::person_activated("alice"));
  apply(c.directory, people::person_deactivated("dave", "left"));
  CHECK(c.vote("dave") == "inactive");
}

TEST_CASE("it is not passed on, and covers the groups it names") {
  Case c({{"dba", 1}});
  people::Delegation narrow = stands_in("alice", "carol");
  narrow.groups = {"web"};
  apply(c.directory, people::delegated(narrow));
  CHECK(c.vote("carol") == "not_a_reviewer");
  apply(c.directory, people::delegated(stands_in("alice", "carol")));
  apply(c.directory, people::delegated(stands_in("carol", "dave")));
  CHECK(c.vote("dave") == "not_a_reviewer");
  CHECK(c.vote("carol") == "ok");
}

TEST_CASE("who stands in for several says for whom") {
  Case c({{"dba", 2}});
  apply(c.directory, people::delegated(stands_in("alice", "dave")));
  apply(c.directory, people::delegated(stands_in("bob", "dave")));
  CHECK(c.vote("dave") == "ambiguous_place");
  CHECK(c.vote("dave", 11, Decision::kApprove, "carol") == "not_a_reviewer");
  CHECK(c.vote("dave", 11, Decision::kApprove, "bob") == "ok");
  CHECK(c.vote("alice") == "ok");
  CHECK(c.review.status == Status::kApproved);
}

TEST_CASE("nobody stands in where a passkey is asked for, or for an administrator") {
  Case c({{"dba", 1}});
  c.review.plan.assurance = Assurance::kPasskey;
  apply(c.directory, people::delegated(stands_in("alice", "dave")));
  CHECK(c.vote("dave") == "not_a_reviewer");
  CHECK_FALSE(c.waits("dave"));
  c.review.votes.push_back(
      {.reviewer = "dave", .instead_of = "alice", .assurance = Assurance::kPasskey});
  CHECK(tally_of(c.review, c.directory).places.empty());

  Case administrators({{"administrators", 1}});
  apply(administrators.directory, people::group_changed("administrators", {"alice"}, {}));
  apply(administrators.directory, people::delegated(stands_in("alice", "dave")));
  CHECK(administrators.vote("dave") == "not_a_reviewer");
  CHECK(administrators.vote("alice") == "ok");
}

TEST_CASE("a vote of before they were shut out does not come back with them") {
  Case c({{"dba", 2}});
  CHECK(c.vote("alice", 11) == "ok");
  apply(c.directory, people::person_deactivated("alice", "left"), at(12));
  apply(c.directory, people::person_activated("alice"), at(13));
  CHECK(c.vote("bob", 14) == "ok");
  CHECK(c.review.status == Status::kOpen);
  CHECK(c.run(TakeBack{{.kind = PrincipalKind::kPerson, .id = "alice"}}, 15) == "ok");
  CHECK(c.vote("alice", 16) == "ok");
  CHECK(c.review.status == Status::kApproved);
}
