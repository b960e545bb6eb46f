#include "render/run_plan.h"

#include <algorithm>
#include <array>
#include <map>

#include "doc/json.h"
#include "model/verdict.h"
#include "render/fields.h"
#include "render/plan_words.h"

namespace keyturn::render {
namespace {

using namespace std::string_view_literals;

// Told in words, or of values that stand there in full (the two digests).
constexpr std::array kTold = {"path"sv,        "name"sv,        "kind"sv,
                              "tries"sv,       "tool"sv,        "args"sv,
                              "verdict"sv,     "covered"sv,     "waits_for"sv,
                              "when"sv,        "skipped"sv,     "undoes"sv,
                              "asks"sv,        "refused"sv,     "operation"sv,
                              "description"sv, "args_sha256"sv, "description_sha256"sv,
                              "tool_digest"sv};
// Of what runs, shown before what policy says of it.
constexpr std::array kMatters = {"argv"sv, "sql"sv, "statement"sv, "statements"sv, "request"sv};
constexpr std::array kToldOfPlan = {"runbook"sv, "digest"sv, "review"sv, "steps"sv};

Section section(std::string title) {
  Section out;
  out.title = std::move(title);
  out.kind = SectionKind::kFields;
  return out;
}

const doc::Array& steps_of(const doc::Value& plan) {
  return plan.find("steps")->as_array();
}

bool is_decided(const doc::Value& step, std::string_view effect) {
  const doc::Value* verdict = step.find("verdict");
  return verdict != nullptr && verdict->text("effect") == effect;
}

// What runs, as far as an earlier step told it: by its JSON, so that only the very same is left
// out.
class Earlier {
 public:
  // Where the same was told before ("files[0] of step 2"), else "": then it is told here.
  std::string where(const doc::Value& value, const std::string& here) {
    constexpr std::size_t kWorthIt = 64;  // shorter than what would be said instead
    std::string text = doc::write_json(value);
    if (text.size() < kWorthIt) return "";
    const auto [known, is_new] = told_.emplace(std::move(text), here);
    return is_new ? "" : known->second;
  }

 private:
  std::map<std::string, std::string> told_;
};

class OneStep {
 public:
  OneStep(const doc::Value& step, bool whole, Section& out, Budget& budget, Earlier& earlier)
      : step_(step), whole_(whole), out_(out), budget_(budget), earlier_(earlier) {}

  void show() {
    what();
    when();
    if (const doc::Value* args = step_.find("args")) leaves("with", *args);
    const doc::Value* runs = step_.find("description");
    if (runs != nullptr) for_each_of(*runs, true);  // first what matters most
    decision();
    if (runs != nullptr) for_each_of(*runs, false);
    field("definition of the tool", step_.text("tool_digest"));
    for (const doc::Member& member : step_.as_object()) {
      if (std::ranges::find(kTold, member.key) == kTold.end()) leaves(member.key, member.value);
    }
  }

 private:
  void field(std::string_view name, std::string_view value) {
    if (!value.empty()) add_field(out_, budget_, name, value);
  }

  void leaves(const std::string& path, const doc::Value& value) {
    add_leaves(out_, budget_, path, value);
  }

  void for_each_of(const doc::Value& runs, bool matters) {
    if (!runs.is_object()) {
      if (matters) leaves("what runs", runs);
      return;
    }
    for (const doc::Member& member : runs.as_object()) {
      const bool first = std::ranges::find(kMatters, member.key) != kMatters.end();
      if (first != matters) continue;
      const std::string path = join_path("what runs", member.key);
      if (matters)
        leaves(path, member.value);
      else if (member.key == "files" && member.value.is_array() && !member.value.as_array().empty())
        files(path, member.value.as_array());
      else
        once(path, member.value);
    }
  }

  void files(const std::string& path, const doc::Array& all) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::string one = path + "[" + std::to_string(i) + "]";
      if (whole_ || !all[i].is_object()) {
        once(one, all[i]);
        continue;
      }
      doc::Value known = doc::Object{};
      for (const doc::Member& member : all[i].as_object()) {
        if (member.key != "content") known.set(member.key, member.value);
      }
      once(one, known);
    }
  }

  void once(const std::string& path, const doc::Value& value) {
    const std::string before =
        value.is_object() || value.is_array()
            ? earlier_.where(value, path + " of " + out_.title.substr(0, out_.title.find(" of ")))
            : "";
    if (before.empty())
      leaves(path, value);
    else
      add_remark(out_, budget_, path, "the same as " + before);
  }

  void what() {
    const std::string_view kind = step_.text("kind");
    if (step_.text("name") != step_.text("path")) field("name", step_.text("name"));
    field("step", step_.text("path"));
    field("tool", step_.text("tool"));
    field("operation", step_.text("operation"));
    if (kind == "approve") field("does", "asks people whether to go on");
    if (kind == "pass") field("does", "nothing: a mark in the record");
    if (kind == "group" || kind == "branches") field("does", "holds other steps");
    if (step_.integer("tries") > 1)
      field("when it failed",
            "done again, " + std::to_string(step_.integer("tries")) + " times altogether");
  }

  void when() {
    if (step_.flag("undoes"))
      field("only", "when the run fails or is cancelled after the step succeeded: it undoes it");
    if (step_.flag("skipped")) field("skipped", "its condition is false");
    field("only when", step_.text("when"));
    if (const std::string_view rests = step_.text("waits_for"); !rests.empty()) {
      field("not known yet", rests);
      add_warnings(out_, {"rests on what other steps give: it is decided when it comes to it"});
    }
  }

  void decision() {
    if (const doc::Value* asks = step_.find("asks"))
      field("asks", in_words(plan_from_value(*asks)));
    if (const std::string_view why = step_.text("refused"); !why.empty()) {
      field("refused", why);
      add_warnings(out_, {"it would be refused: the run would fail here"});
    }
    const doc::Value* said = step_.find("verdict");
    if (said == nullptr) return;
    const Verdict verdict = verdict_from_value(*said);
    field("policy", std::string(to_text(verdict.effect)) +
                        (verdict.decided_by.empty() ? "" : " by " + verdict.decided_by));
    for (const std::string& reason : verdict.reasons) field("because", reason);
    if (verdict.effect == Effect::kRequire) field("asks", in_words(verdict.plan));
    if (verdict.effect == Effect::kDeny)
      add_warnings(out_, {"policy denies it: the run would fail here"});
    if (!whole_) return;
    field("after this approval", step_.flag("covered")
                                     ? "done exactly as it stands here, and nobody is asked again"
                                     : "decided by itself when it comes to it");
  }

  const doc::Value& step_;
  bool whole_;
  Section& out_;
  Budget& budget_;
  Earlier& earlier_;
};

Section about(const doc::Value& plan, bool whole, Budget& budget) {
  const doc::Array& steps = steps_of(plan);
  Section s = section("The plan");
  add_field(s, budget, "runbook", plan.text("runbook"));
  add_field(s, budget, "definition of the runbook", plan.text("digest"));
  add_field(s, budget, "what is agreed to",
            whole ? "every step as it stands below; whatever differs from it asks by itself"
                  : "that it starts; each step is decided by itself when it comes to it, and "
                    "shows the text of its program then");
  std::string words = counted(steps.size(), "step");
  const auto count = [&](std::string_view said, auto which) {
    if (const auto n = std::ranges::count_if(steps, which); n > 0)
      words += ", " + std::to_string(n) + " " + std::string(said);
  };
  count("of which ask people", [](const doc::Value& step) {
    return step.text("kind") == "approve" || is_decided(step, "require");
  });
  count("denied or refused", [](const doc::Value& step) {
    return is_decided(step, "deny") || step.find("refused") != nullptr;
  });
  count("not known yet", [](const doc::Value& step) { return !step.text("waits_for").empty(); });
  add_field(s, budget, "steps", words);
  for (const doc::Member& member : plan.as_object()) {
    if (std::ranges::find(kToldOfPlan, member.key) == kToldOfPlan.end())
      add_leaves(s, budget, member.key, member.value);
  }
  return s;
}

}  // namespace

bool is_run_plan(const doc::Value& description) {
  const doc::Value* plan = description.is_object() ? description.find("plan") : nullptr;
  const doc::Value* steps = plan != nullptr && plan->is_object() ? plan->find("steps") : nullptr;
  return steps != nullptr && steps->is_array() &&
         std::ranges::all_of(steps->as_array(), &doc::Value::is_object);
}

std::vector<Section> run_plan_sections(const doc::Value& plan, Budget& budget) {
  const bool whole = plan.text("review") == "plan";
  const doc::Array& steps = steps_of(plan);
  std::vector<Section> out;
  out.push_back(about(plan, whole, budget));
  Earlier earlier;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    Section s = section("Step " + std::to_string(i + 1) + " of " + std::to_string(steps.size()));
    OneStep(steps[i], whole, s, budget, earlier).show();
    out.push_back(std::move(s));
  }
  return out;
}

}  // namespace keyturn::render
