// A few threads with a Reader each; jobs are awaited from the I/O thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/task_impl.h"
#include "store/sqlite/reader.h"

namespace keyturn::store::sqlite {

class ReaderPool {
 public:
  ReaderPool(const std::string& path, const Secret& master, unsigned threads,
             boost::asio::any_io_executor executor);
  ~ReaderPool();  // drops what waits, with the coroutines that wait for it; joins
  ReaderPool(const ReaderPool&) = delete;
  ReaderPool& operator=(const ReaderPool&) = delete;

  // Runs the job on some reader and resumes on the executor. The job must own all it touches.
  Task<void> run(std::move_only_function<void(Reader&)> job);

 private:
  struct Job {
    std::move_only_function<void(Reader&)> work;
    std::move_only_function<void()> resume;
  };
  void serve(Reader& reader);

  boost::asio::any_io_executor executor_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::vector<std::thread> threads_;
};

// The value of f(reader), or its exception.
template <class T>
Task<T> read_on(ReaderPool& pool, std::move_only_function<T(Reader&)> f) {
  struct Answer {
    std::optional<T> value;
    std::exception_ptr thrown;
  };
  auto answer = std::make_shared<Answer>();
  std::move_only_function<void(Reader&)> job = [answer, f = std::move(f)](Reader& reader) mutable {
    try {
      answer->value.emplace(f(reader));
    } catch (...) {
      answer->thrown = std::current_exception();
    }
  };
  co_await pool.run(std::move(job));
  if (answer->thrown) std::rethrow_exception(answer->thrown);
  co_return std::move(*answer->value);
}

}  // namespace keyturn::store::sqlite
