#include "store/sqlite/reader_pool.h"

#include <pthread.h>

#include <boost/asio/post.hpp>

#include "store/sqlite/resume.h"

namespace keyturn::store::sqlite {

ReaderPool::ReaderPool(const std::string& path, const Secret& master, unsigned threads,
                       boost::asio::any_io_executor executor)
    : executor_(std::move(executor)) {
  for (unsigned i = 0; i < threads; ++i) {
    readers_.push_back(std::make_unique<Reader>(path, master));
  }
  for (const auto& reader : readers_) {
    threads_.emplace_back([this, &reader = *reader] { serve(reader); });
  }
}

ReaderPool::~ReaderPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Task<void> ReaderPool::run(std::move_only_function<void(Reader&)> job) {
  auto keep = [this, job = std::move(job)](std::move_only_function<void()> resume) mutable {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(Job{std::move(job), std::move(resume)});
    }
    wake_.notify_one();
  };
  return suspend_into(std::move(keep));
}

void ReaderPool::serve(Reader& reader) {
  pthread_setname_np(pthread_self(), "kt-reader");
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job.work(reader);
    boost::asio::post(executor_, std::move(job.resume));
  }
}

}  // namespace keyturn::store::sqlite
