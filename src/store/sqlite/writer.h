// The one thread that writes the journal: it takes whatever has been enqueued, up to a batch,
// hashes and seals it, and commits it. While a commit runs the next batch fills.
//
// Any failure of SQLite here ends the process (give_up): what is not known to be durable is never
// answered.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "base/secret.h"
#include "store/journal.h"
#include "store/sqlite/leaf.h"

namespace keyturn::store::sqlite {

// One line on stderr, then std::_Exit(70). `what` must hold no secret.
[[noreturn]] void give_up(std::string_view what);

struct SignedStep {
  std::uint64_t from_size = 0;
  Signed to;
  bool advanced = false;  // the writer's answer
};

// The parts of one event that only the writer needs.
struct WriteDraft {
  LeafDraft leaf;
  std::optional<std::string> payload;  // canonical private part
};

// One append (or another write) on its way. Made on the I/O thread; the writer has it from
// enqueue() to `committed`; then the I/O thread again.
struct Pending {
  std::vector<Event> events;       // complete but for leaf_hash, which the writer fills in
  std::vector<WriteDraft> drafts;  // one an event
  std::vector<Claim> claims;
  std::vector<std::uint64_t> erase;
  bool begins_epoch = false;
  std::optional<SignedStep> signed_step;

  // I/O thread only: whether it is durable, and the coroutines that wait for that.
  bool done = false;
  std::vector<std::move_only_function<void()>> resume;
};

struct CommittedBatch {
  std::vector<std::shared_ptr<Pending>> appends;
  std::uint64_t size = 0;
  Digest root{};
};

struct WriterOptions {
  std::string path;
  Secret master;
  std::set<std::string> closed_types;
  std::size_t batch_max = 256;  // events
  // Called on the writer thread after every commit.
  std::function<void(CommittedBatch)> committed;
  std::function<void(int wal_pages)> grown;
};

class Writer {
 public:
  // Opens the database (its schema stands) and reads the tree's edge. Throws on failure.
  Writer(WriterOptions options, Random& random);
  ~Writer();  // commits what was enqueued, then joins
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  std::uint64_t size_at_open() const { return size_at_open_; }
  Digest root_at_open() const { return root_at_open_; }
  void enqueue(std::shared_ptr<Pending> pending);

 private:
  class Session;  // the connection and all that lives on the writer thread
  void run();
  std::vector<std::shared_ptr<Pending>> next_batch();

  const std::size_t batch_max_;
  std::uint64_t size_at_open_ = 0;
  Digest root_at_open_{};
  std::unique_ptr<Session> session_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Pending>> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace keyturn::store::sqlite
