#include "gate/fair_semaphore.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <map>
#include <utility>

#include "base/task_impl.h"

namespace keyturn::gate {

namespace asio = boost::asio;

struct FairSemaphore::Impl {
  struct Waiting {
    std::string who;
    asio::steady_timer timer;
    bool has_it = false;
  };

  bool is_free(const std::string& who) const {
    return busy < limits.all && busy_of(who) < limits.of_one;
  }
  std::size_t busy_of(const std::string& who) const {
    const auto at = of.find(who);
    return at == of.end() ? 0 : at->second;
  }
  void begin(const std::string& who) {
    ++busy;
    ++of[who];
  }
  void end(const std::string& who) {
    --busy;
    if (--of[who] == 0) of.erase(who);
    auto next = waiting.end();
    for (auto at = waiting.begin(); at != waiting.end(); ++at) {
      const std::string& theirs = (*at)->who;
      if (is_free(theirs) && (next == waiting.end() || busy_of(theirs) < busy_of((*next)->who)))
        next = at;
    }
    if (next == waiting.end()) return;
    const std::shared_ptr<Waiting> chosen = *next;
    waiting.erase(next);
    begin(chosen->who);
    chosen->has_it = true;
    chosen->timer.cancel();
  }

  Limits limits;
  std::size_t busy = 0;
  std::map<std::string, std::size_t> of;
  std::list<std::shared_ptr<Waiting>> waiting;
};

FairSemaphore::FairSemaphore(Limits limits) : impl_(std::make_shared<Impl>()) {
  impl_->limits = limits;
}

FairSemaphore::Hold::~Hold() {
  if (const auto turns = turns_.lock()) turns->end(who_);
}

Task<std::optional<FairSemaphore::Hold>> FairSemaphore::take(std::string who) {
  const std::shared_ptr<Impl> impl = impl_;
  if (impl->is_free(who)) {
    impl->begin(who);
    co_return Hold(impl, std::move(who));
  }
  const auto mine = std::make_shared<Impl::Waiting>(
      Impl::Waiting{who, asio::steady_timer(co_await asio::this_coro::executor)});
  mine->timer.expires_after(impl->limits.patience);
  impl->waiting.push_back(mine);
  co_await mine->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (mine->has_it) co_return Hold(impl, std::move(who));
  impl->waiting.remove(mine);
  co_return std::nullopt;
}

}  // namespace keyturn::gate
