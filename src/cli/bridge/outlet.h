// What a client of the Model Context Protocol reads: one message a line on stdout, nothing else.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "doc/value.h"

namespace keyturn::cli::bridge {

// Thread-safe.
class Outlet {
 public:
  // `fd` is written as it is; `words` come on `err_fd`, a line each. Both stay the caller's.
  explicit Outlet(int fd = 1, int err_fd = 2) : fd_(fd), err_fd_(err_fd) {}

  // One JSON text, which may stand on several lines. False: nobody reads any more.
  bool write(std::string_view json);
  bool write(const doc::Value& message);
  bool is_closed() const { return closed_; }

  // For people, marked "keyturn: ". `once`: the same words are not said again.
  void say(const std::string& words);
  void say_once(const std::string& words);

 private:
  const int fd_, err_fd_;
  std::mutex mutex_;
  std::atomic<bool> closed_ = false;
  std::mutex words_mutex_;
  std::set<std::string> said_;
};

}  // namespace keyturn::cli::bridge
