#include "runbook/document.h"

#include "runbook/reader.h"

namespace keyturn::runbook {
namespace {

using doc::ObjectReader;

void read_metadata(ObjectReader& in, doc::Problems& problems) {
  const doc::Value* value = in.object("metadata");
  if (value == nullptr) return;
  ObjectReader metadata(*value, in.pointer_to("metadata"), problems);
  (void)metadata.string("name");
  (void)metadata.string("description");
  (void)metadata.integer("revision", 0, INT64_MAX);
  metadata.finish();
}

}  // namespace

std::shared_ptr<const Document> Document::load(const catalog::Tool& tool,
                                               const catalog::Catalog* tools,
                                               doc::Problems& problems) {
  doc::Problems found;
  auto out = std::make_shared<Document>();
  out->name = tool.name.substr(catalog::kRunbookPrefix.size());
  ObjectReader in(tool.definition, "", found);
  for (const std::string_view word : {"apiVersion", "kind", "operation"}) (void)in.string(word);
  for (const std::string_view word : {"inputs", "resource"}) (void)in.object(word);  // catalog/
  read_metadata(in, found);
  if (const auto review = in.string("review")) {
    out->approves_plan = *review == "plan";
    if (*review != "plan" && *review != "steps")
      in.problem("unknown_choice",
                 "review is plan (the whole run is approved at once) or steps (each by itself)",
                 "review");
  }
  StepReader reader(tools, found);
  if (const auto timeout = in.duration("timeout")) out->timeout = *timeout;
  if (const doc::Value* steps = in.array("steps"); steps != nullptr && !steps->as_array().empty())
    out->steps = reader.read_steps(*steps, in.pointer_to("steps"));
  else
    in.problem("missing_field", "needs steps: [{id: …, tool: …}]", "steps");
  if (const doc::Value* outputs = in.object("outputs"))
    out->outputs = reader.read_outputs(*outputs, in.pointer_to("outputs"));
  in.finish();
  const bool failed = doc::has_errors(found);
  problems.insert(problems.end(), found.begin(), found.end());
  return failed ? nullptr : out;
}

std::size_t check_runbooks(const catalog::Catalog& tools, doc::Problems& problems) {
  std::size_t count = 0;
  for (const catalog::Tool& tool : tools.tools()) {
    if (tool.kind != catalog::ToolKind::kRunbook) continue;
    ++count;
    (void)Document::load(tool, &tools, problems);
  }
  return count;
}

}  // namespace keyturn::runbook
