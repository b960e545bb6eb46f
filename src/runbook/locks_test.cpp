#include "runbook/locks.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>

namespace keyturn::runbook {
namespace {

using Names = std::vector<std::string>;

Claimant run(const std::string& id, std::uint64_t order, std::set<std::string> locks,
             bool holds = false, Names ancestors = {}) {
  Claimant out;
  out.run = id;
  out.runbook = "book";
  out.order = order;
  out.locks = std::move(locks);
  out.holds = holds;
  out.ancestors = std::move(ancestors);
  return out;
}

Claimant limited(const std::string& id, std::uint64_t order, int limit, bool holds = false) {
  Claimant out = run(id, order, {}, holds);
  out.limit = limit;
  return out;
}

bool related(const Claimant& a, const Claimant& b) {
  const auto above = [](const Claimant& one, const Claimant& other) {
    return std::ranges::find(one.ancestors, other.run) != one.ancestors.end();
  };
  return above(a, b) || above(b, a);
}

}  // namespace

TEST_CASE("whoever asked first takes first, and keeps its place while it waits for more") {
  std::vector<Claimant> all{run("a", 1, {"x"}, true), run("b", 2, {"x", "y"}), run("c", 3, {"y"}),
                            run("d", 4, {"z"})};
  CHECK(can_take(all) == Names{"d"});
  CHECK(waits_for(all, "b") == std::vector<WaitsFor>{{"x", {"a"}}});
  CHECK(waits_for(all, "c") == std::vector<WaitsFor>{{"y", {}}});
  CHECK(waits_for(all, "a").empty());
  CHECK(waits_for(all, "d").empty());
  all[1].stands_aside = true;
  CHECK(can_take(all) == Names{"c", "d"});
  all[1].stands_aside = false;
  all.erase(all.begin());
  CHECK(can_take(all) == Names{"b", "d"});
}

TEST_CASE("so many runs of a runbook at once") {
  std::vector<Claimant> all{limited("a", 1, 2, true), limited("b", 2, 2), limited("c", 3, 2)};
  CHECK(can_take(all) == Names{"b"});
  CHECK(waits_for(all, "c") == std::vector<WaitsFor>{{"", {"a"}}});
  all[2].runbook = "another";
  CHECK(can_take(all) == Names{"b", "c"});
}

TEST_CASE("a run within another has what that holds, and does not stand in line") {
  const std::vector<Claimant> all{run("parent", 1, {"x"}, true), run("first", 2, {"x", "y"}),
                                  run("child", 3, {"x", "y"}, false, {"parent"})};
  CHECK(can_take(all) == Names{"child"});
  CHECK(waits_for(all, "first") == std::vector<WaitsFor>{{"x", {"parent"}}, {"y", {}}});
}

TEST_CASE("a circle of runs within runs is told before it is closed") {
  std::vector<Claimant> all{run("p", 1, {"a"}, true), run("q", 2, {"b"}, true),
                            run("p1", 3, {"b"}, false, {"p"})};
  CHECK_FALSE(would_deadlock(all, "p1"));
  all.push_back(run("q1", 4, {"a"}, false, {"q"}));
  CHECK(would_deadlock(all, "q1"));
  all.back().locks = {"c"};
  CHECK_FALSE(would_deadlock(all, "q1"));
  CHECK_FALSE(would_deadlock(all, "nobody"));
}

TEST_CASE(
    "property: nobody holds what another holds, limits are kept, and everybody comes to an end") {
  rc::check([] {
    std::vector<Claimant> all;
    std::uint64_t order = 0;
    const auto holders = [&] {
      std::vector<std::size_t> out;
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].holds) out.push_back(i);
      }
      return out;
    };
    const auto grant = [&] {
      for (const std::string& id : can_take(all))
        std::ranges::find(all, id, &Claimant::run)->holds = true;
      RC_ASSERT(can_take(all).empty());
      for (const Claimant& a : all) {
        if (!a.holds) continue;
        int same = 0;
        for (const Claimant& b : all) {
          if (!b.holds || a.run == b.run || related(a, b)) continue;
          same += b.limit > 0 && a.runbook == b.runbook ? 1 : 0;
          for (const std::string& lock : a.locks) RC_ASSERT(!b.locks.contains(lock));
        }
        RC_ASSERT(a.limit == 0 || same < a.limit);
      }
      for (const Claimant& one : all) RC_ASSERT(waits_for(all, one.run).empty() == one.holds);
    };
    const auto end_one = [&](std::size_t at) {
      const std::string id = all[at].run;
      const bool goes_on = std::ranges::any_of(all, [&](const Claimant& one) {
        return std::ranges::find(one.ancestors, id) != one.ancestors.end();
      });
      if (!goes_on) all.erase(all.begin() + static_cast<std::ptrdiff_t>(at));
      return !goes_on;
    };
    const auto start = [&] {
      std::set<std::string> locks;
      const int mask = *rc::gen::inRange(0, 16);
      for (int i = 0; i < 4; ++i) {
        if ((mask >> i & 1) != 0) locks.insert(std::string(1, static_cast<char>('a' + i)));
      }
      Claimant one = run("r" + std::to_string(order), order, locks);
      ++order;
      one.runbook = *rc::gen::element<std::string>("m", "n");
      one.limit = one.runbook == "m" ? 2 : 0;
      const std::vector<std::size_t> going = holders();
      if (!going.empty() && *rc::gen::arbitrary<bool>()) {
        const Claimant& parent = all[*rc::gen::elementOf(going)];
        one.ancestors = parent.ancestors;
        one.ancestors.insert(one.ancestors.begin(), parent.run);
      }
      all.push_back(std::move(one));
      if (would_deadlock(all, all.back().run)) all.pop_back();
    };
    for (int steps = *rc::gen::inRange(1, 40); steps > 0; --steps) {
      const std::vector<std::size_t> going = holders();
      if (going.empty() || *rc::gen::inRange(0, 3) > 0)
        start();
      else
        (void)end_one(*rc::gen::elementOf(going));
      grant();
    }
    while (!all.empty()) {
      bool ended = false;
      const std::vector<std::size_t> going = holders();
      for (const std::size_t at : going) {
        ended = end_one(at);
        if (ended) break;
      }
      RC_ASSERT(ended);
      grant();
    }
  });
}

}  // namespace keyturn::runbook
