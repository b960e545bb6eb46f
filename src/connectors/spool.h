// What became of each execution: a durable record before it starts and after it ends. It answers,
// after a crash, "never started, started, or this outcome", and refuses a second start of one
// action.
//
// A folder with one append-only file. Each record is on disk (fdatasync) when a call returns. One
// process at a time holds the folder (flock). What the spool cannot know, because the folder was
// lost, damaged or pruned after the action was made, it calls kBeyond: unknown, never "not
// started".
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "connectors/fd.h"
#include "model/action.h"

namespace keyturn::connectors {

class Spool {
 public:
  enum class State {
    kAbsent,    // never started, and the spool is old enough to know
    kBeyond,    // no record, and no knowledge
    kStarted,   // started; no outcome is recorded
    kFinished,  // `outcome` says how it ended
    kFenced,    // was asked about before it started; can never start any more
  };
  struct Entry {
    State state = State::kAbsent;
    std::optional<Outcome> outcome;
  };
  struct Limits {
    Duration records_kept = std::chrono::hours(24 * 30);  // then forgotten: kBeyond
    Duration output_kept = std::chrono::hours(24);        // then only how it ended is kept
  };

  // Makes the folder (0700) where it is missing. Refuses: spool_busy (another process holds it;
  // `wait` waits for it first), spool_failed.
  static Result<std::unique_ptr<Spool>> open(const std::string& folder, Time now, Limits limits,
                                             Duration wait = {});
  static Result<std::unique_ptr<Spool>> open(const std::string& folder, Time now) {
    return open(folder, now, Limits{});
  }

  // Any thread. Refuses: already_started, not_known (kBeyond: it may have run once), spool_failed
  // (then nothing may start; the next one tries again).
  [[nodiscard]] Result<void> begin(const ActionId& action, Time now);
  [[nodiscard]] Result<void> finish(const ActionId& action, const Outcome& outcome, Time now);
  // An absent action is fenced durably, so that the answer "never started" stays true.
  [[nodiscard]] Result<Entry> settle(const ActionId& action, Time now);
  Entry look(const ActionId& action) const;
  // What these actions put out, and why they failed, is kept no longer; how they ended is.
  [[nodiscard]] Result<void> forget_output(const std::set<ActionId>& actions);

 private:
  struct Record {
    State state = State::kStarted;
    std::int64_t at_ms = 0;
    std::int64_t offset = 0;  // of the line that holds the outcome
    std::int64_t bytes = 0;
  };

  Spool(std::string folder, Fd lock) : folder_(std::move(folder)), lock_(std::move(lock)) {}
  Result<void> load(Time now);
  Result<void> replace(const std::string& content);
  Result<void> mend();
  bool read_lines(std::string_view content);
  Result<void> compact(Time now, const Limits& limits);
  Result<void> rewrite(std::int64_t forget_ms,
                       const std::function<bool(const ActionId&, std::int64_t at_ms)>& trims);
  Result<void> append(const ActionId& action, State state, const Outcome* outcome, Time now);
  bool apply(std::string_view line, std::int64_t offset);
  bool beyond(const ActionId& action) const;
  std::optional<Outcome> read_outcome(const Record& record) const;
  Entry look_locked(const ActionId& action) const;

  std::string folder_;
  Fd lock_, file_;
  mutable std::mutex mutex_;
  std::int64_t end_ = 0;         // bytes of the file that are good
  std::int64_t horizon_ms_ = 0;  // actions made before it may have been forgotten
  bool broken_ = false;          // an append failed: the file is written anew before the next
  std::map<ActionId, Record> records_;
};

// When an id was made (make_sortable_id), or nullopt for one of another form.
std::optional<std::int64_t> made_at_ms(const ActionId& action);

}  // namespace keyturn::connectors
