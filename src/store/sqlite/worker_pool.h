// A few threads with a connection (R) each; jobs are awaited from the I/O thread.
#pragma once

#include <pthread.h>

#include <boost/asio/post.hpp>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/task_impl.h"
#include "store/sqlite/resume.h"

namespace keyturn::store::sqlite {

template <class R>
class WorkerPool {
 public:
  // One thread a connection. `name` (at most 15 bytes) is what top shows.
  WorkerPool(const char* name, std::vector<std::unique_ptr<R>> connections,
             boost::asio::any_io_executor executor)
      : executor_(std::move(executor)), connections_(std::move(connections)) {
    for (const auto& connection : connections_) {
      threads_.emplace_back([this, name, &connection = *connection] {
        pthread_setname_np(pthread_self(), name);
        serve(connection);
      });
    }
  }

  // Drops what waits, with the coroutines that wait for it; joins.
  ~WorkerPool() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // The value of f(connection), or its exception, back on the executor. `f` must own all it
  // touches. The jobs that wait are as many as the coroutines that ask: their number is the
  // callers' limit.
  template <class T>
  Task<T> ask(std::move_only_function<T(R&)> f) {
    auto answer = std::make_shared<Answer<T>>();
    Job job;
    job.work = [answer, f = std::move(f)](R& connection) mutable {
      try {
        answer->value.emplace(f(connection));
      } catch (...) {
        answer->thrown = std::current_exception();
      }
    };
    auto keep = [this, job = std::move(job)](std::move_only_function<void()> resume) mutable {
      job.resume = std::move(resume);
      enqueue(std::move(job));
    };
    co_await suspend_into(std::move(keep));
    if (answer->thrown) std::rethrow_exception(answer->thrown);
    co_return std::move(*answer->value);
  }

 private:
  template <class T>
  struct Answer {
    std::optional<T> value;
    std::exception_ptr thrown;
  };
  struct Job {
    std::move_only_function<void(R&)> work;
    std::move_only_function<void()> resume;
  };

  void enqueue(Job job) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
  }

  void serve(R& connection) {
    for (;;) {
      Job job;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
        if (stopping_) return;
        job = std::move(jobs_.front());
        jobs_.pop_front();
      }
      job.work(connection);
      job.work = nullptr;  // before it resumes: from then on the answer is the caller's alone
      boost::asio::post(executor_, std::move(job.resume));
    }
  }

  boost::asio::any_io_executor executor_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::vector<std::unique_ptr<R>> connections_;
  std::vector<std::thread> threads_;
};

}  // namespace keyturn::store::sqlite
