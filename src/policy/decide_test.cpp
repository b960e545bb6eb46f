#include "policy/decide.h"

#include <rapidcheck.h>

#include <algorithm>
#include <array>

#include "doc/json.h"
#include "policy/explain.h"
#include "policy/testing.h"

using namespace keyturn;
using namespace keyturn::policy;
using policy::testing::input;
using policy::testing::rules;

namespace {

constexpr std::string_view kAllow = "- {id: ok, match: {tool: [t]}, effect: allow}\n";

std::string asks(std::string_view id, std::string_view plan) {
  return "- {id: " + std::string(id) +
         ", match: {tool: [t]}, effect: require, require: " + std::string(plan) + "}\n";
}

std::string said(const Verdict& verdict) {
  std::string out(to_text(verdict.effect));
  return out + " by " + verdict.decided_by;
}

const RuleHit* hit(const Verdict& verdict, std::string_view rule) {
  for (const RuleHit& h : verdict.hits) {
    if (h.rule == rule) return &h;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("what is decided, by which rule") {
  struct Row {
    std::string name, rules, verdict;
  };
  const std::string ok(kAllow);
  const Row rows[] = {
      {"nothing allows it", "- {id: a, match: {tool: [other]}, effect: allow}", "deny by default"},
      {"an allow rule allows", ok, "allow by ok"},
      {"a prefix selects", "- {id: a, match: {tool: [\"t*\"]}, effect: allow}", "allow by a"},
      {"a longer prefix does not", "- {id: a, match: {tool: [\"tt*\"]}, effect: allow}",
       "deny by default"},
      {"all selectors must match", "- {id: a, match: {tool: [t], env: [dev]}, effect: allow}",
       "deny by default"},
      {"the actor is a selector",
       "- {id: a, match: {tool: [t], actor: [test-agent]}, effect: allow}", "allow by a"},
      {"the kind is a selector", "- {id: a, match: {tool: [t], kind: [database]}, effect: allow}",
       "deny by default"},
      {"a denial wins, wherever it stands", ok + "- {id: no, match: {env: [prod]}, effect: deny}",
       "deny by no"},
      {"a denial beats people",
       asks("p", "{quorum: {g: 1}}") + "- {id: no, match: {env: [prod]}, effect: deny}",
       "deny by no"},
      {"people beat an allow", ok + asks("p", "{quorum: {g: 1}}"), "require by p"},
      {"a condition that does not hold",
       ok + "- {id: no, match: {tool: [t]}, when: action.args.n > 5, effect: deny}", "allow by ok"},
      {"a missing attribute is a denial",
       ok + "- {id: no, match: {tool: [t]}, when: action.args.x > 5, effect: deny}",
       "deny by error:no"},
      {"an error in an allow rule is a denial",
       ok + "- {id: al, match: {tool: [t]}, when: action.args.x, effect: allow}",
       "deny by error:al"},
      {"no boolean is a denial",
       ok + "- {id: no, match: {tool: [t]}, when: action.args.n, effect: allow}",
       "deny by error:no"},
      {"an overrun is a denial",
       ok + "- {id: no, match: {tool: [t]}, when: 'action.args.list.all(a, action.args.list.all(b, "
            "action.args.list.all(c, a + b + c >= 0)))', effect: require, require: {quorum: {g: "
            "1}}}",
       "deny by error:no"},
      {"an exception on the rule itself",
       ok + "- {id: no, match: {tool: [t]}, effect: deny, unless: action.args.n == 1}",
       "allow by ok"},
      {"an exception that does not hold",
       ok + "- {id: no, match: {tool: [t]}, effect: deny, unless: action.args.n == 2}",
       "deny by no"},
      {"an error in an exception is a denial",
       ok + "- {id: no, match: {tool: [t]}, effect: deny, unless: action.args.x}",
       "deny by error:no"},
      {"the first tier that holds",
       "- {id: r, match: {tool: [t]}, effect: require, tiers: [{when: action.args.n > 5, effect: "
       "deny}, {when: "
       "action.args.n > 0, effect: allow}, {when: 'true', require: {quorum: {g: 1}}}]}",
       "allow by r"},
      {"a tier in error is a denial, though a later one holds",
       "- {id: r, match: {tool: [t]}, effect: require, tiers: [{when: action.args.x > 5, effect: "
       "deny}, {when: "
       "'true', effect: allow}]}",
       "deny by error:r"},
      {"no tier holds: the rule says nothing",
       ok + "- {id: r, match: {tool: [t]}, effect: deny, tiers: [{when: action.args.n > 5, effect: "
            "deny}]}",
       "allow by ok"},
      {"a tier of one rule leaves the other rules alone",
       "- {id: r, match: {tool: [t]}, effect: allow, tiers: [{when: 'true', effect: allow}]}\n" +
           asks("p", "{quorum: {g: 1}}"),
       "require by p"},
      {"a waived denial",
       ok + "- {id: no, match: {tool: [t]}, effect: deny, waivable: true}\n" +
           "- {id: w, match: {tool: [t]}, effect: require, waives: [no], require: {quorum: {g: "
           "1}}}",
       "require by w"},
      {"a waiver whose condition does not hold",
       ok + "- {id: no, match: {tool: [t]}, effect: deny, waivable: true}\n" +
           "- {id: w, match: {tool: [t]}, when: action.args.n == 2, effect: require, waives: [no], "
           "require: {quorum: {g: 1}}}",
       "deny by no"},
      {"an error is not waived",
       ok + "- {id: no, match: {tool: [t]}, when: action.args.x, effect: deny, waivable: true}\n" +
           "- {id: w, match: {tool: [t]}, effect: require, waives: [no], require: {quorum: {g: "
           "1}}}",
       "deny by error:no"},
      {"a waiver in shadow waives nothing",
       ok + "- {id: no, match: {tool: [t]}, effect: deny, waivable: true}\n" +
           "- {id: w, mode: shadow, match: {tool: [t]}, effect: require, waives: [no], require: "
           "{quorum: {g: 1}}}",
       "deny by no"},
      {"a shadow denial is not enforced",
       ok + "- {id: no, mode: shadow, match: {tool: [t]}, effect: deny}", "allow by ok"},
      {"a shadow error is not enforced",
       ok + "- {id: no, mode: shadow, match: {tool: [t]}, when: action.args.x, effect: deny}",
       "allow by ok"},
      {"a shadow allow does not allow",
       "- {id: a, mode: shadow, match: {tool: [t]}, effect: allow}", "deny by default"},
      {"no channel in common",
       asks("a", "{quorum: {g: 1}, channels: [web]}, when: action.args.n == 1") +
           asks("b", "{quorum: {g: 1}, channels: [slack]}") + ok,
       "deny by b"},
      {"a deferral comes before people",
       asks("p", "{quorum: {g: 1}}") + "- {id: d, match: {tool: [t]}, effect: defer, defer: "
                                       "{until: 'request.time + duration(\"1h\")'}}",
       "defer by d"},
      {"a denial comes before a deferral",
       "- {id: d, match: {tool: [t]}, effect: defer, defer: {until: 'request.time + "
       "duration(\"1h\")'}}\n"
       "- {id: no, match: {tool: [t]}, effect: deny}",
       "deny by no"},
      {"a deferral into the past is an error",
       ok + "- {id: d, match: {tool: [t]}, effect: defer, defer: {until: 'request.time - "
            "duration(\"1h\")'}}",
       "deny by error:d"},
      {"a modification needs an allow rule too",
       "- {id: m, match: {tool: [t]}, effect: modify, modify: {set: {args.n: 2}}}",
       "deny by default"},
      {"two modifications that differ",
       ok + "- {id: m, match: {tool: [t]}, effect: modify, modify: {set: {args.n: 2}}}\n" +
           "- {id: o, match: {tool: [t]}, when: risk.score >= 0, effect: modify, modify: {set: "
           "{args.n: 3}}}",
       "deny by o"},
      {"two modifications that agree",
       ok + "- {id: m, match: {tool: [t]}, effect: modify, modify: {set: {args.n: 2}}}\n" +
           "- {id: o, match: {tool: [t]}, effect: modify, modify: {set: {args.n: 2}}}",
       "allow by ok"},
      {"the modified form is decided",
       ok + "- {id: m, match: {tool: [t]}, effect: modify, modify: {set: {args.n: 9}}}\n" +
           "- {id: no, match: {tool: [t]}, when: action.args.n == 9, effect: deny}",
       "deny by no"},
      {"a modification does not argue a denial away",
       ok + "- {id: m, match: {tool: [t]}, effect: modify, modify: {set: {args.n: 9}}}\n" +
           "- {id: no, match: {tool: [t]}, when: action.args.n == 1, effect: deny}",
       "deny by no"},
      {"decided again once, not twice",
       ok +
           "- {id: m, match: {tool: [t]}, when: action.args.n < 9, effect: modify, modify: {set: "
           "{args.n: 8}}}\n" +
           "- {id: o, match: {tool: [t]}, when: action.args.n == 8, effect: modify, modify: {set: "
           "{args.z: 1}}}",
       "deny by m"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const Document document = rules(row.rules);
    doc::Array list;
    for (int i = 0; i < 60; ++i) list.push_back(i);
    const Verdict verdict = decide(document, input("t", doc::object({{"n", 1}, {"list", list}})));
    const auto why = verdict.reasons;
    CAPTURE(doc::write_json(doc::array_of(why)));
    CHECK(said(verdict) == row.verdict);
    CHECK(verdict.policy_digest == document.digest());
    CHECK_FALSE(verdict.reasons.empty());
  }
}

TEST_CASE("requirements merge to the strictest") {
  const Document document =
      rules(asks("a",
                 "{quorum: {dba: 1, sre: 2}, expires: 4h, channels: [web, slack], notify: [email], "
                 "look: 5s, veto: [sec]}") +
            asks("b",
                 "{quorum: {dba: 3}, expires: 1h, channels: [web, cli], assurance: passkey, "
                 "evidence: cosigned}") +
            asks("c",
                 "{any: [{x: 1}, {y: 2}], review_after: 24h, remind: 10m, escalate: {after: 30m, "
                 "to: boss}}") +
            asks("d", "{stages: [{x: 1}, {y: 1}], retype: resource.name, review_after: 48h}"));
  const Verdict verdict = decide(document, input("t"));
  REQUIRE(verdict.effect == Effect::kRequire);
  const Plan& plan = verdict.plan;
  CHECK(plan.quorum == Quorum{{"dba", 3}, {"sre", 2}});
  CHECK(plan.expires == std::chrono::hours(1));
  CHECK(plan.channels == std::set<std::string>{"web"});
  CHECK(plan.assurance == Assurance::kPasskey);
  CHECK(plan.veto_any);
  CHECK(plan.evidence == "cosigned");
  CHECK(plan.notify == std::set<std::string>{"email"});
  CHECK(plan.look == std::chrono::seconds(5));
  CHECK(plan.retype == "resource.name");
  CHECK(plan.review_after == std::chrono::hours(24));
  CHECK(plan.escalate_to == "boss");
  REQUIRE(plan.any.size() == 1);
  REQUIRE(plan.stages.size() == 1);
  CHECK(plan.stages[0].size() == 2);
  CHECK(verdict.hits.size() == 4);
  CHECK(hit(verdict, "b")->contribution ==
        "asks 3 of dba, by passkey, in cli or web, within 1h, with cosigned evidence");
}

TEST_CASE("a modification is shown in both forms, and decided again on its own facts") {
  const Document document =
      rules(std::string(kAllow) +
            "- {id: cap, match: {tool: [t]}, effect: modify, modify: {set: {args.max: 10, "
            "args.in.side: x}}}\n" +
            "- {id: odd, match: {tool: [t]}, when: facts.uninspectable, effect: deny}");
  const Verdict first = decide(document, input("t", doc::object({{"max", 99}})));
  CHECK(said(first) == "allow by ok");
  REQUIRE(first.modified_args.has_value());
  CHECK(doc::write_json(*first.modified_args) == R"({"max":10,"in":{"side":"x"}})");
  REQUIRE(hit(first, "cap") != nullptr);
  PolicyInput again = input("t", *first.modified_args);
  CHECK(said(decide_again(document, again, first)) == "allow by ok");
  CHECK(hit(decide_again(document, again, first), "cap") != nullptr);
  again.facts = doc::object({{"uninspectable", true}, {"why", doc::Array{}}});
  CHECK(said(decide_again(document, again, first)) == "deny by odd");
  const Verdict same = decide(document, input("t", *first.modified_args));
  CHECK_FALSE(same.modified_args.has_value());
}

TEST_CASE("a deferral has a latest time, counted from the first request") {
  const Document document = rules(
      "- {id: d, match: {tool: [t]}, effect: defer, defer: {until: 'request.time + "
      "duration(\"48h\")', latest: 24h}}");
  PolicyInput in = input("t");
  const Verdict first = decide(document, in);
  REQUIRE(first.defer_until.has_value());
  CHECK(*first.defer_until == in.request.time + std::chrono::hours(24));
  in.request.deferred_since = in.request.time;
  in.request.time += std::chrono::hours(24);
  CHECK(said(decide(document, in)) == "deny by error:d");
}

TEST_CASE("mode: observe lets everything run and says what would have been") {
  const std::string text = "- {id: no, match: {tool: [t]}, effect: deny}";
  const Verdict verdict = decide(rules(text, "mode: observe"), input("t"));
  CHECK(verdict.effect == Effect::kAllow);
  CHECK(verdict.observed);
  CHECK(verdict.decided_by == "no");
  REQUIRE_FALSE(verdict.reasons.empty());
  CHECK(verdict.reasons[0] == "observed only; would have been: deny (no)");
  CHECK(deny_unknown_tool(rules(text, "mode: observe"), "x").effect == Effect::kDeny);
}

TEST_CASE("exceptions are recorded by name") {
  const Document document =
      rules(std::string(kAllow) +
            "- {id: no, match: {tool: [t]}, effect: deny, unless: '\"oncall\" in actor.groups'}\n"
            "- {id: ex, match: {tool: [t]}, effect: deny, waivable: true}\n"
            "- {id: glass, match: {tool: [t]}, effect: require, waives: [ex], require: {quorum: "
            "{g: 1}}}\n"
            "- {id: sh, mode: shadow, match: {tool: [t]}, effect: deny}");
  PolicyInput in = input("t");
  in.actor.groups = {"oncall"};
  const Verdict verdict = decide(document, in);
  CHECK(said(verdict) == "require by glass");
  CHECK(hit(verdict, "no")->exceptions == std::vector<std::string>{"unless:no"});
  CHECK(hit(verdict, "ex")->exceptions == std::vector<std::string>{"waived by:glass"});
  CHECK(hit(verdict, "sh")->shadow);
}

TEST_CASE("risk is the sum of what counts, capped, and a term in error counts in full") {
  const Document document =
      rules("- {id: hot, match: {tool: [t]}, when: risk.score >= 90, effect: deny}\n" +
                std::string(kAllow),
            "variables: {web: 'request.taint.exists(t, t.startsWith(\"web:\"))'}\n"
            "risk:\n- {when: variables.web, weight: 60, reason: tainted}\n"
            "- {when: facts.sql.count > 3, weight: 50, reason: many statements}\n");
  PolicyInput in = input("t");
  const Risk calm = assess_risk(document, in);
  CHECK(calm.score == 50);
  CHECK(calm.why.at(0).starts_with("+50 many statements (could not be told: "));
  CHECK(said(decide(document, in)) == "allow by ok");
  in.request.taint = {"web:example.com"};
  CHECK(assess_risk(document, in).score == 100);
  CHECK(said(decide(document, in)) == "deny by hot");
  in.risk = Risk{.score = 3};
  CHECK(said(decide(document, in)) == "allow by ok");
}

TEST_CASE("every name in scope has its value") {
  const std::string_view conditions[] = {
      "action.tool == 't' && action.operation == 'execute' && action.args.n == 1 && action.reason "
      "== 'why'",
      "resource.kind == 'service' && resource.name == 'test' && resource.env == 'prod' && "
      "resource.labels.a == 'b'",
      "actor.id == 'test-agent' && actor.owner == 'test-owner' && actor.groups == ['g'] && "
      "size(actor.delegated_by) == 0",
      "request.time == timestamp('2026-01-05T03:00:00Z') && request.channel == 'api' && "
      "request.taint == []",
      "request.incident == '' && request.break_glass == '' && request.repeats_of_denied == 0",
      "!facts.uninspectable && facts.why == [] && !has(facts.sql)",
      "risk.score == 0 && risk.why == []",
      "history.count_1h == 0 && history.first_time",
      "!calendar.in_freeze && claims.model == 'm' && !has(claims.session)",
      "variables.double == 2",
  };
  for (const std::string_view condition : conditions) {
    CAPTURE(condition);
    const Document document = rules(
        "- {id: a, match: {tool: [t]}, effect: allow, when: \"" + std::string(condition) + "\"}",
        "variables: {double: action.args.n * 2}");
    PolicyInput in = input("t", doc::object({{"n", 1}}));
    in.reason = "why";
    in.resource.labels["a"] = "b";
    in.actor.groups = {"g"};
    in.claims = doc::object({{"model", "m"}});
    const Verdict verdict = decide(document, in);
    CAPTURE(doc::write_json(doc::array_of(verdict.reasons)));
    CHECK(said(verdict) == "allow by a");
  }
}

TEST_CASE("explain says of every rule why") {
  const Document document = rules(
      "- {id: big, match: {tool: [t]}, when: action.args.n > 5, effect: deny}\n"
      "- {id: other, match: {env: [dev]}, effect: deny}\n" +
      std::string(kAllow));
  const doc::Value out = explain(document, input("t", doc::object({{"n", 1}})));
  const auto& list = out.find("rules")->as_array();
  REQUIRE(list.size() == 3);
  CHECK_FALSE(list[0].find_path({"when", "value"})->as_bool());
  CHECK(list[0].find_path({"when", "reads", "action.args.n"})->as_int64() == 1);
  CHECK(list[1].text("not_selected_by") == "env");
  CHECK(list[2].text("contribution") == "allows");
  CHECK(out.find("verdict")->text("effect") == "allow");
}

// deny > defer > require > allow.
TEST_CASE("property: another rule never makes a verdict looser, unless it allows or waives") {
  // What no rule speaks of is denied by default: a rule that asks people is then no weakening of
  // another rule.
  const auto strictness = [](const Verdict& v) {
    if (v.decided_by == "default") return 0;
    switch (v.effect) {
      case Effect::kDeny:
        return 3;
      case Effect::kDefer:
        return 2;
      case Effect::kRequire:
        return 1;
      case Effect::kModify:
      case Effect::kAllow:
        return 0;
    }
    return 0;
  };
  static const std::array<std::string, 4> kWhen{
      "", ", when: action.args.n > 5", ", when: action.args.x", ", unless: action.args.n > 5"};
  static const std::array<std::string, 6> kEffects{
      "allow",
      "deny",
      "require, require: {quorum: {a: 1}, channels: [web]}",
      "require, require: {quorum: {b: 2}, expires: 1h, channels: [web, slack]}",
      "defer, defer: {until: 'request.time + duration(\"1h\")'}",
      "deny, tiers: [{when: action.args.n > 3, effect: deny}]"};
  static const std::array<std::string, 3> kMatch{"{tool: [t]}", "{env: [prod]}", "{tool: [other]}"};
  const auto rule = [](int i, std::size_t effect, const std::string& match,
                       const std::string& when) {
    return "- {id: r" + std::to_string(i) + ", match: " + match + when +
           ", effect: " + kEffects[effect] + "}\n";
  };
  CHECK(rc::check([&] {
    std::string text;
    const int count = *rc::gen::inRange(0, 5);
    for (int i = 0; i < count; ++i) {
      text += rule(i, *rc::gen::inRange<std::size_t>(0, kEffects.size()),
                   *rc::gen::elementOf(kMatch), *rc::gen::elementOf(kWhen));
    }
    const std::string more = rule(99, *rc::gen::inRange<std::size_t>(1, kEffects.size()),
                                  *rc::gen::elementOf(kMatch), *rc::gen::elementOf(kWhen));
    const std::string base = text + "- {id: never, match: {tool: [none]}, effect: deny}\n";
    const PolicyInput in = input("t", doc::object({{"n", *rc::gen::inRange(0, 10)}}));
    const Verdict before = decide(rules(base), in), after = decide(rules(base + more), in);
    RC_ASSERT(strictness(after) >= strictness(before));
    if (before.effect == Effect::kRequire && after.effect == Effect::kRequire) {
      RC_ASSERT(at_least_as_strict(after.plan, before.plan));
    }
    const Verdict turned = decide(rules(more + base), in);  // rules have no order
    RC_ASSERT(turned.effect == after.effect);
    RC_ASSERT(turned.plan == after.plan);
  }));
}
