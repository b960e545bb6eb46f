// The thread that brings read.db up to the journal, by cursor: what it misses is only ever late.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "store/sqlite/database.h"
#include "store/sqlite/read_tables.h"

namespace keyturn::store::sqlite {

class Follower {
 public:
  // Opens both databases and makes sure that read.db tells of this journal, building it anew when
  // it does not. Throws when that cannot be done. `moved` is called on the follower's thread:
  // everything before `next` is visible; std::nullopt: it has failed and stopped.
  Follower(const std::string& path, const std::string& journal_path,
           std::function<void(std::optional<std::uint64_t> next)> moved);
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  std::uint64_t next_at_open() const { return next_at_open_; }
  void wake();   // any thread: the journal grew
  void hurry();  // any thread: somebody waits for what the journal has; gather no longer

 private:
  class Session;
  void run();
  bool next_round();

  std::unique_ptr<Session> session_;
  std::uint64_t next_at_open_ = 0;
  std::function<void(std::optional<std::uint64_t>)> moved_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = true;
  bool hurried_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace keyturn::store::sqlite
