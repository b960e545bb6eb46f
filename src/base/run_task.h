// One coroutine to its end on this thread: for tests and fixtures, which have no loop of their own.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "base/task_impl.h"

namespace keyturn {

// Runs the task, and whatever else is due, until the task is done; rethrows what it throws.
template <class T>
T run_task(boost::asio::io_context& io, Task<T> task) {
  std::optional<T> value;
  std::exception_ptr thrown;
  boost::asio::co_spawn(io, std::move(task), [&](std::exception_ptr error, T result) {
    thrown = error;
    if (!error) value.emplace(std::move(result));
  });
  io.restart();
  while (!value && !thrown && io.run_one() > 0) {
  }
  if (thrown) std::rethrow_exception(thrown);
  return *std::move(value);
}

}  // namespace keyturn
