#include "net/loop.h"

#include <doctest/doctest.h>

#include <csignal>
#include <latch>
#include <stdexcept>
#include <string>

#include "base/task_impl.h"
#include "net/blocking.h"

namespace keyturn::net {
namespace {

Task<void> wait_and_note(Loop& loop, Waiter& waiter, Duration timeout, Woken& woken) {
  woken = co_await waiter.wait(timeout);
  loop.stop();
}

Woken wait_in(Loop& loop, Waiter& waiter, Duration timeout) {
  Woken woken{};
  loop.spawn(wait_and_note(loop, waiter, timeout, woken));
  loop.run();
  return woken;
}

TEST_CASE("a waiter wakes by what came first, and remembers what came before the wait") {
  Loop loop;
  Waiter waiter(loop);
  SUBCASE("deadline") {
    CHECK(wait_in(loop, waiter, std::chrono::milliseconds(1)) == Woken::kDeadline);
  }
  SUBCASE("only looking") {
    CHECK(wait_in(loop, waiter, Duration::zero()) == Woken::kDeadline);
  }
  SUBCASE("fired before") {
    waiter.fire();
    CHECK(wait_in(loop, waiter, std::chrono::hours(1)) == Woken::kFired);
  }
  SUBCASE("fired while waiting, then cancelled: the first counts") {
    loop.post([&] {
      waiter.fire();
      waiter.cancel();
    });
    CHECK(wait_in(loop, waiter, Duration::max()) == Woken::kFired);
  }
  SUBCASE("cancelled, then again after a reset") {
    loop.post([&] { waiter.cancel(); });
    CHECK(wait_in(loop, waiter, std::chrono::hours(1)) == Woken::kCancelled);
    waiter.reset();
    CHECK(wait_in(loop, waiter, std::chrono::milliseconds(1)) == Woken::kDeadline);
  }
}

Task<void> fail(Loop& loop) {
  co_await loop.sleep(Duration(1));
  throw std::runtime_error("lost");
}

TEST_CASE("a spawned task's exception leaves run()") {
  Loop loop;
  loop.spawn(fail(loop));
  CHECK_THROWS_WITH(loop.run(), "lost");
}

TEST_CASE("signals are heard on the I/O thread, every time") {
  Loop loop;
  int heard = 0;
  loop.on_signals({SIGUSR1}, [&](int number) {
    CHECK(number == SIGUSR1);
    CHECK(loop.on_io_thread());
    if (++heard == 2) {
      loop.stop();
    } else {
      std::raise(SIGUSR1);
    }
  });
  loop.post([] { std::raise(SIGUSR1); });
  loop.run();
  CHECK(heard == 2);
}

Task<void> use_pool(Loop& loop, BlockingPool& pool, std::string& seen) {
  const Result<int> number = co_await run_blocking(pool, [] { return 42; });
  seen += std::to_string(*number);
  const Result<std::string> refused =
      co_await run_blocking(pool, []() -> Result<std::string> { return refuse("no", "no"); });
  seen += " " + refused.error().code;
  bool is_elsewhere = false;
  const Result<void> done =
      co_await run_blocking(pool, [&] { is_elsewhere = !loop.on_io_thread(); });
  seen += done && is_elsewhere && loop.on_io_thread() ? " elsewhere" : " here";
  try {
    co_await run_blocking(pool, []() -> int { throw std::runtime_error("thrown"); });
  } catch (const std::exception& thrown) {
    seen += std::string(" ") + thrown.what();
  }
  loop.stop();
}

TEST_CASE("blocking work runs on the pool and comes back with value, refusal or exception") {
  Loop loop;
  BlockingPool pool(loop, "test", 2);
  std::string seen;
  loop.spawn(use_pool(loop, pool, seen));
  loop.run();
  CHECK(seen == "42 no elsewhere thrown");
}

Task<void> overload(Loop& loop, BlockingPool& pool, std::latch& release, std::string& seen) {
  const Result<int> third = co_await run_blocking(pool, [] { return 3; });
  seen = third ? "ran" : third.error().code;
  release.count_down();
  loop.stop();
}

Task<void> occupy(BlockingPool& pool, std::latch& started, std::latch& release) {
  const Result<void> done = co_await run_blocking(pool, [&] {
    started.count_down();
    release.wait();
  });
  CHECK(done);
}

Task<void> queue_up(BlockingPool& pool) {
  const Result<int> queued = co_await run_blocking(pool, [] { return 2; });
  CHECK(queued);
}

TEST_CASE("a full pool refuses instead of queueing without end") {
  Loop loop;
  std::latch started(1);
  std::latch release(1);
  BlockingPool pool(loop, "test", 1, 1);
  std::string seen;
  loop.spawn(occupy(pool, started, release));
  loop.post([&] {
    started.wait();
    loop.spawn(queue_up(pool));
    loop.spawn(overload(loop, pool, release, seen));
  });
  loop.run();
  CHECK(seen == "overloaded");
}

}  // namespace
}  // namespace keyturn::net
