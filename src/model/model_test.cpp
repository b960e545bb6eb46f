#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "doc/json.h"
#include "model/action.h"
#include "model/verdict.h"

using namespace keyturn;

namespace {

Quorum any_quorum() {
  Quorum out;
  for (const char* group : {"dba", "sre", "cab", "security"}) {
    const int count = *rc::gen::inRange(0, 4);
    if (count > 0) out[group] = count;
  }
  return out;
}

std::vector<std::vector<Quorum>> any_lists() {
  std::vector<std::vector<Quorum>> out(*rc::gen::inRange<std::size_t>(0, 3));
  for (auto& list : out) {
    list.resize(*rc::gen::inRange<std::size_t>(0, 3));
    for (Quorum& q : list) q = any_quorum();
  }
  return out;
}

std::set<std::string> any_channels() {
  std::set<std::string> out;
  for (const char* channel : {"web", "cli", "slack"}) {
    if (*rc::gen::arbitrary<bool>()) out.insert(channel);
  }
  return out;
}

Duration any_duration() {
  return std::chrono::minutes(*rc::gen::inRange(0, 600));
}

Plan any_plan() {
  Plan p;
  p.quorum = any_quorum();
  p.any = any_lists();
  p.stages = any_lists();
  p.veto_any = *rc::gen::arbitrary<bool>();
  if (!p.veto_any) p.veto_groups = any_channels();
  p.expires = std::chrono::minutes(*rc::gen::inRange(1, 600));
  p.assurance = *rc::gen::element(Assurance::kToken, Assurance::kChat, Assurance::kSession,
                                  Assurance::kPasskey);
  if (*rc::gen::arbitrary<bool>()) p.channels = any_channels();
  p.notify = any_channels();
  p.look = any_duration();
  p.retype = *rc::gen::element<std::string>("", "resource.name");
  p.evidence = *rc::gen::element<std::string>("durable", "published", "cosigned");
  p.review_after = any_duration();
  p.remind = any_duration();
  p.escalate_after = any_duration();
  p.escalate_to = *rc::gen::element<std::string>("", "cab");
  if (*rc::gen::arbitrary<bool>()) p.escalate_instead_of = {"dba"};
  return p;
}

}  // namespace

TEST_CASE("the words of the closed sets are read back") {
  for (int i = 0; i <= static_cast<int>(State::kCancelled); ++i) {
    const auto state = static_cast<State>(i);
    CHECK(state_from_text(to_text(state)) == state);
    CHECK((!is_final(state) || is_settled(state)));
  }
  CHECK_FALSE(is_settled(State::kDeferred));
  CHECK_FALSE(is_settled(State::kPending));
  CHECK_FALSE(is_settled(State::kExecuting));
  CHECK(is_settled(State::kApproved));
  CHECK_FALSE(is_final(State::kApproved));
  CHECK_FALSE(state_from_text("Pending"));
  for (int i = 0; i <= static_cast<int>(Assurance::kPasskey); ++i) {
    Assurance a{};
    CHECK(assurance_from_text(to_text(static_cast<Assurance>(i)), a));
    CHECK(a == static_cast<Assurance>(i));
  }
  for (int i = 0; i <= static_cast<int>(Effect::kDefer); ++i) {
    CHECK(effect_from_text(to_text(static_cast<Effect>(i))) == static_cast<Effect>(i));
  }
  for (int i = 0; i <= static_cast<int>(PrincipalKind::kHost); ++i) {
    const auto kind = static_cast<PrincipalKind>(i);
    CHECK(principal_kind_from_text(to_text(kind)) == kind);
  }
}

TEST_CASE("a plan is read back as written, and equal plans have equal bytes") {
  CHECK(rc::check([] {
    const Plan plan = any_plan();
    const doc::Value value = to_value(plan);
    RC_ASSERT(plan_from_value(value) == plan);
    const auto parsed = doc::parse_json(doc::canonical_or_die(value));
    RC_ASSERT(parsed.has_value());
    RC_ASSERT(plan_from_value(*parsed) == plan);
    RC_ASSERT(doc::canonical_or_die(to_value(plan_from_value(*parsed))) ==
              doc::canonical_or_die(value));
  }));
}

TEST_CASE("a plan that says nothing readable of assurance asks for a passkey") {
  CHECK(plan_from_value(doc::object({})).assurance == Assurance::kPasskey);
}

TEST_CASE("a plan is at least as strict as itself, and not when anything is taken away") {
  CHECK(rc::check([] {
    const Plan plan = any_plan();
    RC_ASSERT(at_least_as_strict(plan, plan));
    Plan more = plan;
    more.quorum["dba"] += 1;
    more.veto_any = true;
    more.expires = plan.expires / 2;
    RC_ASSERT(at_least_as_strict(more, plan));
    RC_ASSERT(!at_least_as_strict(plan, more));
  }));
  Plan base;
  base.quorum = {{"dba", 1}};
  base.any = {{{{"sre", 1}}, {{"cab", 2}}}};
  base.stages = {{{{"owner", 1}}, {{"cab", 1}}}};
  base.channels = {{"web", "slack"}};
  base.retype = "resource.name";
  base.evidence = "published";
  base.look = std::chrono::seconds(20);
  base.review_after = std::chrono::hours(24);
  const struct {
    const char* what;
    void (*change)(Plan&);
    bool still;
  } table[] = {
      {"no quorum", [](Plan& p) { p.quorum.clear(); }, false},
      {"another group", [](Plan& p) { p.quorum["x"] = 1; }, true},
      {"one alternative less", [](Plan& p) { p.any[0].pop_back(); }, true},
      {"one alternative more", [](Plan& p) { p.any[0].push_back({{"x", 1}}); }, false},
      {"no alternatives", [](Plan& p) { p.any.clear(); }, false},
      {"stages in another order", [](Plan& p) { std::swap(p.stages[0][0], p.stages[0][1]); },
       false},
      {"a stage between", [](Plan& p) { p.stages[0].insert(p.stages[0].begin() + 1, {{"x", 1}}); },
       true},
      {"fewer channels", [](Plan& p) { p.channels = {{"web"}}; }, true},
      {"other channels", [](Plan& p) { p.channels->insert("cli"); }, false},
      {"any channel", [](Plan& p) { p.channels.reset(); }, false},
      {"veto of one group", [](Plan& p) { p.veto_any = false; }, false},
      {"no retyping", [](Plan& p) { p.retype.clear(); }, false},
      {"weaker evidence", [](Plan& p) { p.evidence = "durable"; }, false},
      {"no look", [](Plan& p) { p.look = {}; }, false},
      {"later review", [](Plan& p) { p.review_after *= 2; }, false},
      {"longer expiry", [](Plan& p) { p.expires *= 2; }, false},
      {"lower assurance", [](Plan& p) { p.assurance = Assurance::kChat; }, false},
  };
  for (const auto& row : table) {
    CAPTURE(row.what);
    Plan changed = base;
    row.change(changed);
    CHECK(at_least_as_strict(changed, base) == row.still);
  }
  CHECK(groups_of(base) == std::set<std::string>{"cab", "dba", "owner", "sre"});
}

TEST_CASE("a verdict is read back, except the arguments that are private") {
  Verdict v;
  v.effect = Effect::kRequire;
  v.hits = {{"prod-ddl", Effect::kRequire, "asks 1 of dba", false, {"waives:x"}},
            {"trial", Effect::kDeny, "", true, {}}};
  v.reasons = {"DROP in prod"};
  v.decided_by = "prod-ddl";
  v.plan.quorum = {{"dba", 1}};
  v.policy_digest = "sha256:00";
  v.modified_args = doc::object({{"card", "4111"}});
  v.observed = true;
  const doc::Value value = to_value(v);
  CHECK(doc::write_json(value).find("4111") == std::string::npos);
  CHECK(value.flag("modified"));
  CHECK(doc::write_json(*value.find("rules")) == R"(["prod-ddl"])");
  const Verdict back = verdict_from_value(value);
  CHECK(to_value(back).find("hits")->operator==(*value.find("hits")));
  CHECK(back.plan == v.plan);
  CHECK(back.reasons == v.reasons);
  CHECK(back.decided_by == v.decided_by);
  CHECK(back.observed);
}

TEST_CASE("resources and outcomes are read back") {
  const Resource r{"database", "orders", "prod", {{"sensitivity", "pii"}}};
  CHECK(resource_from_value(to_value(r)) == r);
  Outcome o;
  o.kind = OutcomeKind::kSucceeded;
  o.exit_code = 0;
  o.stdout_text = "done\n";
  o.rows = doc::Value(doc::Array{doc::object({{"n", 1}})});
  o.row_count = 1;
  o.truncated = true;
  o.duration_ms = 12;
  CHECK(to_value(outcome_from_value(to_value(o))) == to_value(o));
  CHECK(outcome_from_value(doc::object({{"outcome", "fine"}})).kind == OutcomeKind::kUnknown);
}
