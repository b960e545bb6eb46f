#include "policy/replay.h"

#include "doc/json.h"
#include "policy/decide.h"
#include "policy/testing.h"

using namespace keyturn;
using namespace keyturn::policy;
using policy::testing::input;
using policy::testing::rules;

namespace {

std::string asks(std::string_view plan, std::string_view id = "p") {
  return "- {id: " + std::string(id) +
         ", match: {tool: [t]}, effect: require, require: " + std::string(plan) + "}\n";
}

const std::string kAllow = "- {id: ok, match: {tool: [t]}, effect: allow}\n";
const std::string kDeny = "- {id: no, match: {tool: [t]}, effect: deny}\n";
const std::string kDefer =
    "- {id: later, match: {tool: [t]}, effect: defer, defer: {latest: 7d, until: "
    "'timestamp(\"2026-01-05T06:00:00Z\")'}}\n";

RecordedDecision decision(const Document& by, doc::Value args = doc::Object{},
                          std::string id = "act_1") {
  RecordedDecision out{.id = std::move(id), .input = input("t", std::move(args))};
  out.time = out.input.request.time;
  out.verdict = decide(by, out.input);
  return out;
}

Turn turn(const std::string& before, const std::string& after) {
  const Document old = rules(before), proposed = rules(after);
  Replay replay(proposed, nullptr, 1);
  replay.add(decision(old));
  const ReplayReport& report = replay.report();
  if (report.unchanged == 1) return Turn::kUnchanged;
  REQUIRE(report.flips.size() == 1);
  return report.flips[0].turn;
}

doc::Value rows(int n) {
  return doc::object({{"max_rows", n}});
}

// What a classifier of SQL says of it, as far as these tests go.
doc::Value found(int rows) {
  return doc::object({{"sql", doc::object({{"count", rows}})}});
}

}  // namespace

TEST_CASE("which way a verdict turns") {
  struct Row {
    std::string name, before, after;
    Turn turn;
  };
  const Row table[] = {
      {"the same", kAllow, kAllow, Turn::kUnchanged},
      {"another rule of the same effect", kDeny, "- {id: x, match: {}, effect: deny}",
       Turn::kUnchanged},
      {"a denial where it was allowed", kAllow, kDeny, Turn::kStricter},
      {"allowed where it was denied", kDeny, kAllow, Turn::kLooser},
      {"people where it was allowed", kAllow, asks("{quorum: {g: 1}}"), Turn::kStricter},
      {"people where it was denied", kDeny, asks("{quorum: {g: 1}}"), Turn::kLooser},
      {"allowed where people were asked", asks("{quorum: {g: 1}}"), kAllow, Turn::kLooser},
      {"more people", asks("{quorum: {g: 1}}"), asks("{quorum: {g: 2}}"), Turn::kStricter},
      {"fewer people", asks("{quorum: {g: 2}}"), asks("{quorum: {g: 1}}"), Turn::kLooser},
      {"other people", asks("{quorum: {g: 1}}"), asks("{quorum: {h: 1}}"), Turn::kOther},
      {"more time", asks("{quorum: {g: 1}, expires: 1h}"), asks("{quorum: {g: 1}, expires: 2h}"),
       Turn::kLooser},
      {"a wait where it was allowed", kAllow, kDefer, Turn::kStricter},
      {"allowed where it waited", kDefer, kAllow, Turn::kLooser},
      {"a wait instead of people", asks("{quorum: {g: 1}}"), kDefer, Turn::kOther},
      {"an error where it was allowed", kAllow,
       kAllow + "- {id: e, match: {tool: [t]}, when: action.args.none > 1, effect: require, "
                "require: {quorum: {g: 1}}}",
       Turn::kStricter},
      {"a shadow rule changes nothing", kAllow,
       kAllow + "- {id: s, match: {tool: [t]}, mode: shadow, effect: deny}", Turn::kUnchanged},
  };
  for (const Row& row : table) {
    CAPTURE(row.name);
    CHECK(to_text(turn(row.before, row.after)) == to_text(row.turn));
  }
}

TEST_CASE("flips are counted by effect, what becomes looser first, with the first examples") {
  const Document old =
      rules("- {id: ok, match: {tool: [t]}, when: action.args.n < 5, effect: allow}");
  const Document proposed =
      rules("- {id: big, match: {tool: [t]}, when: action.args.n >= 3, effect: allow}");
  Replay replay(proposed, nullptr, 2);
  for (int n = 0; n < 9; ++n)
    replay.add(decision(old, doc::object({{"n", n}}), "act_" + std::to_string(n)));
  replay.add(Unrepeatable::kNoInputs);
  const ReplayReport& report = replay.report();
  CHECK(report.looked_at == 10);
  CHECK(report.repeated == 9);
  CHECK(report.unchanged == 2);
  CHECK(report.looser == 4);
  CHECK(report.stricter == 3);
  CHECK(report.unrepeatable.at(Unrepeatable::kNoInputs) == 1);
  REQUIRE(report.flips.size() == 2);
  const Flip& looser = report.flips[0];
  CHECK(looser.turn == Turn::kLooser);
  CHECK(looser.count == 4);
  REQUIRE(looser.examples.size() == 2);
  CHECK(looser.examples[0].id == "act_5");
  CHECK(looser.examples[1].id == "act_6");
  CHECK(looser.examples[0].tool == "t");
  CHECK(looser.examples[0].agent == "test-agent");
  CHECK(looser.examples[0].before.decided_by == "default");
  CHECK(looser.examples[0].after.decided_by == "big");
  CHECK(looser.examples[0].after.rules == std::vector<std::string>{"big"});
  CHECK(looser.examples[0].after.reasons == std::vector<std::string>{"big allows"});
}

TEST_CASE("rules of the new document are counted in its order, shadows apart, exceptions not") {
  const Document proposed =
      rules("- {id: never, match: {tool: [other]}, effect: allow}\n" + kAllow +
            "- {id: s, match: {tool: [t]}, mode: shadow, effect: deny}\n"
            "- {id: except, match: {tool: [t]}, unless: 'true', effect: deny}\n"
            "- {id: broken, match: {tool: [t]}, when: action.args.none == 1, effect: deny}\n");
  Replay replay(proposed, nullptr, 0);
  replay.add(decision(proposed));
  replay.add(decision(proposed));
  const ReplayReport& report = replay.report();
  REQUIRE(report.rules.size() == 5);
  CHECK(report.rules[0].rule == "never");
  CHECK(report.rules[0].matched == 0);
  CHECK(report.rules[1].matched == 2);
  CHECK(report.rules[2].matched == 0);
  CHECK(report.rules[2].shadowed == 2);
  CHECK(report.rules[3].matched == 0);
  CHECK(report.rules[4].matched == 2);
  CHECK(report.errors == 2);
  CHECK(report.unchanged == 2);
}

TEST_CASE("with an old document it is asked, not the record") {
  const Document old = rules(kDeny), proposed = rules(kAllow);
  Replay replay(proposed, &old, 1);
  replay.add(decision(proposed));  // recorded: allow
  CHECK(replay.report().looser == 1);
  CHECK(replay.report().flips[0].examples[0].before.decided_by == "no");
}

TEST_CASE("changed arguments are decided as what was classified of them, or not at all") {
  const std::string cap =
      "- {id: cap, match: {tool: [t]}, effect: modify, modify: {set: {args.max_rows: 10}}}\n"
      "- {id: few, match: {tool: [t]}, when: facts.sql.count <= 10, effect: allow}\n";
  const std::string free =
      "- {id: many, match: {tool: [t]}, when: facts.sql.count > 10, effect: allow}\n";
  const Document capped = rules(cap), uncapped = rules(free);
  RecordedDecision recorded{.id = "act_1", .input = input("t", rows(500))};
  recorded.input.facts = found(500);
  recorded.changed = {rows(10), found(10), "read"};
  recorded.verdict.effect = Effect::kAllow;
  recorded.verdict.modified_args = rows(10);

  SUBCASE("by the same change: the recorded facts of the changed form") {
    const auto verdict = repeat(capped, recorded);
    REQUIRE(verdict.has_value());
    CHECK(verdict->decided_by == "few");
    CHECK(turn_between(recorded.verdict, *verdict) == Turn::kUnchanged);
  }
  SUBCASE("without a change: as they were asked for, which is another action") {
    const auto verdict = repeat(uncapped, recorded);
    REQUIRE(verdict.has_value());
    CHECK(verdict->decided_by == "many");
    CHECK(turn_between(recorded.verdict, *verdict) == Turn::kOther);
  }
  SUBCASE("by another change: nobody knows what that does") {
    const Document other = rules(
        "- {id: cap, match: {tool: [t]}, effect: modify, modify: {set: {args.max_rows: 5}}}\n");
    CHECK(!repeat(other, recorded).has_value());
    Replay replay(other, nullptr, 1);
    replay.add(recorded);
    CHECK(replay.report().unrepeatable.at(Unrepeatable::kChangedArguments) == 1);
    CHECK(replay.report().repeated == 0);
    CHECK(replay.report().looked_at == 1);
  }
  SUBCASE("by another change, where classifiers say nothing of any arguments: it is decided") {
    recorded.input.facts = doc::Value();
    const Document other = rules(
        "- {id: cap, match: {tool: [t]}, effect: modify, modify: {set: {args.max_rows: 5}}}\n"
        "- {id: few, match: {tool: [t]}, when: action.args.max_rows == 5, effect: allow}\n");
    const auto verdict = repeat(other, recorded);
    REQUIRE(verdict.has_value());
    CHECK(verdict->decided_by == "few");
  }
}

TEST_CASE("the same decisions give the same report, byte for byte") {
  const Document proposed = rules(kAllow + asks("{quorum: {g: 1}}"));
  const Document old = rules(kDeny);
  const auto report = [&] {
    Replay replay(proposed, nullptr, 3);
    for (int i = 0; i < 5; ++i) replay.add(decision(old, doc::object({{"n", i}})));
    return doc::write_json(to_value(replay.report()));
  };
  CHECK(report() == report());
}
