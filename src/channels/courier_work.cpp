// The courier at work: what changed, what is due, what came of it.
#include <algorithm>

#include "channels/courier_impl.h"
#include "channels/kept_text.h"
#include "gate/whom.h"

namespace keyturn::channels {
namespace {

constexpr Duration kLookAgainAfterPeopleChange = std::chrono::seconds(2);
constexpr Duration kForgetEvery = std::chrono::hours(24);
constexpr Duration kRound = std::chrono::milliseconds(500);
constexpr std::size_t kAgainAtOnce = 8;  // of what nobody is waiting to see, each 10 ms

Principal host() {
  Principal out;
  out.kind = PrincipalKind::kHost;
  out.id = "host";
  return out;
}

// Only what people have, or had, a part in.
bool concerns_people(const gate::ActionRecord& record) {
  return record.review || record.after_review;
}

Matter matter_of(const gate::World& world, gate::RecordPtr record) {
  Matter out;
  out.asked = gate::asked_people(world, *record);
  for (const auto& moment : record->timeline) {
    const bool escalated = moment.type == "review.escalated";
    if (escalated || moment.type == "review.reminded") ++out.calls;
    if (escalated) ++out.escalations;
  }
  out.record = std::move(record);
  return out;
}

}  // namespace

void Courier::Impl::changed(const gate::RecordPtr& record) {
  const std::string& id = record->id.str();
  if (!concerns_people(*record) && !kept.contains(id)) return;
  finished.erase(id);
  owe(record);
  enqueue(id);
}

void Courier::Impl::owe(const gate::RecordPtr& record) {
  const std::string& id = record->id.str();
  if (!is_done(*record) || kept.contains(id) || owed.contains(id) || record->created_at < since)
    return;
  try {
    if (channel.due(matter_of(gate.world(), record), {}).empty()) return;
  } catch (const std::exception& error) {  // the gate is not to hear of it
    log(std::string(channel.name()) + ": " + id + ": " + error.what());
  }
  owed.insert(id);
  loop.spawn(remember(shared_from_this(), id, true));
}

void Courier::Impl::owe_no_more(const std::string& action) {
  if (owed.erase(action) > 0) loop.spawn(remember(shared_from_this(), action, false));
}

Task<void> Courier::Impl::remember(Self me, std::string action, bool is_owed) {
  const std::string key = std::string(me->channel.name()) + "/owed/" + action;
  Result<void> written =
      co_await me->keep.write(key, is_owed ? std::optional<std::string>("") : std::nullopt);
  if (!written) me->log(std::string(me->channel.name()) + ": " + written.error().message);
}

void Courier::Impl::wake_due(Time at) {
  while (!later.empty() && later.begin()->first <= at) {
    const std::string action = std::move(later.begin()->second);
    later.erase(later.begin());
    enqueue(action);
  }
}

// Others may be asked than before.
void Courier::Impl::look_again_at_people(Time at) {
  if (at - forgot >= kForgetEvery) {
    forgot = at;
    for (const auto& [action, places] : kept) enqueue_later(action);
  }
  if ((directory == gate.world().directory.version() && reach == channel.reach()) ||
      at - looked_at_people < kLookAgainAfterPeopleChange)
    return;
  directory = gate.world().directory.version();
  reach = channel.reach();
  channel.people_changed();
  looked_at_people = at;
  for (const gate::RecordPtr& record : gate.open_records()) {
    if (record->state == State::kPending) enqueue_later(record->id.str());
  }
}

void Courier::Impl::start_looks() {
  std::size_t slow = 0;
  while (flying.size() < options.errands_at_once && (!fresh.empty() || !again.empty())) {
    if (fresh.empty() && ++slow > kAgainAtOnce) return;
    std::deque<std::string>& line = fresh.empty() ? again : fresh;
    const std::string action = std::move(line.front());
    line.pop_front();
    queued.erase(action);
    if (looking.contains(action)) {
      unseen.insert(action);
      continue;
    }
    looking.insert(action);
    loop.spawn(look(shared_from_this(), action));
  }
}

Task<void> Courier::Impl::run(Self me) {
  while (!me->stopping) {
    const Time at = me->now();
    me->look_at_trouble();
    me->wake_due(at);
    me->look_again_at_people(at);
    const Time until = me->pauses.whole_until();
    Duration wait = kRound;
    if (at >= until) {
      me->start_looks();
      if (!me->again.empty()) wait = std::chrono::milliseconds(10);
    } else {
      wait = std::min<Duration>(wait, until - at);
    }
    if (!me->later.empty())
      wait = std::min<Duration>(wait,
                                std::max<Duration>(me->later.begin()->first - at, Duration{1000}));
    const bool can_go_on =
        !me->fresh.empty() && at >= until && me->flying.size() < me->options.errands_at_once;
    if (!can_go_on) co_await me->waiter.wait(wait);
    me->waiter.reset();
  }
}

Task<void> Courier::Impl::look(Self me, std::string action) {
  std::string broken;
  try {
    co_await look_at(me, action);
  } catch (const std::exception& error) {
    broken = error.what();
  }
  if (!broken.empty()) {
    me->log(std::string(me->channel.name()) + ": " + action + ": " + broken + "; tried again");
    me->later.emplace(me->now() + me->options.backoff_max, action);
  }
  me->looking.erase(action);
  if (me->unseen.erase(action) > 0) me->enqueue(action);
}

Task<void> Courier::Impl::look_at(Self me, std::string action) {
  const gate::RecordPtr record = co_await me->gate.find(host(), ActionId(action));
  if (record && !me->stopping) {
    const bool was_told = me->kept.contains(action);
    if (was_told || (concerns_people(*record) && record->created_at >= me->since))
      me->consider(matter_of(me->gate.world(), record));
    const auto places = me->kept.find(action);
    if (places != me->kept.end() && me->finished.contains(action)) {
      Time last{};
      for (const auto& [place, one] : places->second) last = std::max(last, one.at);
      if (last + me->options.forgotten_after < me->now()) co_await me->forget(action);
    }
  }
}

// What breaks while it is carried is as if the other side had not answered.
Task<Carried> Courier::Impl::carried_by(Channel& channel, Matter matter, Errand errand,
                                        doc::Value memo) {
  try {
    co_return co_await channel.carry(std::move(matter), std::move(errand), std::move(memo));
  } catch (const std::exception& error) {
    co_return std::unexpected(
        Undelivered{Undelivered::Kind::kUnreachable, std::string("broken: ") + error.what(), {}});
  }
}

void Courier::Impl::consider(const Matter& matter) {
  const std::string& action = matter.record->id.str();
  static const KeptPlaces nothing;
  const auto found = kept.find(action);
  const KeptPlaces& places = found == kept.end() ? nothing : found->second;
  bool idle = true;
  std::optional<Matter> as_it_is;  // the gate's record goes on while an errand is carried
  std::set<std::string> seen;
  for (Errand& errand : channel.due(matter, places)) {
    if (!seen.insert(errand.place).second) continue;  // one after the other
    const auto at = places.find(errand.place);
    if (at != places.end() && (at->second.word == errand.word || at->second.dead == errand.word))
      continue;
    idle = false;
    if (flying.contains({action, errand.place})) continue;  // it is looked at again after that
    if (flying.size() >= options.errands_at_once) {
      enqueue(action);  // the rest, when there is room
      break;
    }
    if (const Time until = pauses.until(errand.place); until > now()) {
      later.emplace(until, action);
      continue;
    }
    flying.insert({action, errand.place});
    if (!as_it_is) {
      as_it_is = matter;
      as_it_is->record = std::make_shared<const gate::ActionRecord>(*matter.record);
    }
    loop.spawn(carry(shared_from_this(), *as_it_is, std::move(errand)));
  }
  if (idle && is_done(*matter.record)) {
    finished.insert(action);
    owe_no_more(action);
  } else {
    finished.erase(action);
  }
}

Task<void> Courier::Impl::carry(Self me, Matter matter, Errand errand) {
  const std::string action = matter.record->id.str();
  const std::string place = errand.place, word = errand.word;
  doc::Value memo;
  if (const auto places = me->kept.find(action); places != me->kept.end()) {
    if (const auto at = places->second.find(place); at != places->second.end())
      memo = at->second.memo;
  }
  const Time began = me->now();
  Carried done = co_await carried_by(me->channel, matter, errand, memo);
  if (done) {
    ++me->carried;
    me->pauses.succeeded(place);
    co_await me->put(action, place, {word, std::move(*done), "", "", me->now()});
  } else if (done.error().kind == Undelivered::Kind::kNever) {
    me->log(std::string(me->channel.name()) + ": given up " + word + " for " + action + " at " +
            place + ": " + done.error().why);
    Kept given_up;
    if (const auto at = me->kept[action].find(place); at != me->kept[action].end())
      given_up = at->second;
    given_up.dead = word;
    given_up.why = done.error().why;
    given_up.at = me->now();
    co_await me->put(action, place, std::move(given_up));
  } else {
    me->failed(action, place, done.error(), began);
  }
  me->flying.erase({action, place});
  if (done || done.error().kind == Undelivered::Kind::kNever) me->enqueue(action);
  me->waiter.fire();
}

void Courier::Impl::failed(const std::string& action, const std::string& place,
                           const Undelivered& why, Time began) {
  if (why.kind == Undelivered::Kind::kUnreachable && !pauses.failing_since())
    log(std::string(channel.name()) + ": " + why.why + "; it is tried again");
  const double chance = static_cast<unsigned char>(gate.random().bytes(1)[0]) / 255.0;
  later.emplace(pauses.failed(place, why, began, now(), chance), action);
}

// A channel that is back by what it knows itself (its connection, say) does not wait out a pause.
void Courier::Impl::look_at_trouble() {
  const bool now_in_trouble = channel.trouble().has_value();
  if (std::exchange(in_trouble, now_in_trouble) && !now_in_trouble) try_now();
}

void Courier::Impl::try_now() {
  pauses.forgive();
  for (const auto& [at, action] : std::exchange(later, {})) enqueue(action);
}

Task<void> Courier::Impl::put(std::string action, std::string place, Kept one) {
  kept[action][place] = one;
  channel.on_kept(action, place, &one);
  Result<void> written = co_await keep.write(key_of(action, place), text_of(one));
  if (!written) log(std::string(channel.name()) + ": " + written.error().message);
  owe_no_more(action);
}

Task<void> Courier::Impl::forget(std::string action) {
  const auto found = kept.find(action);
  if (found == kept.end()) co_return;
  const KeptPlaces places = std::move(found->second);
  kept.erase(found);
  finished.erase(action);
  for (const auto& [place, one] : places) {
    channel.on_kept(action, place, nullptr);
    Result<void> written = co_await keep.write(key_of(action, place), std::nullopt);
    if (!written) log(std::string(channel.name()) + ": " + written.error().message);
  }
}

Task<Result<void>> Courier::Impl::load() {
  const std::string name(channel.name());
  const std::string begin = name + "/at/", owing = name + "/owed/";
  Result<std::vector<std::pair<std::string, std::string>>> all = co_await keep.read(name + "/");
  if (!all) co_return std::unexpected(all.error());
  for (const auto& [key, value] : *all) {
    if (key == name + "/since") since = from_rfc3339(value).value_or(Time{});
    if (key.starts_with(owing)) owed.insert(key.substr(owing.size()));
    if (!key.starts_with(begin)) continue;
    const std::size_t slash = key.find('/', begin.size());
    std::optional<Kept> one = kept_from_text(value);
    if (slash == std::string::npos || !one) continue;
    const std::string action = key.substr(begin.size(), slash - begin.size());
    const std::string place = key.substr(slash + 1);
    channel.on_kept(action, place, &*one);
    kept[action][place] = std::move(*one);
  }
  if (since == Time{}) {
    since = *from_rfc3339(to_rfc3339(now()));  // to the millisecond, as actions have it
    Result<void> written = co_await keep.write(name + "/since", to_rfc3339(since));
    if (!written) co_return written;
  }
  co_return Result<void>{};
}

}  // namespace keyturn::channels
