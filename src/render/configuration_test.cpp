#include "render/configuration.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace keyturn;
using namespace keyturn::render;

namespace {

doc::Value side(std::string_view effect, std::string_view by, std::string_view asks = "") {
  doc::Value out = doc::object({{"effect", effect}, {"decided_by", by}});
  if (!asks.empty()) out.set("asks", asks);
  return out;
}

doc::Value replay() {
  return doc::object(
      {{"looked_at", 5},
       {"unchanged", 1},
       {"looser", 3},
       {"stricter", 0},
       {"other", 0},
       {"errors", 0},
       {"not_repeatable", 1},
       {"not_repeatable_because", doc::object({{"unknown_tool", 1}})},
       {"oldest", "2026-11-20T00:00:00.000Z"},
       {"since", "2026-10-22T00:00:00.000Z"},
       {"at_most", 10000},
       {"limited", false},
       {"late", false},
       {"flips",
        doc::Array{doc::object(
            {{"turn", "looser"},
             {"from", "deny"},
             {"to", "allow"},
             {"count", 3},
             {"examples", doc::Array{doc::object({{"id", "act_1"},
                                                  {"tool", "export"},
                                                  {"agent", "bot"},
                                                  {"before", side("deny", "bulk")},
                                                  {"after", side("allow", "small")}})}}})}}});
}

CaseInput proposal() {
  CaseInput in;
  in.tool = "keyturn.configuration";
  in.args = doc::object({{"policy", "new text"}});
  in.description = doc::object(
      {{"against", doc::object({{"policy", "sha256:0"}})},
       {"changes", doc::Array{doc::object(
                       {{"file", "policy.yaml"}, {"lines", "@ line 4\n- a\xE2\x80\xAE\n+ b\n"}})}},
       {"rules", doc::Array{doc::object({{"of", "rules two"}, {"is", "quorum.dba: 1 -> 2"}})}},
       {"replay", replay()}});
  return in;
}

std::string shown(const CaseInput& in) {
  return to_plain_text(view_of(in).sections);
}

bool has(const std::string& text, std::string_view words) {
  const bool found = text.contains(words);
  if (!found) MESSAGE(words << " is not in:\n" << text);
  return found;
}

}  // namespace

TEST_CASE("a change of configuration shows first what differs, then what would have turned") {
  const CaseView view = view_of(proposal());
  REQUIRE(view.sections.size() > 3);
  CHECK(view.sections[0].title == "Change of policy.yaml");
  CHECK(view.sections[0].kind == SectionKind::kDiff);
  CHECK(view.complete);
  const std::string text = shown(proposal());
  CHECK(has(text, "| @ line 4\n"));
  CHECK(has(text, "U+202E"));
  CHECK(has(text, "rules two: quorum.dba: 1 -> 2"));
  CHECK(has(text, "looser, deny -> allow: 3 decisions, of which the newest 1"));
  CHECK(has(text, "act_1 export by bot: deny by bulk -> allow by small"));
  CHECK(has(text, "! 3 decisions would have been looser"));
  CHECK(has(text, "cannot be taken again: 1: unknown_tool 1"));
  CHECK(has(text, "all since 2026-10-22"));
  CHECK(has(text, "against.policy: sha256:0"));
}

TEST_CASE("what was not looked at is said") {
  CaseInput in = proposal();
  doc::Value figures = replay();
  figures.set("limited", true);
  figures.set("without_examples", true);
  in.description.set("replay", figures);
  const std::string text = shown(in);
  CHECK(has(text, "no more than 10000 are looked at"));
  CHECK(has(text, "examples: left out"));
  CHECK_FALSE(text.contains("act_1"));
  figures.set("limited", false);
  figures.set("late", true);
  in.description.set("replay", figures);
  CHECK(has(shown(in), "the time was up"));
}

TEST_CASE("a difference that is too long, or none, is said; what would not load is said first") {
  CaseInput in = proposal();
  in.description =
      doc::object({{"changes", doc::Array{doc::object({{"file", "a"}, {"too_long", true}}),
                                          doc::object({{"file", "b"}, {"lines", ""}})}},
                   {"problems", doc::array_of({"policy.yaml:1:1: broken"})}});
  const std::string text = shown(in);
  CHECK(text.starts_with("It would not load\n"));
  CHECK(has(text, "policy.yaml:1:1: broken"));
  CHECK(has(text, "too much differs"));
  CHECK(has(text, "nothing: it is what is in force"));
}

TEST_CASE("what is no such description is shown leaf by leaf, and of other tools all of it") {
  CaseInput in = proposal();
  in.description = doc::object({{"changes", "x1"}, {"replay", doc::Array{"x2"}}, {"more", "x3"}});
  std::string text = shown(in);
  for (const char* leaf : {"changes: x1", "replay[0]: x2", "more: x3"}) CHECK(has(text, leaf));
  in = proposal();
  in.tool = "orders-sql";
  text = shown(in);
  CHECK_FALSE(text.contains("would have been looser"));
  CHECK(has(text, "replay.looser: 3"));
}
