// The I/O thread's half of the embedded journal.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/task_impl.h"
#include "store/sqlite/checkpointer.h"
#include "store/sqlite/heads.h"
#include "store/sqlite/journal.h"
#include "store/sqlite/reader.h"
#include "store/sqlite/worker_pool.h"
#include "store/sqlite/writer.h"

namespace keyturn::store::sqlite {

class JournalImpl final : public Journal {
 public:
  JournalImpl(JournalOptions options, const Clock& clock, Random& random,
              boost::asio::any_io_executor executor);
  ~JournalImpl() override;

  Task<Appended> append(AppendRequest request) override;
  std::uint64_t version(const std::string& stream) override;
  Task<std::vector<Event>> read_stream(std::string stream, std::uint64_t from_position,
                                       bool with_private) override;
  Task<std::optional<std::string>> find_claim(std::string key) override;
  Task<std::vector<Event>> read_range(std::uint64_t from, std::size_t limit,
                                      bool with_private) override;
  Task<FirstEvents> read_first_events(std::string prefix, std::uint64_t before,
                                      std::size_t limit) override;
  void load_open_streams(const std::string& prefix,
                         const std::function<void(std::vector<Event>)>& each, bool all) override;
  void on_commit(std::function<bool(const Event&)> wants,
                 std::function<void(const std::vector<Event>&)> follower) override;
  std::uint64_t size() const override { return size_; }
  Digest root() const override { return root_; }
  Task<std::vector<std::string>> read_leaves(std::uint64_t from, std::size_t limit) override;
  Task<std::string> read_tile(unsigned level, std::uint64_t index, unsigned width) override;
  Task<std::vector<std::string>> read_tiles(std::vector<TileRange> wanted) override;
  Task<bool> advance_signed(std::uint64_t from_size, std::uint64_t size, Digest root) override;
  Task<Signed> last_signed() override;
  void stop_appends(std::string why) override { read_only_ = std::move(why); }
  bool ready() const override;

 private:
  using Draft = std::expected<std::shared_ptr<Pending>, Conflict>;
  std::optional<Conflict> find_conflict(const AppendRequest& request);
  Draft draft(AppendRequest request);
  std::optional<Conflict> draft_event(Pending& pending, EventDraft draft);
  void enqueue(const std::shared_ptr<Pending>& pending);
  std::shared_ptr<Pending> last_enqueued() const;
  Time recorded_now();
  void settle(CommittedBatch batch);
  void follow(const CommittedBatch& batch);

  const JournalOptions options_;
  const Clock& clock_;
  boost::asio::any_io_executor executor_;
  struct Follower {
    std::function<bool(const Event&)> wants;
    std::function<void(const std::vector<Event>&)> call;
  };
  std::vector<Follower> followers_;
  std::optional<std::string> read_only_;  // why nothing is appended any more
  std::uint64_t size_ = 0;                // committed
  std::uint64_t next_index_ = 0;          // enqueued
  Digest root_{};
  Time last_time_{};
  std::size_t queued_events_ = 0;
  std::deque<std::shared_ptr<Pending>> outstanding_;  // enqueued and not settled, oldest first
  std::shared_ptr<JournalImpl*> self_;  // what the writer thread posts finds this gone when it is
  Heads heads_;
  WorkerPool<Reader> readers_;
  Checkpointer checkpointer_;
  Writer writer_;
};

}  // namespace keyturn::store::sqlite
