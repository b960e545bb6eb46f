// What is recorded, towards who is on call now.
#include "oncall/oncall.h"

#include <algorithm>

#include "base/task_impl.h"
#include "oncall/impl.h"

namespace keyturn::oncall {
namespace {

constexpr int kConflictsMax = 8;
constexpr std::string_view kPrefix = "oncall:";

Time as_recorded(Time time) {
  return std::chrono::floor<std::chrono::milliseconds>(time);
}

// What the directory has of somebody, as far as it is in force by what was said.
const people::GroupSnapshot* said_of(const people::Person* person, const std::string& source) {
  if (person == nullptr) return nullptr;
  const auto found = person->vouched.find(source);
  return found == person->vouched.end() ? nullptr : &found->second;
}

bool says(const people::GroupSnapshot* snapshot, const people::OnCall& schedule, Time until) {
  return snapshot != nullptr && snapshot->known && snapshot->of == schedule.of &&
         snapshot->groups == std::set<std::string>{schedule.group} && snapshot->until == until;
}

bool moves_people(const Event& event) {
  return event.type == "config.identity_activated" || event.type == "identity.person_added" ||
         event.type == "identity.person_changed" || event.type == "identity.person_forgotten" ||
         event.type == "identity.alias_added";
}

}  // namespace

std::string source_of(std::string_view schedule) {
  return std::string(kPrefix) + std::string(schedule);
}

const trust::OnCallSchedule* OnCall::Impl::configured(std::string_view name) const {
  const auto found = document().oncall.find(name);
  return found == document().oncall.end() ? nullptr : &found->second;
}

const Source& OnCall::Impl::known(std::string_view name) const {
  static const Source nothing;
  const auto found = sources.find(name);
  return found == sources.end() ? nothing : found->second;
}

void OnCall::Impl::fold(const Event& event) {
  if (moves_people(event)) dirty = true;
  if (!event.stream.starts_with("oncall/")) return;
  const doc::Value* about = event.body.find("oncall");
  if (about == nullptr) return;
  Source& source = sources[event.stream.substr(event.stream.find('/') + 1)];
  if (event.type == "oncall.told") {
    doc::Problems ignored;
    const doc::Value* shifts = about->find("shifts");
    source.told.shifts = shifts != nullptr && shifts->is_array() ? read_shifts(*shifts, "", ignored)
                                                                 : std::vector<Shift>{};
    source.told_at = event.time;
    source.sent = std::max(source.sent, from_rfc3339(about->text("sent")).value_or(Time{}));
  }
  if (event.type == "oncall.file_loaded" || event.type == "oncall.file_refused") {
    source.digest = about->text("digest");
    source.refused = event.type == "oncall.file_refused";
  }
}

bool OnCall::Impl::is_stale(const trust::OnCallSchedule& one, const Source& source, Time at) const {
  return one.file.empty() && (!source.told_at || *source.told_at + one.stale_after <= at);
}

std::optional<OnCallPeople> OnCall::Impl::wanted(const trust::OnCallSchedule& one,
                                                 const Source& source, Time at,
                                                 std::set<std::string>* unknown) const {
  if (is_stale(one, source, at)) return OnCallPeople{};
  if (!one.file.empty() && !source.file) return std::nullopt;
  const OnDuty duty = on_duty(one.file.empty() ? source.told : *source.file, at);
  OnCallPeople out;
  for (const auto& [written, end] : duty.until) {
    const people::Person* person = directory().resolve(written);
    if (person == nullptr) {
      if (unknown != nullptr) unknown->insert(written);
      continue;
    }
    Time until = end;
    if (one.file.empty()) until = std::min(until, *source.told_at + one.stale_after);
    Time& last = out.try_emplace(person->id, Time{}).first->second;
    last = std::max(last, as_recorded(until));
  }
  return out;
}

std::optional<Time> OnCall::Impl::next_change(const trust::OnCallSchedule& one,
                                              const Source& source, Time at) const {
  if (is_stale(one, source, at) || (!one.file.empty() && !source.file)) return std::nullopt;
  std::optional<Time> next = on_duty(one.file.empty() ? source.told : *source.file, at).next;
  if (one.file.empty()) {
    const Time stale = *source.told_at + one.stale_after;
    next = next ? std::min(*next, stale) : stale;
  }
  return next;
}

// The difference between what is recorded and who is on call at that time.
std::vector<EventDraft> OnCall::Impl::due(Time at) const {
  std::vector<EventDraft> out;
  std::map<std::string, OnCallPeople> now_on_call;  // by source
  std::set<std::string> unclear;
  for (const auto& [name, one] : document().oncall) {
    const std::optional<OnCallPeople> people = wanted(one, known(name), at);
    if (!people) {
      unclear.insert(source_of(name));
      continue;
    }
    const people::OnCall schedule{one.group, one.of};
    for (const auto& [id, until] : *people) {
      if (until > at && !says(said_of(directory().person(id), source_of(name)), schedule, until))
        out.push_back(people::on_call(id, source_of(name), schedule, until));
    }
    now_on_call[source_of(name)] = *people;
  }
  for (const auto& [id, person] : directory().persons()) {
    for (auto it = person.vouched.lower_bound(kPrefix);
         it != person.vouched.end() && it->first.starts_with(kPrefix); ++it) {
      const auto& [source, snapshot] = *it;
      if (snapshot.groups.empty()) continue;
      const bool over = snapshot.until && *snapshot.until <= at;
      const auto is = now_on_call.find(source);
      const bool stays = is != now_on_call.end() && is->second.contains(id);
      if (over ? !stays : !stays && !unclear.contains(source))
        out.push_back(people::off_call(id, source));
    }
  }
  return out;
}

// When something begins or ends next: by a schedule, or of what is recorded.
void OnCall::Impl::plan_next_look() {
  look_at.reset();
  const Time at = now();
  const auto sooner = [&](Time when) { look_at = look_at ? std::min(*look_at, when) : when; };
  for (const auto& [name, one] : document().oncall) {
    if (const auto next = next_change(one, known(name), at)) sooner(*next);
  }
  for (const auto& [id, person] : directory().persons()) {
    for (auto it = person.vouched.lower_bound(kPrefix);
         it != person.vouched.end() && it->first.starts_with(kPrefix); ++it) {
      if (!it->second.groups.empty() && it->second.until) sooner(*it->second.until);
    }
  }
}

// Once for each set of names.
void OnCall::Impl::say_unknown() {
  for (const auto& [name, one] : document().oncall) {
    std::set<std::string> unknown;
    (void)wanted(one, known(name), now(), &unknown);
    const std::string words = unknown.empty() ? "" : people::in_words(unknown);
    if (std::exchange(said[name], words) != words && !words.empty())
      say("oncall." + name + ": nobody here is known as " + words + "; they are not on call");
  }
}

Task<void> OnCall::Impl::reconcile() {
  dirty = false;
  co_await record_files();
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    std::vector<EventDraft> events = due(now());
    if (events.empty()) break;
    std::vector<store::Expect> expects{{"config", ports.gate.seen("config")}};
    std::set<std::string> streams;
    for (const EventDraft& event : events) streams.insert(event.stream);
    for (const std::string& stream : streams) expects.push_back({stream, ports.gate.seen(stream)});
    Result<std::vector<Event>> recorded =
        co_await ports.gate.record(std::move(events), std::move(expects));
    if (recorded) break;
    if (recorded.error().code != "conflict") {
      say("oncall: who is on call cannot be recorded: " + recorded.error().message);
      dirty = true;  // the next tick
      break;
    }
    dirty = attempt + 1 == kConflictsMax;
  }
  plan_next_look();
  say_unknown();
}

Task<void> OnCall::Impl::run_reconcile() {
  try {
    co_await reconcile();
  } catch (const std::exception& error) {
    say(std::string("oncall: ") + error.what());
    dirty = true;
  }
  under_way = false;
}

State OnCall::Impl::state_of(const trust::OnCallSchedule& one) const {
  const Source& source = known(one.name);
  const Time at = now();
  State out{.name = one.name,
            .group = one.group,
            .of = one.of,
            .source = one.file.empty() ? "webhook" : "file",
            .next = next_change(one, source, at),
            .last_word = one.file.empty() ? source.told_at : std::nullopt,
            .stale = is_stale(one, source, at),
            .problems = source.problems};
  for (const auto& [id, person] : directory().persons()) {
    const people::GroupSnapshot* snapshot = said_of(&person, source_of(one.name));
    if (snapshot == nullptr || snapshot->groups.empty() || !snapshot->until ||
        *snapshot->until <= at)
      continue;
    out.on_call.push_back({id, *snapshot->until, person.groups.contains(one.group)});
  }
  std::set<std::string> unknown;
  (void)wanted(one, source, at, &unknown);
  for (const std::string& name : unknown)
    out.problems.push_back("nobody here is known as " + name + "; they are not on call");
  return out;
}

OnCall::OnCall(Ports ports) : impl_(std::make_unique<Impl>(std::move(ports))) {
  impl_->ports.gate.on_event([impl = impl_.get()](const Event& event) { impl->fold(event); });
}

OnCall::~OnCall() = default;

void OnCall::load() {
  impl_->ports.gate.load_streams("oncall/");
}

Task<Result<void>> OnCall::start() {
  Result<void> secrets = co_await impl_->check_secrets();
  if (!secrets) co_return secrets;
  impl_->look(true);
  impl_->started = true;
  co_await impl_->reconcile();
  co_return Result<void>{};
}

void OnCall::tick() {
  if (!impl_->started || impl_->under_way) return;
  const bool is_due = impl_->look_at && *impl_->look_at <= impl_->now();
  if (!is_due && !impl_->dirty && impl_->about_files.empty()) return;
  impl_->under_way = true;
  impl_->ports.spawn(impl_->run_reconcile());
}

void OnCall::look(bool at_once) {
  impl_->look(at_once);
}

Task<Result<State>> OnCall::told(std::string name, Message message) {
  return impl_->told(std::move(name), std::move(message));
}

std::vector<State> OnCall::states() const {
  std::vector<State> out;
  for (const auto& [name, one] : impl_->document().oncall) out.push_back(impl_->state_of(one));
  return out;
}

std::vector<std::string> OnCall::troubled() const {
  std::vector<std::string> out;
  for (const State& state : states()) {
    if (state.stale || !state.problems.empty()) out.push_back("oncall." + state.name);
  }
  return out;
}

}  // namespace keyturn::oncall
