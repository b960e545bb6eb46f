// Runs, carried on by a pure walk: order, branches, failures, retries, what undoes, and crashes.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <functional>
#include <set>

#include "doc/json.h"
#include "doc/yaml.h"
#include "runbook/foreseen.h"
#include "runbook/walk.h"

namespace keyturn::runbook {
namespace {

std::shared_ptr<const Document> load(std::string_view text, doc::Problems& problems) {
  const std::optional<catalog::Catalog> none;
  const Result<doc::Value> tree = doc::parse_yaml(text, "runbook.yaml");
  REQUIRE_MESSAGE(tree.has_value(), tree.error().message);
  catalog::Tool tool;
  tool.name = "runbook.test";
  tool.definition = *tree;
  return Document::load(tool, nullptr, problems);
}

std::shared_ptr<const Document> load(std::string_view text) {
  doc::Problems problems;
  std::shared_ptr<const Document> out = load(text, problems);
  REQUIRE_MESSAGE(out != nullptr, (problems.empty() ? "" : problems.front().message));
  return out;
}

struct Answer {
  StepState state = StepState::kSucceeded;
  doc::Value result = doc::Object{};
  Behind behind = Behind::kNothingSaid;
};
using World = std::function<Answer(const Begin&)>;

// Carries a run on, as runs/ does: whatever it is told to begin, it begins once.
struct Runner {
  explicit Runner(std::shared_ptr<const Document> of, doc::Value inputs = doc::Object{})
      : document(std::move(of)) {
    run.id = "act_1";
    run.runbook = "test";
    run.started_by = "bot";
    run.inputs = inputs;
    append(started(run));
  }

  void append(EventDraft draft) {
    Event event;
    event.stream = draft.stream;
    event.type = draft.type;
    event.body = draft.body;
    event.private_part = draft.private_part;
    event.time = now;
    history.push_back(event);
    evolve(run, event);
  }

  // Everything that memory alone knew is gone.
  void crash() {
    run = Run{};
    for (const Event& event : history) evolve(run, event);
    for (const auto& [key, begin] : open) run.under_way.insert(begin.path);
  }

  // What is new, until nothing is to be done but to wait.
  Next look() {
    for (;;) {
      Next next = runbook::next(*document, run, now);
      for (Settled& one : next.settled) append(step_ended(run, one.path, one.record));
      if (!next.settled.empty()) continue;
      for (Begin& begin : next.begins) {
        const std::string key = begin.path + "#" + std::to_string(begin.attempt);
        run.under_way.insert(begin.path);
        if (effects.insert(key).second) {
          order.push_back(key + (begin.tool.empty() ? "" : " " + begin.tool));
          open.emplace(key, begin);
        }
      }
      if (next.end) append(run_ended(run, next.end->end, next.end->reason, next.end->outputs));
      return next;
    }
  }

  void finish(const std::string& key, const World& world) {
    const Begin begin = open.at(key);
    open.erase(key);
    run.under_way.erase(begin.path);
    const Answer answer = world(begin);
    StepRecord record = ended(*document, run, begin.path, begin.attempt, answer.state, "act_of_it",
                              answer.state == StepState::kFailed ? "it broke" : "", answer.result);
    if (record.behind == Behind::kNothingSaid) record.behind = answer.behind;
    append(step_ended(run, begin.path, record));
  }

  // To the end, or until people are asked.
  void carry_on(const World& world) {
    for (int i = 0; i < 1000 && !run.end; ++i) {
      const Next next = look();
      if (run.end) return;
      if (open.empty() && next.look_again)
        now = *next.look_again;
      else if (open.empty())
        return;
      else
        finish(open.begin()->first, world);
    }
  }

  std::shared_ptr<const Document> document;
  Run run;
  Time now{std::chrono::seconds(1'700'000'000)};
  std::vector<Event> history;
  std::map<std::string, Begin> open;
  std::set<std::string> effects;
  std::vector<std::string> order;
};

Answer good(const Begin& /*begin*/) {
  return {};
}

World breaks(std::string path, int times = 1000) {
  auto left = std::make_shared<int>(times);
  return [path = std::move(path), left](const Begin& begin) {
    if (begin.path == path && (*left)-- > 0) return Answer{StepState::kFailed, doc::Object{}};
    return Answer{};
  };
}

using Order = std::vector<std::string>;

}  // namespace

TEST_CASE("steps run in order, outputs go on by name, and `when` leaves out") {
  Runner r(load(R"(steps:
- {id: look, tool: t.look, outputs: {free: "result.rows[0].free"}}
- {id: grow, tool: t.grow, when: "steps.look.outputs.free < 10", args: {by: "{{ 10 - steps.look.outputs.free }}", note: "disk {{ inputs.disk }}"}}
- {id: shrink, tool: t.shrink, when: "steps.look.outputs.free > 10"}
outputs: {was: "steps.look.outputs.free", shrunk: "steps.shrink.outcome"}
)"),
           doc::object({{"disk", "sda"}}));
  doc::Value args;
  r.carry_on([&](const Begin& begin) {
    if (begin.path == "grow") args = begin.args;
    return Answer{StepState::kSucceeded,
                  doc::object({{"rows", doc::Array{doc::object({{"free", 3}})}}})};
  });
  CHECK(r.order == Order{"look#1 t.look", "grow#1 t.grow"});
  CHECK(args == doc::object({{"by", 7}, {"note", "disk sda"}}));
  CHECK(r.run.end == RunEnd::kSucceeded);
  CHECK(r.run.outputs == doc::object({{"was", 3}, {"shrunk", "skipped"}}));
  CHECK(r.run.steps.at("shrink").state == StepState::kSkipped);
}

TEST_CASE("branches run side by side; a foreach no more than at_once at a time") {
  Runner r(load(R"(steps:
- id: both
  branches:
    a: [{id: a1, tool: a}, {id: a2, tool: a}]
    b: [{id: b1, tool: b}]
- {id: all, foreach: "inputs.hosts", at_once: 2, tool: patch, args: {host: "{{ item }}", n: "{{ index }}"}}
)"),
           doc::object({{"hosts", doc::array_of({"x", "y", "z"})}}));
  (void)r.look();
  CHECK(r.open.size() == 2);
  r.finish("both.a.a1#1", good);
  r.finish("both.b.b1#1", good);
  (void)r.look();
  r.finish("both.a.a2#1", good);
  (void)r.look();
  CHECK(r.open.size() == 2);
  CHECK(r.open.at("all[1]#1").args == doc::object({{"host", "y"}, {"n", 1}}));
  r.finish("all[1]#1", good);
  (void)r.look();
  CHECK(r.open.contains("all[2]#1"));
  r.carry_on(good);
  CHECK(r.run.end == RunEnd::kSucceeded);
}

TEST_CASE("behind a failure of a foreach nothing new begins, and what runs is waited for") {
  Runner r(load("steps:\n- {id: all, foreach: \"[1, 2, 3, 4]\", at_once: 2, tool: t}\n"));
  (void)r.look();
  r.finish("all[0]#1", breaks("all[0]"));
  (void)r.look();
  CHECK(!r.run.end);
  CHECK(r.open.size() == 1);
  r.finish("all[1]#1", good);
  (void)r.look();
  CHECK(r.run.end == RunEnd::kFailed);
  CHECK(r.order == Order{"all[0]#1 t", "all[1]#1 t"});
}

TEST_CASE("only an idempotent step is tried again, after its backoff") {
  const char* const text = R"(steps:
- {id: once, tool: t, %s}
)";
  const auto with = [&](const std::string& words) {
    std::string all(text);
    return load(all.replace(all.find("%s"), 2, words));
  };
  Runner twice(with("idempotent: true, retry: {tries: 3, backoff: 2s}"));
  const Time began = twice.now;
  twice.carry_on(breaks("once", 2));
  CHECK(twice.order == Order{"once#1 t", "once#2 t", "once#3 t"});
  CHECK(twice.now - began == std::chrono::seconds(6));  // 2 s, then 4 s
  CHECK(twice.run.end == RunEnd::kSucceeded);
  Runner once(with("timeout: 1m"));
  once.carry_on(breaks("once", 1));
  CHECK(once.order == Order{"once#1 t"});
  CHECK(once.run.end == RunEnd::kFailed);
  doc::Problems problems;
  CHECK(load("steps: [{id: a, tool: t, retry: {tries: 2}}]", problems) == nullptr);
  CHECK(problems.front().code == "not_idempotent");
}

TEST_CASE("what a failed run did is undone in reverse, with what each step gave") {
  Runner r(load(R"(steps:
- {id: one, tool: make, outputs: {name: "result.name"}, compensate: {tool: drop, args: {name: "{{ steps.one.outputs.name }}"}}}
- {id: two, tool: link, compensate: {tool: unlink}}
- {id: three, tool: t, on_failure: [{id: tell, tool: page, args: {why: "{{ steps.three.outcome }}"}}]}
)"));
  std::vector<doc::Value> dropped;
  r.carry_on([&](const Begin& begin) {
    if (begin.tool == "drop") dropped.push_back(begin.args);
    if (begin.path == "three") return Answer{StepState::kFailed, doc::Object{}};
    return Answer{StepState::kSucceeded, doc::object({{"name", "r1"}})};
  });
  CHECK(r.order == Order{"one#1 make", "two#1 link", "three#1 t", "three~on_failure.tell#1 page",
                         "two~compensate#1 unlink", "one~compensate#1 drop"});
  CHECK(dropped == std::vector<doc::Value>{doc::object({{"name", "r1"}})});
  CHECK(r.run.end == RunEnd::kFailed);
  CHECK(r.run.end_reason == "three: it broke");
}

TEST_CASE("on_failure: continue goes on, and later steps can read it") {
  Runner r(load(R"(steps:
- {id: try_it, tool: t, on_failure: continue}
- {id: other, tool: u, when: "steps.try_it.outcome == 'failed'"}
)"));
  r.carry_on(breaks("try_it"));
  CHECK(r.order == Order{"try_it#1 t", "other#1 u"});
  CHECK(r.run.end == RunEnd::kSucceeded);
}

TEST_CASE(
    "an unknown outcome stops and asks; people say how it ended, and it never repeats by itself") {
  const auto unknown = [](const Begin& begin) {
    return Answer{
        begin.path == "pay" && begin.attempt == 1 ? StepState::kUnknown : StepState::kSucceeded,
        doc::Object{}};
  };
  for (const StepState said : {StepState::kSucceeded, StepState::kFailed, StepState::kUnknown}) {
    Runner r(
        load("steps:\n- {id: pay, tool: t, idempotent: true, retry: {tries: 5}}\n- {id: then, "
             "tool: u}\n"));
    r.carry_on(unknown);
    CHECK(r.look().asks == Order{"pay"});
    r.crash();
    CHECK(r.look().asks == Order{"pay"});
    CHECK(r.order == Order{"pay#1 t"});
    r.append(step_resolved(r.run, "pay", said, "ada", "looked"));
    r.carry_on(unknown);
    if (said == StepState::kSucceeded) CHECK(r.order == Order{"pay#1 t", "then#1 u"});
    if (said == StepState::kFailed) CHECK(r.order == Order{"pay#1 t"});
    if (said == StepState::kUnknown) CHECK(r.order == Order{"pay#1 t", "pay#2 t", "then#1 u"});
    CHECK(r.run.end == (said == StepState::kFailed ? RunEnd::kFailed : RunEnd::kSucceeded));
  }
}

TEST_CASE("cancelled, nothing new begins; what is under way is waited for, then undone") {
  Runner r(load(R"(steps:
- {id: one, tool: t, compensate: {tool: undo}}
- id: both
  branches: {a: [{id: a1, tool: a}, {id: a2, tool: a}], b: [{id: b1, tool: b}]}
)"));
  (void)r.look();
  r.finish("one#1", good);
  (void)r.look();
  r.finish("both.b.b1#1", good);
  r.append(cancelled(r.run, "ada", "wrong cluster"));
  r.crash();
  (void)r.look();
  CHECK(!r.run.end);
  r.carry_on(good);
  CHECK(r.order == Order{"one#1 t", "both.a.a1#1 a", "both.b.b1#1 b", "one~compensate#1 undo"});
  CHECK(r.run.end == RunEnd::kCancelled);
  CHECK(r.run.end_reason == "wrong cluster");
}

TEST_CASE(
    "cancelled while on_failure is done, what it does is waited for and undone with the rest") {
  Runner r(load(R"(steps:
- {id: one, tool: t, compensate: {tool: undo}}
- {id: two, tool: breaks, on_failure: [{id: h1, tool: h, compensate: {tool: undo_h}}, {id: h2, tool: h}]}
)"));
  (void)r.look();
  r.finish("one#1", good);
  (void)r.look();
  r.finish("two#1", breaks("two"));
  (void)r.look();
  REQUIRE(r.open.contains("two~on_failure.h1#1"));
  r.append(cancelled(r.run, "ada", ""));
  const Next next = r.look();
  CHECK(next.begins.empty());
  CHECK(!r.run.end);
  r.carry_on(good);
  CHECK(r.order == Order{"one#1 t", "two#1 breaks", "two~on_failure.h1#1 h",
                         "two~on_failure.h1~compensate#1 undo_h", "one~compensate#1 undo"});
  CHECK(r.run.end == RunEnd::kCancelled);
}

TEST_CASE("cancelled while it is paused, it undoes what it did") {
  Runner r(load("steps:\n- {id: one, tool: t, compensate: {tool: undo}}\n- {id: two, tool: t}\n"));
  (void)r.look();
  r.append(paused(r.run, "ada"));
  r.finish("one#1", good);
  CHECK(r.look().begins.empty());
  r.append(cancelled(r.run, "ada", ""));
  r.carry_on(good);
  CHECK(r.order == Order{"one#1 t", "one~compensate#1 undo"});
  CHECK(r.run.end == RunEnd::kCancelled);
}

TEST_CASE("what follows a failure rests on what is behind it") {
  const auto document = load(R"(steps:
- {id: one, tool: t, compensate: {tool: undo}}
- {id: two, tool: u, idempotent: true, retry: {tries: 3, backoff: 1s}}
)");
  const auto fails = [](const std::string& path, Behind behind, int times) {
    auto left = std::make_shared<int>(times);
    return [=](const Begin& begin) {
      if (begin.path == path && (*left)-- > 0)
        return Answer{StepState::kFailed, doc::Object{}, behind};
      return Answer{};
    };
  };
  SUBCASE("denied: it is not asked for again") {
    Runner r(document);
    r.carry_on(fails("two", Behind::kRefused, 9));
    CHECK(r.order == Order{"one#1 t", "two#1 u", "one~compensate#1 undo"});
    CHECK(r.run.end == RunEnd::kFailed);
  }
  SUBCASE("interrupted: it is begun anew, idempotent or not") {
    Runner r(document);
    r.carry_on(fails("one", Behind::kInterrupted, 2));
    CHECK(r.order == Order{"one#1 t", "one#2 t", "one#3 t", "two#1 u"});
    CHECK(r.run.end == RunEnd::kSucceeded);
  }
  SUBCASE("interrupted, what undoes is begun anew") {
    Runner r(document);
    auto left = std::make_shared<int>(1);
    r.carry_on([=](const Begin& begin) {
      if (begin.path == "two") return Answer{StepState::kFailed, doc::Object{}, Behind::kRefused};
      if (begin.path == "one~compensate" && (*left)-- > 0)
        return Answer{StepState::kFailed, doc::Object{}, Behind::kInterrupted};
      return Answer{};
    });
    CHECK(r.order == Order{"one#1 t", "two#1 u", "one~compensate#1 undo", "one~compensate#2 undo"});
    CHECK(r.run.end_reason == "two: it broke");
  }
}

TEST_CASE("a step whose outputs cannot be made or kept took effect: undone, and not done again") {
  for (const std::string output : {"result.nothing", "9007199254740992 + 1", "result.huge"}) {
    CAPTURE(output);
    Runner r(
        load("steps:\n- {id: one, tool: t, idempotent: true, retry: {tries: 3}, outputs: {x: \"" +
             output + "\"}, compensate: {tool: undo}}\n"));
    const std::string huge(kOutputsBytesMax, 'x');
    r.carry_on(
        [&](const Begin&) { return Answer{StepState::kSucceeded, doc::object({{"huge", huge}})}; });
    CHECK(r.order == Order{"one#1 t", "one~compensate#1 undo"});
    CHECK(r.run.end == RunEnd::kFailed);
    CHECK(r.run.end_reason.starts_with("one: it succeeded, but its output x cannot be "));
  }
}

TEST_CASE("a run whose outputs cannot be made or kept ends, and says so") {
  for (const std::string output : {"9007199254740992 + 1", "inputs.nothing", "inputs.huge"}) {
    CAPTURE(output);
    Runner r(load("steps:\n- {id: one, pass: true}\noutputs: {x: \"" + output + "\"}\n"),
             doc::object({{"huge", std::string(kOutputsBytesMax, 'x')}}));
    r.carry_on(good);
    CHECK(r.run.end == RunEnd::kFailed);
    CHECK(r.run.end_reason.starts_with("its output x cannot be "));
  }
}

TEST_CASE("a run has a limit of steps, and what was done before it is undone") {
  Runner r(load(R"(steps:
- {id: one, tool: t, compensate: {tool: undo}}
- {id: all, foreach: "inputs.a", at_once: 50, steps: [{id: each, foreach: "inputs.b", at_once: 50, pass: true}]}
)"),
           [] {
             doc::Array many;
             for (int i = 0; i < 60; ++i) many.emplace_back(i);
             return doc::object({{"a", many}, {"b", many}});
           }());
  for (int i = 0; i < 20'000 && !r.run.end; ++i) {
    (void)r.look();
    if (!r.run.end && !r.open.empty()) r.finish(r.open.begin()->first, good);
  }
  CHECK(r.run.end == RunEnd::kFailed);
  CHECK(r.run.end_reason.contains("a run has at most " + std::to_string(kRunStepsMax) + " steps"));
  CHECK(r.run.steps.size() <= kRunStepsMax + 1000);
  CHECK(r.order.back() == "one~compensate#1 undo");
}

TEST_CASE("what does not begin any more is told, so that it can be looked for after a crash") {
  Runner r(load("steps:\n- {id: one, tool: t}\n- {id: two, tool: t}\n"));
  (void)r.look();
  r.finish("one#1", good);
  r.append(cancelled(r.run, "ada", ""));
  const Next next = runbook::next(*r.document, r.run, r.now);
  REQUIRE(next.unbegun.size() == 1);
  CHECK(next.unbegun[0].path == "two");
  CHECK(next.unbegun[0].attempt == 1);
}

TEST_CASE("a paused run begins nothing until it is resumed") {
  Runner r(
      load("steps:\n- {id: one, tool: t}\n- {id: two, approve: {message: \"go on?\", require: "
           "{quorum: {sre: 1}}}}\n- {id: three, pass: true}\n"));
  (void)r.look();
  r.append(paused(r.run, "ada"));
  r.finish("one#1", good);
  CHECK(r.look().begins.empty());
  r.append(resumed(r.run, "ada"));
  (void)r.look();
  CHECK(r.open.at("two#1").args == doc::object({{"message", "go on?"}, {"show", nullptr}}));
  CHECK(r.open.at("two#1").step->plan.quorum == Quorum{{"sre", 1}});
  r.carry_on(good);
  CHECK(r.run.end == RunEnd::kSucceeded);
}

TEST_CASE("an expression that fails is a failure of its step, which says which") {
  Runner r(load("steps:\n- {id: one, tool: t, args: {x: \"{{ inputs.nothing }}\"}}\n"));
  r.carry_on(good);
  CHECK(r.order.empty());
  CHECK(r.run.end == RunEnd::kFailed);
  CHECK(r.run.end_reason.find("inputs.nothing") != std::string::npos);
}

TEST_CASE("what a run would do is told beforehand, as far as it rests on the inputs alone") {
  const auto document = load(R"(steps:
- {id: look, tool: look, outputs: {free: "result.free"}}
- {id: all, foreach: "inputs.hosts", tool: patch, args: {host: "{{ item }}"}, compensate: {tool: back, args: {host: "{{ item }}"}}}
- {id: grow, tool: grow, when: "steps.look.outputs.free < 10", args: {by: "{{ steps.look.outputs.free }}"}}
- {id: never, tool: t, when: "inputs.force"}
- {id: ask, approve: {message: "patch {{ size(inputs.hosts) }}?", require: {quorum: {sre: 1}}}, on_failure: [{id: tell, tool: page}]}
)");
  Run run;
  run.inputs = doc::object({{"hosts", doc::array_of({"x", "y"})}, {"force", false}});
  const Result<std::vector<ForeseenStep>> told = foresee(*document, run);
  REQUIRE(told.has_value());
  std::vector<std::string> said;
  for (const ForeseenStep& one : *told) {
    said.push_back(one.path + (one.args ? " " + doc::write_json(*one.args) : " ?") +
                   (one.when.empty() ? "" : " when " + one.when) + (one.skipped ? " skipped" : "") +
                   (one.undoes ? " undoes" : ""));
  }
  CHECK(said ==
        Order{"look {}", R"(all[0] {"host":"x"})", R"(all[0]~compensate {"host":"x"} undoes)",
              R"(all[1] {"host":"y"})", R"(all[1]~compensate {"host":"y"} undoes)",
              "grow ? when steps.look.outputs.free < 10", "never ? when inputs.force skipped",
              R"(ask {"message":"patch 2?","show":null})",
              "ask~on_failure.tell {} when ask failed"});
  // Its own id is known only of a run that somebody asked for.
  const auto with_id = load("steps:\n- {id: a, tool: t, args: {x: \"{{ run.id }}\"}}\n");
  REQUIRE(foresee(*with_id, run).has_value());
  CHECK_FALSE(foresee(*with_id, run)->front().args.has_value());
  CHECK(foresee(*with_id, run)->front().waits_for == "the run's own id");
  run.id = "act_9";
  CHECK(foresee(*with_id, run)->front().args == doc::object({{"x", "act_9"}}));
  run.inputs = doc::object({{"hosts", "x"}});
  const Result<std::vector<ForeseenStep>> refused = foresee(*document, run);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == "expression");
}

TEST_CASE("a document's slips are found where they stand") {
  const auto codes = [](std::string_view text) {
    doc::Problems problems;
    CHECK(load(text, problems) == nullptr);
    Order out;
    for (const doc::Problem& one : problems)
      out.push_back(std::to_string(one.position.line) + " " + one.code);
    return out;
  };
  CHECK(codes("review: maybe\nsteps:\n- {id: a, tool: t}\n") == Order{"1 unknown_choice"});
  CHECK(codes("steps:\n- {id: a, tool: t}\n- {id: a, tool: t}\n") == Order{"3 duplicate_name"});
  CHECK(codes("steps:\n- {id: a, tool: t, pass: true}\n") == Order{"2 missing_field"});
  CHECK(codes("steps:\n- {id: a, tool: t, args: {x: \"{{ steps.b.outputs.y }}\"}}\n- {id: b, tool: "
              "t}\n") == Order{"2 unknown_step"});
  CHECK(codes("steps:\n- id: f\n  branches:\n    a: [{id: a1, tool: t}]\n    b: [{id: b1, tool: t, "
              "when: \"steps.a1.outcome == 'x'\"}]\n") == Order{"5 unknown_step"});
  CHECK(codes("steps:\n- {id: a, tool: t, when: \"1 + 1\"}\n") == Order{"2 expression"});
  CHECK(codes("steps:\n- {id: a, approve: {message: hm}}\n") == Order{"2 missing_field"});
  CHECK(codes("steps:\n- {id: a, tool: t, tol: 1}\n") == Order{"2 unknown_field"});
}

TEST_CASE("a list inside a text fails its step, which is named, with the way out") {
  Runner r(load("steps:\n- {id: two, tool: t, args: {x: 'on {{ inputs.hosts }}'}}\n"),
           doc::object({{"hosts", doc::array_of({"a"})}}));
  (void)r.look();
  CHECK(r.run.end == RunEnd::kFailed);
  CHECK(r.run.end_reason.starts_with("two: inputs.hosts: "));
  CHECK(r.run.end_reason.ends_with("write inputs.hosts.join(', ')"));
}

TEST_CASE(
    "property: however ends interleave and whenever it crashes, the effects are the same, each "
    "once") {
  const std::shared_ptr<const Document> document = load(R"(steps:
- {id: first, tool: t, outputs: {n: "result.n"}}
- id: fan
  branches:
    a: [{id: a1, tool: a, compensate: {tool: undo_a}}, {id: a2, foreach: "[1, 2, 3]", at_once: 2, tool: a}]
    b: [{id: b1, foreach: "inputs.hosts", at_once: 3, steps: [{id: c, tool: c}, {id: d, tool: d, when: "index > 0", compensate: {tool: undo_d}}]}]
- {id: shaky, tool: s, idempotent: true, retry: {tries: 3, backoff: 1s}}
- {id: last, tool: z, args: {n: "{{ steps.first.outputs.n }}"}}
)");
  const doc::Value inputs = doc::object({{"hosts", doc::array_of({"x", "y"})}});
  CHECK(rc::check([&] {
    const int breaking = *rc::gen::inRange(0, 3);  // nothing, the shaky one twice, the last one
    const auto left = std::make_shared<int>(2);
    const World world = [=](const Begin& begin) {
      if (breaking == 1 && begin.path == "shaky" && (*left)-- > 0)
        return Answer{StepState::kFailed, doc::Object{}};
      if (breaking == 2 && begin.path == "last") return Answer{StepState::kFailed, doc::Object{}};
      return Answer{StepState::kSucceeded, doc::object({{"n", 7}})};
    };
    Runner r(document, inputs);
    while (!r.run.end) {
      const Next next = r.look();
      if (r.run.end) break;
      if (*rc::gen::inRange(0, 4) == 0) r.crash();
      if (r.open.empty()) {
        RC_ASSERT(next.look_again.has_value());
        r.now = *next.look_again;
        continue;
      }
      auto one = r.open.begin();
      std::advance(one, *rc::gen::inRange<std::size_t>(0, r.open.size()));
      r.finish(one->first, world);
    }
    std::set<std::string> wanted{
        "first#1",         "fan.a.a1#1",      "fan.a.a2[0]#1",   "fan.a.a2[1]#1", "fan.a.a2[2]#1",
        "fan.b.b1[0].c#1", "fan.b.b1[1].c#1", "fan.b.b1[1].d#1", "shaky#1",       "last#1"};
    if (breaking == 1) wanted.insert({"shaky#2", "shaky#3"});
    if (breaking == 2) wanted.insert({"fan.a.a1~compensate#1", "fan.b.b1[1].d~compensate#1"});
    RC_ASSERT(r.effects == wanted);
    RC_ASSERT(r.order.size() == wanted.size());
    RC_ASSERT(*r.run.end == (breaking == 2 ? RunEnd::kFailed : RunEnd::kSucceeded));
  }));
}

}  // namespace keyturn::runbook
