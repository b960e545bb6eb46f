#include "channels/courier.h"

#include <algorithm>

#include "channels/courier_impl.h"

namespace keyturn::channels {
namespace {

constexpr std::size_t kDeadShown = 200;

}  // namespace

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
  impl_->reach = channel_.reach();
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
  impl_->try_now();
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
  if (!out.error) out.error = impl_->pauses.error(impl_->now());
  out.failing_since = impl_->pauses.failing_since();
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
