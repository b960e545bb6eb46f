#include "store/sqlite/writer.h"

#include <pthread.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <utility>

#include "store/sqlite/writer_session.h"

namespace keyturn::store::sqlite {

void give_up(std::string_view what) {
  std::fprintf(stderr,
               "keyturn: journal: %.*s; stopping, so that nothing is answered that may not be "
               "recorded\n",
               static_cast<int>(what.size()), what.data());
  std::fflush(stderr);
  std::_Exit(70);
}

Writer::Writer(WriterOptions options, Random& random)
    : batch_max_(options.batch_max == 0 ? 1 : options.batch_max),
      session_(std::make_unique<Session>(std::move(options), random)) {
  size_at_open_ = session_->tree().size();
  root_at_open_ = session_->tree().root();
  thread_ = std::thread([this] { run(); });
}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Writer::enqueue(std::shared_ptr<Pending> pending) {
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    was_empty = queue_.empty();
    queue_.push_back(std::move(pending));
  }
  if (was_empty) wake_.notify_one();
}

std::vector<std::shared_ptr<Pending>> Writer::next_batch() {
  std::vector<std::shared_ptr<Pending>> batch;
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  std::size_t events = 0;
  while (!queue_.empty()) {
    const std::size_t more = queue_.front()->events.size();
    if (!batch.empty() && events + more > batch_max_) break;
    events += more;
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return batch;
}

void Writer::run() {
  pthread_setname_np(pthread_self(), "kt-journal");
  try {
    for (;;) {
      std::vector<std::shared_ptr<Pending>> batch = next_batch();
      if (batch.empty()) return;  // stopping, and nothing is left
      session_->commit(std::move(batch));
    }
  } catch (const std::exception& error) {
    give_up(error.what());
  }
}

}  // namespace keyturn::store::sqlite
