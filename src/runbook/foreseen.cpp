#include "runbook/foreseen.h"

#include <utility>

namespace keyturn::runbook {
namespace {

constexpr std::size_t kForeseenMax = 2000;

class Foresight {
 public:
  Foresight(std::vector<ForeseenStep>& out, bool knows_id) : out_(out), knows_id_(knows_id) {}

  Result<void> steps(const std::vector<Step>& all, const std::string& prefix, const Scope& scope,
                     const std::string& when);

 private:
  Result<void> step(const Step& one, const std::string& path, const Scope& scope, std::string when);
  Result<void> once(const Step& one, const std::string& path, const Scope& scope,
                    const std::string& when, bool items_known = true);
  Result<void> add(ForeseenStep found, const Template* args, const Scope& scope);
  // "": it can be told.
  std::string rests_on(const auto& text) const {
    if (text.depends_on("steps")) return "what other steps give";
    return !knows_id_ && text.depends_on("run.id") ? "the run's own id" : "";
  }

  std::vector<ForeseenStep>& out_;
  bool knows_id_;
};

Result<void> Foresight::add(ForeseenStep found, const Template* args, const Scope& scope) {
  if (out_.size() == kForeseenMax)
    return refuse("too_many", "a plan shows at most " + std::to_string(kForeseenMax) + " steps");
  if (args != nullptr && found.waits_for.empty()) {
    found.waits_for = rests_on(*args);
    if (found.waits_for.empty()) {
      Result<doc::Value> filled = args->fill(scope);
      if (!filled) return refuse(filled.error().code, found.path + ": " + filled.error().message);
      found.args = std::move(*filled);
    }
  }
  out_.push_back(std::move(found));
  return {};
}

Result<void> Foresight::once(const Step& one, const std::string& path, const Scope& scope,
                             const std::string& when, bool items_known) {
  for (const Branch& branch : one.branches) {
    const std::string prefix = path + "." + (branch.name.empty() ? "" : branch.name + ".");
    if (Result<void> done = steps(branch.steps, prefix, scope, when); !done) return done;
  }
  if (!one.branches.empty()) return {};
  ForeseenStep found{path, &one, one.kind, one.tool, std::nullopt, "", when};
  if (!items_known) found.waits_for = "foreach: " + one.foreach->text();
  const Template* args = one.kind == StepKind::kAction ? &one.args : nullptr;
  if (one.kind == StepKind::kApprove && found.waits_for.empty()) {
    const std::string of_message = rests_on(one.message);
    found.waits_for = of_message.empty() ? rests_on(one.shows) : of_message;
    const bool known = found.waits_for.empty();
    const Result<doc::Value> message = known ? one.message.fill(scope) : doc::Value();
    const Result<doc::Value> shows = known ? one.shows.fill(scope) : doc::Value();
    if (!message) return std::unexpected(message.error());
    if (!shows) return std::unexpected(shows.error());
    if (known) found.args = doc::object({{"message", *message}, {"show", *shows}});
  }
  if (Result<void> done = add(std::move(found), args, scope); !done || !one.compensate) return done;
  ForeseenStep undo{
      path + "~compensate", &one, StepKind::kAction, one.compensate->tool, std::nullopt, "", when};
  undo.undoes = true;
  if (!items_known) undo.waits_for = "foreach: " + one.foreach->text();
  return add(std::move(undo), &one.compensate->args, scope);
}

Result<void> Foresight::step(const Step& one, const std::string& path, const Scope& scope,
                             std::string when) {
  if (one.when && !rests_on(*one.when).empty()) {
    when += (when.empty() ? "" : " && ") + one.when->text();
  } else if (one.when) {
    const Result<bool> told = one.when->holds(scope);
    if (!told) return refuse(told.error().code, path + ": " + told.error().message);
    if (!*told) {
      ForeseenStep found{path, &one, one.kind, one.tool, std::nullopt, "", one.when->text()};
      found.skipped = true;
      return add(std::move(found), nullptr, scope);
    }
  }
  if (one.foreach && !rests_on(*one.foreach).empty()) {
    Scope unknown = scope;
    return once(one, path, unknown, when, false);
  }
  if (!one.foreach) {
    if (Result<void> done = once(one, path, scope, when); !done) return done;
  } else {
    const Result<doc::Array> items = one.foreach->items(scope);
    if (!items) return refuse(items.error().code, path + ": " + items.error().message);
    if (items->size() > kItemsMax)
      return refuse("too_many",
                    path + ": at most " + std::to_string(kItemsMax) + " items are done");
    for (std::size_t i = 0; i < items->size(); ++i) {
      Scope inner = scope;
      inner.item = (*items)[i];
      inner.index = static_cast<std::int64_t>(i);
      if (Result<void> done = once(one, path + "[" + std::to_string(i) + "]", inner, when); !done)
        return done;
    }
  }
  const std::string failed = one.id + " failed";
  return steps(one.on_failure, path + "~on_failure.", scope,
               when.empty() ? failed : when + " && " + failed);
}

Result<void> Foresight::steps(const std::vector<Step>& all, const std::string& prefix,
                              const Scope& scope, const std::string& when) {
  for (const Step& one : all) {
    if (Result<void> done = step(one, prefix + one.id, scope, when); !done) return done;
  }
  return {};
}

}  // namespace

Result<std::vector<ForeseenStep>> foresee(const Document& document, const Run& run) {
  std::vector<ForeseenStep> out;
  Scope scope;
  scope.inputs = std::make_shared<const doc::Value>(run.inputs);
  scope.run = std::make_shared<const doc::Value>(
      doc::object({{"id", run.id}, {"runbook", run.runbook}, {"started_by", run.started_by}}));
  if (Result<void> done = Foresight(out, !run.id.empty()).steps(document.steps, "", scope, "");
      !done)
    return std::unexpected(done.error());
  return out;
}

}  // namespace keyturn::runbook
