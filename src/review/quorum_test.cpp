#include "review/quorum.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <functional>

#include "people/testing.h"

using namespace keyturn;
using namespace keyturn::review;
using people::Directory;
using people::Lineage;
using people::testing::apply;

namespace {

// "alice:dba,sre" -> a person in these groups.
Directory office(std::initializer_list<std::string_view> lines) {
  Directory d;
  for (const std::string_view line : lines) {
    people::Person p;
    p.id = line.substr(0, line.find(':'));
    std::string_view rest = line.substr(line.find(':') + 1);
    while (!rest.empty()) {
      const auto comma = std::min(rest.find(','), rest.size());
      p.groups.insert(std::string(rest.substr(0, comma)));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    apply(d, people::person_added(p));
  }
  return d;
}

Plan plan_of(Quorum quorum) {
  Plan p;
  p.quorum = std::move(quorum);
  return p;
}

Plan staged(std::vector<Quorum> stages) {
  Plan p;
  p.stages = {std::move(stages)};
  return p;
}

std::string shown(const Tally& t) {
  std::string out;
  for (const Needed& n : t.needed) {
    if (!out.empty()) out += " ";
    out += n.group + ":" + std::to_string(n.have) + "/" + std::to_string(n.count);
  }
  return out;
}

}  // namespace

TEST_CASE("each place is filled by a different person of its group") {
  const Directory d = office({"alice:dba", "bob:dba,sre", "carol:sre", "dave:dba", "erin:cab"});
  const Plan both = plan_of({{"dba", 1}, {"sre", 1}});
  Plan either;
  either.any = {{{{"dba", 2}}, {{"cab", 1}}}};
  const Plan stages = staged({{{"dba", 1}}, {{"sre", 1}}});
  using Ids = std::vector<Approval>;
  const struct {
    const char* what;
    Plan plan;
    Ids approvers;
    bool satisfied;
    const char* needed;
  } table[] = {
      {"nobody", both, {}, false, "dba:0/1 sre:0/1"},
      {"one of each", both, {"alice", "carol"}, true, "dba:1/1 sre:1/1"},
      {"one person in both groups fills one place", both, {"bob"}, false, "dba:0/1 sre:1/1"},
      {"the matching moves people", both, {"bob", "carol"}, true, "dba:1/1 sre:1/1"},
      {"and back", both, {"bob", "alice"}, true, "dba:1/1 sre:1/1"},
      {"two of one group are not one of each", both, {"alice", "dave"}, false, "dba:1/1 sre:0/1"},
      {"the same person twice", plan_of({{"dba", 2}}), {"alice", "alice"}, false, "dba:1/2"},
      {"unknown people", both, {"zoe", "mallory"}, false, "dba:0/1 sre:0/1"},
      {"outside the groups", both, {"erin"}, false, "dba:0/1 sre:0/1"},
      {"the nearest alternative is shown", either, {"alice"}, false, "dba:1/2"},
      {"an alternative suffices", either, {"alice", "erin"}, true, "cab:1/1"},
      {"in order", stages, {"alice", "carol"}, true, "dba:1/1 sre:1/1"},
      {"out of order", stages, {"carol", "alice"}, false, "dba:1/1 sre:0/1"},
      {"one person in both stages", stages, {"bob"}, false, "dba:1/1 sre:0/1"},
      {"no places: never satisfied", Plan{}, {"alice"}, false, ""},
      {"zero places: never satisfied", plan_of({{"dba", 0}}), {"alice"}, false, ""},
      {"negative places", plan_of({{"dba", -1}}), {"alice"}, false, ""},
      {"too many places", plan_of({{"dba", 2'000'000'000}}), {"alice"}, false, "dba:0/2000000000"},
  };
  for (const auto& row : table) {
    CAPTURE(row.what);
    const Tally t = tally(row.plan, row.approvers, d, {});
    CHECK(t.satisfied == row.satisfied);
    CHECK(shown(t) == std::string(row.needed));
  }
}

TEST_CASE("an alternative or stage that asks nobody is no way around the others") {
  const Directory d = office({"alice:dba", "bob:sre"});
  Plan p = plan_of({{"dba", 1}});
  p.any = {{Quorum{}, {{"sre", 1}}}};
  CHECK_FALSE(tally(p, {"alice"}, d, {}).satisfied);
  CHECK(tally(p, {"alice", "bob"}, d, {}).satisfied);
  p.any = {{}};
  CHECK_FALSE(tally(p, {"alice", "bob"}, d, {}).satisfied);
  CHECK_FALSE(satisfiable(p, d, {}));
  p.any.clear();
  p.stages = {{Quorum{}, {{"sre", 1}}}};
  CHECK_FALSE(tally(p, {"alice", "bob"}, d, {}).satisfied);
}

TEST_CASE("a person in two groups fills the place that leaves most ways to finish") {
  // Only bob is left for dba, three are left for sre: alice goes to dba.
  const Directory d = office({"alice:dba,sre", "bob:dba", "c1:sre", "c2:sre", "c3:sre"});
  const Tally t = tally(plan_of({{"dba", 1}, {"sre", 1}}), {"alice"}, d, {});
  CHECK(shown(t) == "dba:1/1 sre:0/1");
  const Directory e = office({"alice:dba,sre", "c1:sre", "b1:dba", "b2:dba", "b3:dba"});
  CHECK(shown(tally(plan_of({{"dba", 1}, {"sre", 1}}), {"alice"}, e, {})) == "dba:0/1 sre:1/1");
}

TEST_CASE("stages open one after the other") {
  const Directory d = office({"alice:owner", "bob:cab", "carol:board", "dave:sec"});
  Plan p = staged({{{"owner", 1}}, {{"cab", 1}}, {{"board", 1}}});
  p.quorum = {{"sec", 1}};
  using Groups = std::set<std::string>;
  CHECK(open_groups(p, {}, d, {}) == Groups{"owner", "sec"});
  CHECK(open_groups(p, {"alice"}, d, {}) == Groups{"cab", "owner", "sec"});
  CHECK(open_groups(p, {"alice", "bob"}, d, {}) == Groups{"board", "cab", "owner", "sec"});
  CHECK_FALSE(tally(p, {"alice", "bob", "carol"}, d, {}).satisfied);
  CHECK(tally(p, {"alice", "dave", "bob", "carol"}, d, {}).satisfied);
  CHECK(tally(p, {"alice", "bob", "carol", "dave"}, d, {}).satisfied);
}

TEST_CASE("a stage's border is found even when the first one tried blocks another place") {
  const Directory d = office({"a:s1,q", "b:s1", "c:q,s2"});
  Plan p = staged({{{"s1", 1}}, {{"s2", 1}}});
  p.quorum = {{"q", 1}};
  CHECK(tally(p, {"a", "b", "c"}, d, {}).satisfied);
}

TEST_CASE("satisfiable asks whether enough unrelated people exist") {
  Directory d = office({"alice:dba,sre", "bob:dba", "carol:sre"});
  apply(d, people::agent_added("bot", "alice"));
  const Lineage nobody;
  const Lineage bot =
      people::lineage_of(d, {PrincipalKind::kAgent, "bot", {}, {}, "api"}, Time{}, {});
  CHECK(satisfiable(plan_of({{"dba", 2}, {"sre", 1}}), d, nobody));
  CHECK_FALSE(satisfiable(plan_of({{"dba", 2}, {"sre", 1}}), d, bot));
  CHECK(satisfiable(plan_of({{"dba", 1}, {"sre", 1}}), d, bot));
  CHECK(satisfiable(staged({{{"sre", 1}}, {{"dba", 1}}}), d, bot));
  CHECK_FALSE(satisfiable(plan_of({{"dba", 1}, {"x", 1}}), d, nobody));
  CHECK_FALSE(satisfiable(Plan{}, d, nobody));
  apply(d, people::person_added({.id = "bob2", .aliases = {"bob"}, .groups = {"sre"}}));
  CHECK_FALSE(satisfiable(plan_of({{"dba", 1}, {"sre", 2}}), d, bot));
  // A human may use either account.
  apply(d, people::group_changed("sre", {}, {"carol"}));
  CHECK(satisfiable(plan_of({{"sre", 1}}), d, bot));
}

TEST_CASE("a bomb of alternatives is refused, not computed") {
  const Directory d = office({"alice:dba"});
  Plan p;
  for (int i = 0; i < 40; ++i) p.any.push_back({{{"dba", 1}}, {{"sre", 1}}});
  CHECK_FALSE(tally(p, {"alice"}, d, {}).satisfied);
  CHECK_FALSE(satisfiable(p, d, {}));
}

// ------------------------------------------------------------------ against brute force
namespace {

// The generated world knows the truth: which human each account belongs to.
struct World {
  Directory directory;
  Lineage lineage;
  struct Account {
    std::string id;
    int human;
    bool counts;  // active, no service account, human not of the lineage
    std::set<std::string> groups;
  };
  std::vector<Account> accounts;
};

const std::vector<std::string> kGroups = {"g1", "g2", "g3"};

std::set<std::string> some_groups() {
  std::set<std::string> out;
  for (const std::string& group : kGroups) {
    if (*rc::gen::arbitrary<bool>()) out.insert(group);
  }
  return out;
}

World a_world() {
  World w;
  const int humans = *rc::gen::inRange(3, 8);
  const int requester_owner = *rc::gen::inRange(0, humans);
  const int prompter = *rc::gen::inRange(-1, humans);
  const int accounts = *rc::gen::inRange(humans, humans + 4);
  for (int i = 0; i < accounts; ++i) {
    World::Account a;
    a.id = "p" + std::to_string(i);
    a.human = i < humans ? i : *rc::gen::inRange(0, humans);
    a.groups = some_groups();
    people::Person p{.id = a.id, .groups = a.groups};
    p.admin = *rc::gen::arbitrary<bool>();
    // Further accounts of a human are tied to the first by address, alias or service.
    const std::string first = "p" + std::to_string(a.human);
    const int tie = i < humans ? -1 : *rc::gen::inRange(0, 3);
    p.email = tie == 0 ? first + "+x@EXAMPLE.com" : a.id + "@example.com";
    if (tie == 1) p.aliases.insert(first);
    if (tie == 2) p.service_of = first;
    const bool active = *rc::gen::inRange(0, 5) != 0;
    a.counts = active && tie != 2 && a.human != requester_owner && a.human != prompter;
    apply(w.directory, people::person_added(p));
    if (!active) apply(w.directory, people::person_deactivated(a.id, ""));
    w.accounts.push_back(std::move(a));
  }
  apply(w.directory, people::agent_added("bot", "p" + std::to_string(requester_owner)));
  const std::string on_behalf = prompter < 0 ? "" : "p" + std::to_string(prompter) + "@Example.com";
  w.lineage = people::lineage_of(w.directory, {PrincipalKind::kAgent, "bot", {}, {}, "api"}, Time{},
                                 doc::object({{"on_behalf_of", on_behalf}}));
  return w;
}

Quorum a_quorum(int least) {
  Quorum out;
  for (const std::string& group : kGroups) {
    const int count = *rc::gen::element(0, 0, 0, 1, 1, 2);
    if (count > 0) out[group] = count;
  }
  if (out.empty() && least > 0) out["g1"] = least;
  return out;
}

Plan a_plan() {
  Plan p;
  const int shape = *rc::gen::inRange(0, 4);
  p.quorum = a_quorum(shape == 0 ? 1 : 0);
  if (shape == 1 || shape == 3) p.any = {{a_quorum(1), a_quorum(1)}};
  if (shape == 2 || shape == 3) p.stages = {{a_quorum(1), a_quorum(1)}};
  return p;
}

struct BrutePlace {
  std::string group;
  int stage;
};

// Tries every assignment of voters to places, one place after the other.
bool brute(const std::vector<const World::Account*>& voters,
           const std::vector<BrutePlace>& places) {
  std::vector<bool> used(voters.size(), false);
  std::vector<std::size_t> chosen;
  const std::function<bool()> go = [&] {
    if (chosen.size() == places.size()) {
      for (std::size_t i = 0; i < places.size(); ++i) {
        for (std::size_t j = 0; j < places.size(); ++j) {
          if (places[i].stage == 1 && places[j].stage == 2 && chosen[i] > chosen[j]) return false;
        }
      }
      return true;
    }
    for (std::size_t v = 0; v < voters.size(); ++v) {
      if (used[v] || !voters[v]->groups.contains(places[chosen.size()].group)) continue;
      used[v] = true;
      chosen.push_back(v);
      if (go()) return true;
      chosen.pop_back();
      used[v] = false;
    }
    return false;
  };
  return go();
}

void add(std::vector<BrutePlace>& out, const Quorum& quorum, int stage) {
  for (const auto& [group, count] : quorum) {
    for (int i = 0; i < count; ++i) out.push_back({group, stage});
  }
}

bool brute_satisfied(const Plan& plan, const std::vector<const World::Account*>& voters) {
  std::vector<BrutePlace> fixed;
  add(fixed, plan.quorum, 0);
  if (!plan.stages.empty()) {
    add(fixed, plan.stages[0][0], 1);
    add(fixed, plan.stages[0][1], 2);
  }
  if (plan.any.empty()) return brute(voters, fixed);
  return std::ranges::any_of(plan.any[0], [&](const Quorum& alternative) {
    std::vector<BrutePlace> places = fixed;
    add(places, alternative, 0);
    return brute(voters, places);
  });
}

// One vote sequence, counted both ways.
void compare(const World& w, const Plan& plan, int& satisfied) {
  std::vector<Approval> votes;
  std::vector<const World::Account*> voters;
  std::set<int> humans;
  const int cast = *rc::gen::inRange(0, 12);
  for (int i = 0; i < cast; ++i) {
    const auto& account = w.accounts[*rc::gen::inRange<std::size_t>(0, w.accounts.size())];
    votes.emplace_back(account.id);
    bool in_plan = false;
    for (const std::string& group : groups_of(plan)) {
      in_plan = in_plan || account.groups.contains(group);
    }
    if (account.counts && in_plan && humans.insert(account.human).second) {
      voters.push_back(&account);
    }
  }
  const Tally t = tally(plan, votes, w.directory, w.lineage);
  RC_ASSERT(t.satisfied == brute_satisfied(plan, voters));
  if (t.satisfied) ++satisfied;
  // What is shown is never more than distinct people can fill.
  int have = 0;
  for (const Needed& n : t.needed) {
    RC_ASSERT(n.have <= n.count);
    have += n.have;
  }
  RC_ASSERT(static_cast<std::size_t>(have) <= voters.size());
  std::set<std::string> placed;
  for (const Place& place : t.places) RC_ASSERT(placed.insert(place.reviewer).second);
  if (t.satisfied) RC_ASSERT(satisfiable(plan, w.directory, w.lineage));
}

}  // namespace

TEST_CASE("the tally agrees with brute force over every assignment of people to places") {
  int satisfied = 0;
  CHECK(rc::check([&] {
    const World w = a_world();
    for (int round = 0; round < 20; ++round) {
      compare(w, a_plan(), satisfied);
    }
  }));
  CHECK(satisfied > 0);
}

TEST_CASE(
    "a service account, an inactive one and a relative add nothing even where nobody else is") {
  Directory d = office({"alice:dba", "bob:dba", "carol:dba"});
  apply(d, people::person_added({.id = "svc", .groups = {"dba"}, .service_of = "carol"}));
  apply(d, people::person_deactivated("bob", ""));
  apply(d, people::agent_added("bot", "alice"));
  apply(d, people::agent_added("helper", "carol"));
  Lineage l = people::lineage_of(d, {PrincipalKind::kAgent, "bot", {}, {}, "api"}, Time{}, {});
  const Plan one = plan_of({{"dba", 1}});
  for (const char* id : {"svc", "bob", "alice"}) {
    CAPTURE(id);
    CHECK_FALSE(tally(one, {id}, d, l).satisfied);
  }
  CHECK(tally(one, {"carol"}, d, l).satisfied);
  l.add(people::Role::kDelegator, "helper");  // an agent up the chain brings its owner along
  CHECK_FALSE(tally(one, {"carol"}, d, l).satisfied);
  CHECK_FALSE(satisfiable(one, d, l));
}
