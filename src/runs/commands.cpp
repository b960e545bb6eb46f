// What people do to a run.
#include <algorithm>

#include "runs/impl.h"

namespace keyturn::runs {

using runbook::StepState;

// Whoever started it, the owner of the agent that did, and administrators.
Result<std::shared_ptr<Runs::One>> Runs::Impl::for_person(const Principal& who,
                                                          const std::string& id) const {
  const auto found = open.find(id);
  if (found == open.end()) return refuse("not_found", "there is no such run, or it has ended");
  const std::shared_ptr<One>& one = found->second;
  const people::Directory& directory = ports.gate.world().directory;
  const bool starter = who.kind == one->requester.kind && who.id == one->requester.id;
  if (who.kind == PrincipalKind::kHost || starter) return one;
  const people::Person* person =
      who.kind == PrincipalKind::kPerson ? directory.person(who.id) : nullptr;
  const people::Agent* agent =
      one->requester.kind == PrincipalKind::kAgent ? directory.agent(one->requester.id) : nullptr;
  const bool owns =
      person != nullptr && agent != nullptr && directory.same_human(agent->owner(), person->id);
  if (person != nullptr && person->active && (person->admin || owns)) return one;
  return refuse("not_allowed",
                "the run is for whoever started it, the owner of that agent, and administrators");
}

const Runs::One* Runs::Impl::pausing(const One& one) const {
  if (one.run.paused) return &one;
  for (const std::string& id : one.ancestors) {
    const auto outer = open.find(id);
    if (outer != open.end() && outer->second->run.paused) return outer->second.get();
  }
  return nullptr;
}

// What an agent paused, people may pause as well: then it is theirs to resume.
bool Runs::Impl::may_pause(const Principal& who, const One& one) const {
  if (one.run.end || !one.run.cancelled_by.empty()) return false;
  return !one.run.paused || (who.kind != PrincipalKind::kAgent &&
                             ports.gate.world().directory.agent(one.run.paused_by) != nullptr);
}

bool Runs::Impl::may_resume(const Principal& who, const One& one) const {
  return one.run.paused && (who.kind != PrincipalKind::kAgent || one.run.paused_by == who.id);
}

Task<Result<void>> Runs::pause(Principal who, std::string id) {
  const gate::Serial::Hold hold = co_await impl_->serial.take(id);
  const auto one = impl_->for_person(who, id);
  if (!one) co_return std::unexpected(one.error());
  if (!(*one)->run.cancelled_by.empty())
    co_return refuse("closed", "it is cancelled, and undoes what it did");
  if (!impl_->may_pause(who, **one)) co_return refuse("closed", "it is paused already");
  std::vector<EventDraft> drafts{runbook::paused((*one)->run, who.id)};
  Result<void> done = co_await impl_->append(*one, std::move(drafts));
  co_return done;
}

Task<Result<void>> Runs::resume(Principal who, std::string id) {
  const gate::Serial::Hold hold = co_await impl_->serial.take(id);
  const auto one = impl_->for_person(who, id);
  if (!one) co_return std::unexpected(one.error());
  if (!(*one)->run.paused) {
    const One* outer = impl_->pausing(**one);
    co_return refuse("closed", outer == nullptr
                                   ? "it is not paused"
                                   : "run " + outer->run.id + ", which it is a step of, is paused");
  }
  if (!impl_->may_resume(who, **one))
    co_return refuse("not_allowed", "people paused it; a person resumes it");
  std::vector<EventDraft> drafts{runbook::resumed((*one)->run, who.id)};
  Result<void> done = co_await impl_->append(*one, std::move(drafts));
  if (!done) co_return done;
  std::vector<std::shared_ptr<One>> with_it{*one};
  for (const auto& [other, run] : impl_->open) {
    if (std::ranges::find(run->ancestors, id) != run->ancestors.end()) with_it.push_back(run);
  }
  for (const std::shared_ptr<One>& run : with_it) impl_->carry_on(run);
  co_return done;
}

Task<Result<void>> Runs::cancel(Principal who, std::string id, std::string reason) {
  {
    const gate::Serial::Hold begun = co_await impl_->serial.take(id);
  }
  const auto one = impl_->for_person(who, id);
  if (!one) co_return std::unexpected(one.error());
  if (Result<void> ok = impl_->ports.gate.check_words(reason, "the reason", "/reason"); !ok)
    co_return ok;
  co_return co_await impl_->stop(*one, who.id, std::move(reason));
}

// An agent does not settle what became of its own step: a person looks.
Task<Result<void>> Runs::resolve(Principal who, std::string id, std::string path, StepState state,
                                 std::string note) {
  const gate::Serial::Hold hold = co_await impl_->serial.take(id);
  const auto one = impl_->for_person(who, id);
  if (!one) co_return std::unexpected(one.error());
  if (who.kind != PrincipalKind::kPerson)
    co_return refuse("not_allowed", "people settle what became of a step; agents do not");
  if (note.empty()) co_return refuse("empty_text", "say what you looked at", "/note");
  if (Result<void> ok = impl_->ports.gate.check_words(note, "the note", "/note"); !ok) co_return ok;
  const auto step = (*one)->run.steps.find(path);
  if (step == (*one)->run.steps.end() || step->second.state != StepState::kUnknown ||
      !step->second.resolved_by.empty()) {
    std::string others;
    for (const std::string& asked : (*one)->asks) others += (others.empty() ? "" : ", ") + asked;
    co_return refuse("not_unknown",
                     "the outcome of step " + path +
                         " is not in doubt; in doubt: " + (others.empty() ? "none" : others),
                     "/step");
  }
  std::vector<EventDraft> drafts{runbook::step_resolved((*one)->run, path, state, who.id, note)};
  Result<void> done = co_await impl_->append(*one, std::move(drafts));
  if (done) impl_->carry_on(*one);
  co_return done;
}

Task<Result<doc::Value>> Runs::plan(Principal who, catalog::Tool tool, doc::Value inputs) {
  co_return co_await impl_->plan(std::move(who), tool, std::move(inputs), doc::Object{}, "");
}

}  // namespace keyturn::runs
