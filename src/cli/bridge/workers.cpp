#include "cli/bridge/workers.h"

#include <utility>

namespace keyturn::cli::bridge {

bool Workers::run(std::function<void()> job) {
  const std::scoped_lock lock(mutex_);
  if (ends_) return false;
  if (jobs_.size() >= free_) {
    if (threads_.size() >= most_) return false;
    ++free_;
    threads_.emplace_back([this] { work(); });
  }
  jobs_.push_back(std::move(job));
  changed_.notify_one();
  return true;
}

void Workers::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ends_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    const std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    --free_;
    lock.unlock();
    job();
    lock.lock();
    ++free_;
  }
}

void Workers::join() {
  {
    const std::scoped_lock lock(mutex_);
    ends_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace keyturn::cli::bridge
