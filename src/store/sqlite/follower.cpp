#include "store/sqlite/follower.h"

#include <pthread.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "ledger/merkle.h"
#include "store/sqlite/leaf.h"
#include "store/sqlite/schema.h"

namespace keyturn::store::sqlite {
namespace {

constexpr int kNiceness = 10;
constexpr int kStepEvents = 2048;  // a transaction
// Nobody looks at most of what is listed within milliseconds: a larger transaction writes each page
// of an index once for many actions. Whoever waits for his own write ends the gathering.
constexpr std::chrono::milliseconds kGather(100);

void remove_database(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
}

Database open_journal_for_reading(const std::string& path) {
  Database database(path, Access::kReadWrite);
  configure(database);
  database.run("PRAGMA query_only = ON");
  return database;
}

bool is_broken_file(const SqliteError& error) {
  const int primary = error.code() & 0xff;
  return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
}

}  // namespace

// Both connections; lives on the follower's thread once it runs.
class Follower::Session {
 public:
  Session(const std::string& path, const std::string& journal_path)
      : path_(path),
        journal_(open_journal_for_reading(journal_path)),
        read_leaves_(journal_, "SELECT idx, leaf FROM event WHERE idx >= ? ORDER BY idx LIMIT " +
                                   std::to_string(kStepEvents)),
        tables_db_(open_read_tables(path)),
        tables_(tables_db_) {
    cursor_ = tables_.cursor();
    if (!is_of_this_journal()) throw std::runtime_error("read.db tells of another journal");
  }

  std::uint64_t next() const { return cursor_.next; }

  // Takes the next few events; false when there are none.
  bool step() {
    std::vector<Event> events;
    {
      Query query(read_leaves_);
      query.bind(cursor_.next);
      while (query.step()) events.push_back(take(query));
    }
    if (events.empty()) return false;
    Transaction transaction(tables_db_);
    for (const Event& event : events) tables_.apply(event);
    const Cursor moved{events.back().index + 1, std::string(view(events.back().leaf_hash))};
    tables_.move(moved);
    transaction.commit();
    cursor_ = moved;
    return true;
  }

 private:
  static Event take(const Query& row) {
    Result<Event> event = read_leaf(row.bytes(1));
    if (!event) throw std::runtime_error("a ledger entry is damaged");
    event->index = static_cast<std::uint64_t>(row.integer(0));
    event->leaf_hash = ledger::leaf_hash(row.bytes(1));
    return std::move(*event);
  }

  bool is_of_this_journal() {
    if (cursor_.next == 0) return true;
    Query query(read_leaves_);
    if (!query.bind(cursor_.next - 1).step()) return false;
    return static_cast<std::uint64_t>(query.integer(0)) == cursor_.next - 1 &&
           view(ledger::leaf_hash(query.bytes(1))) == cursor_.last_hash;
  }

  const std::string path_;
  Database journal_;
  Statement read_leaves_;
  Database tables_db_;
  ReadTables tables_;
  Cursor cursor_;
};

Follower::Follower(const std::string& path, const std::string& journal_path,
                   std::function<void(std::optional<std::uint64_t>)> moved)
    : moved_(std::move(moved)) {
  try {
    session_ = std::make_unique<Session>(path, journal_path);
  } catch (const std::exception&) {
    remove_database(path);  // whatever it was, the journal tells it again
    session_ = std::make_unique<Session>(path, journal_path);
  }
  next_at_open_ = session_->next();
  thread_ = std::thread([this, path] {
    pthread_setname_np(pthread_self(), "kt-follower");
    // Lists may lag under load; decisions must not wait for them. (On Linux the nice value is a
    // thread's.)
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness);
    try {
      run();
      return;
    } catch (const SqliteError& error) {
      std::fprintf(stderr, "keyturn: %s: %s; lists and search are off until a restart\n",
                   path.c_str(), error.what());
      std::error_code ignored;
      if (is_broken_file(error)) std::filesystem::remove(path, ignored);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "keyturn: %s: %s; lists and search are off until a restart\n",
                   path.c_str(), error.what());
    }
    moved_(std::nullopt);
  });
}

Follower::~Follower() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Follower::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  wake_.notify_one();
}

void Follower::hurry() {
  {
    const std::lock_guard lock(mutex_);
    hurried_ = true;
  }
  wake_.notify_one();
}

// Waits until the journal grew, and a moment more for what else comes; false when stopping.
bool Follower::next_round() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return woken_ || stopping_; });
  wake_.wait_for(lock, kGather, [this] { return hurried_ || stopping_; });
  woken_ = hurried_ = false;
  return !stopping_;
}

void Follower::run() {
  while (next_round()) {
    while (session_->step()) {
      moved_(session_->next());
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
  }
}

}  // namespace keyturn::store::sqlite
