// Threads for calls that block. They stay, and with them the connections that each keeps open.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace keyturn::cli::bridge {

class Workers {
 public:
  explicit Workers(std::size_t most) : most_(most) {}
  ~Workers() { join(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // At once, on a thread of its own. False: all are busy, or join() was called; it is not run.
  bool run(std::function<void()> job);
  void join();  // waits for what runs

 private:
  void work();

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  std::size_t free_ = 0;
  bool ends_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace keyturn::cli::bridge
