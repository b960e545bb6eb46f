#include "runbook/graph.h"

namespace keyturn::runbook {
namespace {

doc::Value nodes_of(const std::vector<Step>& steps);

void set_branches(doc::Value& node, const Step& step) {
  if (step.kind == StepKind::kGroup) {
    node.set("steps", nodes_of(step.branches.front().steps));
    return;
  }
  doc::Array branches;
  for (const Branch& branch : step.branches)
    branches.push_back(doc::object({{"name", branch.name}, {"steps", nodes_of(branch.steps)}}));
  node.set("branches", std::move(branches));
}

doc::Value node_of(const Step& step) {
  doc::Value node =
      doc::object({{"id", step.id}, {"name", step.name}, {"kind", to_text(step.kind)}});
  if (!step.tool.empty()) node.set("tool", step.tool);
  if (step.when) node.set("when", step.when->text());
  if (step.foreach) {
    node.set("foreach", step.foreach->text());
    node.set("at_once", step.at_once);
  }
  if (step.retry.tries > 1) node.set("tries", step.retry.tries);
  if (step.timeout.count() > 0) node.set("timeout", keyturn::to_text(step.timeout));
  if (step.compensate) node.set("compensate", step.compensate->tool);
  if (!step.on_failure.empty()) node.set("on_failure", nodes_of(step.on_failure));
  if (!step.branches.empty()) set_branches(node, step);
  return node;
}

doc::Value nodes_of(const std::vector<Step>& steps) {
  doc::Array out;
  for (const Step& step : steps) out.push_back(node_of(step));
  return out;
}

const Step* find(const std::vector<Step>& steps, std::string_view id) {
  for (const Step& step : steps) {
    if (step.id == id) return &step;
    if (const Step* inner = find(step.on_failure, id)) return inner;
    for (const Branch& branch : step.branches) {
      if (const Step* inner = find(branch.steps, id)) return inner;
    }
  }
  return nullptr;
}

}  // namespace

std::string_view to_text(StepKind kind) {
  switch (kind) {
    case StepKind::kAction:
      return "action";
    case StepKind::kApprove:
      return "approve";
    case StepKind::kPass:
      return "pass";
    case StepKind::kGroup:
      return "group";
    case StepKind::kBranches:
      return "branches";
  }
  return "";
}

doc::Value graph_of(const Document& document) {
  return nodes_of(document.steps);
}

const Step* step_at(const Document& document, std::string_view path) {
  if (const std::size_t dot = path.rfind('.'); dot != std::string_view::npos)
    path.remove_prefix(dot + 1);
  return find(document.steps, path.substr(0, path.find_first_of("[~")));
}

}  // namespace keyturn::runbook
