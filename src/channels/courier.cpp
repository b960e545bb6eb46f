#include "channels/courier.h"

#include <algorithm>
#include <map>
#include <random>
#include <utility>

#include "base/task_impl.h"
#include "channels/kept_text.h"
#include "gate/whom.h"

namespace keyturn::channels {
namespace {

constexpr Duration kLookAgainAfterPeopleChange = std::chrono::seconds(2);
constexpr Duration kForgetEvery = std::chrono::hours(24);
constexpr Duration kRound = std::chrono::milliseconds(500);
constexpr std::size_t kAgainAtOnce = 50;  // of what nobody is waiting to see
constexpr std::size_t kDeadShown = 200;

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

struct Courier::Impl : std::enable_shared_from_this<Courier::Impl> {
  Impl(gate::Gate& g, net::Loop& l, Keep& k, Channel& c,
       std::function<void(const std::string&)> say, CourierOptions o)
      : gate(g), loop(l), keep(k), channel(c), log(std::move(say)), options(o), waiter(l) {}

  using Self = std::shared_ptr<Impl>;
  static Task<void> run(Self me);
  static Task<void> look(Self me, std::string action);
  static Task<void> carry(Self me, Matter matter, Errand errand);
  Task<Result<void>> load();
  Task<void> put(std::string action, std::string place, Kept kept);
  Task<void> forget(std::string action);
  void owe(const gate::RecordPtr& record);
  void owe_no_more(const std::string& action);
  static Task<void> remember(Self me, std::string action, bool is_owed);
  std::string key_of(const std::string& action, const std::string& place) const {
    return std::string(channel.name()) + "/at/" + action + "/" + place;
  }
  Time now() const { return gate.clock().now(); }

  void changed(const gate::RecordPtr& record);
  void enqueue(const std::string& action) {
    if (queued.insert(action).second) fresh.push_back(action);
    waiter.fire();
  }
  void enqueue_later(const std::string& action) {
    if (queued.insert(action).second) again.push_back(action);
  }
  void wake_due(Time at);
  void look_again_at_people(Time at);
  void start_looks();
  void consider(const Matter& matter);
  bool is_done(const gate::ActionRecord& record) const { return is_final(record.state); }
  void failed(const Matter& matter, const Errand& errand, const Undelivered& why);
  Duration next_backoff();

  gate::Gate& gate;
  net::Loop& loop;
  Keep& keep;
  Channel& channel;
  std::function<void(const std::string&)> log;
  CourierOptions options;
  net::Waiter waiter;
  gate::Watch watch;

  std::unordered_map<std::string, KeptPlaces> kept;  // by action
  // Actions that were over before anything about them was carried: kept, like what was carried, for
  // the next start, which looks at what is open and at what is kept.
  std::set<std::string> owed;
  std::set<std::string> finished;  // actions that are over, with nothing left to be done
  std::deque<std::string> fresh, again;
  std::set<std::string> queued;
  std::set<std::string> unseen;                          // changed while it was being looked at
  std::set<std::string> looking;                         // actions
  std::set<std::pair<std::string, std::string>> flying;  // action, place
  std::multimap<Time, std::string> later;
  std::map<std::string, Time> place_until;
  Time all_until{};
  Time since{};  // of the channel's first start
  Time looked_at_people{}, forgot{};
  std::uint64_t directory = 0;
  unsigned failures = 0;
  std::optional<Refusal> error;
  std::optional<Time> failing_since;
  std::uint64_t carried = 0;
  bool stopping = false;
};

Duration Courier::Impl::next_backoff() {
  Duration wait = options.first_backoff;
  for (unsigned n = 1; n < failures && wait < options.backoff_max; ++n) wait *= 2;
  wait = std::min(wait, options.backoff_max);
  const auto chance = static_cast<unsigned char>(gate.random().bytes(1)[0]);
  return wait / 2 + wait / 2 * chance / 255;
}

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
  if (channel.due(matter_of(gate.world(), record), {}).empty()) return;
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
  std::erase_if(place_until, [&](const auto& item) { return item.second <= at; });
}

// Others may be asked than before.
void Courier::Impl::look_again_at_people(Time at) {
  if (at - forgot >= kForgetEvery) {
    forgot = at;
    for (const auto& [action, places] : kept) enqueue_later(action);
  }
  if (directory == gate.world().directory.version() ||
      at - looked_at_people < kLookAgainAfterPeopleChange)
    return;
  directory = gate.world().directory.version();
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
    me->wake_due(at);
    me->look_again_at_people(at);
    Duration wait = kRound;
    if (at >= me->all_until) {
      me->start_looks();
      if (!me->again.empty()) wait = std::chrono::milliseconds(10);
    } else {
      wait = std::min<Duration>(wait, me->all_until - at);
    }
    if (!me->later.empty())
      wait = std::min<Duration>(wait,
                                std::max<Duration>(me->later.begin()->first - at, Duration{1000}));
    const bool can_go_on = !me->fresh.empty() && at >= me->all_until &&
                           me->flying.size() < me->options.errands_at_once;
    if (!can_go_on) co_await me->waiter.wait(wait);
    me->waiter.reset();
  }
}

Task<void> Courier::Impl::look(Self me, std::string action) {
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
  me->looking.erase(action);
  if (me->unseen.erase(action) > 0) me->enqueue(action);
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
    if (const auto busy = place_until.find(errand.place); busy != place_until.end()) {
      later.emplace(busy->second, action);
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
  Carried done = co_await me->channel.carry(matter, errand, memo);
  if (done) {
    ++me->carried;
    me->failures = 0;
    me->error.reset();
    me->failing_since.reset();
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
    me->failed(matter, errand, done.error());
  }
  me->flying.erase({action, place});
  if (done || done.error().kind == Undelivered::Kind::kNever) me->enqueue(action);
  me->waiter.fire();
}

void Courier::Impl::failed(const Matter& matter, const Errand& errand, const Undelivered& why) {
  const Time at = now();
  const std::string& action = matter.record->id.str();
  if (why.kind == Undelivered::Kind::kPlaceBusy) {
    const Time until = at + why.retry_after.value_or(options.first_backoff);
    place_until[errand.place] = until;
    later.emplace(until, action);
    return;
  }
  ++failures;
  const bool is_rate = why.kind == Undelivered::Kind::kBusy;
  const Duration wait = why.retry_after.value_or(next_backoff());
  all_until = std::max<Time>(all_until, at + wait);
  later.emplace(all_until, action);
  if (!failing_since) {
    failing_since = at;
    if (!is_rate) log(std::string(channel.name()) + ": " + why.why + "; it is tried again");
  }
  error = Refusal{is_rate ? "rate_limited" : "unreachable", why.why, ""};
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
    since = now();
    Result<void> written = co_await keep.write(name + "/since", to_rfc3339(since));
    if (!written) co_return written;
  }
  co_return Result<void>{};
}

Courier::Courier(gate::Gate& gate, net::Loop& loop, Keep& keep, Channel& channel,
                 std::function<void(const std::string&)> log, CourierOptions options)
    : channel_(channel),
      impl_(std::make_shared<Impl>(gate, loop, keep, channel, std::move(log), options)) {}

Courier::~Courier() {
  stop();
}

Task<Result<void>> Courier::start() {
  if (Result<void> loaded = co_await impl_->load(); !loaded) co_return loaded;
  if (Result<void> started = co_await channel_.start(); !started) co_return started;
  impl_->forgot = impl_->looked_at_people = impl_->now();
  impl_->directory = impl_->gate.world().directory.version();
  for (const auto& [action, places] : impl_->kept) impl_->enqueue_later(action);
  for (const std::string& action : impl_->owed) impl_->enqueue_later(action);
  for (const gate::RecordPtr& record : impl_->gate.open_records()) {
    if (record->created_at >= impl_->since) impl_->enqueue_later(record->id.str());
  }
  impl_->watch = impl_->gate.watch_all(
      [impl = impl_.get()](const gate::RecordPtr& record) { impl->changed(record); });
  impl_->loop.spawn(Impl::run(impl_));
  co_return Result<void>{};
}

void Courier::stop() {
  if (std::exchange(impl_->stopping, true)) return;
  impl_->watch = {};
  channel_.stop();
  impl_->waiter.fire();
}

std::size_t Courier::retry(const std::string& action) {
  std::size_t found = 0;
  for (auto& [id, places] : impl_->kept) {
    if (!action.empty() && id != action) continue;
    for (auto& [place, one] : places) {
      if (one.dead.empty()) continue;
      ++found;
      one.dead.clear();
      one.why.clear();
      impl_->enqueue(id);
    }
  }
  return found;
}

const KeptPlaces* Courier::kept(const std::string& action) const {
  const auto found = impl_->kept.find(action);
  return found == impl_->kept.end() ? nullptr : &found->second;
}

CourierState Courier::state() const {
  CourierState out;
  out.name = channel_.name();
  out.kind = channel_.kind();
  std::set<std::string> waiting(impl_->queued);
  for (const auto& [at, action] : impl_->later) waiting.insert(action);
  for (const auto& [action, place] : impl_->flying) waiting.insert(action);
  out.waiting = waiting.size();
  out.carried = impl_->carried;
  out.error = channel_.trouble();
  if (!out.error) out.error = impl_->error;
  out.failing_since = impl_->failing_since;
  out.status = out.error ? "failing" : "running";
  for (const auto& [action, places] : impl_->kept) {
    for (const auto& [place, one] : places) {
      if (!one.dead.empty()) out.dead.push_back({action, place, one.dead, one.why, one.at});
    }
  }
  std::ranges::sort(out.dead, std::greater{}, &DeadLetter::at);
  if (out.dead.size() > kDeadShown) out.dead.resize(kDeadShown);
  return out;
}

doc::Value to_value(const CourierState& state) {
  doc::Array dead;
  for (const DeadLetter& one : state.dead)
    dead.push_back(doc::object({{"action", one.action},
                                {"place", one.place},
                                {"what", one.word},
                                {"why", one.why},
                                {"at", to_rfc3339(one.at)}}));
  doc::Value error = nullptr;
  if (state.error)
    error = doc::object({{"code", state.error->code}, {"message", state.error->message}});
  return doc::object(
      {{"name", state.name},
       {"kind", state.kind},
       {"status", state.status},
       {"waiting", state.waiting},
       {"carried", state.carried},
       {"error", std::move(error)},
       {"failing_since",
        state.failing_since ? doc::Value(to_rfc3339(*state.failing_since)) : doc::Value(nullptr)},
       {"dead", std::move(dead)}});
}

}  // namespace keyturn::channels
