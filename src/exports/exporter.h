// Exports that run: each follows the ledger by a durable cursor and delivers in index order, at
// least once. Nobody waits for them: the journal is read from behind, a batch at a time, and what a
// receiver does not take stays in the journal.
//
// Threads: everything here on the I/O thread; each export delivers on a thread of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "base/time.h"
#include "exports/config.h"
#include "net/loop.h"

namespace keyturn::exports {

// The ledger as an export sees it; borrowed for the life of the Exports.
struct Source {
  std::function<std::uint64_t()> size;
  std::function<Task<std::vector<std::string>>(std::uint64_t from, std::size_t limit)> read_leaves;
  std::string origin;
};

struct State {
  std::string name, format, to;  // "siem", "ocsf", "webhook"
  std::uint64_t next = 0;        // the first index that was not delivered
  std::uint64_t lag = 0;         // entries that wait
  std::uint64_t delivered = 0;   // items since the start
  std::string status;            // running | failing | stopped (the receiver wants nothing more)
  std::optional<Refusal> error;  // of the last attempt
  std::optional<Time> failing_since;
};
doc::Value to_value(const State& state);

struct Pace {
  Duration gather = std::chrono::seconds(1);  // how long an entry waits for others
  Duration first_backoff = std::chrono::milliseconds(250);
  Duration backoff_max = std::chrono::minutes(1);
};

class Exports {
 public:
  // `folder` holds the cursors; it is made when it is not there.
  Exports(net::Loop& loop, const Clock& clock, Source source, std::string folder,
          std::function<void(const std::string&)> log, Pace pace = {});
  // Waits for deliveries that have begun: about a second. The loop must not run any more.
  ~Exports();

  // Code: unwritable. Where its cursor does not fit the ledger it begins at the first entry.
  [[nodiscard]] Result<void> start(const std::vector<Export>& wanted);
  // After a commit: `denial_end` is behind the last denial of it, 0 when it has none.
  void committed(std::uint64_t denial_end);
  void stop();
  std::vector<State> states() const;

 private:
  class One;
  struct Shared;
  std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<One>> all_;
};

}  // namespace keyturn::exports
