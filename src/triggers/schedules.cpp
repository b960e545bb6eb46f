// Times at which runs start.
#include "base/bytes.h"
#include "base/task_impl.h"
#include "crypto/crypto.h"
#include "triggers/impl.h"

namespace keyturn::triggers {
namespace {

constexpr std::size_t kStartDigits = 16;
constexpr Duration kLookAgain = std::chrono::hours(24);  // at what is not due for ten years

// A schedule is the same one while its times are, whatever else of it changes.
std::string key_of(const InForce& one) {
  const runbook::Schedule& schedule = *one.trigger->schedule;
  const std::string print = to_hex(view(crypto::sha256(schedule.text + "\n" + schedule.time_zone)));
  return one.document->name + "/" + print.substr(0, kStartDigits);
}

doc::Value said_of(const Clockwork& one) {
  const runbook::Schedule& schedule = *one.of.trigger->schedule;
  return doc::object({{"runbook", one.of.document->name},
                      {"schedule", schedule.text},
                      {"time_zone", schedule.time_zone}});
}

std::string claim_of(const Clockwork& one, Time due) {
  return "schedule/" + one.key + "/" + to_rfc3339(due);
}

}  // namespace

void Triggers::Impl::add_schedule(const InForce& one,
                                  std::map<std::string, std::shared_ptr<Clockwork>>& into) {
  std::optional<zone::Zone> there = zone::Zone::open(one.trigger->schedule->time_zone);
  if (!there) return;
  const std::string key = key_of(one);
  const auto before = clockworks.find(key);
  std::shared_ptr<Clockwork> clockwork =
      before != clockworks.end()
          ? before->second
          : std::make_shared<Clockwork>(Clockwork{key, one, std::move(*there), {}, {}, {}, false});
  clockwork->of = one;
  clockwork_of[one.trigger] = clockwork;
  into.emplace(key, std::move(clockwork));
}

void Triggers::Impl::fold_schedule(const std::vector<Event>& events) {
  for (const Event& event : events) {
    const std::string key = event.stream.substr(event.stream.find('/') + 1);
    if (event.type == "schedule.began") known[key] = {event.time, Time{}};
    if (event.type == "schedule.ended") known.erase(key);
    if (event.type != "schedule.missed") continue;
    const doc::Value* said = event.body.find("schedule");
    const auto due = from_rfc3339(said == nullptr ? "" : said->text("due"));
    if (due) known[key].settled = std::max(known[key].settled, *due);
  }
}

void Triggers::Impl::tick_schedules() {
  bool unrecorded = false;
  for (const auto& [key, one] : clockworks) {
    unrecorded = unrecorded || !known.contains(key);
    if (one->busy || !known.contains(key) || (one->next && now() < *one->next)) continue;
    one->busy = true;
    ports.spawn(look(one));
  }
  for (const auto& [key, one] : known) unrecorded = unrecorded || !clockworks.contains(key);
  if (unrecorded && !std::exchange(recording_schedules, true)) ports.spawn(record_schedules());
}

Task<void> Triggers::Impl::record_schedules() {
  std::vector<EventDraft> drafts;
  for (const auto& [key, one] : clockworks) {
    if (known.contains(key)) continue;
    drafts.push_back({"schedule/" + key, "schedule.began",
                      doc::object({{"schedule", said_of(*one)}}), std::nullopt});
  }
  for (const auto& [key, one] : known) {
    if (clockworks.contains(key)) continue;
    drafts.push_back(
        {"schedule/" + key, "schedule.ended",
         doc::object({{"schedule", doc::object({{"runbook", key.substr(0, key.find('/'))}})}}),
         std::nullopt});
  }
  Result<std::vector<Event>> recorded = co_await ports.gate.record(std::move(drafts), {});
  recording_schedules = false;
  if (recorded) fold_schedule(*recorded);
}

// At the last time that it was due, if that is not settled.
Task<void> Triggers::Impl::look(std::shared_ptr<Clockwork> one) {
  const Known before = known[one->key];
  const zone::Cron cron = one->of.trigger->schedule->cron;
  const Time at = now();
  const std::optional<Time> due =
      cron.latest(one->zone, std::max(before.since, before.settled), at);
  bool done = true;
  if (due) {
    const auto claimed =
        co_await ports.gate.journal().find_claim("trigger/" + claim_of(*one, *due));
    done = claimed.has_value() || co_await settle(one, *due);
    if (done && known.contains(one->key)) known[one->key].settled = *due;
  }
  if (done) one->trying_since.reset();
  one->next = done ? cron.next(one->zone, at).value_or(at + kLookAgain) : now() + kTryAgain;
  one->busy = false;
}

Task<bool> Triggers::Impl::settle(std::shared_ptr<Clockwork> one, Time due) {
  const InForce of = one->of;  // the document, too, stays while this goes on
  const runbook::Schedule& schedule = *of.trigger->schedule;
  if (!one->trying_since) one->trying_since = now();
  const bool late = *one->trying_since - due > kOnTime;
  if (late && !schedule.once_when_missed) co_return co_await miss(one, due, "late");
  runbook::Scope scope;
  scope.event = doc::object({{"time", to_rfc3339(due)}});
  Result<doc::Value> inputs = of.trigger->inputs.fill(scope);
  if (!inputs) co_return co_await miss(one, due, inputs.error().code);
  const Result<gate::RecordPtr> asked = co_await ask(
      {of.document->name, of.trigger->agent, "schedule",
       "schedule " + schedule.text + " (" + schedule.time_zone + "), due " + to_rfc3339(due),
       claim_of(*one, due), std::move(*inputs)});
  if (asked || asked.error().code == "idempotency_mismatch") co_return true;
  if (passes(asked.error().code) && now() - *one->trying_since < kGiveUp) co_return false;
  say("schedule " + schedule.text + " of runbook " + of.document->name +
      " starts nothing: " + asked.error().message);
  co_return co_await miss(one, due, asked.error().code);
}

Task<bool> Triggers::Impl::miss(std::shared_ptr<Clockwork> one, Time due, std::string why) {
  doc::Value said = said_of(*one);
  said.set("due", to_rfc3339(due));
  said.set("why", std::move(why));
  std::vector<EventDraft> drafts;
  drafts.push_back({"schedule/" + one->key, "schedule.missed",
                    doc::object({{"schedule", std::move(said)}}), std::nullopt});
  const Result<void> done = co_await append(std::move(drafts));
  co_return done.has_value();
}

}  // namespace keyturn::triggers
