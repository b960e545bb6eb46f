#include "gate/replay.h"

#include "gate/testing.h"

namespace keyturn::gate {
namespace {

using policy::Unrepeatable;
using testing::Bench;

policy::Document load(const std::string& rules) {
  doc::Problems problems;
  auto document = policy::Document::load(
      "apiVersion: keyturn/v1\nkind: Policy\nmetadata: {name: t}\nrules:\n" + rules, {}, problems);
  REQUIRE(document.has_value());
  return std::move(*document);
}

Event first(Bench& b, const RecordPtr& record) {
  return b.stream(record->id).front();
}

policy::Turn replayed(const Event& event, const std::string& rules) {
  const auto decision = recorded_decision(event);
  REQUIRE(decision.has_value());
  const policy::Document document = load(rules);
  const auto verdict = policy::repeat(document, *decision);
  REQUIRE(verdict.has_value());
  return policy::turn_between(decision->verdict, *verdict);
}

constexpr const char* kNothing = "- {id: none, match: {tool: [nobody-has-it]}, effect: allow}\n";
constexpr const char* kFree = "- {id: free, match: {tool: [run]}, effect: allow}\n";

TEST_CASE("a recorded decision is taken again as it was, and by another document") {
  Bench b;
  const Event event = first(b, b.ask("run"));
  CHECK(replayed(event, kFree) == policy::Turn::kUnchanged);
  CHECK(replayed(event, kNothing) == policy::Turn::kStricter);
  const auto decision = recorded_decision(event);
  CHECK(decision->input.tool == "run");
  CHECK(decision->input.actor.id == "bot");
  CHECK(decision->input.actor.owner == "olga");
  CHECK(decision->input.resource.name == "here");
  CHECK(decision->input.resource.env == "prod");
  CHECK(decision->input.args == doc::object({{"text", "x"}}));
  CHECK(decision->input.request.time > Time{});
}

TEST_CASE("every name that a condition may read is as it was") {
  Bench b;
  ActionRequest request = Bench::request("run", "hello");
  request.reason = "OPS-1";
  request.claims = doc::object({{"session", "s-1"}});
  const auto made = b.run(b.gate->submit(Bench::agent("bot"), request));
  REQUIRE(made.has_value());
  for (const std::string condition :
       {"action.tool == 'run'", "action.args.text == 'hello'", "action.reason == 'OPS-1'",
        "claims.session == 's-1'", "claims.reason == 'OPS-1'", "resource.kind == 'host'",
        "actor.owner == 'olga'", "request.channel == 'api'",
        "request.time > timestamp('2026-01-01T00:00:00Z')", "request.repeats_of_denied == 0",
        "!facts.uninspectable"}) {
    CAPTURE(condition);
    CHECK(replayed(first(b, made->record), "- {id: free, match: {tool: [run]}, when: \"" +
                                               std::string(condition) + "\", effect: allow}\n") ==
          policy::Turn::kUnchanged);
  }
}

TEST_CASE("what policy changed is taken again from what was asked for") {
  Bench b;
  std::string policy(testing::kPolicy);
  policy +=
      "- {id: cap, match: {tool: [run]}, effect: modify, modify: {set: {args.text: small}}}\n";
  b.activate("policy", policy);
  const Event event = first(b, b.ask("run", "large"));
  const auto decision = recorded_decision(event);
  REQUIRE(decision.has_value());
  CHECK(decision->input.args == doc::object({{"text", "large"}}));
  REQUIRE(decision->changed.has_value());
  CHECK(decision->changed->args == doc::object({{"text", "small"}}));
  CHECK(replayed(event, std::string(kFree) +
                            "- {id: cap, match: {tool: [run]}, effect: modify, modify: {set: "
                            "{args.text: small}}}\n") == policy::Turn::kUnchanged);
  CHECK(replayed(event, kFree) == policy::Turn::kOther);
}

TEST_CASE("what cannot be taken again says why") {
  Bench b;
  Event event = first(b, b.ask("run"));
  const auto why = [](const Event& e) { return recorded_decision(e).error(); };
  Event erased = event;
  erased.private_part.reset();
  CHECK(why(erased) == Unrepeatable::kErased);
  Event older = event;
  std::erase_if(older.private_part->as_object(),
                [](const doc::Member& member) { return member.key == "inputs"; });
  CHECK(why(older) == Unrepeatable::kNoInputs);
  Event foreign = event;
  foreign.private_part->set("inputs", doc::object({{"actor", doc::object({{"id", 7}})}}));
  CHECK(why(foreign) == Unrepeatable::kUnreadable);
  const auto unknown = b.run(b.gate->submit(Bench::agent("bot"), Bench::request("nobody-has-it")));
  REQUIRE(unknown.has_value());
  CHECK(why(first(b, unknown->record)) == Unrepeatable::kUnknownTool);
}

}  // namespace
}  // namespace keyturn::gate
