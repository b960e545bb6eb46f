// Ends what somebody waits for, from outside.
#pragma once

#include <functional>
#include <utility>

namespace keyturn::net {

// I/O thread only. Serves one operation at a time.
class Abort {
 public:
  // At once and for good: what goes on is refused (stopped), and so is what begins later.
  void abort() {
    is_aborted_ = true;
    if (const auto end = std::exchange(end_, nullptr)) end();
  }
  bool is_aborted() const { return is_aborted_; }

  // What ends the operation that goes on now; empty: nothing does.
  void set_end(std::function<void()> end) { end_ = std::move(end); }

 private:
  bool is_aborted_ = false;
  std::function<void()> end_;
};

}  // namespace keyturn::net
