#include "store/sqlite/read_model.h"

#include <sqlite3.h>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <utility>

#include "store/sqlite/follower.h"
#include "store/sqlite/read_query.h"
#include "store/sqlite/worker_pool.h"

namespace keyturn::store::sqlite {
namespace {

using boost::asio::steady_timer;

// How far the tables are, as the I/O thread knows it, and who waits for more.
struct Progress {
  std::uint64_t next = 0;
  bool failed = false;
  std::multimap<std::uint64_t, std::weak_ptr<steady_timer>> waiters;

  void move(std::optional<std::uint64_t> to) {
    failed = failed || !to;
    if (to) next = *to;
    const auto end = failed ? waiters.end() : waiters.lower_bound(next);
    for (auto waiter = waiters.begin(); waiter != end; ++waiter) {
      if (const auto timer = waiter->second.lock()) timer->cancel();
    }
    waiters.erase(waiters.begin(), end);
  }

  void forget(std::uint64_t index, const std::shared_ptr<steady_timer>& timer) {
    auto [at, end] = waiters.equal_range(index);
    while (at != end && at->second.lock() != timer) ++at;
    if (at != end) waiters.erase(at);
  }
};

Task<bool> wait_until(std::shared_ptr<Progress> progress, boost::asio::any_io_executor executor,
                      std::uint64_t index, Duration timeout) {
  if (index < progress->next) co_return true;
  if (progress->failed) co_return false;
  const auto timer = std::make_shared<steady_timer>(executor, timeout);
  progress->waiters.emplace(index, timer);
  boost::system::error_code cancelled;
  co_await timer->async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
  progress->forget(index, timer);
  co_return index < progress->next;
}

std::vector<std::unique_ptr<ReadQueries>> make_connections(const std::string& path) {
  std::vector<std::unique_ptr<ReadQueries>> connections;
  connections.push_back(std::make_unique<ReadQueries>(path));
  return connections;
}

std::unexpected<Refusal> unanswered(const SqliteError& error) {
  if ((error.code() & 0xff) == SQLITE_INTERRUPT) {
    return refuse("search_too_wide", "the search took too long; name a state, a tool or a time");
  }
  return refuse("read_model_unavailable", error.what());
}

class ReadModelImpl final : public ReadModel {
 public:
  ReadModelImpl(const ReadModelOptions& options, Journal& journal,
                boost::asio::any_io_executor executor)
      : executor_(executor),
        progress_(std::make_shared<Progress>()),
        follower_(std::make_shared<Follower>(options.path, options.journal_path,
                                             mover(executor, progress_))),
        connections_("kt-lists", make_connections(options.path), executor) {
    progress_->next = follower_->next_at_open();
    journal.on_commit([](const Event&) { return false; },
                      [follower = std::weak_ptr(follower_)](const std::vector<Event>&) {
                        if (const auto alive = follower.lock()) alive->wake();
                      });
  }

  Task<Result<ActionPage>> query(ActionFilter filter) override {
    return asked<ActionPage>(
        [filter = std::move(filter)](ReadQueries& queries) { return queries.page(filter); });
  }

  Task<Result<Counts>> count_by_state(std::optional<Time> from) override {
    return asked<Counts>([from](ReadQueries& queries) { return queries.count_by_state(from); });
  }

  Task<Result<std::vector<Uses>>> uses(Time from, Duration step, std::uint64_t before) override {
    return asked<std::vector<Uses>>(
        [=](ReadQueries& queries) { return queries.uses(from, step, before); });
  }

  Task<Result<std::vector<DeniedPrint>>> denied_prints(Time from, std::uint64_t before) override {
    return asked<std::vector<DeniedPrint>>(
        [=](ReadQueries& queries) { return queries.denied_prints(from, before); });
  }

  Task<Result<std::vector<Approved>>> approvals(Time from, std::uint64_t before) override {
    return asked<std::vector<Approved>>(
        [=](ReadQueries& queries) { return queries.approvals(from, before); });
  }

  Task<Result<std::vector<Figure>>> figures(Time from, Time to) override {
    return asked<std::vector<Figure>>(
        [=](ReadQueries& queries) { return queries.figures(from, to); });
  }

  Task<Result<std::vector<Repeats>>> repeats(Time from, Time to, std::size_t limit) override {
    return asked<std::vector<Repeats>>(
        [=](ReadQueries& queries) { return queries.repeats(from, to, limit); });
  }

  Task<Result<std::vector<std::string>>> names_in_private() override {
    return asked<std::vector<std::string>>(
        [](ReadQueries& queries) { return queries.names_in_private(); });
  }

  Task<Result<std::vector<std::string>>> private_of(std::vector<std::string> names) override {
    return asked<std::vector<std::string>>(
        [names = std::move(names)](ReadQueries& queries) { return queries.private_of(names); });
  }

  Task<bool> wait_for(std::uint64_t index, Duration timeout) override {
    if (index >= progress_->next) follower_->hurry();
    return wait_until(progress_, executor_, index, timeout);
  }

 private:
  template <class T, class Question>
  Task<Result<T>> asked(Question question) {
    if (progress_->failed) return refused<T>();
    return connections_.ask<Result<T>>(
        [question = std::move(question)](ReadQueries& queries) -> Result<T> {
          try {
            return question(queries);
          } catch (const SqliteError& error) {
            return unanswered(error);
          }
        });
  }

  template <class T>
  static Task<Result<T>> refused() {
    co_return refuse("read_model_unavailable",
                     "lists and search are off after an error of read.db; restart the server");
  }

  static std::function<void(std::optional<std::uint64_t>)> mover(
      boost::asio::any_io_executor executor, std::weak_ptr<Progress> progress) {
    return [executor, progress](std::optional<std::uint64_t> next) {
      boost::asio::post(executor, [progress, next] {
        if (const auto alive = progress.lock()) alive->move(next);
      });
    };
  }

  boost::asio::any_io_executor executor_;
  std::shared_ptr<Progress> progress_;
  std::shared_ptr<Follower> follower_;
  WorkerPool<ReadQueries> connections_;
};

}  // namespace

Result<std::unique_ptr<ReadModel>> open_read_model(ReadModelOptions options, Journal& journal,
                                                   boost::asio::any_io_executor executor) {
  try {
    return std::make_unique<ReadModelImpl>(options, journal, std::move(executor));
  } catch (const std::exception& error) {
    return refuse("read_model_unavailable", options.path + ": " + error.what(), options.path);
  }
}

}  // namespace keyturn::store::sqlite
