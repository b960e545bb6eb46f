#include "channels/teams/once.h"

#include <utility>

#include "base/task_impl.h"

namespace keyturn::channels::teams {

void Once::forget_old() {
  while (!order_.empty()) {
    const auto oldest = entries_.find(order_.front());
    if (entries_.size() < kMax && clock_.now() - oldest->second->at < kKept) return;
    entries_.erase(oldest);
    order_.pop_front();
  }
}

void Once::done(const std::shared_ptr<Entry>& entry) {
  entry->done = true;
  for (const auto& one : std::exchange(entry->waiting, {})) one->fire();
  answered_.push_back(entry);
  if (answered_.size() <= kAnswersMax) return;
  if (const std::shared_ptr<Entry> oldest = answered_.front().lock()) oldest->answer.clear();
  answered_.pop_front();
}

Task<std::string> Once::run(std::string key, std::function<Task<std::string>()> work) {
  forget_old();
  if (const auto found = entries_.find(key); found != entries_.end()) {
    const std::shared_ptr<Entry> entry = found->second;
    if (!entry->done) {
      auto waiter = std::make_shared<net::Waiter>(loop_);
      entry->waiting.push_back(waiter);
      co_await waiter->wait(kWaitMax);
    }
    co_return entry->answer;
  }
  auto entry = std::make_shared<Entry>();
  entry->at = clock_.now();
  entries_[key] = entry;
  order_.push_back(key);
  try {
    entry->answer = co_await work();
  } catch (...) {  // whoever asks again hears of nothing, as whoever waits
    entry->done = true;
    throw;
  }
  done(entry);
  co_return entry->answer;
}

}  // namespace keyturn::channels::teams
