// libpg_query recurses with the SQL that it reads and writes. Private to facts/.
#pragma once

#include <cstddef>
#include <functional>

namespace keyturn::facts {

// Runs `work` on a thread with a stack of its own, and waits for it. False: there was no memory for
// one, and it did not run.
bool on_large_stack(std::size_t stack_bytes, const std::function<void()>& work);

}  // namespace keyturn::facts
