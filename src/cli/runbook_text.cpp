// Runbooks and the plans of their runs, as text.
#include <fmt/format.h>

#include "cli/run_text.h"
#include "doc/json.h"
#include "model/verdict.h"
#include "render/plan_words.h"

namespace keyturn::cli {
namespace {

// Whom a plan of policy, or of a hold point, asks; "" where its reader is not told.
std::string asks(const doc::Value& of, std::string_view name) {
  const doc::Value* plan = of.find(name);
  return plan == nullptr ? "" : one_line(render::in_words(plan_from_value(*plan)));
}

std::string verdict_cell(const doc::Value& step) {
  if (!step.text("refused").empty()) return "refused: " + one_line(step.text("refused"));
  if (step.flag("skipped")) return "skipped";
  const std::string people = asks(step, "asks");
  if (!step.text("waits_for").empty()) {
    return "later, with " + one_line(step.text("waits_for")) +
           (people.empty() ? "" : ": asks " + people);
  }
  const doc::Value* verdict = step.find("verdict");
  if (verdict == nullptr)
    return step.text("kind") == "approve" ? "asks " + (people.empty() ? "people" : people) : "";
  std::string out = one_line(verdict->text("effect"));
  if (out == "require" && step.flag("covered")) out += ", with the plan";
  const std::string whom = out.starts_with("require") ? asks(*verdict, "plan") : "";
  return whom.empty() ? out : out + ": " + whom;
}

std::string step_cell(const doc::Value& step) {
  std::string out = one_line(step.text("path"));
  if (step.flag("undoes")) out += " (undoes)";
  if (!step.text("when").empty()) out += " (if " + one_line(step.text("when")) + ")";
  return out;
}

// Of a hold point the question; whom it asks stands beside it.
std::string args_cell(const doc::Value& step) {
  const doc::Value* args = step.find("args");
  if (args == nullptr) return "";
  if (step.text("kind") != "approve") return one_line(doc::write_json(*args));
  std::string out = one_line(args->text("message"));
  if (const doc::Value* show = args->find("show"); show != nullptr && !show->is_null())
    out += " " + one_line(doc::write_json(*show));
  return out;
}

std::string input_type(const doc::Value& schema) {
  std::string out = one_line(schema.text("type"));
  if (const doc::Value* items = schema.find("items"); items != nullptr && items->is_object())
    out += " of " + one_line(items->text("type"));
  if (const doc::Value* choices = schema.find("enum")) out = one_line(doc::write_json(*choices));
  return out;
}

std::vector<Row> input_rows(const doc::Value& runbook) {
  std::vector<Row> out;
  const doc::Value* schema = runbook.find("inputs");
  const doc::Value* properties = schema == nullptr ? nullptr : schema->find("properties");
  if (properties == nullptr || !properties->is_object()) return out;
  for (const doc::Member& one : properties->as_object()) {
    bool needed = false;
    for (const doc::Value& name : schema->list("required"))
      needed = needed || name == doc::Value(one.key);
    const doc::Value* given = one.value.find("default");
    out.push_back({"  " + one_line(one.key), input_type(one.value),
                   needed             ? "needed"
                   : given != nullptr ? "else " + one_line(doc::write_json(*given))
                                      : "",
                   one_line(one.value.text("description"))});
  }
  return out;
}

std::vector<Row> trigger_rows(const doc::Value& runbook) {
  std::vector<Row> out;
  for (const doc::Value& one : runbook.list("triggers")) {
    const bool scheduled = !one.text("schedule").empty();
    std::string what = scheduled ? fmt::format("schedule {} {}", one_line(one.text("schedule")),
                                               one_line(one.text("time_zone")))
                                 : fmt::format("webhook {} ({})", one_line(one.text("webhook")),
                                               one_line(one.text("kind")));
    out.push_back({"  " + what, "as " + one_line(one.text("as")),
                   one.text("next").empty() ? "" : "next " + one_line(one.text("next"))});
  }
  return out;
}

std::string more_of(const doc::Value& node) {
  std::string out;
  const auto say = [&](std::string_view words, std::string_view name) {
    if (node.text(name).empty()) return;
    out += (out.empty() ? "" : ", ") + std::string(words) + one_line(node.text(name));
  };
  say("if ", "when");
  say("for each of ", "foreach");
  say("within ", "timeout");
  if (node.integer("tries") > 1)
    out += fmt::format("{}up to {} times", out.empty() ? "" : ", ", node.integer("tries"));
  say("undone by ", "compensate");
  return out;
}

void add_nodes(std::vector<Row>& out, const doc::Array& nodes, const std::string& indent) {
  for (const doc::Value& node : nodes) {
    const std::string name =
        node.text("name") == node.text("id") ? "" : one_line(node.text("name"));
    out.push_back({indent + one_line(node.text("id")),
                   one_line(node.text(node.text("tool").empty() ? "kind" : "tool")), name,
                   more_of(node)});
    add_nodes(out, node.list("steps"), indent + "  ");
    for (const doc::Value& branch : node.list("branches")) {
      out.push_back({indent + "  " + one_line(branch.text("name")) + ":"});
      add_nodes(out, branch.list("steps"), indent + "    ");
    }
    if (!node.list("on_failure").empty()) {
      out.push_back({indent + "  when it failed:"});
      add_nodes(out, node.list("on_failure"), indent + "    ");
    }
  }
}

std::string titled(std::string_view title, const std::vector<Row>& rows) {
  return rows.empty() ? "" : std::string(title) + "\n" + aligned({}, rows);
}

}  // namespace

std::string plan_text(const doc::Value& plan) {
  std::vector<Row> rows;
  for (const doc::Value& step : plan.list("steps")) {
    rows.push_back({step_cell(step),
                    one_line(step.text(step.text("tool").empty() ? "kind" : "tool")),
                    args_cell(step), verdict_cell(step)});
  }
  return aligned({"STEP", "TOOL", "ARGUMENTS", "POLICY"}, rows);
}

std::string runbook_text(const doc::Value& runbook) {
  std::string out = one_line(runbook.text("name"));
  if (!runbook.text("description").empty()) out += ": " + one_line(runbook.text("description"));
  out += "\n";
  if (runbook.find("revision") != nullptr)
    out += fmt::format("revision {}, ", runbook.integer("revision"));
  out += runbook.text("review") == "plan" ? "approved as a whole before it starts"
                                          : "each step is decided by itself";
  out += fmt::format(", {} under way\n", runbook.integer("open"));
  std::vector<Row> alone;
  const doc::Value* most = runbook.find("concurrency");
  if (most != nullptr && most->integer("limit") > 0)
    alone.push_back({fmt::format("  at most {} at once", most->integer("limit"))});
  for (const doc::Value& lock : runbook.list("locks"))
    alone.push_back({"  lock " + (lock.is_string() ? one_line(lock.as_string()) : "")});
  std::vector<Row> steps;
  add_nodes(steps, runbook.list("graph"), "  ");
  return out + titled("Inputs", input_rows(runbook)) + titled("One at a time", alone) +
         titled("Started by", trigger_rows(runbook)) + titled("Steps", steps);
}

}  // namespace keyturn::cli
