// What is told of a runbook when it is loaded, beside what does not load.
#include <doctest/doctest.h>

#include "policy/document.h"
#include "runbook/document.h"

namespace keyturn::runbook {
namespace {

constexpr std::string_view kHead = R"(tools:
  run: {exec: [/bin/echo, "{{text}}"], params: {text: {type: string}}, sandbox: none}
---
kind: Runbook
metadata: {name: test}
inputs: {hosts: {type: array, items: {type: string}, default: []}, n: {type: integer, minimum: 1, default: 1}, who: {type: object, default: {}}}
)";

// "CODE: MESSAGE", warnings with "~" before them.
std::vector<std::string> told(std::string_view text) {
  policy::Roster roster;
  roster.groups = {{"dba", {"ada", "olga"}}, {"sre", {"ada"}}};
  const std::set<std::string> agents{"bot"};
  doc::Problems problems;
  const auto tools = catalog::Catalog::load_text(std::string(kHead) + std::string(text), problems);
  REQUIRE(tools.has_value());
  CHECK(check_runbooks(*tools, problems, {&roster, &agents}) == 1);
  std::vector<std::string> out;
  for (const doc::Problem& one : problems) {
    CHECK(one.position.line > 6);
    out.push_back((one.warning ? "~" : "") + one.code + ": " + one.message);
  }
  return out;
}

std::string only(std::string_view text) {
  const std::vector<std::string> all = told(text);
  CHECK(all.size() == 1);
  return all.empty() ? "" : all.front();
}

std::string step(const std::string& words) {
  return "steps:\n- {id: one, tool: run, args: {text: x}, outputs: {free: result.stdout}}\n- " +
         words + "\n";
}

}  // namespace

TEST_CASE("what a group does not have is refused") {
  const std::string inside = "steps: [{id: b, tool: run, args: {text: x}}]}";
  for (const char* word : {"timeout: 5m", "outputs: {x: '1'}", "idempotent: true"}) {
    const std::string said = only(step("{id: g, " + std::string(word) + ", " + inside));
    CHECK(said.starts_with("without_effect: "));
    CHECK(said.find(std::string(word).substr(0, 7)) != std::string::npos);
    CHECK(only(step("{id: g, " + std::string(word) + ", branches: {a: [{id: b, pass: true}]}}"))
              .starts_with("without_effect: "));
  }
  CHECK(told(step("{id: g, when: 'true', foreach: '[1]', " + inside)).empty());
}

TEST_CASE("what no step has for an output, and no outcome for a field, is told") {
  CHECK(told(step("{id: two, tool: run, args: {text: '{{ steps.one.outputs.free }}'}}")).empty());
  CHECK(only(step("{id: two, tool: run, args: {text: '{{ steps.one.outputs.fre }}'}}")) ==
        "~unknown_output: step one has no output fre (did you mean free?)");
  CHECK(only(step("{id: two, pass: true, outputs: {x: result.exitcode}}")) ==
        "~unknown_field: result.exitcode is never there (did you mean result.exit_code?)");
  CHECK(told(step("{id: two, pass: true, outputs: {x: 'result.rows[0].n'}}")).empty());
  // Of each, of a group, and of its own.
  CHECK(told(step("{id: two, foreach: '[1]', pass: true}\n"
                  "- {id: three, when: 'steps.two.outputs.items.size() > 0', pass: true}"))
            .empty());
  CHECK(only(step("{id: two, foreach: '[1]', pass: true, outputs: {x: '1'}}\n"
                  "- {id: three, when: 'steps.two.outputs.x > 0', pass: true}"))
            .starts_with("~unknown_output: step two has no output x"));
  CHECK(told(step("{id: two, tool: run, args: {text: x}, outputs: {y: result.stdout}, "
                  "compensate: {tool: run, args: {text: '{{ steps.two.outputs.y }}'}}}"))
            .empty());
}

TEST_CASE("a list or an object inside a text is told, with the way out") {
  CHECK(only(step("{id: two, tool: run, args: {text: 'on {{ inputs.hosts }}'}}")) ==
        "~not_text: inputs.hosts is a list, which cannot stand inside a longer text: write "
        "{{ inputs.hosts.join(', ') }}");
  CHECK(only(step("{id: two, tool: run, args: {text: 'of {{ inputs.who }}'}}"))
            .starts_with("~not_text: inputs.who is an object"));
  CHECK(told(step("{id: two, tool: run, args: {text: \"on {{ inputs.hosts.join(', ') }}\"}}"))
            .empty());
  CHECK(told(step("{id: two, tool: run, args: {text: 'no {{ inputs.n }}'}}")).empty());
}

TEST_CASE("a hold that nobody can agree to is told") {
  const auto hold = [](const std::string& require) {
    return step("{id: sure, approve: {message: ok, require: " + require + "}}");
  };
  CHECK(told(hold("{quorum: {dba: 2}, expires: 1h}")).empty());
  CHECK(only(hold("{quorum: {dbas: 1}, expires: 1h}")) ==
        "~unknown_group: nobody is in a group \"dbas\" (did you mean dba?); put people into it, or "
        "name another");
  CHECK(only(hold("{quorum: {sre: 2}, expires: 1h}")).starts_with("~unsatisfiable: nobody could"));
}

TEST_CASE("inputs of a trigger that the runbook does not take are refused; its agent is known") {
  const auto trigger = [](const std::string& words) {
    return "triggers:\n- {schedule: '0 2 * * *', " + words + "}\nsteps:\n- {id: a, pass: true}\n";
  };
  CHECK(told(trigger("as: bot, inputs: {hosts: [a], n: 2}")).empty());
  CHECK(told(trigger("as: bot, inputs: {hosts: ['{{ event.time }}'], n: '{{ 1 }}'}")).empty());
  CHECK(only(trigger("as: bot, inputs: {n: 0}")).starts_with("invalid_args: the input \"n\": "));
  CHECK(only(trigger("as: bot, inputs: {hosts: web1}")).find("\"hosts\"") != std::string::npos);
  CHECK(only(trigger("as: bob")) ==
        "~unknown_agent: there is no agent bob yet: until `keyturn agent add` this starts nothing");
}

}  // namespace keyturn::runbook
