// Moves what the write-ahead log holds into the database file, on a thread and connection of its
// own, so that no commit waits for it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "store/sqlite/database.h"

namespace keyturn::store::sqlite {

class Checkpointer {
 public:
  explicit Checkpointer(const std::string& path);
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  // Any thread: the log has this many pages now.
  void log_grew(int pages);

 private:
  void run();

  Database database_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool wanted_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

// Checkpoints as far as no reader is in the way. Never waits for a writer. Throws on a failing
// disk.
void checkpoint_passive(Database& database);

// Checkpoints everything and empties the log's file. False: a reader is in the way, try later.
bool truncate_log(Database& database);

}  // namespace keyturn::store::sqlite
