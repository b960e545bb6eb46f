// An escalation as a document says it, and what is left of it where plans meet.
#include <rapidcheck.h>

#include "policy/testing.h"

using namespace keyturn;
using namespace keyturn::policy;
using policy::testing::input;
using policy::testing::rules;

namespace {

using std::chrono::minutes;

Plan plan(Quorum quorum, int after = 0, std::string to = "", std::set<std::string> places = {}) {
  Plan out;
  out.quorum = std::move(quorum);
  out.escalate_after = minutes(after);
  out.escalate_to = std::move(to);
  out.escalate_instead_of = std::move(places);
  return out;
}

Plan merged(const Plan& a, const Plan& b) {
  Result<Plan> out = merge_plans(a, b);
  REQUIRE(out);
  return std::move(*out);
}

std::string wrong(const std::string& escalate) {
  doc::Problems problems;
  const auto document = Document::load(
      "apiVersion: keyturn/v1\nkind: Policy\nmetadata: {name: t}\nrules:\n- {id: a, match: {tool: "
      "[t]}, effect: require, require: {quorum: {dba: 1, administrators: 1}, escalate: " +
          escalate + "}}\n",
      {}, problems);
  CHECK_FALSE(document);
  return testing::all(problems);
}

}  // namespace

TEST_CASE("an escalation names whom it tells, and whose places they may fill") {
  const Document document = rules(
      "- {id: a, match: {tool: [t]}, effect: require, require: {quorum: {dba: 1, sre: 1}, remind: "
      "10m, escalate: {after: 30m, to: leads, instead_of: [dba]}}}\n");
  const Verdict verdict = decide(document, input("t"));
  CHECK(verdict.plan.remind == minutes(10));
  CHECK(verdict.plan.escalate_after == minutes(30));
  CHECK(verdict.plan.escalate_to == "leads");
  CHECK(verdict.plan.escalate_instead_of == std::set<std::string>{"dba"});
  CHECK(plan_from_value(to_value(verdict.plan)) == verdict.plan);
  CHECK(verdict.hits.front().contribution.contains(
      "escalated to leads after 30m, who then may fill the places of dba"));

  CHECK(wrong("{after: 30m, to: leads, instead_of: [cab]}").contains("has no place here"));
  CHECK(wrong("{after: 30m, to: leads, instead_of: [administrators]}")
            .contains("the place of an administrator"));
  CHECK(wrong("{after: 30m, to: leads, instead: [dba]}").contains("instead_of"));
  CHECK(wrong("{to: leads, instead_of: dba}").contains("needs after"));
}

TEST_CASE("a place stays open to others only where every plan that asks for it says so alike") {
  const std::set<std::string> dba{"dba"}, none;
  const Plan open = plan({{"dba", 1}}, 30, "leads", dba);
  const struct {
    const char* what;
    Plan other;
    std::set<std::string> left;
    int after;
    const char* to;
  } table[] = {
      {"another asks other groups", plan({{"sre", 1}}), dba, 30, "leads"},
      {"another asks it, too, without", plan({{"dba", 2}}), none, 30, "leads"},
      {"the same", plan({{"dba", 2}}, 30, "leads", dba), dba, 30, "leads"},
      {"later", plan({{"dba", 1}}, 40, "leads", dba), none, 30, "leads"},
      {"sooner", plan({{"dba", 1}}, 20, "leads", dba), none, 20, "leads"},
      {"to others", plan({{"dba", 1}}, 30, "boss", dba), none, 30, "boss"},
      {"without places", plan({{"dba", 1}}, 30, "leads"), none, 30, "leads"},
      {"another, sooner, that asks other groups", plan({{"sre", 1}}, 10, "boss"), none, 10, "boss"},
      {"another, later, that asks other groups", plan({{"sre", 1}}, 50, "boss", {"sre"}), dba, 30,
       "leads"},
  };
  for (const auto& row : table) {
    CAPTURE(row.what);
    for (const Plan& out : {merged(open, row.other), merged(row.other, open)}) {
      CHECK(out.escalate_instead_of == row.left);
      CHECK(out.escalate_after == minutes(row.after));
      CHECK(out.escalate_to == row.to);
    }
  }
  const Plan admins = plan({{"administrators", 1}}, 30, "leads", {"administrators"});
  CHECK(merged(admins, admins).escalate_instead_of.empty());
}

TEST_CASE("a plan that lets others in is weaker than one that does not") {
  const Plan closed = plan({{"dba", 1}}), open = plan({{"dba", 1}}, 30, "leads", {"dba"});
  CHECK_FALSE(at_least_as_strict(open, closed));
  CHECK(at_least_as_strict(closed, open));
  CHECK(at_least_as_strict(plan({{"dba", 1}}, 40, "leads", {"dba"}), open));
  CHECK_FALSE(at_least_as_strict(plan({{"dba", 1}}, 20, "leads", {"dba"}), open));
  CHECK_FALSE(at_least_as_strict(plan({{"dba", 1}}, 30, "boss", {"dba"}), open));
  // In the places of a group that the other does not ask anybody may be let in.
  CHECK(at_least_as_strict(plan({{"dba", 1}, {"sre", 1}}, 30, "leads", {"sre"}), closed));
}

TEST_CASE("plans merge to the same whatever their order, never looser than any of them") {
  CHECK(rc::check([] {
    const auto one = [] {
      Plan out;
      for (const char* group : {"dba", "sre", "administrators"}) {
        if (*rc::gen::arbitrary<bool>()) out.quorum[group] = *rc::gen::inRange(1, 3);
      }
      if (*rc::gen::arbitrary<bool>()) {
        out.escalate_after = minutes(*rc::gen::inRange(1, 3));
        out.escalate_to = *rc::gen::element<std::string>("leads", "boss");
        for (const auto& [group, count] : out.quorum) {
          if (*rc::gen::arbitrary<bool>()) out.escalate_instead_of.insert(group);
        }
        out.escalate_instead_of.erase("administrators");
      }
      return out;
    };
    const Plan a = one(), b = one(), c = one();
    const auto merge = [](const Plan& x, const Plan& y) { return *merge_plans(x, y); };
    const Plan all = merge(merge(a, b), c);
    RC_ASSERT(all == merge(a, merge(b, c)));
    RC_ASSERT(merge(a, b) == merge(b, a));
    for (const Plan& each : {a, b, c}) RC_ASSERT(at_least_as_strict(all, each));
  }));
}
