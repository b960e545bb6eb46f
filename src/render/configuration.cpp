#include "render/configuration.h"

#include <algorithm>
#include <array>

#include "render/fields.h"

namespace keyturn::render {
namespace {

using namespace std::string_view_literals;

Section problems(const doc::Value& description, Budget& budget) {
  Section s = section("It would not load", SectionKind::kFields);
  for (const doc::Value& line : description.list("problems")) {
    if (line.is_string()) add_field(s, budget, "problem", line.as_string());
  }
  if (!s.fields.empty()) s.warnings.emplace_back("the configuration would have errors");
  return s;
}

Section change(const doc::Value& file, Budget& budget) {
  Section s = section("Change of " + std::string(file.text("file")), SectionKind::kDiff);
  std::string_view lines = file.text("lines");
  if (file.flag("too_long")) {
    s.warnings.emplace_back("too much differs to be shown so: the whole new text is below");
  } else if (lines.empty()) {
    s.warnings.emplace_back("nothing: it is what is in force");
  } else if (!budget.take(lines.size())) {
    s.warnings.emplace_back("too long: it is not shown");
  } else {
    lines.remove_suffix(lines.ends_with('\n') ? 1 : 0);  // else an empty line would follow
    Rendered r = render_text(lines, Style::kCode);
    s.bytes = r.bytes;
    s.runs = std::move(r.runs);
    s.warnings = std::move(r.warnings);
  }
  return s;
}

Section rules(const doc::Value& description, Budget& budget) {
  Section s = section("What that changes", SectionKind::kFields);
  for (const doc::Value& one : description.list("rules"))
    add_field(s, budget, one.text("of"), one.text("is"));
  return s;
}

std::string decision_words(const doc::Value& side) {
  std::string out(side.text("effect"));
  if (const std::string_view by = side.text("decided_by"); !by.empty())
    out += " by " + std::string(by);
  if (const std::string_view asks = side.text("asks"); !asks.empty())
    out += ", " + std::string(asks);
  return out;
}

std::string flip_words(const doc::Value& flip, bool examples) {
  std::string out = counted(flip.integer("count"), "decision");
  if (!examples) return out;
  const doc::Array& list = flip.list("examples");
  if (flip.integer("count") > static_cast<std::int64_t>(list.size()))
    out += ", of which the newest " + std::to_string(list.size());
  for (const doc::Value& one : list) {
    const doc::Value* before = one.find("before");
    const doc::Value* after = one.find("after");
    out += "\n" + std::string(one.text("id")) + " " + std::string(one.text("tool")) + " by " +
           std::string(one.text("agent"));
    if (before != nullptr && after != nullptr)
      out += ": " + decision_words(*before) + " -> " + decision_words(*after);
  }
  return out;
}

// What was looked at: the figures mean nothing without it.
std::string extent(const doc::Value& replay) {
  std::string out = counted(replay.integer("looked_at"), "decision") + ", the newest first";
  if (const std::string_view oldest = replay.text("oldest"); !oldest.empty())
    out += ", back to " + std::string(oldest);
  if (replay.flag("limited"))
    out += "; there are more, but no more than " + std::to_string(replay.integer("at_most")) +
           " are looked at";
  else if (replay.flag("late"))
    out += "; there are more, but the time was up";
  else
    out += "; all since " + std::string(replay.text("since"));
  return out;
}

std::string reasons(const doc::Value& counts) {
  std::string out;
  if (!counts.is_object()) return out;
  for (const doc::Member& one : counts.as_object()) {
    out += (out.empty() ? ": " : ", ") + one.key + " " + std::to_string(counts.integer(one.key));
  }
  return out;
}

Section replay(const doc::Value& replay, Budget& budget) {
  Section s =
      section("Recorded decisions, taken again by the proposed policy", SectionKind::kFields);
  add_field(s, budget, "looked at", extent(replay));
  for (const std::string_view key : {"unchanged"sv, "looser"sv, "stricter"sv, "other"sv})
    add_field(s, budget, key == "other" ? "neither stricter nor looser" : key,
              std::to_string(replay.integer(key)));
  if (const std::int64_t errors = replay.integer("errors"); errors > 0)
    add_field(s, budget, "decided by an error of the new policy", std::to_string(errors));
  if (const std::int64_t cannot = replay.integer("not_repeatable"); cannot > 0) {
    const doc::Value* why = replay.find("not_repeatable_because");
    add_field(s, budget, "cannot be taken again",
              std::to_string(cannot) + (why == nullptr ? "" : reasons(*why)));
  }
  const bool examples = !replay.flag("without_examples");
  for (const doc::Value& flip : replay.list("flips")) {
    add_field(s, budget,
              std::string(flip.text("turn")) + ", " + std::string(flip.text("from")) + " -> " +
                  std::string(flip.text("to")),
              flip_words(flip, examples));
  }
  if (!examples)
    add_field(s, budget, "examples",
              "left out: who proposes this may not look at everybody's decisions");
  if (const std::int64_t looser = replay.integer("looser"); looser > 0)
    s.warnings.push_back(counted(looser, "decision") + " would have been looser");
  return s;
}

}  // namespace

std::vector<Section> configuration_sections(const doc::Value& description, Budget& budget) {
  std::vector<Section> out;
  out.push_back(problems(description, budget));
  for (const doc::Value& file : description.list("changes")) out.push_back(change(file, budget));
  out.push_back(rules(description, budget));
  const doc::Value* figures = description.find("replay");
  if (figures != nullptr && figures->is_object()) out.push_back(replay(*figures, budget));
  return out;
}

bool is_configuration_member(const doc::Member& member) {
  constexpr std::array kArrays{"problems"sv, "changes"sv, "rules"sv};
  if (std::ranges::find(kArrays, member.key) != kArrays.end()) return member.value.is_array();
  if (member.key == "against" && member.value.is_object()) return member.value.as_object().empty();
  return member.key == "replay" && member.value.is_object();
}

}  // namespace keyturn::render
