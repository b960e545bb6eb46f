#include "review/review.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "people/testing.h"

using namespace keyturn;
using namespace keyturn::review;
using people::Directory;
using people::testing::apply;
using people::testing::at;

namespace {

Principal person(std::string id, Assurance assurance = Assurance::kSession,
                 std::string channel = "web") {
  return {PrincipalKind::kPerson, std::move(id), {}, assurance, std::move(channel)};
}
Principal agent(std::string name) {
  return {PrincipalKind::kAgent, std::move(name), {}, Assurance::kToken, "api"};
}

constexpr const char* kDigest = "sha256:aa";

// One review and the world around it; commands are decided and folded, as the gate does it.
struct Case {
  Directory directory;
  Review review;
  Time now = at(0);
  std::vector<Event> history;

  Case() {
    apply(directory, people::person_added({.id = "alice",
                                           .email = "alice@example.com",
                                           .groups = {"dba", "sre"},
                                           .admin = true}));
    for (const char* id : {"bob", "dave"}) {
      apply(directory, people::person_added({.id = id, .groups = {"dba"}}));
    }
    for (const char* id : {"carol", "erin"}) {
      apply(directory, people::person_added({.id = id, .groups = {"sre"}, .admin = true}));
    }
    apply(directory, people::person_added({.id = "frank", .groups = {"cab"}}));
    apply(directory, people::agent_added("ops-bot", "alice"));
  }

  std::string run(const Command& command) {
    auto drafts = decide(review, command, directory, now);
    if (!drafts) return drafts.error().code;
    std::string types;
    for (const EventDraft& d : *drafts) {
      Event e;
      e.stream = d.stream;
      e.type = d.type;
      e.time = std::chrono::floor<std::chrono::milliseconds>(now);
      e.body = d.body;
      history.push_back(e);
      review = evolve(review, e);
      if (!types.empty()) types += " ";
      types += d.type.substr(7);
      if (const doc::Value* result = d.body.find_path({"review", "result"})) {
        types += ":" + result->as_string();
      }
    }
    return types;
  }

  std::string open(Plan plan, std::string on_behalf_of = "") {
    Open c{.action = "act_1", .plan = std::move(plan), .digest = kDigest, .expires_at = at(60)};
    c.lineage = people::lineage_of(directory, agent("ops-bot"), now,
                                   doc::object({{"on_behalf_of", on_behalf_of}}));
    return run(c);
  }
  std::string approve(std::string id) {
    return run(CastVote{.by = person(std::move(id)), .digest = kDigest});
  }
  std::string deny(std::string id) {
    return run(
        CastVote{.by = person(std::move(id)), .decision = Decision::kDeny, .digest = kDigest});
  }
};

Plan plan_of(Quorum quorum) {
  Plan p;
  p.quorum = std::move(quorum);
  return p;
}

}  // namespace

// Whom it waits for, asked of all and of each.
std::vector<std::string> waiting(const Case& c) {
  std::vector<std::string> out;
  for (const auto& [id, who] : c.directory.persons()) {
    if (waits_for(c.review, c.directory, id)) out.push_back(id);
  }
  CHECK(out == waiting_for(c.review, c.directory));
  return out;
}

TEST_CASE("a review closes as approved with the vote that completes its plan, not before") {
  Case c;
  CHECK(c.open(plan_of({{"dba", 1}, {"sre", 1}})) == "opened");
  CHECK(c.approve("bob") == "voted");
  CHECK(c.approve("dave") == "voted");
  CHECK(c.review.status == Status::kOpen);
  CHECK(check_release(c.review, c.directory, c.now).error().code == "not_approved");
  CHECK(c.approve("carol") == "voted closed:approved");
  CHECK(c.review.status == Status::kApproved);
  CHECK(c.review.places.size() == 2);
  CHECK(check_release(c.review, c.directory, c.now));
  CHECK(c.approve("erin") == "closed");
  CHECK(c.run(Expire{}) == "closed");
  CHECK(c.run(Open{.action = "act_1"}) == "exists");
}

TEST_CASE("a simulated colleague's approval counts in a demo only, also when it was given in one") {
  Case c;
  apply(c.directory, people::person_added({.id = "sim", .groups = {"dba"}, .simulated = true}));
  CHECK(c.open(plan_of({{"dba", 1}, {"sre", 1}})) == "opened");
  CHECK(c.approve("sim") == "inactive");
  c.directory.admit_simulated(true);
  CHECK(c.approve("sim") == "voted");
  SUBCASE("the vote that comes after the demo completes nothing with it") {
    c.directory.admit_simulated(false);
    CHECK(c.approve("carol") == "voted");
    CHECK(c.approve("bob") == "voted closed:approved");
    CHECK(c.review.places.front().reviewer == "bob");
  }
  SUBCASE("an approval of the demo is not released after it") {
    CHECK(c.approve("carol") == "voted closed:approved");
    CHECK(check_release(c.review, c.directory, c.now));
    c.directory.admit_simulated(false);
    CHECK(check_release(c.review, c.directory, c.now).error().code == "quorum_lost");
  }
}

TEST_CASE("one denial closes; with veto groups only theirs does") {
  Case c;
  c.open(plan_of({{"dba", 2}}));
  CHECK(c.approve("bob") == "voted");
  CHECK(c.deny("dave") == "voted closed:denied");
  CHECK(c.review.status == Status::kDenied);
  CHECK(c.review.closed_by == "dave");

  Case v;
  Plan plan = plan_of({{"dba", 1}});
  plan.veto_any = false;
  plan.veto_groups = {"cab"};
  v.open(plan);
  CHECK(v.deny("bob") == "voted");
  CHECK(v.approve("frank") == "not_a_reviewer");
  CHECK(v.deny("frank") == "voted closed:denied");
}

TEST_CASE("a vote is refused in the order of the contract") {
  Plan plan = plan_of({{"dba", 1}, {"sre", 2}});
  plan.channels = {{"web"}};
  const auto fresh = [&] {
    Case c;
    apply(c.directory,
          people::person_added({.id = "alice2", .email = "ALICE@example.com", .groups = {"sre"}}));
    apply(c.directory,
          people::person_added({.id = "bob-ci", .groups = {"dba"}, .service_of = "bob"}));
    c.open(plan, "erin");
    return c;
  };
  const CastVote good{.by = person("bob"), .digest = kDigest};
  const struct {
    const char* what;
    void (*change)(Case&, CastVote&);
    const char* code;
  } table[] = {
      {"inactive before own request",
       [](Case& c, CastVote& v) {
         apply(c.directory, people::person_deactivated("alice", ""));
         v.by.id = "alice";
       },
       "inactive"},
      {"the owner, though an administrator and reviewer",
       [](Case&, CastVote& v) { v.by.id = "alice"; }, "related_to_requester"},
      {"the owner's other account", [](Case&, CastVote& v) { v.by.id = "alice2"; },
       "related_to_requester"},
      {"whom it is on behalf of", [](Case&, CastVote& v) { v.by.id = "erin"; },
       "related_to_requester"},
      {"the agent itself", [](Case&, CastVote& v) { v.by = agent("ops-bot"); }, "own_request"},
      {"another agent", [](Case&, CastVote& v) { v.by = agent("x"); }, "not_a_reviewer"},
      {"the host", [](Case&, CastVote& v) { v.by.kind = PrincipalKind::kHost; }, "not_a_reviewer"},
      {"a suspended agent",
       [](Case& c, CastVote& v) {
         apply(c.directory, people::agent_suspended("ops-bot", "x", ""));
         v.by = agent("ops-bot");
       },
       "inactive"},
      {"a stranger", [](Case&, CastVote& v) { v.by.id = "zoe"; }, "not_a_reviewer"},
      {"a service account", [](Case&, CastVote& v) { v.by.id = "bob-ci"; }, "not_a_reviewer"},
      {"another group", [](Case&, CastVote& v) { v.by.id = "frank"; }, "not_a_reviewer"},
      {"not a reviewer before closed",
       [](Case& c, CastVote& v) {
         c.now = at(60);
         v.by.id = "frank";
       },
       "not_a_reviewer"},
      {"at expires_at", [](Case& c, CastVote&) { c.now = at(60); }, "closed"},
      {"closed before already voted",
       [](Case& c, CastVote&) {
         c.approve("bob");
         c.now = at(60);
       },
       "closed"},
      {"already voted before the digest",
       [](Case& c, CastVote& v) {
         c.approve("bob");
         v.digest = "x";
       },
       "already_voted"},
      {"a changed mind is still a second vote",
       [](Case& c, CastVote& v) {
         c.approve("bob");
         v.decision = Decision::kDeny;
       },
       "already_voted"},
      {"digest before assurance",
       [](Case&, CastVote& v) {
         v.digest = "sha256:bb";
         v.by.assurance = Assurance::kToken;
       },
       "digest_mismatch"},
      {"no digest", [](Case&, CastVote& v) { v.digest.clear(); }, "digest_mismatch"},
      {"assurance before channel",
       [](Case&, CastVote& v) {
         v.by.assurance = Assurance::kChat;
         v.by.channel = "slack";
       },
       "assurance_too_low"},
      {"channel", [](Case&, CastVote& v) { v.by.channel = "slack"; }, "wrong_channel"},
      {"a long note", [](Case&, CastVote& v) { v.note.assign(kNoteBytesMax + 1, 'x'); },
       "note_too_large"},
      {"a note that is no text", [](Case&, CastVote& v) { v.note = "\xff"; }, "invalid_text"},
      {"a good one", [](Case&, CastVote&) {}, "voted"},
  };
  for (const auto& row : table) {
    CAPTURE(row.what);
    Case c = fresh();
    CastVote vote = good;
    row.change(c, vote);
    CHECK(c.run(vote) == std::string(row.code));
  }
}

TEST_CASE("a plan can ask for a passkey, a look and a retyped name") {
  Case c;
  Plan plan = plan_of({{"dba", 1}});
  plan.assurance = Assurance::kPasskey;
  plan.look = std::chrono::seconds(20);
  plan.retype = "resource.name";
  c.open(plan);
  CastVote v{.by = person("bob"), .digest = kDigest};
  CHECK(c.run(v) == "passkey_required");
  v.by.assurance = Assurance::kPasskey;
  CHECK(c.run(v) == "look_too_short");
  v.looked = std::chrono::seconds(19);
  CHECK(c.run(v) == "look_too_short");
  v.looked = std::chrono::seconds(20);
  CHECK(c.run(v) == "retype_mismatch");
  v.retyped = true;
  v.assertion = doc::object({{"signature", "AA"}});
  CHECK(c.run(v) == "voted closed:approved");
  CHECK(c.history[1].body.find_path({"vote", "assertion", "signature"}) != nullptr);
}

TEST_CASE("a vote can be taken back while the review is open, and given again") {
  Case c;
  c.open(plan_of({{"dba", 2}}));
  CHECK(c.run(TakeBack{person("bob")}) == "no_vote");
  c.approve("bob");
  CHECK(c.run(TakeBack{person("bob")}) == "vote_withdrawn");
  CHECK(c.review.votes.empty());
  CHECK(c.approve("dave") == "voted");
  CHECK(c.approve("bob") == "voted closed:approved");
  CHECK(c.run(TakeBack{person("bob")}) == "closed");
}

TEST_CASE("notes and comments are private; the public part says only how long they are") {
  Case c;
  c.open(plan_of({{"dba", 2}}));
  const auto vote =
      decide(c.review, CastVote{.by = person("bob"), .digest = kDigest, .note = "hush"},
             c.directory, c.now);
  REQUIRE(vote);
  CHECK(vote->front().body.find_path({"vote", "note"}) == nullptr);
  CHECK(vote->front().body.find_path({"vote", "note_bytes"})->as_int64() == 4);
  CHECK(vote->front().private_part->text("note") == "hush");
  const auto comment = decide(c.review, Comment{agent("ops-bot"), "please"}, c.directory, c.now);
  REQUIRE(comment);
  CHECK(comment->front().private_part->text("text") == "please");
  CHECK(comment->front().body.find_path({"comment", "bytes"})->as_int64() == 6);
  CHECK(c.run(Comment{person("bob"), ""}) == "empty_text");
  CHECK(c.run(Comment{person("zoe"), "x"}) == "not_allowed");
  CHECK(c.run(Comment{person("bob"), std::string(kCommentBytesMax + 1, 'x')}) == "text_too_large");
  CHECK(c.run(Comment{person("bob"), "ok"}) == "commented");
  CHECK(c.review.comments == 1);
}

TEST_CASE("expiry is due at expires_at and not before; cancelled and amended close") {
  Case c;
  c.open(plan_of({{"dba", 1}}));
  c.now = at(60) - Duration(1);
  CHECK(c.run(Expire{}) == "not_due");
  c.now = at(60);
  CHECK(c.run(Cancel{agent("ops-bot"), ""}) == "closed");
  CHECK(c.run(Expire{}) == "closed:expired");
  CHECK(c.review.status == Status::kExpired);

  Case d;
  d.open(plan_of({{"dba", 1}}));
  CHECK(d.run(Cancel{person("bob"), ""}) == "not_allowed");
  CHECK(d.run(Cancel{person("alice"), "mistake"}) == "closed:cancelled");
  CHECK(d.review.status == Status::kCancelled);

  Case e;
  e.open(plan_of({{"dba", 1}}));
  CHECK(e.run(Amend{person("bob"), "act_2"}) == "closed:cancelled");
  CHECK(e.history.back().body.find_path({"review", "successor"})->as_string() == "act_2");
}

TEST_CASE("the recount at the release sees who left, moved or turned out to be related") {
  const struct {
    const char* what;
    void (*change)(Case&);
    bool releases;
  } table[] = {
      {"nothing changed", [](Case&) {}, true},
      {"deactivated", [](Case& c) { apply(c.directory, people::person_deactivated("bob", "")); },
       false},
      {"left the group",
       [](Case& c) { apply(c.directory, people::group_changed("dba", {}, {"bob"})); }, false},
      {"became the agent's owner",
       [](Case& c) { apply(c.directory, people::agent_owner_changed("ops-bot", "bob"), at(1)); },
       false},
      {"was its owner for a moment",
       [](Case& c) {
         apply(c.directory, people::agent_owner_changed("ops-bot", "bob"), at(1));
         apply(c.directory, people::agent_owner_changed("ops-bot", "alice"), at(2));
       },
       false},
      {"turned out to be the owner",
       [](Case& c) { apply(c.directory, people::alias_added("bob", "alice")); }, false},
      {"turned out to be the other voter",
       [](Case& c) { apply(c.directory, people::alias_added("bob", "carol")); }, false},
      {"somebody else left",
       [](Case& c) { apply(c.directory, people::person_deactivated("dave", "")); }, true},
      {"expired", [](Case& c) { c.now = at(60); }, false},
  };
  for (const auto& row : table) {
    CAPTURE(row.what);
    Case c;
    c.open(plan_of({{"dba", 1}, {"sre", 1}}));
    c.approve("bob");
    c.approve("carol");
    REQUIRE(c.review.status == Status::kApproved);
    row.change(c);
    CHECK(check_release(c.review, c.directory, c.now).has_value() == row.releases);
  }
}

TEST_CASE("drift voids every vote; a changed plan keeps those that no passkey signed") {
  Case c;
  c.open(plan_of({{"dba", 1}, {"sre", 1}}));
  c.approve("bob");
  c.run(CastVote{.by = person("carol", Assurance::kPasskey), .digest = kDigest});
  REQUIRE(c.review.status == Status::kApproved);
  Case drifted = c;
  CHECK(drifted.run(ReturnToReview{.reason = "drift",
                                   .plan = c.review.plan,
                                   .lineage = c.review.lineage,
                                   .digest = "sha256:bb",
                                   .expires_at = at(90)}) == "closed:returned opened");
  CHECK(drifted.review.status == Status::kOpen);
  CHECK(drifted.review.votes.empty());
  CHECK(drifted.review.round == 2);
  CHECK(drifted.approve("bob") == "digest_mismatch");

  ReturnToReview changed{.votes = ReturnToReview::Votes::kVoidPasskeys,
                         .reason = "policy_changed",
                         .plan = c.review.plan,
                         .lineage = c.review.lineage,
                         .digest = "sha256:bb",
                         .expires_at = at(90)};
  Case again = c;
  CHECK(again.run(changed) == "closed:returned opened");
  REQUIRE(again.review.votes.size() == 1);
  CHECK(again.review.votes[0].reviewer == "bob");
  CHECK(again.approve("bob") == "already_voted");
  CHECK(again.run(CastVote{.by = person("erin"), .digest = "sha256:bb"}) ==
        "voted closed:approved");

  Case looser = c;
  changed.plan = plan_of({{"dba", 1}});
  CHECK(looser.run(changed) == "closed:returned opened closed:approved");
  Case stricter = c;
  changed.plan.assurance = Assurance::kPasskey;
  CHECK(stricter.run(changed) == "closed:returned opened");
  CHECK(stricter.review.votes.empty());
  Case denied;
  denied.open(plan_of({{"dba", 1}}));
  denied.deny("bob");
  CHECK(denied.run(changed) == "closed");
}

TEST_CASE("later stages are asked later") {
  Case c;
  Plan plan;
  plan.stages = {{{{"dba", 1}}, {{"sre", 1}}}};
  c.open(plan);
  CHECK(waiting(c) == std::vector<std::string>{"bob", "dave"});
  CHECK(c.approve("carol") == "not_a_reviewer");
  CHECK(c.approve("bob") == "voted");
  CHECK(waiting(c) == std::vector<std::string>{"carol", "dave", "erin"});
  CHECK(is_reviewer(c.review, c.directory, "bob"));
  CHECK_FALSE(is_reviewer(c.review, c.directory, "alice"));
  CHECK_FALSE(is_reviewer(c.review, c.directory, "frank"));
  CHECK(c.approve("carol") == "voted closed:approved");
  CHECK(waiting(c).empty());

  Case d;
  d.open(plan);
  CHECK(d.deny("carol") == "voted closed:denied");  // a denial need not wait
}

TEST_CASE("what a release depends on is named") {
  Case c;
  c.open(plan_of({{"dba", 1}}), "erin@nowhere");
  c.approve("bob");
  CHECK(streams_read(c.review, c.directory) ==
        std::set<std::string>{"agent/ops-bot", "group/dba", "person/alice", "person/bob"});
}

TEST_CASE("nonsense in the history changes nothing") {
  Case c;
  c.open(plan_of({{"dba", 1}}));
  for (const char* type : {"review.voted", "review.vote_withdrawn", "review.unheard_of"}) {
    for (const doc::Value& body : {doc::Value(), doc::object({{"vote", 1}}),
                                   doc::object({{"vote", doc::object({{"reviewer", "x"}})}})}) {
      Event e;
      e.stream = "action/act_1";
      e.type = type;
      e.body = body;
      CHECK(evolve(c.review, e) == c.review);
    }
  }
  Event e;
  e.stream = "action/act_1";
  e.type = "review.opened";
  const Review unreadable = evolve({}, e);
  CHECK(unreadable.plan.assurance == Assurance::kPasskey);
  CHECK(unreadable.expires_at == Time{});
}

namespace {

// A random life of one review, checked at every step.
void live(int& approvals) {
  Case c;
  apply(c.directory, people::person_added({.id = "bob2", .aliases = {"bob"}, .groups = {"sre"}}));
  const int dba = *rc::gen::inRange(0, 3);
  const int sre = *rc::gen::inRange(dba == 0 ? 1 : 0, 3);
  Plan plan = plan_of({{"dba", dba}, {"sre", sre}});
  c.open(plan, *rc::gen::element<std::string>("", "erin", "nobody"));
  const std::vector<std::string> ids = {"alice", "bob",   "bob2", "carol",  "dave",
                                        "erin",  "frank", "zoe",  "ops-bot"};
  const int steps = *rc::gen::inRange(1, 20);
  for (int step = 0; step < steps; ++step) {
    const std::string id = *rc::gen::elementOf(ids);
    switch (*rc::gen::inRange(0, 9)) {
      case 0:
        c.run(TakeBack{person(id)});
        break;
      case 1:
        apply(c.directory, people::person_deactivated(id, ""));
        break;
      case 2:
        c.run(ReturnToReview{.votes = *rc::gen::element(ReturnToReview::Votes::kVoidAll,
                                                        ReturnToReview::Votes::kVoidPasskeys),
                             .reason = "drift",
                             .plan = plan,
                             .lineage = c.review.lineage,
                             .digest = kDigest,
                             .expires_at = at(60)});
        break;
      case 3:
        if (*rc::gen::inRange(0, 4) == 0) c.deny(id);
        break;
      default:
        c.approve(id);
    }
    if (c.review.status != Status::kApproved) continue;
    // The approval stands on distinct humans who are active, asked and unrelated.
    std::set<std::string> humans;
    int of_dba = 0;
    int of_sre = 0;
    for (const Place& place : c.review.places) {
      RC_ASSERT(place.reviewer != "alice" && place.reviewer != "frank");
      RC_ASSERT(humans.insert(place.reviewer == "bob2" ? "bob" : place.reviewer).second);
      RC_ASSERT(c.directory.in_group(place.reviewer, place.group));
      ++(place.group == "dba" ? of_dba : of_sre);
    }
    RC_ASSERT(of_dba == dba);
    RC_ASSERT(of_sre == sre);
    ++approvals;
  }
  Review rebuilt;
  for (const Event& e : c.history) rebuilt = evolve(rebuilt, e);
  RC_ASSERT(rebuilt == c.review);
}

}  // namespace

TEST_CASE(
    "whatever is commanded in whatever order, too few distinct people never approve, and the "
    "history rebuilds the state") {
  int approvals = 0;
  CHECK(rc::check([&] {
    for (int round = 0; round < 10; ++round) live(approvals);
  }));
  CHECK(approvals > 0);
}

TEST_CASE("another plan counts only votes that are strong enough for it, and its vetoes") {
  Case c;
  Plan plan = plan_of({{"dba", 1}});
  plan.veto_any = false;
  plan.veto_groups = {"cab"};
  c.open(plan);
  c.deny("dave");  // not of a veto group: it stands, and closes nothing
  c.approve("bob");
  REQUIRE(c.review.status == Status::kApproved);
  CHECK(meets(c.review, c.review.plan, c.directory));
  Plan other = plan;
  other.assurance = Assurance::kPasskey;
  CHECK_FALSE(meets(c.review, other, c.directory));
  other = plan;
  other.channels = {{"slack"}};
  CHECK_FALSE(meets(c.review, other, c.directory));
  other = plan;
  other.veto_any = true;
  CHECK_FALSE(meets(c.review, other, c.directory));
  apply(c.directory, people::person_deactivated("dave", ""));
  CHECK(meets(c.review, other, c.directory));
}

TEST_CASE("one human votes once, with whichever account") {
  Case c;
  apply(c.directory, people::person_added({.id = "bob2", .aliases = {"bob"}, .groups = {"sre"}}));
  c.open(plan_of({{"dba", 1}, {"sre", 1}}));
  CHECK(c.approve("bob2") == "voted");
  CHECK(c.approve("bob") == "already_voted");
  CHECK(waiting(c) == std::vector<std::string>{"carol", "dave", "erin"});
  CHECK(c.run(TakeBack{person("bob")}) == "vote_withdrawn");
  CHECK(c.review.votes.empty());
}
