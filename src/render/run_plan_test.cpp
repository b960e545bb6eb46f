#include "render/run_plan.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace keyturn;
using namespace keyturn::render;

namespace {

doc::Value step(std::string_view path, std::string_view name, std::string_view kind) {
  return doc::object({{"path", path}, {"name", name}, {"kind", kind}, {"tries", 1}});
}

doc::Value asks(std::string_view group) {
  Plan plan;
  plan.quorum = {{std::string(group), 1}};
  return to_value(plan);
}

doc::Array steps() {
  doc::Value look = step("look", "How full?", "action");
  look.set("tool", "disk.free");
  look.set("args", doc::object({{"host", "web-1"}}));
  look.set("description", doc::object({{"argv", doc::array_of({"/usr/bin/df", "web-1"})}}));
  look.set("tool_digest", "sha256:70");
  look.set("verdict", doc::object({{"effect", "allow"}, {"decided_by", "read-ok"}}));
  look.set("covered", true);
  doc::Value drop = step("all[0]", "Drop", "action");
  drop.set("tool", "orders.drop");
  drop.set("args", doc::object({{"table", "a\xE2\x80\xAE"}}));
  drop.set("verdict", doc::object({{"effect", "require"}, {"plan", asks("dba")}}));
  drop.set("covered", true);
  doc::Value sure = step("sure", "Go on?", "approve");
  sure.set("when", "steps.look.outputs.free < 10");
  sure.set("waits_for", "steps.look.outputs.free");
  sure.set("asks", asks("sre"));
  doc::Value never = step("never", "Never", "action");
  never.set("tool", "forbidden");
  never.set("refused", "there is no such tool");
  doc::Value undo = step("all[0]~compensate", "Drop", "action");
  undo.set("undoes", true);
  undo.set("lock", doc::object({{"name", "db/orders"}}));  // a member that nobody here knows
  return {std::move(look), std::move(drop), std::move(sure), std::move(never), std::move(undo)};
}

CaseInput start(std::string_view review, doc::Array all) {
  CaseInput in;
  in.tool = "runbook.patch";
  in.args = doc::object({{"hosts", doc::array_of({"web-1"})}});
  in.description = doc::object({{"plan", doc::object({{"runbook", "patch"},
                                                      {"digest", "sha256:7c"},
                                                      {"review", review},
                                                      {"steps", std::move(all)}})}});
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

TEST_CASE("the plan of a run comes first, a section for each step") {
  const CaseView view = view_of(start("plan", steps()));
  REQUIRE(view.sections.size() > 6);
  CHECK(view.sections[0].title == "The plan");
  CHECK(view.sections[1].title == "Step 1 of 5");
  CHECK(view.sections[5].title == "Step 5 of 5");
  CHECK(view.complete);
  const std::string text = shown(start("plan", steps()));
  for (const char* words :
       {"what is agreed to: every step as it stands below; whatever differs from it asks by itself",
        "steps: 5 steps, 2 of which ask people, 1 denied or refused, 1 not known yet",
        "name: How full?", "step: look", "name: Go on?", "tool: disk.free", "with.host: web-1",
        "what runs.argv[0]: /usr/bin/df", "definition of the tool: sha256:70",
        "policy: allow by read-ok", "asks: 1 of dba; at least: session",
        "after this approval: done exactly as it stands here, and nobody is asked again",
        "only when: steps.look.outputs.free < 10", "not known yet: steps.look.outputs.free",
        "asks: 1 of sre", "refused: there is no such tool",
        "! it would be refused: the run would fail here",
        "only: when the run fails or is cancelled", "lock.name: db/orders"}) {
    CHECK(has(text, words));
  }
  CHECK(has(text, "U+202E"));
  CHECK_FALSE(text.contains("plan.steps"));  // not a second time, leaf by leaf
}

TEST_CASE("where each step is decided by itself, the approval covers none of them") {
  const std::string text = shown(start("steps", steps()));
  CHECK(has(text, "what is agreed to: that it starts; each step is decided by itself"));
  CHECK_FALSE(text.contains("after this approval"));
}

TEST_CASE("a step that is not covered says so") {
  doc::Array all = steps();
  all[1].set("covered", false);
  CHECK(has(shown(start("plan", std::move(all))),
            "after this approval: decided by itself when it comes to it"));
}

TEST_CASE("what is no plan is shown leaf by leaf, and so is the plan of another tool") {
  CaseInput in = start("plan", {});
  in.description = doc::object({{"plan", doc::object({{"steps", "none"}})}});
  CHECK(has(shown(in), "plan.steps: none"));
  CaseInput other = start("plan", steps());
  other.tool = "deploy";
  CHECK(has(shown(other), "plan.steps[0].path: look"));
}

TEST_CASE("a plan that is too long to be shown is not complete") {
  doc::Array all;
  for (int i = 0; i < 500; ++i) {
    doc::Value one = step("s", "s", "action");
    one.set("args", doc::object({{"a", std::string(4096, 'x')}}));
    all.push_back(std::move(one));
  }
  CHECK_FALSE(view_of(start("plan", std::move(all))).complete);
}

TEST_CASE("what runs is told before what policy says of it, everything else behind it") {
  doc::Array all = steps();
  all[0].set("description", doc::object({{"kind", "exec"}, {"argv", doc::array_of({"/bin/df"})}}));
  const std::string text = shown(start("plan", std::move(all)));
  CHECK(text.find("what runs.argv[0]: /bin/df") < text.find("policy: allow by read-ok"));
  CHECK(text.find("policy: allow by read-ok") < text.find("what runs.kind: exec"));
  CHECK(has(text, "what runs.kind: exec"));
}

namespace {

doc::Array three_with(const doc::Value& file, const doc::Value& other) {
  doc::Array all;
  for (const doc::Value* one : {&file, &other, &file}) {
    doc::Value each = step("s" + std::to_string(all.size() + 1), "s", "action");
    each.set("tool", "t");
    each.set("description", doc::object({{"argv", doc::array_of({"/bin/t"})},
                                         {"files", doc::Array{*one}},
                                         {"cwd", "/"},
                                         {"limits", doc::object({{"memory", "512 MiB"},
                                                                 {"processes", 64},
                                                                 {"open_files", 1024},
                                                                 {"cpu", "10m"}})}}));
    all.push_back(std::move(each));
  }
  return all;
}

doc::Value file(std::string_view content) {
  return doc::object({{"path", "/bin/t"}, {"sha256", "sha256:70"}, {"content", content}});
}

std::size_t count(const std::string& text, std::string_view words) {
  std::size_t found = 0;
  for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1))
    ++found;
  return found;
}

}  // namespace

TEST_CASE("a program is told once, and where else the very same runs") {
  const std::string text =
      shown(start("plan", three_with(file("echo the source\n"), file("echo another\n"))));
  CHECK(count(text, "echo the source") == 1);
  CHECK(count(text, "echo another") == 1);  // of the same path and digest, as it says
  CHECK(has(text, "what runs.files[0]: ⟦the same as what runs.files[0] of Step 1⟧"));
  CHECK(count(text, "what runs.limits.memory: 512 MiB") == 1);
  CHECK(count(text, "what runs.limits: ⟦the same as what runs.limits of Step 1⟧") == 2);
  CHECK(count(text, "what runs.argv[0]: /bin/t") == 3);  // what matters most is always there
  CHECK(count(text, "what runs.cwd: /") == 3);
}

TEST_CASE("what an input says is never taken for a word of ours") {
  doc::Array all = three_with(file("x"), file("y"));
  all[1].set("args", doc::object({{"files", "the same as what runs.files[0] of Step 1"}}));
  const std::string text = shown(start("plan", std::move(all)));
  CHECK(has(text, "with.files: the same as"));
  CHECK_FALSE(text.contains("with.files: ⟦"));
}

TEST_CASE("where only the start is agreed to, no program's text is listed") {
  const std::string text =
      shown(start("steps", three_with(file("echo the source\n"), file("echo another\n"))));
  CHECK_FALSE(text.contains("echo"));
  CHECK(has(text, "what runs.files[0].sha256: sha256:70"));
  CHECK(has(text, "shows the text of its program then"));
}

TEST_CASE("a hold point asks in its own words, and nothing is told twice") {
  CaseInput in;
  in.tool = "keyturn.hold";
  in.args = doc::object({{"message", "Patch 2 hosts\nnow?"},
                         {"show", doc::object({{"hosts", doc::array_of({"web-1"})}})},
                         {"plan", asks("sre")}});
  in.description = *in.args;
  const CaseView view = view_of(in);
  REQUIRE(view.sections.size() > 3);
  CHECK(view.sections[0].title == "Go on?");
  CHECK(view.sections[0].kind == SectionKind::kText);
  CHECK(view.sections[1].title == "Shown with it");
  CHECK(view.sections[2].title == "What the runbook asks for");
  const std::string text = shown(in);
  CHECK(has(text, "| Patch 2 hosts\n  | now?"));
  CHECK(has(text, "hosts[0]: web-1"));
  CHECK(has(text, "plan.quorum.sre: 1"));
  CHECK(text.find("plan.quorum.sre") == text.rfind("plan.quorum.sre"));
  CHECK_FALSE(text.contains("How it would run"));
}

TEST_CASE("a hold point says with what its run was started") {
  CaseInput in;
  in.tool = "keyturn.hold";
  in.args = doc::object({{"message", "Go on?"},
                         {"show", nullptr},
                         {"plan", asks("sre")},
                         {"inputs", doc::object({{"hosts", doc::array_of({"web-1"})}, {"n", 3}})}});
  in.description = *in.args;
  const CaseView view = view_of(in);
  REQUIRE(view.sections.size() > 2);
  CHECK(view.sections[1].title == "Inputs of the run");
  CHECK(view.sections[2].title == "What the runbook asks for");
  const std::string text = shown(in);
  CHECK(has(text, "\n  hosts[0]: web-1\n  n: 3\n"));
  CHECK_FALSE(text.contains("How it would run"));
}

TEST_CASE("what a hold point would do otherwise than asked is told") {
  CaseInput in;
  in.tool = "keyturn.hold";
  in.args = doc::object({{"message", "Go on?"}, {"show", nullptr}});
  in.description = doc::object({{"message", "something else"}});
  CHECK(has(shown(in), "message: something else"));
}
