#include "exports/exporter.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/task_impl.h"
#include "exports/cursor.h"
#include "exports/sink.h"
#include "ledger/merkle.h"
#include "net/blocking.h"

namespace keyturn::exports {
namespace {

constexpr std::size_t kBatchMax = 100;
constexpr std::size_t kBatchBytesMax = 256 << 10;  // of leaves
constexpr Duration kLookAgain = std::chrono::minutes(1);
constexpr Duration kSaveEvery = std::chrono::seconds(1);

Cursor after(const std::string& origin, std::uint64_t next, const std::string& last_leaf) {
  return {next, origin, to_hex(view(ledger::leaf_hash(last_leaf)))};
}

// What one attempt does, on the export's own thread.
struct Attempt {
  std::shared_ptr<Sink> sink;
  Export wanted;
  std::string origin, cursor_path;
  std::uint64_t from = 0;
  std::vector<std::string> leaves;
  bool save = false;

  struct Done {
    Result<void> delivered;
    Result<void> saved;
    std::uint64_t items = 0;
  };

  Batch batch() const {
    Batch out;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      LeafView view = look_at(leaves[i]);
      if (!wants(wanted, view)) continue;
      out.items.push_back(
          {origin, from + i, to_hex(keyturn::view(ledger::leaf_hash(leaves[i]))), leaves[i]});
      out.views.push_back(std::move(view));
    }
    return out;
  }

  Done run() const {
    try {
      return attempt();
    } catch (const std::exception& error) {
      return {.delivered = refuse("failed", error.what()), .saved = {}};
    }
  }

  Done attempt() const {
    const Batch all = batch();
    Done done;
    done.items = all.items.size();
    if (!all.items.empty()) done.delivered = sink->deliver(all);
    if (!done.delivered || !save) return done;
    done.delivered = sink->sync();
    if (done.delivered)
      done.saved = write_cursor(cursor_path, after(origin, from + leaves.size(), leaves.back()));
    return done;
  }
};

}  // namespace

struct Exports::Shared {
  net::Loop& loop;
  const Clock& clock;
  Source source;
  std::string folder;
  std::function<void(const std::string&)> log;
  Pace pace;
  std::shared_ptr<std::atomic<bool>> stopping = std::make_shared<std::atomic<bool>>(false);
};

class Exports::One {
 public:
  One(Shared& shared, Export wanted)
      : shared_(shared),
        wanted_(std::move(wanted)),
        path_(shared.folder + "/" + wanted_.name + ".json"),
        sink_(make_sink(wanted_, shared.stopping)),
        waiter_(shared.loop),
        pool_(shared.loop, "kt-export", 1U) {}

  Result<void> open();
  Task<void> run();
  void committed(std::uint64_t denial_end);
  void stop() { waiter_.fire(); }
  State state() const;

 private:
  enum class Waits { kNot, kForEntries, kForMore, kToTryAgain };

  bool stopping() const { return *shared_.stopping; }
  std::uint64_t size() const { return shared_.source.size(); }
  void say(const std::string& what) const { shared_.log("export " + wanted_.name + ": " + what); }
  Task<void> wait(Waits why, Duration most);
  Task<bool> looked_back();
  Task<void> look_back();
  Task<std::vector<std::string>> next_leaves() const;
  Task<void> deliver();
  void delivered(const Attempt& attempt, const Attempt::Done& done);
  void failed(Refusal why);
  void rewind();

  Shared& shared_;
  Export wanted_;
  std::string path_;
  std::shared_ptr<Sink> sink_;
  net::Waiter waiter_;
  net::BlockingPool pool_;
  Waits waits_ = Waits::kNot;
  Cursor cursor_;
  std::uint64_t before_last_ = 0;  // where the last delivery began
  std::uint64_t at_once_ = 0;      // entries below are delivered without waiting for more
  std::uint64_t items_ = 0;
  Time saved_at_{};
  Duration backoff_{};
  std::optional<Refusal> error_;
  std::optional<Time> failing_since_;
  bool is_gone_ = false, said_unsaved_ = false;
};

Result<void> Exports::One::open() {
  Result<std::optional<Cursor>> found = read_cursor(path_);
  if (found && *found) {
    cursor_ = std::move(**found);
  } else {
    const bool is_new = found.has_value();
    if (!is_new) say(found.error().message + ": it begins at the first entry");
    cursor_ = {is_new && !wanted_.from_beginning ? size() : 0, shared_.source.origin, ""};
    if (Result<void> saved = write_cursor(path_, cursor_); !saved) return saved;
  }
  before_last_ = cursor_.next;
  at_once_ = size();
  return {};
}

// A ledger that was restored from a copy, or is another, does not have what was delivered.
Task<void> Exports::One::look_back() {
  bool fits = cursor_.next <= size();
  if (fits && cursor_.next > 0 && !cursor_.last_leaf_hash.empty()) {
    const std::vector<std::string> leaf = co_await shared_.source.read_leaves(cursor_.next - 1, 1);
    fits =
        leaf.size() == 1 && to_hex(view(ledger::leaf_hash(leaf.front()))) == cursor_.last_leaf_hash;
  }
  if (fits) co_return;
  say("what it delivered last is not in this ledger: it begins at the first entry");
  cursor_ = {0, shared_.source.origin, ""};
  before_last_ = 0;
}

Task<bool> Exports::One::looked_back() {
  try {
    co_await look_back();
    co_return true;
  } catch (const std::exception& error) {
    failed({"unreadable", error.what(), ""});
  }
  co_return false;
}

Task<void> Exports::One::run() {
  while (!stopping() && !co_await looked_back()) co_await wait(Waits::kToTryAgain, backoff_);
  while (!stopping() && !is_gone_) {
    const std::uint64_t end = size();
    if (cursor_.next >= end) {
      co_await wait(Waits::kForEntries, kLookAgain);
      continue;
    }
    if (cursor_.next >= at_once_ && end - cursor_.next < kBatchMax) {
      co_await wait(Waits::kForMore, shared_.pace.gather);
      at_once_ = std::max(at_once_, size());
      continue;
    }
    co_await deliver();
    if (error_ && !is_gone_) {
      const Duration asked = std::chrono::seconds(error_->retry_after_s);
      co_await wait(Waits::kToTryAgain, std::max(backoff_, asked));
    }
  }
}

Task<void> Exports::One::wait(Waits why, Duration most) {
  waiter_.reset();
  if (stopping()) co_return;
  waits_ = why;
  co_await waiter_.wait(most);
  waits_ = Waits::kNot;
}

void Exports::One::committed(std::uint64_t denial_end) {
  at_once_ = std::max(at_once_, denial_end);
  const bool enough = cursor_.next < at_once_ || size() - cursor_.next >= kBatchMax;
  if (waits_ == Waits::kForEntries || (waits_ == Waits::kForMore && enough)) waiter_.fire();
}

Task<std::vector<std::string>> Exports::One::next_leaves() const {
  std::vector<std::string> leaves = co_await shared_.source.read_leaves(cursor_.next, kBatchMax);
  std::size_t bytes = 0, count = 0;
  while (count < leaves.size() && (count == 0 || bytes + leaves[count].size() <= kBatchBytesMax))
    bytes += leaves[count++].size();
  leaves.resize(count);
  co_return leaves;
}

Task<void> Exports::One::deliver() {
  Attempt attempt{sink_, wanted_, shared_.source.origin, path_, cursor_.next, {}, false};
  try {
    attempt.leaves = co_await next_leaves();
  } catch (const std::exception& error) {
    failed({"unreadable", error.what(), ""});
    co_return;
  }
  if (attempt.leaves.empty()) {
    failed({"unreadable", "the journal did not give its entries", ""});
    co_return;
  }
  const bool is_last = attempt.from + attempt.leaves.size() >= size();
  attempt.save = is_last || shared_.clock.now() - saved_at_ >= kSaveEvery;
  Result<Attempt::Done> done =
      co_await net::run_blocking(pool_, [attempt] { return attempt.run(); });
  if (stopping()) co_return;
  if (!done)
    failed(done.error());
  else if (!done->delivered)
    failed(done->delivered.error());
  else
    delivered(attempt, *done);
}

void Exports::One::delivered(const Attempt& attempt, const Attempt::Done& done) {
  before_last_ = attempt.from;
  cursor_ =
      after(shared_.source.origin, attempt.from + attempt.leaves.size(), attempt.leaves.back());
  items_ += done.items;
  if (attempt.save) saved_at_ = shared_.clock.now();
  if (!done.saved && !std::exchange(said_unsaved_, true))
    say(done.saved.error().message + ": after a restart entries are delivered again");
  if (done.saved) said_unsaved_ = false;
  if (error_) say("delivers again");
  error_.reset();
  failing_since_.reset();
  backoff_ = {};
}

void Exports::One::failed(Refusal why) {
  is_gone_ = why.code == "gone";
  if (why.code == "connection_lost") rewind();
  if (!error_)
    say("cannot deliver: " + why.message + (is_gone_ ? "; it has stopped" : "; it is tried again"));
  else if (is_gone_)
    say(why.message + "; it has stopped");
  error_ = std::move(why);
  if (!failing_since_) failing_since_ = shared_.clock.now();
  backoff_ = backoff_ == Duration{} ? shared_.pace.first_backoff
                                    : std::min(backoff_ * 2, shared_.pace.backoff_max);
}

// A closed connection may have taken with it what was delivered before.
void Exports::One::rewind() {
  if (before_last_ >= cursor_.next) return;
  cursor_ = {before_last_, shared_.source.origin, ""};
  if (Result<void> saved = write_cursor(path_, cursor_); !saved) say(saved.error().message);
}

State Exports::One::state() const {
  State out;
  out.name = wanted_.name;
  out.format = to_text(wanted_.format);
  out.to = to_text(wanted_.to);
  out.next = cursor_.next;
  out.lag = size() > cursor_.next ? size() - cursor_.next : 0;
  out.delivered = items_;
  out.status = is_gone_ ? "stopped" : error_ ? "failing" : "running";
  out.error = error_;
  out.failing_since = failing_since_;
  return out;
}

Exports::Exports(net::Loop& loop, const Clock& clock, Source source, std::string folder,
                 std::function<void(const std::string&)> log, Pace pace)
    : shared_(std::make_unique<Shared>(loop, clock, std::move(source), std::move(folder),
                                       std::move(log), pace)) {}

Exports::~Exports() {
  *shared_->stopping = true;
}

Result<void> Exports::start(const std::vector<Export>& wanted) {
  std::error_code error;
  std::filesystem::create_directories(shared_->folder, error);
  if (error) return refuse("unwritable", "cannot make " + shared_->folder + ": " + error.message());
  for (const Export& one : wanted) {
    all_.push_back(std::make_unique<One>(*shared_, one));
    if (Result<void> opened = all_.back()->open(); !opened) return opened;
  }
  for (const auto& one : all_) shared_->loop.spawn(one->run());
  return {};
}

void Exports::committed(std::uint64_t denial_end) {
  for (const auto& one : all_) one->committed(denial_end);
}

void Exports::stop() {
  *shared_->stopping = true;
  for (const auto& one : all_) one->stop();
}

std::vector<State> Exports::states() const {
  std::vector<State> out;
  out.reserve(all_.size());
  for (const auto& one : all_) out.push_back(one->state());
  return out;
}

doc::Value to_value(const State& state) {
  doc::Value out = doc::object({{"name", state.name},
                                {"format", state.format},
                                {"to", state.to},
                                {"status", state.status},
                                {"next", state.next},
                                {"lag", state.lag},
                                {"delivered", state.delivered}});
  out.set("error", state.error ? doc::object({{"code", state.error->code},
                                              {"message", state.error->message}})
                               : doc::Value());
  out.set("failing_since",
          state.failing_since ? doc::Value(to_rfc3339(*state.failing_since)) : doc::Value());
  return out;
}

}  // namespace keyturn::exports
