// Task<T> is a coroutine on the I/O thread, declared here so that few headers pay for Asio. Who
// writes or awaits one includes base/task_impl.h.
#pragma once

namespace boost::asio {
class any_io_executor;
template <typename T, typename Executor>
class awaitable;
}  // namespace boost::asio

namespace keyturn {

template <class T>
using Task = boost::asio::awaitable<T, boost::asio::any_io_executor>;

}  // namespace keyturn
