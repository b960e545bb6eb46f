// Reminders, and escalation: who is told, and who may decide from then on.
#include <doctest/doctest.h>

#include <algorithm>

#include "people/testing.h"
#include "review/review.h"

using namespace keyturn;
using namespace keyturn::review;
using people::testing::apply;
using people::testing::at;

namespace {

using std::chrono::minutes;

// alice and bob in dba, carol in sre, lea and max in lead (lea in sre, too); erin owns ops-bot and
// is a lead. Opened at minute 0, to expire at minute 1000.
struct Case {
  people::Directory directory;
  Review review;
  int now = 0;

  explicit Case(Plan plan) {
    for (const auto& [id, groups] : std::initializer_list<std::pair<const char*, const char*>>{
             {"alice", "dba"}, {"bob", "dba"}, {"carol", "sre"}, {"max", "lead"}, {"erin", "lead"}})
      apply(directory, people::person_added({.id = id, .groups = {groups}}));
    apply(directory, people::person_added({.id = "lea", .groups = {"lead", "sre"}}));
    apply(directory, people::person_added({.id = "dora"}));
    apply(directory, people::agent_added("ops-bot", "erin"));
    directory.pass_time(at(0));
    Open open;
    open.action = "act_1";
    open.plan = std::move(plan);
    open.digest = "sha256:1";
    open.lineage.requester = "ops-bot";
    open.lineage.requested_at = at(0);
    open.lineage.add(people::Role::kOwner, "erin");
    open.expires_at = at(1000);
    REQUIRE(run(open) == "opened");
  }

  std::string run(const Command& command) {
    directory.pass_time(at(now));
    const auto drafts = decide(review, command, directory, at(now));
    if (!drafts) return drafts.error().code;
    std::string types;
    for (const EventDraft& d : *drafts) {
      review = evolve(std::move(review), people::testing::event_of(d, at(now)));
      types += (types.empty() ? "" : " ") + d.type.substr(7);
    }
    return types;
  }
  std::string escalate(int minute) {
    now = minute;
    return run(Escalate{});
  }
  std::string remind(int minute) {
    now = minute;
    return run(Remind{});
  }
  std::string vote(const std::string& who, Decision decision = Decision::kApprove,
                   std::optional<std::string> instead_of = {}) {
    CastVote cast;
    cast.by = {PrincipalKind::kPerson, who, {}, Assurance::kSession, "web"};
    cast.decision = decision;
    cast.digest = review.digest;
    cast.instead_of = std::move(instead_of);
    return run(cast);
  }
  std::string waiting() const {
    const auto list = waiting_for(review, directory);
    for (const auto& [id, person] : directory.persons()) {  // the two agree
      const bool listed = std::ranges::find(list, id) != list.end();
      CHECK(waits_for(review, directory, id) == listed);
      if (listed) CHECK(is_reviewer(review, directory, id));
    }
    return people::in_words({list.begin(), list.end()});
  }
  std::string told() const {
    const auto list = escalated_to(review, directory);
    return people::in_words({list.begin(), list.end()});
  }
  bool releasable() const { return check_release(review, directory, at(now)).has_value(); }
};

Plan plan(Quorum quorum, std::set<std::string> instead_of = {}) {
  Plan out;
  out.quorum = std::move(quorum);
  out.expires = minutes(1000);
  out.escalate_after = minutes(30);
  out.escalate_to = "lead";
  out.escalate_instead_of = std::move(instead_of);
  return out;
}

}  // namespace

TEST_CASE("people are reminded after an interval that doubles, five times, never after the end") {
  Plan reminding = plan({{"dba", 1}, {"sre", 1}});
  reminding.remind = minutes(10);
  Case c(reminding);
  CHECK(c.remind(9) == "not_due");
  CHECK(reminder_due(c.review) == at(10));
  for (const int minute : {10, 30, 70, 150, 310}) {
    CHECK(c.remind(minute - 1) == "not_due");
    CHECK(c.remind(minute) == "reminded");
    CHECK(c.remind(minute) == "not_due");
  }
  CHECK(c.review.reminders == 5);
  CHECK_FALSE(reminder_due(c.review));
  CHECK(c.remind(630) == "not_due");
  CHECK(c.remind(1000) == "closed");

  Case slept(reminding);  // what was missed is not made up for
  CHECK(slept.remind(100) == "reminded");
  CHECK(slept.review.reminders == 3);
  CHECK(reminder_due(slept.review) == at(150));

  reminding.remind = minutes(400);
  Case late(reminding);
  CHECK(late.remind(400) == "reminded");
  CHECK_FALSE(reminder_due(late.review));  // the next would be after it expires
  CHECK(late.vote("alice") == "voted");
  CHECK(late.vote("carol") == "voted closed");
  CHECK(late.remind(500) == "closed");

  Case silent(plan({{"dba", 1}}));
  CHECK_FALSE(reminder_due(silent.review));
}

TEST_CASE("an escalation tells others, who read and comment and do not decide") {
  Case c(plan({{"dba", 1}, {"sre", 1}}));
  CHECK(c.escalate(29) == "not_due");
  CHECK(c.told() == "none");
  CHECK_FALSE(is_reviewer(c.review, c.directory, "max"));
  CHECK(c.escalate(30) == "escalated");
  CHECK(c.escalate(31) == "not_due");
  CHECK(c.told() == "lea, max");  // not erin, whose agent asks
  CHECK(is_reviewer(c.review, c.directory, "max"));
  CHECK(c.waiting() == "alice, bob, carol, lea");
  CHECK(c.vote("max") == "not_a_reviewer");
  CHECK(c.vote("max", Decision::kDeny) == "not_a_reviewer");
  CHECK(c.run(Comment{{PrincipalKind::kPerson, "max", {}, Assurance::kSession, "web"}, "why?"}) ==
        "commented");
  CHECK(c.vote("lea") == "voted");  // for sre, as before
  CHECK(c.vote("alice") == "voted closed");
  CHECK(c.told() == "none");
}

TEST_CASE("with instead_of they may fill those places, and only those, from then on") {
  Case c(plan({{"dba", 1}, {"sre", 1}}, {"dba"}));
  CHECK(c.vote("max") == "not_a_reviewer");
  c.now = 31;  // time alone escalates nothing
  CHECK(c.vote("max") == "not_a_reviewer");
  CHECK(c.escalate(31) == "escalated");
  CHECK(c.waiting() == "alice, bob, carol, lea, max");
  CHECK(c.vote("erin") == "related_to_requester");
  CHECK(c.vote("max") == "voted");
  CHECK(c.waiting() == "alice, bob, carol, lea");
  CHECK(c.vote("bob") == "voted");  // dba twice: sre is still missing
  CHECK(c.review.status == Status::kOpen);
  CHECK(c.vote("carol") == "voted closed");
  CHECK(c.releasable());
  apply(c.directory, people::person_deactivated("bob", "left"));
  CHECK(c.releasable());  // max fills the place
  apply(c.directory, people::group_changed("lead", {}, {"max"}));
  CHECK_FALSE(c.releasable());
}

TEST_CASE("each place takes a human of its own, and a vote of before does not move") {
  Case c(plan({{"dba", 1}, {"sre", 1}}, {"dba"}));
  CHECK(c.vote("lea") == "voted");  // as sre
  CHECK(c.escalate(30) == "escalated");
  CHECK(c.vote("carol") == "voted");  // lea does not become a dba by it
  CHECK(c.review.status == Status::kOpen);
  CHECK(c.vote("lea") == "already_voted");
  CHECK(c.run(TakeBack{{PrincipalKind::kPerson, "lea", {}, Assurance::kSession, "web"}}) ==
        "vote_withdrawn");
  CHECK(c.vote("lea") == "voted closed");  // now she fills one, carol the other
  REQUIRE(c.review.places.size() == 2);

  Case two(plan({{"dba", 2}}, {"dba"}));
  apply(two.directory, people::person_added({.id = "max2", .aliases = {"max"}, .groups = {"dba"}}));
  CHECK(two.escalate(30) == "escalated");
  CHECK(two.vote("max") == "voted");
  CHECK(two.vote("max2") == "already_voted");
  CHECK(two.vote("lea") == "voted closed");
}

TEST_CASE("stages keep their order, and tell whose turn it is") {
  Plan staged = plan({}, {"dba"});
  staged.stages = {{{{"sre", 1}}, {{"dba", 1}}}};
  Case c(staged);
  CHECK(c.escalate(30) == "escalated");
  CHECK(c.waiting() == "carol, lea");  // it is the turn of sre: nobody is replaced there
  CHECK(c.vote("max") == "not_a_reviewer");
  CHECK(c.vote("carol") == "voted");
  CHECK(c.waiting() == "alice, bob, lea, max");
  CHECK(c.vote("max") == "voted closed");
}

TEST_CASE("who may approve in an escalation may deny, and who stands in for them may both") {
  Case c(plan({{"dba", 1}}, {"dba"}));
  CHECK(c.escalate(30) == "escalated");
  CHECK(c.vote("max", Decision::kDeny) == "voted closed");
  CHECK(c.review.status == Status::kDenied);

  Case d(plan({{"dba", 1}}, {"dba"}));
  people::Delegation stands_in{"del_1", "max", "dora", {}, at(0), at(900)};
  apply(d.directory, people::delegated(stands_in));
  CHECK(d.vote("dora") == "not_a_reviewer");
  CHECK(d.escalate(30) == "escalated");
  CHECK(d.told() == "dora, lea, max");
  CHECK(d.vote("dora") == "voted closed");
  REQUIRE(d.review.places.size() == 1);
  CHECK(d.review.places.front() == Place{"dba", "dora", "max"});

  Plan by_list = plan({{"dba", 1}}, {"dba"});
  by_list.veto_any = false;
  by_list.veto_groups = {"sre"};
  Case e(by_list);
  CHECK(e.escalate(30) == "escalated");
  CHECK(e.vote("max", Decision::kDeny) == "voted");  // whose denials close is not in its gift
  CHECK(e.review.status == Status::kOpen);
}

TEST_CASE("nobody fills an administrator's place") {
  Plan of_admins = plan({{"administrators", 1}}, {"administrators"});
  Case c(of_admins);
  apply(c.directory, people::person_added({.id = "ada", .groups = {"administrators"}}));
  CHECK(c.escalate(30) == "escalated");
  CHECK(c.waiting() == "ada");
  CHECK(c.vote("max") == "not_a_reviewer");
}

TEST_CASE("a new round begins without it; a vote that only it allowed is not kept") {
  Case c(plan({{"dba", 2}}, {"dba"}));
  CHECK(c.escalate(30) == "escalated");
  CHECK(c.vote("alice") == "voted");
  CHECK(c.vote("max") == "voted closed");
  ReturnToReview back;
  back.votes = ReturnToReview::Votes::kVoidPasskeys;
  back.reason = "policy_changed";
  back.plan = c.review.plan;
  back.lineage = c.review.lineage;
  back.digest = "sha256:2";
  back.expires_at = at(1000);
  c.now = 40;
  CHECK(c.run(back) == "closed opened");
  CHECK(c.review.escalated_to.empty());
  REQUIRE(c.review.votes.size() == 1);
  CHECK(c.review.votes.front().reviewer == "alice");
  CHECK(c.vote("max") == "not_a_reviewer");
  CHECK(escalation_due(c.review) == at(70));
  CHECK(c.escalate(69) == "not_due");
  CHECK(c.escalate(70) == "escalated");
  CHECK(c.vote("max") == "voted closed");
}

TEST_CASE("a plan that does not escalate so, or would later, counts without it") {
  Case c(plan({{"dba", 1}}, {"dba"}));
  CHECK(c.escalate(30) == "escalated");
  CHECK(c.vote("max") == "voted closed");
  Plan other = c.review.plan;
  CHECK(meets(c.review, other, c.directory));
  other.escalate_after = minutes(31);
  CHECK_FALSE(meets(c.review, other, c.directory));
  other.escalate_after = minutes(20);
  CHECK(meets(c.review, other, c.directory));
  other.escalate_to = "sre";
  CHECK_FALSE(meets(c.review, other, c.directory));
  other = c.review.plan;
  other.escalate_instead_of.clear();
  CHECK_FALSE(meets(c.review, other, c.directory));
}

TEST_CASE("whether a plan can be met is asked without its escalation") {
  people::Directory d;
  apply(d, people::person_added({.id = "max", .groups = {"lead"}}));
  CHECK_FALSE(satisfiable(plan({{"dba", 1}}, {"dba"}), d, {}));
  CHECK(satisfiable(plan({{"lead", 1}}, {"lead"}), d, {}));
}
