// Waiting for another thread: the continuation of a coroutine, as a function to be called on its
// executor.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <utility>

#include "base/task_impl.h"

namespace keyturn::store::sqlite {

// Suspends the calling coroutine and hands its continuation to `keep`. Dropping the continuation
// without calling it destroys the coroutine.
template <class Keep>
Task<void> suspend_into(Keep keep) {
  auto initiate = [](auto handler, Keep taken) {
    taken(std::move_only_function<void()>(
        [handler = std::move(handler)]() mutable { std::move(handler)(); }));
  };
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
      std::move(initiate), boost::asio::use_awaitable, std::move(keep));
}

}  // namespace keyturn::store::sqlite
