// The full definition of Task<T>; include in .cpp files that write or await coroutines.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "base/task.h"
