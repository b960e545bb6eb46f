#include "triggers/triggers.h"

#include "base/task_impl.h"
#include "catalog/tool.h"
#include "triggers/impl.h"

namespace keyturn::triggers {

bool passes(const std::string& code) {
  return code == "overloaded" || code == "conflict" || code == "read_only" ||
         code == "rate_limited" || code == "too_many_pending";
}

Task<Result<void>> Triggers::Impl::append(std::vector<EventDraft> drafts,
                                          std::vector<store::Claim> claims) {
  Result<std::vector<Event>> recorded =
      co_await ports.gate.record(std::move(drafts), {}, std::move(claims));
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return Result<void>{};
}

// In the agent's name, and by no credential of its own: what it may do is all that this may.
Task<Result<gate::RecordPtr>> Triggers::Impl::ask(Wish wish) {
  Principal who;
  who.kind = PrincipalKind::kAgent;
  who.id = wish.agent;
  who.channel = wish.channel;
  ActionRequest request;
  request.tool = std::string(catalog::kRunbookPrefix) + wish.runbook;
  request.args = std::move(wish.inputs);
  request.claims = doc::Object{};
  request.reason = std::move(wish.reason);
  request.idempotency_key = std::move(wish.claim);
  Result<gate::Submitted> asked = co_await ports.gate.submit(std::move(who), std::move(request));
  if (!asked) co_return std::unexpected(asked.error());
  co_return asked->record;
}

const runbook::Document* Triggers::Impl::document_of(const catalog::Tool& tool) {
  std::shared_ptr<const runbook::Document>& known = documents[tool.digest];
  doc::Problems problems;
  if (!known) known = runbook::Document::load(tool, seen->tools.get(), problems);
  return known.get();
}

void Triggers::Impl::refresh() {
  if (seen == ports.gate.world().configuration) return;
  seen = ports.gate.world().configuration;
  triggers.clear();
  clockwork_of.clear();
  std::map<std::string, std::shared_ptr<Clockwork>> now_in_force;
  std::map<std::string, std::shared_ptr<const runbook::Document>> used;
  if (!seen->tools) return;
  for (const catalog::Tool& tool : seen->tools->tools()) {
    if (tool.kind != catalog::ToolKind::kRunbook || document_of(tool) == nullptr) continue;
    const std::shared_ptr<const runbook::Document>& document = documents[tool.digest];
    used.emplace(tool.digest, document);
    for (const runbook::Trigger& trigger : document->triggers) {
      triggers.push_back({document, &trigger});
      if (trigger.schedule) add_schedule(triggers.back(), now_in_force);
    }
  }
  documents = std::move(used);
  clockworks = std::move(now_in_force);
  ports.spawn(read_secrets());
}

std::optional<Time> Triggers::Impl::due_next(const InForce& one) {
  const auto found = clockwork_of.find(one.trigger);
  if (found == clockwork_of.end()) return std::nullopt;
  Clockwork& clockwork = *found->second;
  if (!clockwork.due || *clockwork.due <= now())
    clockwork.due = one.trigger->schedule->cron.next(clockwork.zone, now());
  return clockwork.due;
}

Triggers::Triggers(Ports ports) : impl_(std::make_unique<Impl>(std::move(ports))) {}
Triggers::~Triggers() = default;

void Triggers::load() {
  store::Journal& journal = impl_->ports.gate.journal();
  journal.load_open_streams(
      "schedule/", [this](const std::vector<Event>& events) { impl_->fold_schedule(events); });
  journal.load_open_streams(
      "hook/", [this](const std::vector<Event>& events) { impl_->load_received(events); });
}

void Triggers::start() {
  for (const auto& [stream, one] : impl_->received) impl_->start_runs(one);
}

void Triggers::tick() {
  impl_->refresh();
  impl_->tick_schedules();
  impl_->tick_received();
}

std::vector<State> Triggers::states_of(std::string_view runbook) const {
  std::vector<State> out;
  impl_->refresh();
  for (const InForce& one : impl_->triggers) {
    if (one.document->name != runbook) continue;
    State state;
    state.runbook = one.document->name;
    state.agent = one.trigger->agent;
    if (one.trigger->schedule) {
      state.schedule = one.trigger->schedule->text;
      state.time_zone = one.trigger->schedule->time_zone;
      state.next = impl_->due_next(one);
    }
    if (one.trigger->hook) {
      state.hook = one.trigger->hook->name;
      state.kind = to_text(one.trigger->hook->kind);
    }
    out.push_back(std::move(state));
  }
  return out;
}

}  // namespace keyturn::triggers
