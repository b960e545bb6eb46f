#include "runbook/document.h"

#include <algorithm>

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

constexpr std::int64_t kLimitMax = 1000;

void read_concurrency(ObjectReader& in, Concurrency& out, doc::Problems& problems) {
  const doc::Value* value = in.object("concurrency");
  if (value == nullptr) return;
  ObjectReader concurrency(*value, in.pointer_to("concurrency"), problems);
  out.limit = static_cast<int>(concurrency.integer("limit", 1, kLimitMax).value_or(0));
  const std::string busy = concurrency.string("busy").value_or("wait");
  out.refuses = busy == "refuse";
  if (busy != "wait" && busy != "refuse")
    concurrency.problem("unknown_choice", "busy is wait or refuse (the run fails at once)", "busy");
  if (out.limit == 0 && !out.refuses && value->find("limit") == nullptr)
    concurrency.problem("missing_field", "needs limit: so many runs at once");
  concurrency.finish();
}

void read_locks(ObjectReader& in, StepReader& reader, std::vector<Template>& out) {
  const doc::Value* value = in.array("locks");
  if (value == nullptr) return;
  const doc::Array& all = value->as_array();
  if (all.size() > kLocksMax)
    in.problem("too_many", "a run takes at most " + std::to_string(kLocksMax) + " locks", "locks");
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].is_string())
      out.push_back(reader.read_template(all[i], in.pointer_to("locks") + "/" + std::to_string(i)));
    else
      in.problem("wrong_type", "a lock is a name, such as \"db/{{ inputs.name }}\"", "locks");
  }
}

}  // namespace

Result<std::vector<std::string>> Document::locks_of(const Run& run) const {
  Scope scope;
  scope.inputs = std::make_shared<const doc::Value>(run.inputs);
  scope.run = std::make_shared<const doc::Value>(
      doc::object({{"id", run.id}, {"runbook", run.runbook}, {"started_by", run.started_by}}));
  std::vector<std::string> out;
  for (const Template& lock : locks) {
    Result<doc::Value> name = lock.fill(scope);
    if (!name) return std::unexpected(name.error());
    const bool good =
        name->is_string() && !name->as_string().empty() &&
        name->as_string().size() <= kLockBytesMax &&
        std::ranges::none_of(name->as_string(), [](char c) { return c >= 0 && c < ' '; });
    if (!good)
      return refuse("invalid_lock", "a lock's name is a text of 1 to " +
                                        std::to_string(kLockBytesMax) + " bytes on one line");
    out.push_back(name->as_string());
  }
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

std::shared_ptr<const Document> Document::load(const catalog::Tool& tool,
                                               const catalog::Catalog* tools,
                                               doc::Problems& problems, const Known& known) {
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
  StepReader reader({tools, &tool.params, known}, found);
  if (const auto timeout = in.duration("timeout")) out->timeout = *timeout;
  read_concurrency(in, out->concurrency, found);
  read_locks(in, reader, out->locks);
  if (const doc::Value* triggers = in.array("triggers"))
    out->triggers = read_triggers(*triggers, in.pointer_to("triggers"),
                                  {tools, tools == nullptr ? nullptr : &tool.params, known}, found);
  if (const doc::Value* steps = in.array("steps"); steps != nullptr && !steps->as_array().empty())
    out->steps = reader.read_steps(*steps, in.pointer_to("steps"));
  else
    in.problem("missing_field", "needs steps: [{id: …, tool: …}]", "steps");
  if (const doc::Value* outputs = in.object("outputs"))
    out->outputs = reader.read_outputs(*outputs, in.pointer_to("outputs"));
  in.finish();
  const bool failed = doc::has_errors(found);
  for (const bool warnings : {false, true}) {
    std::ranges::copy_if(found, std::back_inserter(problems),
                         [&](const doc::Problem& one) { return one.warning == warnings; });
  }
  return failed ? nullptr : out;
}

std::size_t check_runbooks(const catalog::Catalog& tools, doc::Problems& problems,
                           const Known& known) {
  std::size_t count = 0;
  for (const catalog::Tool& tool : tools.tools()) {
    if (tool.kind != catalog::ToolKind::kRunbook) continue;
    ++count;
    (void)Document::load(tool, &tools, problems, known);
  }
  return count;
}

}  // namespace keyturn::runbook
