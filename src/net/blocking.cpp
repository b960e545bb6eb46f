#include "net/blocking.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace keyturn::net {

struct BlockingPool::Impl {
  Impl(Loop& l, std::string n, std::size_t max) : loop(l), name(std::move(n)), queue_max(max) {}

  struct Job {
    std::move_only_function<void()> work;
    std::shared_ptr<Waiter> done;
  };

  Loop& loop;
  std::string name;
  std::size_t queue_max;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Job> queue;
  bool is_closing = false;
  std::vector<std::thread> threads;

  void work() {
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
    while (true) {
      Job job;
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return is_closing || !queue.empty(); });
        if (is_closing) return;
        job = std::move(queue.front());
        queue.pop_front();
      }
      job.work();
      job.work = nullptr;
      loop.post([done = std::move(job.done)] { done->fire(); });
    }
  }
};

BlockingPool::BlockingPool(Loop& loop, std::string name, unsigned threads, std::size_t queue_max)
    : impl_(std::make_shared<Impl>(loop, std::move(name), queue_max)) {
  for (unsigned i = 0; i < threads; ++i)
    impl_->threads.emplace_back([impl = impl_.get()] { impl->work(); });
}

BlockingPool::~BlockingPool() {
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->is_closing = true;
  }
  impl_->changed.notify_all();
  for (std::thread& thread : impl_->threads) thread.join();
  for (Impl::Job& job : impl_->queue) job.done->cancel();
}

Task<bool> BlockingPool::run(std::move_only_function<void()> job) {
  auto done = std::make_shared<Waiter>(impl_->loop);
  {
    const std::scoped_lock lock(impl_->mutex);
    if (impl_->is_closing || impl_->queue.size() >= impl_->queue_max) co_return false;
    impl_->queue.push_back({std::move(job), done});
  }
  impl_->changed.notify_one();
  while (true) {
    const Woken woken = co_await done->wait(std::chrono::hours(24));
    if (woken != Woken::kDeadline) co_return woken == Woken::kFired;
  }
}

}  // namespace keyturn::net
