#include "store/sqlite/checkpointer.h"

#include <pthread.h>
#include <sqlite3.h>

#include "store/sqlite/schema.h"
#include "store/sqlite/writer.h"

namespace keyturn::store::sqlite {
namespace {

constexpr int kPagesBeforeCheckpoint = 8000;  // 32 MB

// False: somebody was in the way.
bool checkpoint(Database& database, int mode) {
  const int code = sqlite3_wal_checkpoint_v2(database.raw(), nullptr, mode, nullptr, nullptr);
  const int primary = code & 0xff;
  if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) return false;
  if (primary != SQLITE_OK) {
    throw SqliteError(code, std::string("checkpoint: ") + sqlite3_errmsg(database.raw()));
  }
  return true;
}

Database open_for_checkpoints(const std::string& path) {
  Database database(path, Access::kReadWrite);
  configure(database);
  database.run("PRAGMA synchronous = FULL");
  return database;
}

}  // namespace

Checkpointer::Checkpointer(const std::string& path) : database_(open_for_checkpoints(path)) {
  thread_ = std::thread([this] { run(); });
}

Checkpointer::~Checkpointer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Checkpointer::log_grew(int pages) {
  if (pages < kPagesBeforeCheckpoint) return;
  {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
  }
  wake_.notify_one();
}

void Checkpointer::run() {
  pthread_setname_np(pthread_self(), "kt-checkpoint");
  try {
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return wanted_ || stopping_; });
        if (stopping_) return;
        wanted_ = false;
      }
      checkpoint_passive(database_);
    }
  } catch (const std::exception& error) {
    give_up(error.what());
  }
}

void checkpoint_passive(Database& database) {
  checkpoint(database, SQLITE_CHECKPOINT_PASSIVE);
}

bool truncate_log(Database& database) {
  sqlite3_busy_timeout(database.raw(), 100);
  const bool done = checkpoint(database, SQLITE_CHECKPOINT_TRUNCATE);
  sqlite3_busy_timeout(database.raw(), kBusyTimeoutMs);
  return done;
}

}  // namespace keyturn::store::sqlite
