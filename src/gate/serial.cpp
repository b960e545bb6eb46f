#include "gate/serial.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <unordered_map>
#include <utility>

#include "base/task_impl.h"

namespace keyturn::gate {

namespace asio = boost::asio;

// What waits in line, with its completion handler inside.
struct Waiting {
  virtual ~Waiting() = default;
  virtual void go() = 0;
};

struct Serial::Impl {
  using Lines = std::unordered_map<std::string, std::deque<std::unique_ptr<Waiting>>>;
  void release(const std::string& key);
  Lines lines;
};

namespace {

template <class Handler>
struct WaitingHandler final : Waiting {
  explicit WaitingHandler(Handler h) : handler(std::move(h)) {}
  void go() override {
    auto executor = asio::get_associated_executor(handler);
    asio::post(executor, std::move(handler));
  }
  Handler handler;
};

}  // namespace

Serial::Serial() : impl_(std::make_shared<Impl>()) {}

Serial::~Serial() {
  // Who waits may hold something else: it finds empty lines, and wakes nobody.
  const Impl::Lines dropped = std::exchange(impl_->lines, {});
}

Serial::Hold& Serial::Hold::operator=(Hold&& other) noexcept {
  if (this != &other) {
    if (const auto lines = lines_.lock()) lines->release(key_);
    lines_ = std::move(other.lines_);
    key_ = std::move(other.key_);
  }
  return *this;
}

Serial::Hold::~Hold() {
  if (const auto lines = lines_.lock()) lines->release(key_);
}

Task<Serial::Hold> Serial::take(std::string key) {
  const auto [line, is_first] = impl_->lines.try_emplace(key);
  if (!is_first) {
    auto* waiting = &line->second;
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [waiting](auto handler) {
          using Handler = std::decay_t<decltype(handler)>;
          waiting->push_back(std::make_unique<WaitingHandler<Handler>>(std::move(handler)));
        },
        asio::use_awaitable);
  }
  co_return Hold(impl_, std::move(key));
}

void Serial::Impl::release(const std::string& key) {
  const auto line = lines.find(key);
  if (line == lines.end()) return;
  if (line->second.empty()) {
    lines.erase(line);
    return;
  }
  std::unique_ptr<Waiting> next = std::move(line->second.front());
  line->second.pop_front();
  next->go();
}

}  // namespace keyturn::gate
