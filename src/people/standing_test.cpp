#include "people/standing.h"

#include <doctest/doctest.h>

#include "doc/json.h"
#include "people/testing.h"

namespace keyturn::people {
namespace {

using testing::at;
using testing::event_of;

doc::Value json(std::string_view text) {
  Result<doc::Value> value = doc::parse_json(text);
  REQUIRE_MESSAGE(value.has_value(), text);
  return *value;
}

Standing standing() {
  Standing out;
  out.id = "sa_1";
  out.agent = "bot";
  out.owner = "olga";
  out.tool = "pay";
  out.tool_digest = "sha256:t";
  out.operation = "write";
  out.resource = {"account", "main", "prod", {{"sensitivity", "pci"}}};
  out.plan.quorum = {{"finance", 2}};
  out.until = at(60);
  out.uses_max = 2;
  out.action = "act_2";
  out.model = "act_1";
  out.proposer = "pat";
  out.lineage.requester_kind = PrincipalKind::kPerson;
  out.lineage.requester = "pat";
  out.lineage.requested_at = at(0);
  out.lineage.add(Role::kOwner, "olga");
  out.approvals = {{"bob", "", "web", Assurance::kPasskey},
                   {"dan", "erin", "slack", Assurance::kChat}};
  out.params = json(R"({"amount": 50, "to": "acme"})");
  out.bounds = *bounds_from(json(R"({"amount": {"min": 0, "max": 100}})"), "");
  out.changed_by_policy = {"limit"};
  out.runs = "sha256:r";
  out.reason = "monthly";
  return out;
}

TEST_CASE("bounds are a range of exact numbers or a list of scalars, and nothing else") {
  const auto refused = [](std::string_view text) {
    const Result<Bounds> read = bounds_from(json(text), "/bounds");
    return read ? std::string("read") : read.error().code + " " + read.error().where;
  };
  CHECK(refused(R"({"a": {"min": 0, "max": 1}, "b": {"one_of": ["x", 1, true]}})") == "read");
  CHECK(bounds_from(doc::Value(), "")->empty());
  for (const char* bad :
       {R"({"a": {"min": 0}})", R"({"a": {"max": 0}})", R"({"a": {}})",
        R"({"a": {"min": 0, "max": 1, "one_of": [1]}})", R"({"a": {"min": 0, "one_of": [1]}})"})
    CHECK_MESSAGE(refused(bad) == "invalid_args /bounds/a", bad);
  CHECK(refused(R"({"a": {"pattern": ".*"}})") == "invalid_args /bounds/a/pattern");
  CHECK(refused(R"({"a": {"min": 2, "max": 1}})") == "invalid_args /bounds/a");
  CHECK(refused(R"({"a": {"min": "0", "max": 1}})") == "invalid_args /bounds/a/min");
  CHECK(refused(R"({"a": {"min": 0, "max": 9007199254740993}})") == "invalid_args /bounds/a/max");
  CHECK(refused(R"({"a": {"one_of": []}})") == "invalid_args /bounds/a/one_of");
  CHECK(refused(R"({"a": {"one_of": [null]}})") == "invalid_args /bounds/a/one_of");
  CHECK(refused(R"({"a": {"one_of": [["x"]]}})") == "invalid_args /bounds/a/one_of");
  CHECK(refused(R"({"a/b": {"min": 2, "max": 1}})") == "invalid_args /bounds/a~1b");
  CHECK(refused(R"([1])") == "invalid_args /bounds");
}

TEST_CASE("what fits: every parameter equal or within its bound, none missing, none more") {
  struct Row {
    const char* params;
    const char* bounds;
    const char* given;
    bool fits;
  };
  static constexpr Row kRows[] = {
      {R"({"a": 1})", "{}", R"({"a": 1})", true},
      {R"({"a": 1})", "{}", R"({"a": 2})", false},
      {R"({"a": 1})", "{}", R"({"a": "1"})", false},
      {R"({"a": "1"})", "{}", R"({"a": 1})", false},
      // Another spelling is another argument to a program.
      {R"({"a": 1})", "{}", R"({"a": 1.0})", false},
      {R"({"a": 0})", "{}", R"({"a": -0})", false},
      {R"({"a": 100})", "{}", R"({"a": 1e2})", false},
      {R"({"a": 1})", "{}", R"({"a": true})", false},
      {R"({"a": 1})", "{}", R"({"a": 1, "b": null})", false},
      {R"({"a": 1})", "{}", R"({})", false},
      {R"({"a": 1, "b": null})", "{}", R"({"a": 1})", false},
      {R"({"a": 1})", "{}", R"({"b": 1})", false},
      {R"({"a": null})", "{}", R"({"a": null})", true},
      {R"({"a": null})", "{}", R"({"a": ""})", false},
      {R"({})", "{}", R"({})", true},
      {R"({"a": "x"})", "{}", R"({"a": "x "})", false},
      {R"({"a": "x"})", "{}", R"({"a": "X"})", false},
      // Look-alikes: a Cyrillic a, a composed and a decomposed e, a zero-width joiner.
      {R"({"a": "abc"})", "{}", R"({"a": "\u0430bc"})", false},
      {R"({"a": "\u00e9"})", "{}", R"({"a": "e\u0301"})", false},
      {R"({"a": "abc"})", "{}", R"({"a": "ab\u200dc"})", false},
      {R"({"a": [1, {"b": 2}]})", "{}", R"({"a": [1, {"b": 2}]})", true},
      {R"({"a": [1, {"b": 2}]})", "{}", R"({"a": [1, {"b": 3}]})", false},
      {R"({"a": [1, 2]})", "{}", R"({"a": [2, 1]})", false},
      {R"({"a": {"x": 1, "y": 2}})", "{}", R"({"a": {"y": 2, "x": 1}})", true},
      {R"({"a": {"x": 1}})", "{}", R"({"a": {"x": 1, "y": null}})", false},
      {R"({"a": 5})", R"({"a": {"min": 0, "max": 10}})", R"({"a": 0})", true},
      {R"({"a": 5})", R"({"a": {"min": 0, "max": 10}})", R"({"a": 10})", true},
      {R"({"a": 5})", R"({"a": {"min": 0, "max": 10}})", R"({"a": 9.5})", true},
      {R"({"a": 5})", R"({"a": {"min": 0, "max": 10}})", R"({"a": 10.000000000000002})", false},
      {R"({"a": 5})", R"({"a": {"min": 0, "max": 10}})", R"({"a": -1})", false},
      {R"({"a": 5})", R"({"a": {"min": 0, "max": 10}})", R"({"a": "5"})", false},
      {R"({"a": 5})", R"({"a": {"min": 0, "max": 10}})", R"({"a": 5.0})", false},
      {R"({"a": 5})", R"({"a": {"min": 0, "max": 10}})", R"({"a": -0})", false},
      {R"({"a": 5})", R"({"a": {"min": 0, "max": 10}})", R"({"a": [5]})", false},
      {R"({"a": 5})", R"({"a": {"min": 0, "max": 10}})", R"({"a": null})", false},
      {R"({"a": 5})", R"({"a": {"min": 0, "max": 10}})", R"({"a": true})", false},
      {R"({"a": 5})", R"({"a": {"min": 0, "max": 10}})", R"({})", false},
      // As text "9" is more than "10".
      {R"({"a": 5})", R"({"a": {"min": 2, "max": 10}})", R"({"a": 9})", true},
      {R"({"a": 5})", R"({"a": {"min": 2, "max": 10}})", R"({"a": 1e1})", false},
      {R"({"a": 9007199254740992})", "{}", R"({"a": 9007199254740993})", false},
      {R"({"a": 5})", R"({"a": {"min": 0, "max": 9007199254740992}})", R"({"a": 9007199254740993})",
       false},
      {R"({"a": 5})", R"({"a": {"min": 0, "max": 10}})", R"({"a": 1e400})", false},
      {R"({"a": 5})", R"({"a": {"min": 0, "max": 1e300}})", R"({"a": 123456789012345680000})",
       true},
      {R"({"a": "x"})", R"({"a": {"one_of": ["x", "y", 1]}})", R"({"a": "y"})", true},
      {R"({"a": "x"})", R"({"a": {"one_of": ["x", "y", 1]}})", R"({"a": 1})", true},
      {R"({"a": "x"})", R"({"a": {"one_of": ["x", "y", 1]}})", R"({"a": "1"})", false},
      {R"({"a": "x"})", R"({"a": {"one_of": ["x", "y", 1]}})", R"({"a": "z"})", false},
      {R"({"a": "x"})", R"({"a": {"one_of": ["x", "y", 1]}})", R"({"a": ["x", "y", 1]})", false},
      {R"({"a": 5, "b": "x"})", R"({"a": {"min": 0, "max": 10}})", R"({"a": 6, "b": "y"})", false},
  };
  for (const Row& row : kRows) {
    Standing one = standing();
    one.params = json(row.params);
    one.bounds = *bounds_from(json(row.bounds), "");
    CHECK_MESSAGE(one.fits(json(row.given)) == row.fits,
                  row.params << " " << row.bounds << " " << row.given);
  }
  Standing erased = standing();
  erased.params = doc::Value();
  CHECK_FALSE(erased.fits(json("{}")));
  CHECK_FALSE(erased.fits(doc::Value()));
}

TEST_CASE("the history rebuilds it, and what is over, used up, revoked or erased ends it") {
  Standings all;
  Standing one = standing();
  all.evolve(event_of(standing_granted(one), at(1)));
  one.granted_at = at(1);
  REQUIRE(all.find("sa_1") != nullptr);
  CHECK(*all.find("sa_1") == one);
  CHECK(all.of("bot", at(2)).size() == 1);
  CHECK(all.of("bot", at(0)).empty());
  CHECK(all.of("bot2", at(2)).empty());
  CHECK(all.of("bot", at(60)).empty());  // at that moment it is over
  all.evolve(event_of(standing_used(one, "act_3"), at(2)));
  CHECK(all.of("bot", at(3)).size() == 1);
  all.evolve(event_of(standing_used(one, "act_4"), at(3)));
  CHECK(all.find("sa_1")->uses == 2);
  CHECK(all.of("bot", at(4)).empty());

  one.id = "sa_0";  // of an earlier id, and later: the oldest is the one that was granted first
  all.evolve(event_of(standing_granted(one), at(5)));
  one.id = "sa_2";
  all.evolve(event_of(standing_granted(one), at(4)));
  REQUIRE(all.of("bot", at(6)).size() == 2);
  CHECK(all.of("bot", at(6)).front()->id == "sa_2");
  all.evolve(event_of(standing_revoked(one, "bob", "no more"), at(7)));
  all.evolve(event_of(standing_revoked(one, "erin", "nor for me"), at(8)));
  CHECK(all.find("sa_2")->revoked_by == "bob");
  CHECK(all.find("sa_2")->until == at(7));
  CHECK(all.of("bot", at(9)).front()->id == "sa_0");

  Event erased = event_of(standing_revoked(one, "bob", ""), at(10));
  erased.stream = "standing/sa_0";
  erased.type = "payload.erased";
  all.evolve(erased);
  CHECK(all.find("sa_0")->params.is_null());
  CHECK(all.find("sa_0")->reason.empty());
  all.pass_time(at(61));
  CHECK(all.of("bot", at(20)).empty());  // not looked through any more
}

TEST_CASE("what cannot be read stands for nothing") {
  Standings all;
  Event event = event_of(standing_granted(standing()), at(1));
  event.private_part.reset();
  all.evolve(event);
  CHECK_FALSE(all.find("sa_1")->fits(json(R"({"amount": 50, "to": "acme"})")));
  event = event_of(standing_granted(standing()), at(1));
  doc::Value part = *event.body.find("standing");
  part.set("until", "soon");
  part.set("approvals", json(R"([{"reviewer": "bob", "assurance": "very strong"}])"));
  event.body.set("standing", part);
  all.evolve(event);
  CHECK(all.of("bot", at(2)).empty());
  CHECK(all.find("sa_1")->approvals.front().assurance == Assurance::kToken);
}

TEST_CASE("the open record holds neither parameters nor reasons") {
  const EventDraft granted = standing_granted(standing());
  const std::string text = doc::write_json(granted.body);
  for (const char* word : {"acme", "monthly", "amount", "100"})
    CHECK_MESSAGE(text.find(word) == std::string::npos, word);
  CHECK(standing_revoked(standing(), "bob", "because").body.find("standing")->find("reason") ==
        nullptr);
}

}  // namespace
}  // namespace keyturn::people
