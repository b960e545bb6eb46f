#include "net/loop.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/task_impl.h"
#include "net/await.h"

namespace keyturn::net {
namespace asio = boost::asio;
namespace {

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>,
                                         asio::io_context::executor_type>;

// Far enough to be never, near enough not to overflow a time point.
constexpr Duration kLongest = std::chrono::hours(24 * 365);

}  // namespace

struct Loop::Impl {
  asio::io_context context{BOOST_ASIO_CONCURRENCY_HINT_1};
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(context);
  std::thread::id thread;
  std::vector<std::unique_ptr<asio::signal_set>> signals;
};

Loop::Loop() : impl_(std::make_unique<Impl>()) {
  // A peer that closes while we write is an error code, not a signal.
  std::signal(SIGPIPE, SIG_IGN);
}

Loop::~Loop() = default;

void Loop::run() {
  impl_->thread = std::this_thread::get_id();
  impl_->context.restart();
  impl_->context.run();
}

void Loop::stop() {
  impl_->context.stop();
}

void Loop::post(std::move_only_function<void()> work) {
  asio::post(impl_->context, std::move(work));
}

void Loop::spawn(Task<void> task) {
  asio::co_spawn(impl_->context, std::move(task), [](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
}

Task<void> Loop::sleep(Duration duration) {
  Timer timer(impl_->context);
  timer.expires_after(std::min(duration, kLongest));
  co_await timer.async_wait(kAwait);
}

bool Loop::on_io_thread() const {
  return impl_->thread == std::this_thread::get_id();
}

namespace {
void listen_for_signals(asio::signal_set& set, std::function<void(int)> heard) {
  set.async_wait(
      [&set, heard = std::move(heard)](boost::system::error_code ec, int number) mutable {
        if (ec) return;
        heard(number);
        listen_for_signals(set, std::move(heard));
      });
}
}  // namespace

void Loop::on_signals(const std::vector<int>& signals, std::function<void(int)> heard) {
  auto& set = impl_->signals.emplace_back(std::make_unique<asio::signal_set>(impl_->context));
  for (const int number : signals) set->add(number);
  listen_for_signals(*set, std::move(heard));
}

boost::asio::any_io_executor Loop::executor() {
  return impl_->context.get_executor();
}

struct Waiter::Impl {
  explicit Impl(asio::io_context& context) : timer(context) {}
  Timer timer;
  bool is_done = false;
  bool is_waiting = false;
  Woken woken = Woken::kDeadline;

  void finish(Woken why) {
    if (is_done) return;
    is_done = true;
    woken = why;
    if (is_waiting) timer.cancel();
  }
};

Waiter::Waiter(Loop& loop) : impl_(std::make_unique<Impl>(loop.impl_->context)) {}
Waiter::~Waiter() = default;

void Waiter::fire() {
  impl_->finish(Woken::kFired);
}
void Waiter::cancel() {
  impl_->finish(Woken::kCancelled);
}
bool Waiter::done() const {
  return impl_->is_done;
}
void Waiter::reset() {
  impl_->is_done = false;
}

Task<Woken> Waiter::wait(Duration timeout) {
  Impl& impl = *impl_;
  if (impl.is_waiting) std::abort();  // two waiters on one Waiter: a bug of ours
  if (!impl.is_done && timeout > Duration::zero()) {
    impl.timer.expires_after(std::min(timeout, kLongest));
    impl.is_waiting = true;
    co_await impl.timer.async_wait(kAwait);
    impl.is_waiting = false;
  }
  co_return impl.is_done ? impl.woken : Woken::kDeadline;
}

}  // namespace keyturn::net
