#include "runbook/turns.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <chrono>

namespace keyturn::runbook {
namespace {

using Names = std::vector<std::string>;
using Waits = std::vector<WaitsFor>;

Claimant run(const std::string& id, std::set<std::string> locks, Names ancestors = {}) {
  Claimant out;
  out.run = id;
  out.runbook = "book";
  out.locks = std::move(locks);
  out.ancestors = std::move(ancestors);
  return out;
}

Claimant limited(const std::string& id, int limit, std::set<std::string> locks = {},
                 Names ancestors = {}) {
  Claimant out = run(id, std::move(locks), std::move(ancestors));
  out.limit = limit;
  return out;
}

bool is_above(const Claimant& one, const std::string& run) {
  return std::ranges::find(one.ancestors, run) != one.ancestors.end();
}

// The same by looking at everybody each time, in the order in which they came.
struct Model {
  std::vector<Claimant> all;

  Claimant& find(const std::string& run) { return *std::ranges::find(all, run, &Claimant::run); }
  bool is_within_holder(const Claimant& one) const {
    return std::ranges::any_of(
        all, [&](const Claimant& other) { return other.holds && is_above(one, other.run); });
  }
  // Of those that `speaks` for what they hold or wait for, those that keep it from a lock, or from
  // its turn ("").
  static Waits kept_by(const Claimant& one, const std::vector<const Claimant*>& locked,
                       const std::vector<const Claimant*>& turned) {
    Waits out;
    const auto names = [](const std::vector<const Claimant*>& runs) {
      Names holders;
      for (const Claimant* by : runs) {
        if (by->holds) holders.push_back(by->run);
      }
      return holders;
    };
    for (const std::string& lock : one.locks) {
      std::vector<const Claimant*> by;
      for (const Claimant* other : locked) {
        if (other->locks.contains(lock) && !is_above(one, other->run)) by.push_back(other);
      }
      if (!by.empty()) out.push_back({lock, names(by)});
    }
    std::vector<const Claimant*> same;
    for (const Claimant* other : turned) {
      if (other->limit > 0 && other->runbook == one.runbook && !is_above(one, other->run))
        same.push_back(other);
    }
    if (one.limit > 0 && same.size() >= static_cast<std::size_t>(one.limit))
      out.push_back({"", names(same)});
    return out;
  }
  // Whoever can take takes; what keeps the others.
  std::map<std::string, Waits> settle() {
    std::vector<const Claimant*> held, locked, turned;
    for (const Claimant& one : all) {
      if (one.holds) held.push_back(&one);
    }
    locked = turned = held;
    std::map<std::string, Waits> out;
    std::vector<Claimant*> line;
    for (const bool within : {true, false}) {
      for (Claimant& one : all) {
        if (!one.holds && !one.stands_aside && is_within_holder(one) == within)
          line.push_back(&one);
      }
    }
    for (Claimant* one : line) {
      const bool within = is_within_holder(*one);
      Waits kept = kept_by(*one, within ? held : locked, within ? held : turned);
      locked.push_back(one);
      if (std::ranges::all_of(kept, &std::string::empty, &WaitsFor::lock)) turned.push_back(one);
      if (kept.empty()) {
        one->holds = true;
        held.push_back(one);
        return settle();
      }
      out[one->run] = std::move(kept);
    }
    return out;
  }
};

// Runs that begin and end in any order, in the model as well.
struct Field {
  Model model;
  Turns turns;
  std::uint64_t count = 0;
  std::set<std::string> granted;

  Names holders() const {
    Names out;
    for (const Claimant& one : model.all) {
      if (one.holds) out.push_back(one.run);
    }
    return out;
  }
  bool has_within(const std::string& run) const {
    return std::ranges::any_of(model.all, [&](const Claimant& one) { return is_above(one, run); });
  }
  void compare() {
    const std::map<std::string, Waits> waits = model.settle();
    for (const std::string& run : turns.granted()) RC_ASSERT(granted.insert(run).second);
    for (const Claimant& one : model.all) {
      RC_ASSERT(turns.holds(one.run) == one.holds);
      RC_ASSERT(granted.contains(one.run) == one.holds);
      const auto kept = waits.find(one.run);
      RC_ASSERT(turns.waits_for(one.run) == (kept == waits.end() ? Waits{} : kept->second));
      RC_ASSERT(!one.holds || kept == waits.end());
    }
    keeps_promises();
  }
  // A lock is one run's, and those within it. As many runs go on side by side as may: one within
  // another goes on in that one's turn.
  void keeps_promises() const {
    std::map<std::string, int> side_by_side;
    for (const Claimant& a : model.all) {
      if (!a.holds) continue;
      const auto is_other = [&](const Claimant& b) {
        return b.holds && b.run != a.run && !is_above(a, b.run) && !is_above(b, a.run);
      };
      bool innermost = true;
      for (const Claimant& b : model.all) {
        innermost = innermost && !(b.holds && b.runbook == a.runbook && is_above(b, a.run));
        if (!is_other(b)) continue;
        for (const std::string& lock : a.locks) RC_ASSERT(!b.locks.contains(lock));
      }
      if (a.limit > 0 && innermost && a.runbook != "changes")
        RC_ASSERT(++side_by_side[a.runbook] <= a.limit);
    }
  }
  void start() {
    std::set<std::string> locks;
    const int mask = *rc::gen::inRange(0, 16);
    for (int i = 0; i < 4; ++i) {
      if ((mask >> i & 1) != 0) locks.insert(std::string(1, static_cast<char>('a' + i)));
    }
    Claimant one = run("r" + std::to_string(count++), locks);
    one.runbook = *rc::gen::element<std::string>("m", "n", "o", "changes");
    one.limit = one.runbook == "m"   ? 2
                : one.runbook == "n" ? 1
                : one.runbook == "o" ? 0
                                     : *rc::gen::inRange(0, 4);
    const Names going = holders();
    if (!going.empty() && *rc::gen::arbitrary<bool>()) {
      const Claimant& parent = model.find(*rc::gen::elementOf(going));
      one.ancestors = parent.ancestors;
      one.ancestors.insert(one.ancestors.begin(), parent.run);
    }
    turns.join(one);
    model.all.push_back(one);
    (void)model.settle();  // as the other does, whatever becomes of it
    if (!turns.would_deadlock(one.run)) return;
    turns.leave(one.run);
    model.all.pop_back();
  }
  void end(const std::string& run) {
    if (has_within(run)) return;
    turns.leave(run);
    std::erase_if(model.all, [&](const Claimant& one) { return one.run == run; });
  }
  void end_one() {
    const Names going = holders();
    if (!going.empty()) end(*rc::gen::elementOf(going));
  }
  void stand_aside() {
    std::vector<Claimant*> waiting;
    for (Claimant& one : model.all) {
      if (!one.holds) waiting.push_back(&one);
    }
    if (waiting.empty()) return;
    Claimant* one = *rc::gen::elementOf(waiting);
    one->stands_aside = !one->stands_aside;
    turns.stand_aside(one->run, one->stands_aside);
  }
};

}  // namespace

TEST_CASE("whoever asked first takes first, and keeps its locks while it waits for more") {
  Turns turns;
  turns.join(run("a", {"x"}));
  turns.join(run("b", {"x", "y"}));
  turns.join(run("c", {"y"}));
  turns.join(run("d", {"z"}));
  CHECK(turns.granted() == Names{"a", "d"});
  CHECK(turns.waits_for("b") == Waits{{"x", {"a"}}});
  CHECK(turns.waits_for("c") == Waits{{"y", {}}});
  CHECK(turns.waits_for("a").empty());
  CHECK(turns.waits_for("nobody").empty());
  turns.stand_aside("b", true);
  CHECK(turns.granted() == Names{"c"});
  turns.stand_aside("b", false);
  CHECK(turns.waits_for("b") == Waits{{"x", {"a"}}, {"y", {"c"}}});
  turns.leave("a");
  CHECK(turns.granted().empty());
  turns.leave("c");
  CHECK(turns.granted() == Names{"b"});
}

TEST_CASE("so many runs of a runbook at once") {
  Turns turns;
  for (const char* id : {"a", "b", "c", "d"}) turns.join(limited(id, 2));
  CHECK(turns.granted() == Names{"a", "b"});
  CHECK(turns.waits_for("d") == Waits{{"", {"a", "b"}}});
  turns.leave("b");
  turns.leave("a");
  CHECK(turns.granted() == Names{"c", "d"});
}

TEST_CASE("a place that is free is not kept for a run that waits for a lock, and nobody starves") {
  Turns turns;
  turns.join(limited("a", 2, {"x"}));
  turns.join(limited("b", 2, {"x"}));
  turns.join(limited("c", 2, {"y"}));
  CHECK(turns.granted() == Names{"a", "c"});
  CHECK(turns.waits_for("b") == Waits{{"x", {"a"}}, {"", {"a", "c"}}});
  turns.join(limited("d", 2));
  turns.leave("c");
  CHECK(turns.granted() == Names{"d"});
  turns.leave("a");  // b has its lock now, and a place
  CHECK(turns.granted() == Names{"b"});
  turns.join(limited("e", 2, {"x"}));
  turns.join(limited("f", 2));
  turns.leave("b");  // e waits for nothing but a place now, and is the first
  turns.join(limited("g", 2));
  CHECK(turns.granted() == Names{"e"});
  turns.leave("d");
  CHECK(turns.granted() == Names{"f"});
}

TEST_CASE("a run within another has what that holds, and does not stand in line") {
  Turns turns;
  turns.join(run("parent", {"x"}));
  turns.join(run("first", {"x", "y"}));
  turns.join(run("child", {"x", "y"}, {"parent"}));
  CHECK(turns.granted() == Names{"parent", "child"});
  CHECK(turns.waits_for("first") == Waits{{"x", {"parent", "child"}}, {"y", {"child"}}});
}

TEST_CASE("a circle of runs within runs is told before it is closed") {
  Turns turns;
  turns.join(run("p", {"a"}));
  turns.join(run("q", {"b"}));
  turns.join(run("p1", {"b"}, {"p"}));
  CHECK_FALSE(turns.would_deadlock("p1"));
  turns.join(run("q1", {"a"}, {"q"}));
  CHECK(turns.would_deadlock("q1"));
  turns.leave("q1");
  turns.join(run("q2", {"c"}, {"q"}));
  CHECK_FALSE(turns.would_deadlock("q2"));
  CHECK_FALSE(turns.would_deadlock("nobody"));
}

TEST_CASE("a circle over one of several turns is none while another comes free by itself") {
  Turns turns;
  turns.join(limited("y", 2));
  turns.join(limited("x", 2));
  turns.join(run("outer", {"l"}));
  turns.join(limited("call", 2, {}, {"outer"}));
  CHECK(turns.waits_for("call") == Waits{{"", {"y", "x"}}});
  turns.join(run("inner", {"l"}, {"x"}));
  CHECK_FALSE(turns.would_deadlock("inner"));
  turns.join(run("other", {"l"}, {"y"}));  // and now both turns wait for outer
  CHECK(turns.would_deadlock("other"));
  turns.leave("other");
  turns.leave("y");
  CHECK(turns.holds("call"));
}

TEST_CASE("property: it is as if one looked at everybody each time, and everybody ends") {
  CHECK(rc::check([] {
    Field f;
    for (int steps = *rc::gen::inRange(1, 60); steps > 0; --steps) {
      const int what = *rc::gen::inRange(0, 8);
      if (what < 4)
        f.start();
      else if (what < 7)
        f.end_one();
      else
        f.stand_aside();
      f.compare();
    }
    for (const Claimant& one : Model(f.model).all) {
      f.model.find(one.run).stands_aside = false;
      f.turns.stand_aside(one.run, false);
      f.compare();
    }
    while (!f.model.all.empty()) {
      const std::size_t before = f.model.all.size();
      for (const std::string& run : f.holders()) {
        f.end(run);
        f.compare();
      }
      RC_ASSERT(f.model.all.size() < before);
    }
  }));
}

TEST_CASE("what ten thousand wait for costs no more than what one waits for") {
  Turns turns;
  const auto began = std::chrono::steady_clock::now();
  constexpr int kRuns = 10'000;
  for (int i = 0; i < kRuns; ++i) turns.join(limited("r" + std::to_string(i), 3, {"x"}));
  for (int i = 0; i < kRuns; ++i) {
    const std::string run = "r" + std::to_string(i);
    CHECK(turns.holds(run));
    CHECK(turns.waits_for("r9999").empty() == (i == kRuns - 1));
    turns.leave(run);
  }
  // Looking at everybody takes hundreds of seconds.
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(20));
}

}  // namespace keyturn::runbook
