// The one I/O thread: a thin owner of an Asio io_context, and the few things coroutines wait for.
// Include base/task_impl.h too where you await.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/task.h"
#include "base/time.h"

namespace keyturn::net {

enum class Woken {
  kFired,      // what was waited for happened
  kDeadline,   // the time is over
  kCancelled,  // the waiter was cancelled: the client is gone, or the server stops
};

class Loop {
 public:
  Loop();
  ~Loop();  // destroys coroutines that have not ended; run() must have returned
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void
  run();  // this thread becomes the I/O thread, until stop(); rethrows what a spawned task throws
  void stop();                                      // any thread; run() may be called again
  void post(std::move_only_function<void()> work);  // any thread; runs on the I/O thread, later
  void spawn(Task<void> task);  // I/O thread, or before run(); an exception of it leaves run()
  Task<void> sleep(Duration duration);
  bool on_io_thread() const;

  // Calls `heard` on the I/O thread for every delivery of these signals, until the loop goes.
  void on_signals(const std::vector<int>& signals, std::function<void(int)> heard);

  boost::asio::any_io_executor executor();  // for net/ and store/: needs base/task_impl.h

 private:
  friend class Waiter;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One coroutine waits, once; anybody on the I/O thread wakes it. Firing before the wait is
// remembered. Usual shape: a shared_ptr<Waiter> in the waiter's frame and in a table of who is
// interested.
class Waiter {
 public:
  explicit Waiter(Loop& loop);
  ~Waiter();
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  void fire();  // the first of fire and cancel decides; later calls change nothing
  void cancel();
  bool done() const;
  // Starts over, for the next wait. Only when nobody waits.
  void reset();

  // At most one waiter at a time; the Waiter must stay until it is back. `timeout` <= 0 only looks.
  Task<Woken> wait(Duration timeout);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keyturn::net
