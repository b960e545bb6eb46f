// The table of actions: what is open, what has settled lately, and who watches.
#include <algorithm>

#include "gate/impl.h"

namespace keyturn::gate {

std::shared_ptr<ActionRecord> Gate::Impl::open_record(const ActionId& id) const {
  const auto found = open.find(id.str());
  return found == open.end() ? nullptr : found->second;
}

Task<std::shared_ptr<ActionRecord>> Gate::Impl::load_record(ActionId id) {
  if (std::shared_ptr<ActionRecord> record = in_memory(id)) co_return record;
  const std::vector<Event> events = co_await ports.journal.read_stream(stream_of(id), 1, true);
  if (events.empty()) co_return nullptr;
  // While it was read somebody may have brought it in, or written to it: then this is how it was.
  if (std::shared_ptr<ActionRecord> record = in_memory(id)) co_return record;
  if (ports.journal.version(stream_of(id)) != events.back().position)
    co_return record_of(id, events);
  co_return take_in(id, events);
}

std::shared_ptr<ActionRecord> Gate::Impl::in_memory(const ActionId& id) const {
  if (std::shared_ptr<ActionRecord> record = open_record(id)) return record;
  if (const auto due = reviews_due.find(id.str()); due != reviews_due.end()) return due->second;
  const auto found = settled.find(id.str());
  return found == settled.end() ? nullptr : found->second;
}

std::shared_ptr<ActionRecord> Gate::Impl::record_of(const ActionId& id,
                                                    const std::vector<Event>& events) {
  auto record = std::make_shared<ActionRecord>();
  record->id = id;
  for (const Event& event : events) evolve(*record, event);
  return record;
}

// One record an action: who asks for it, who reads it and who decides about it hold the same. A
// reader may learn of an action from the journal before whoever appended it goes on; then the
// reader's record is the one, and it may know more already.
std::shared_ptr<ActionRecord> Gate::Impl::take_in(const ActionId& id,
                                                  const std::vector<Event>& events) {
  if (std::shared_ptr<ActionRecord> there = in_memory(id)) return there;
  std::shared_ptr<ActionRecord> record = record_of(id, events);
  index_after_review(record);
  if (is_final(record->state)) {
    settle(record);
  } else {
    open[id.str()] = record;
    index_open(record, record->state, false);
  }
  return record;
}

History::Use Gate::Impl::use_of(const ActionRecord& r) {
  return {r.requester.id, r.tool, r.resource.kind, r.resource.name};
}

void Gate::Impl::count_denied(const ActionRecord& r) {
  history.denied(use_of(r), r.created_at);
}

void Gate::Impl::settle(const std::shared_ptr<ActionRecord>& record) {
  open.erase(record->id.str());
  exercises.erase(record->id.str());
  if (!settled.insert_or_assign(record->id.str(), record).second) return;
  settled_order.push_back(record->id.str());
  while (settled_order.size() > options.settled_kept_max) {
    settled.erase(settled_order.front());
    settled_order.pop_front();
  }
}

void Gate::Impl::index_open(const std::shared_ptr<ActionRecord>& record, State before,
                            bool was_there) {
  if (!record->canary.empty()) exercises.insert(record->id.str());
  const bool is_exercise = exercises.contains(record->id.str());  // no agent has asked for it
  const bool counted_before = was_there && before == State::kPending && !is_exercise;
  const bool counts_now = record->state == State::kPending && !is_exercise;
  std::size_t& pending = pending_by_agent[record->requester.id];
  if (counts_now && !counted_before) ++pending;
  if (!counts_now && counted_before && pending > 0) --pending;
  put_on_agenda(*record);
  if (record->held_at && record->state == State::kApproved)
    held.insert(record->id.str());
  else
    held.erase(record->id.str());
  inboxes.put(record);
}

std::unexpected<Refusal> refused(const store::Conflict& conflict) {
  using Kind = store::Conflict::Kind;
  switch (conflict.kind) {
    case Kind::kStreamMoved:
      return refuse("conflict", conflict.what + " has changed meanwhile; ask again");
    case Kind::kClaimTaken:
      return refuse("already_used", "it was released already");
    case Kind::kTooLarge:
      return refuse("too_large",
                    "the record of this would be too large (" + conflict.what + "); send less");
    case Kind::kMalformed:
      return refuse("invalid_args", "this cannot be recorded: " + conflict.what);
    case Kind::kReadOnly:
      return refuse("read_only", "nothing is recorded or released: " + conflict.what);
    case Kind::kOverloaded:
      return refuse("overloaded", "the disk cannot keep up; try again in a second");
  }
  return refuse("conflict", conflict.what);
}

Task<Result<std::vector<Event>>> Gate::Impl::append(std::shared_ptr<ActionRecord> record,
                                                    std::vector<EventDraft> events,
                                                    std::set<std::string> streams,
                                                    std::vector<store::Claim> claims) {
  std::vector<store::Expect> expects{{stream_of(record->id), record->version}};
  for (const std::string& stream : streams) {
    if (stream != stream_of(record->id)) expects.push_back({stream, seen(stream)});
  }
  // The events come back without their private parts: fold those of the drafts.
  std::vector<std::optional<doc::Value>> private_parts;
  private_parts.reserve(events.size());
  for (const EventDraft& draft : events) private_parts.push_back(draft.private_part);
  store::Appended appended =
      co_await ports.journal.append({std::move(events), std::move(expects), std::move(claims)});
  if (!appended) {
    ++gate.numbers_.conflicts;
    co_return refused(appended.error());
  }
  fold_standing(*appended);
  const State before = record->state;
  for (std::size_t i = 0; i < appended->size(); ++i) {
    if (i < private_parts.size()) (*appended)[i].private_part = std::move(private_parts[i]);
    evolve(*record, (*appended)[i]);
    note_approvals(*record, (*appended)[i]);
  }
  index_open(record, before, true);
  index_after_review(record);
  if (record->state == State::kDenied && before != State::kDenied && record->canary.empty()) {
    count_denied(*record);
    if (before == State::kPending) note_denied(case_of(*record));
  }
  if (is_final(record->state)) settle(record);
  co_return std::move(*appended);
}

void Gate::Impl::changed(const std::shared_ptr<ActionRecord>& record) {
  if (const auto found = watchers.find(record->id.str()); found != watchers.end()) {
    const auto wake = found->second;  // a watcher may stop watching while it is called
    for (const auto& [number, call] : wake) call();
  }
  const auto wake = all_watchers;
  for (const auto& [number, call] : wake) call(record);
}

Watch& Watch::operator=(Watch&& other) noexcept {
  if (this != &other) {
    if (stop_) stop_();
    stop_ = std::exchange(other.stop_, nullptr);
  }
  return *this;
}

Watch::~Watch() {
  if (stop_) stop_();
}

Watch Gate::watch(const ActionId& id, std::function<void()> call) {
  const std::uint64_t number = impl_->next_watch++;
  const std::string& key = id.str();
  impl_->watchers[key].emplace(number, std::move(call));
  return Watch([this, key, number] {
    const auto found = impl_->watchers.find(key);
    if (found == impl_->watchers.end()) return;
    found->second.erase(number);
    if (found->second.empty()) impl_->watchers.erase(found);
  });
}

Watch Gate::watch_all(std::function<void(const RecordPtr&)> call) {
  const std::uint64_t number = impl_->next_watch++;
  impl_->all_watchers.emplace(number, std::move(call));
  return Watch([this, number] { impl_->all_watchers.erase(number); });
}

Watch Gate::watch_inbox(const std::string& person, std::function<void(const RecordPtr&)> call) {
  const std::uint64_t number = impl_->inboxes.watch(person, std::move(call));
  return Watch([this, person, number] { impl_->inboxes.unwatch(person, number); });
}

Watch Gate::watch_notices(std::function<void(const Notice&)> carry) {
  const std::uint64_t number = impl_->next_watch++;
  impl_->messengers.emplace(number, std::move(carry));
  return Watch([this, number] { impl_->messengers.erase(number); });
}

Watch Gate::watch_notices_to(const std::string& person, std::function<void(const Notice&)> carry) {
  const std::uint64_t number = impl_->next_watch++;
  impl_->messengers_to[person].emplace(number, std::move(carry));
  return Watch([this, person, number] {
    const auto found = impl_->messengers_to.find(person);
    if (found == impl_->messengers_to.end()) return;
    found->second.erase(number);
    if (found->second.empty()) impl_->messengers_to.erase(found);
  });
}

void Gate::Impl::notify(Notice notice) {
  std::erase_if(notice.to, [&](const std::string& id) {
    const people::Person* person = world.directory.person(id);
    return person == nullptr || (person->away_until && now() < *person->away_until);
  });
  const auto carry = messengers;
  for (const auto& [number, call] : carry) call(notice);
  for (const std::string& person : notice.to) {
    const auto found = messengers_to.find(person);
    if (found == messengers_to.end()) continue;
    const auto calls = found->second;  // one may stop while it is called
    for (const auto& [number, call] : calls) call(notice);
  }
}

Task<RecordPtr> Gate::find(Principal who, ActionId id) {
  const std::shared_ptr<ActionRecord> record = co_await impl_->load_record(id);
  if (!record || !may_read(who, *record)) co_return nullptr;
  co_return record;
}

RecordPtr Gate::find_open(const ActionId& id) const {
  return impl_->open_record(id);
}

bool Gate::may_read(const Principal& who, const ActionRecord& record) const {
  if (who.kind == PrincipalKind::kHost) return true;
  if (who.kind == PrincipalKind::kAgent) {
    const bool asked = record.requester.kind == PrincipalKind::kAgent &&
                       record.requester.id == who.id && record.canary.empty();
    return asked || (record.grant && record.grant->enforcement_point == who.id);
  }
  const people::Directory& directory = world_.directory;
  const people::Person* person = directory.person(who.id);
  if (person == nullptr || !person->active) return false;
  // The owner would ask the agent, which knows nothing of an exercise.
  const bool is_secret = !record.canary.empty() && record.canary_result.empty();
  if (person->admin || person->auditor ||
      (directory.same_human(record.owner, who.id) && !is_secret))
    return true;
  const bool asked =
      record.requester.kind == PrincipalKind::kPerson && record.requester.id == who.id;
  const bool has_a_part =
      std::ranges::any_of(record.lineage.parties, [&](const people::Party& party) {
        return (party.role == people::Role::kAmender || party.role == people::Role::kOpener) &&
               directory.same_human(party.id, who.id);
      });
  if (const people::Standing* by = world_.standing.find(record.standing);
      by != nullptr && may_see(who.id, *by))
    return true;
  if (asked || has_a_part || (record.after_review && can_look_after(world_, who, record)))
    return true;
  return record.review && review::is_reviewer(*record.review, directory, who.id);
}

bool Gate::may_vote(const std::string& person, const ActionRecord& record) const {
  return record.review && record.state == State::kPending &&
         review::waits_for(*record.review, world_.directory, person);
}

std::vector<const ActionRecord*> Gate::waiting_for(const std::string& person) const {
  return impl_->inboxes.waiting_for(person);
}

std::size_t Gate::count_waiting_for(const std::string& person) const {
  return impl_->inboxes.count(person);
}

std::vector<const ActionRecord*> Gate::voted_by(const std::string& person) const {
  return impl_->inboxes.voted_by(person);
}

std::vector<RecordPtr> Gate::open_records() const {
  std::vector<RecordPtr> out;
  for (const auto& [id, record] : impl_->open) out.push_back(record);
  std::ranges::sort(out, {}, [](const RecordPtr& r) { return r->id; });
  return out;
}

std::map<State, std::size_t> Gate::count_open() const {
  std::map<State, std::size_t> out;
  for (const auto& [id, record] : impl_->open) ++out[record->state];
  return out;
}

void Gate::add_built_in(catalog::Tool tool, Plan floor, BuiltIn what) {
  const std::string name = tool.name;
  impl_->built_ins.insert_or_assign(
      name, BuiltInTool{std::move(tool), std::move(floor), std::move(what)});
}

}  // namespace keyturn::gate
