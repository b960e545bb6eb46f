// A named pool of threads for calls that block (SQLite, libpq, getaddrinfo, libcurl), awaited from
// the I/O thread.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "base/task_impl.h"
#include "net/loop.h"

namespace keyturn::net {

class BlockingPool {
 public:
  // `name` (at most 15 bytes) is what top and gdb show. At most `queue_max` jobs wait.
  BlockingPool(Loop& loop, std::string name, unsigned threads, std::size_t queue_max = 1024);
  ~BlockingPool();  // finishes what has started, drops what waits, joins
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  // Runs `job` on a thread of the pool and resumes on the I/O thread. False: the queue was full, it
  // was not run. The job must own all it touches: the awaiting coroutine may be destroyed
  // meanwhile.
  Task<bool> run(std::move_only_function<void()> job);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

namespace detail {
template <class T>
struct AsResult {
  using type = Result<T>;
};
template <class T>
struct AsResult<Result<T>> {
  using type = Result<T>;
};
template <class R>
struct Outcome {
  std::optional<R> value;
  std::exception_ptr thrown;
};
}  // namespace detail

// co_await run_blocking(pool, [..] { return f(); }): the value of f (a T becomes a Result<T>, a
// Result stays), its exception, or the refusal `overloaded` when the pool's queue is full.
template <class F>
Task<typename detail::AsResult<std::invoke_result_t<F&>>::type> run_blocking(BlockingPool& pool,
                                                                             F f) {
  using Answer = typename detail::AsResult<std::invoke_result_t<F&>>::type;
  auto outcome = std::make_shared<detail::Outcome<Answer>>();
  std::move_only_function<void()> job = [outcome, f = std::move(f)]() mutable {
    try {
      if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
        f();
        outcome->value.emplace();
      } else {
        outcome->value.emplace(f());
      }
    } catch (...) {
      outcome->thrown = std::current_exception();
    }
  };
  const bool ran = co_await pool.run(std::move(job));
  if (!ran) co_return refuse("overloaded", "too many blocking calls wait already; try again later");
  if (outcome->thrown) std::rethrow_exception(outcome->thrown);
  co_return std::move(*outcome->value);
}

}  // namespace keyturn::net
