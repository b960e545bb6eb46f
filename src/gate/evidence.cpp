// Evidence before effect: where a plan asks for it, an approval is released only when the entry
// that records it has left this machine (`published`: a signed checkpoint covers it; `cosigned`:
// witnesses have seen that checkpoint).
#include "gate/impl.h"

namespace keyturn::gate {

void Gate::set_evident(std::function<std::optional<std::uint64_t>(std::string_view)> evident) {
  options_.evident = std::move(evident);
}

Result<bool> Gate::Impl::has_evidence(const ActionRecord& record, std::string_view kind) const {
  if (evidence_rank(kind) == 0) return true;
  // It had what it was held for when it began to wait for its requester.
  if (record.awaits_requester && evidence_rank(kind) <= evidence_rank(record.held_for)) return true;
  const std::optional<std::uint64_t> size = options.evident ? options.evident(kind) : std::nullopt;
  if (!size) {
    return refuse("evidence_unavailable", "policy asks for " + std::string(kind) +
                                              " evidence before release, and no witness is "
                                              "configured; nothing was released");
  }
  return record.held_at && *record.held_at < *size;
}

EventDraft Gate::Impl::held_draft(const ActionRecord& record, std::string_view kind) const {
  return {stream_of(record.id), "release.held",
          doc::object({{"state", to_text(State::kApproved)}, {"evidence", kind}}), std::nullopt};
}

void Gate::evidence_moved() {
  const std::set<std::string> held = impl_->held;  // what is released leaves it
  for (const std::string& id : held) {
    const std::shared_ptr<ActionRecord> record = impl_->open_record(ActionId(id));
    if (!record || !impl_->has_evidence(*record, record->held_for).value_or(false)) continue;
    if (impl_->releasing.insert(id).second) ports_.spawn(impl_->release_held(ActionId(id)));
  }
}

Task<void> Gate::Impl::release_held(ActionId id) {
  try {
    Serial::Hold hold = co_await serial.take(id.str());
    if (const std::shared_ptr<ActionRecord> record = open_record(id)) co_await try_release(record);
  } catch (const std::exception& error) {
    say_broken(id, "releasing what was approved", error.what());
  }
  releasing.erase(id.str());
}

// Everything that the approval rests on is looked at again. What cannot be released now stays
// approved until it expires, and is tried again when the ledger moves.
Task<void> Gate::Impl::try_release(std::shared_ptr<ActionRecord> record) {
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    if (record->state != State::kApproved || !record->held_at) co_return;
    Result<Release> release = co_await prepare_release(record, now());
    if (!release && release.error().code == "conflict") continue;
    if (!release) {
      say_broken(record->id, "releasing what was approved", release.error().message);
      co_return;
    }
    release->streams.merge(streams_behind(record->tool));
    Result<std::vector<Event>> appended =
        co_await append(record, std::move(release->events), std::move(release->streams),
                        std::move(release->claims));
    if (!appended && appended.error().code == "conflict") continue;
    if (!appended) co_return;
    if (release->executes && record->state == State::kExecuting) start_execution(record);
    if (record->grant && record->state == State::kApproved) ++gate.numbers_.released;
    changed(record);
    co_return;
  }
}

}  // namespace keyturn::gate
