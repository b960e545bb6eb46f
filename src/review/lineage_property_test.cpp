// Whatever happens in whatever order, nothing is released by fewer people than the plan asks for:
// held against a count that knows nothing of Directory, Lineage and tally.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "people/delegation.h"
#include "people/testing.h"
#include "review/review.h"

using namespace keyturn;
using namespace keyturn::review;
using people::testing::at;

namespace {

constexpr int kAccounts = 9;
const std::vector<std::string> kGroups = {"dba", "sre", "cab", "lead"};

// From the first to before the last, at every size: inRange alone grows with it.
template <class T>
T pick(T first, T last) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(first, last));
}
template <class T>
const T& one_of(const std::vector<T>& list) {
  return list[pick<std::size_t>(0, list.size())];
}
bool chance(int percent) {
  return pick(0, 100) < percent;
}

// What the test itself keeps of the world.
struct Account {
  std::string id;
  std::set<std::string> marks;  // lower case: whoever shares one is one human
  std::string service_of;
  bool active = true;
  std::set<std::string> own;
  std::map<std::string, std::pair<std::set<std::string>, int>> vouched;  // source -> groups, until
};
struct StandIn {
  std::string id, from, to;
  int start = 0, until = 0;
};

struct Office {
  people::Directory directory;
  std::vector<Account> accounts;
  std::vector<StandIn> stand_ins;
  std::vector<std::pair<std::string, int>> owners;  // of the agent, since
  int now = 0;

  void apply(const EventDraft& draft) { people::testing::apply(directory, draft, at(now)); }
  Account* find(const std::string& id) {
    const auto it = std::ranges::find(accounts, id, &Account::id);
    return it == accounts.end() ? nullptr : &*it;
  }
  std::string somebody() const { return one_of(accounts).id; }

  // Which human is behind each account: marks and service accounts, joined.
  std::map<std::string, int> humans() const {
    std::vector<int> of(accounts.size());
    std::iota(of.begin(), of.end(), 0);
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t a = 0; a < accounts.size(); ++a) {
        for (std::size_t b = 0; b < accounts.size(); ++b) {
          const bool shared = std::ranges::any_of(accounts[a].marks, [&](const std::string& mark) {
            return accounts[b].marks.contains(mark);
          });
          if (!shared && accounts[a].service_of != accounts[b].id) continue;
          const int least = std::min(of[a], of[b]);
          moved = moved || of[a] != least || of[b] != least;
          of[a] = of[b] = least;
        }
      }
    }
    std::map<std::string, int> out;
    for (std::size_t a = 0; a < accounts.size(); ++a) out[accounts[a].id] = of[a];
    return out;
  }
  std::set<std::string> groups_of(const Account& account) const {
    std::set<std::string> out = account.own;
    for (const auto& [source, said] : account.vouched) {
      if (now < said.second) out.insert(said.first.begin(), said.first.end());
    }
    return out;
  }
};

void add_account(Office& office, int number) {
  people::Person person;
  person.id = "p" + std::to_string(number);
  Account account;
  account.id = person.id;
  account.marks = {person.id};
  if (chance(35)) {
    const std::string mail = "m" + std::to_string(pick(0, 4));
    person.email = chance(50) ? mail : "M" + mail.substr(1);
    account.marks.insert(mail);
  }
  if (number > 0 && chance(15)) {
    person.service_of = office.somebody();
    account.service_of = person.service_of;
  }
  for (const std::string& group : kGroups) {
    if (chance(55)) person.groups.insert(group);
  }
  account.own = person.groups;
  office.apply(people::person_added(person));
  office.accounts.push_back(std::move(account));
}

// One thing that happens to people.
void stir(Office& office) {
  Account& who = *office.find(office.somebody());
  switch (pick(0, 8)) {
    case 0:
      who.active = !who.active;
      office.apply(who.active ? people::person_activated(who.id)
                              : people::person_deactivated(who.id, "test"));
      break;
    case 1: {
      const std::string mark = chance(50) ? "m" + std::to_string(pick(0, 4)) : office.somebody();
      who.marks.insert(mark);
      office.apply(people::alias_added(who.id, mark));
      break;
    }
    case 2: {
      const std::string& group = one_of(kGroups);
      const bool leaves = who.own.contains(group);
      if (leaves)
        who.own.erase(group);
      else
        who.own.insert(group);
      using Ids = std::set<std::string>;
      office.apply(
          people::group_changed(group, leaves ? Ids{} : Ids{who.id}, leaves ? Ids{who.id} : Ids{}));
      break;
    }
    case 3: {
      const int until = office.now + pick(-5, 40);
      const std::set<std::string> groups{one_of(kGroups)};
      who.vouched["oidc"] = {groups, until};
      office.apply(people::groups_vouched(who.id, "oidc", groups, at(until)));
      break;
    }
    case 4: {
      StandIn one{"del_" + std::to_string(office.stand_ins.size()), who.id, office.somebody(),
                  office.now + pick(-10, 10), office.now + pick(1, 40)};
      office.stand_ins.push_back(one);
      office.apply(people::delegated({one.id, one.from, one.to, {}, at(one.start), at(one.until)}));
      break;
    }
    case 5:
      if (!office.stand_ins.empty()) {
        StandIn& one = office.stand_ins[pick<std::size_t>(0, office.stand_ins.size())];
        one.until = std::min(one.until, office.now);
        office.apply(people::delegation_ended({one.id, one.from, one.to, {}, {}, {}}, "test"));
      }
      break;
    case 6:
      office.owners.emplace_back(who.id, office.now);
      office.apply(people::agent_owner_changed("bot", who.id));
      break;
    default:
      office.now += pick(0, 15);
      office.directory.pass_time(at(office.now));
  }
}

struct Question {
  int at = 0;
  std::set<std::string> named;  // owner at the time, and further parties
  // What was agreed about an escalation, whether it was made in this round, and by whom it was
  // heard before they voted.
  int after = 0, opened = 0;
  std::string to;
  std::set<std::string> instead_of;
  bool escalated = false;
  std::set<std::string> voted_since;
};

// Everybody who may not: as the promise has it, from the test's own notes.
std::set<int> excluded(const Office& office, const Question& asked) {
  const auto humans = office.humans();
  std::set<std::string> people = asked.named;
  for (std::size_t i = 0; i < office.owners.size(); ++i) {
    const bool ended = i + 1 < office.owners.size() && office.owners[i + 1].second < asked.at;
    if (!ended) people.insert(office.owners[i].first);
  }
  std::set<int> out;
  for (const std::string& id : people) out.insert(humans.at(id));
  std::set<int> with_stand_ins = out;
  for (const StandIn& one : office.stand_ins) {
    if (one.start > office.now || office.now >= one.until) continue;
    if (out.contains(humans.at(one.from))) with_stand_ins.insert(humans.at(one.to));
  }
  return with_stand_ins;
}

// A vote that may count: whom it uses up, and where.
struct Usable {
  std::set<int> humans;
  std::set<std::string> groups;
};

std::vector<Usable> usable(const Office& office, const Question& asked, const Review& review) {
  const auto humans = office.humans();
  const std::set<int> out_of_it = excluded(office, asked);
  const auto may = [&](const std::string& id) {
    const auto it = std::ranges::find(office.accounts, id, &Account::id);
    return it != office.accounts.end() && it->active && it->service_of.empty() &&
           !out_of_it.contains(humans.at(id));
  };
  std::vector<Usable> out;
  for (const Vote& vote : review.votes) {
    if (vote.decision != Decision::kApprove || !may(vote.reviewer)) continue;
    const std::string& place = vote.instead_of.empty() ? vote.reviewer : vote.instead_of;
    if (!may(place)) continue;
    if (!vote.instead_of.empty()) {
      const bool stands_in = std::ranges::any_of(office.stand_ins, [&](const StandIn& one) {
        return one.from == place && one.to == vote.reviewer && one.start <= office.now &&
               office.now < one.until;
      });
      if (!stands_in || humans.at(place) == humans.at(vote.reviewer)) continue;
    }
    const Account& whose = *std::ranges::find(office.accounts, place, &Account::id);
    std::set<std::string> groups = office.groups_of(whose);
    if (asked.escalated && asked.voted_since.contains(vote.reviewer) && groups.contains(asked.to))
      groups.insert(asked.instead_of.begin(), asked.instead_of.end());
    out.push_back({{humans.at(vote.reviewer), humans.at(place)}, std::move(groups)});
  }
  return out;
}

bool fillable(std::vector<std::string> places, const std::vector<Usable>& votes,
              std::set<int> used = {}) {
  if (places.empty()) return true;
  const std::string group = places.back();
  places.pop_back();
  for (const Usable& vote : votes) {
    const bool fresh = std::ranges::none_of(vote.humans, [&](int h) { return used.contains(h); });
    if (!fresh || !vote.groups.contains(group)) continue;
    std::set<int> next = used;
    next.insert(vote.humans.begin(), vote.humans.end());
    if (fillable(places, votes, std::move(next))) return true;
  }
  return false;
}

void add_places(std::vector<std::string>& out, const Quorum& quorum) {
  for (const auto& [group, count] : quorum)
    out.insert(out.end(), static_cast<std::size_t>(count), group);
}

bool enough(const Plan& plan, const std::vector<Usable>& votes) {
  std::vector<std::string> fixed;
  add_places(fixed, plan.quorum);
  for (const auto& stages : plan.stages) {
    for (const Quorum& stage : stages) add_places(fixed, stage);
  }
  if (plan.any.empty()) return fillable(fixed, votes);
  return std::ranges::any_of(plan.any.front(), [&](const Quorum& alternative) {
    std::vector<std::string> places = fixed;
    add_places(places, alternative);
    return fillable(std::move(places), votes);
  });
}

Plan some_plan() {
  const auto quorum = [] { return Quorum{{one_of(kGroups), pick(1, 3)}}; };
  Plan plan;
  plan.assurance = Assurance::kToken;
  switch (pick(0, 3)) {
    case 0:
      plan.quorum = {{"dba", 1}, {one_of(kGroups), pick(1, 3)}};
      break;
    case 1:
      plan.any = {{quorum(), quorum()}};
      if (chance(50)) plan.quorum = {{"sre", 1}};
      break;
    default:
      plan.stages = {{quorum(), quorum()}};
  }
  if (chance(60)) {
    plan.escalate_after = std::chrono::minutes(pick(1, 20));
    plan.escalate_to = chance(70) ? "lead" : one_of(kGroups);
    for (const std::string& group : groups_of(plan)) {
      if (chance(70)) plan.escalate_instead_of.insert(group);
    }
  }
  return plan;
}

void run(const Office& office, Review& review, const Command& command,
         Result<std::vector<EventDraft>>& out) {
  out = decide(review, command, office.directory, at(office.now));
  if (!out) return;
  for (const EventDraft& draft : *out)
    review = evolve(std::move(review), people::testing::event_of(draft, at(office.now)));
}

struct Counts {
  int approved = 0, released = 0, in_place = 0, escalated = 0;
};

// The escalation, when it is due; or the case comes back, and everything begins anew.
void escalate_or_return(const Office& office, Review& review, Question& asked) {
  Result<std::vector<EventDraft>> done = std::vector<EventDraft>{};
  if (chance(85)) {
    run(office, review, Escalate{}, done);
    if (!done) return;
    RC_ASSERT(!asked.escalated && !asked.to.empty());
    RC_ASSERT(office.now - asked.opened >= asked.after);
    asked.escalated = true;
    return;
  }
  ReturnToReview back;
  back.votes = chance(50) ? ReturnToReview::Votes::kVoidAll : ReturnToReview::Votes::kVoidPasskeys;
  back.reason = "drift";
  back.plan = review.plan;
  back.lineage = review.lineage;
  back.digest = "d";
  back.expires_at = at(100'000);
  run(office, review, back, done);
  if (!done) return;
  asked.escalated = false;
  asked.opened = office.now;
  asked.voted_since.clear();
}

// Those who can vote are those it waits for, and know of it.
void agree(const Office& office, const Review& review) {
  const auto list = waiting_for(review, office.directory);
  for (const Account& one : office.accounts) {
    const bool waits = std::ranges::find(list, one.id) != list.end();
    RC_ASSERT(waits_for(review, office.directory, one.id) == waits);
    if (!waits) continue;
    RC_ASSERT(is_reviewer(review, office.directory, one.id));
    CastVote cast;
    cast.by = {.kind = PrincipalKind::kPerson, .id = one.id, .channel = "web"};
    cast.digest = "d";
    const auto could = decide(review, cast, office.directory, at(office.now));
    const bool as_said = could.has_value() || could.error().code == "ambiguous_place" ||
                         could.error().code == "already_voted";
    RC_ASSERT(as_said);
  }
}

// Whether it came out by more than the plan's own groups.
bool by_escalation(const Office& office, Question asked, const Review& review) {
  asked.escalated = false;
  return !enough(review.plan, usable(office, asked, review));
}

void play(Counts& counts) {
  Office office;
  office.directory.pass_time(at(0));
  for (int i = 0; i < kAccounts; ++i) add_account(office, i);
  office.owners.emplace_back(office.somebody(), 0);
  office.apply(people::agent_added("bot", office.owners.back().first));
  for (int i = pick(0, 6); i > 0; --i) stir(office);
  Open open;
  open.action = "act_1";
  open.plan = some_plan();
  open.digest = "d";
  open.lineage.requester = "bot";
  open.lineage.requested_at = at(office.now);
  open.expires_at = at(100'000);
  Question asked{office.now, {office.owners.back().first}};
  open.lineage.add(people::Role::kOwner, office.owners.back().first);
  for (const auto role :
       {people::Role::kOnBehalfOf, people::Role::kOpener, people::Role::kAmender}) {
    if (!chance(25)) continue;
    const std::string party = office.somebody();
    asked.named.insert(party);
    open.lineage.add(role, party);
  }
  asked.to = open.plan.escalate_to;
  asked.instead_of = open.plan.escalate_instead_of;
  asked.after = static_cast<int>(open.plan.escalate_after / std::chrono::minutes(1));
  asked.opened = office.now;
  Review review;
  Result<std::vector<EventDraft>> done = std::vector<EventDraft>{};
  run(office, review, open, done);
  RC_ASSERT(done.has_value());
  for (int step = 0; step < 40; ++step) {
    if (chance(35)) {
      stir(office);
    } else if (chance(15)) {
      escalate_or_return(office, review, asked);
    } else if (review.status == Status::kOpen) {
      CastVote cast;
      cast.by = {.kind = PrincipalKind::kPerson, .id = office.somebody(), .channel = "web"};
      cast.digest = "d";
      if (chance(25) && !office.stand_ins.empty()) {
        const StandIn& one = one_of(office.stand_ins);
        cast.by.id = one.to;
        cast.instead_of = chance(90) ? one.from : office.somebody();
      }
      if (chance(10))
        run(office, review, TakeBack{cast.by}, done);
      else
        run(office, review, cast, done);
      if (asked.escalated && done && !done->empty() && done->front().type == "review.voted")
        asked.voted_since.insert(cast.by.id);
      if (review.status == Status::kOpen) agree(office, review);
      if (review.status == Status::kApproved) {
        ++counts.approved;
        counts.escalated += by_escalation(office, asked, review);
        RC_ASSERT(enough(review.plan, usable(office, asked, review)));
      }
    }
    // Whenever it could be released, it may be.
    if (check_release(review, office.directory, at(office.now))) {
      ++counts.released;
      RC_ASSERT(enough(review.plan, usable(office, asked, review)));
    }
  }
  counts.in_place += std::ranges::any_of(
      review.places, [](const Place& place) { return !place.instead_of.empty(); });
}

}  // namespace

TEST_CASE("no fewer than the plan's number of distinct, active, unrelated people ever release") {
  Counts counts;
  CHECK(rc::check([&] {
    for (int game = 0; game < 30; ++game) play(counts);
  }));
  // It has happened often enough to mean something.
  CHECK(counts.approved > 10);
  CHECK(counts.released > 10);
  CHECK(counts.in_place > 0);
  CHECK(counts.escalated > 0);
  MESSAGE(counts.escalated << " by an escalation");
  MESSAGE(counts.approved << " approved, " << counts.released << " releasable, " << counts.in_place
                          << " places filled by somebody else");
}
