#include "connectors/sql/run.h"

#include <charconv>

#include "connectors/output.h"
#include "connectors/sql/guard.h"
#include "connectors/sql/rows.h"
#include "postgres/connection.h"

namespace keyturn::connectors::sql {
namespace {

using SteadyClock = std::chrono::steady_clock;
using postgres::Connection;
using postgres::error_text;
using postgres::Next;
using postgres::sqlstate;
using postgres::Waited;

constexpr auto kCancelPatience = std::chrono::seconds(3);  // for the answer to a cancel
constexpr auto kCommitPatience = std::chrono::seconds(30);
constexpr auto kConnectMax = std::chrono::seconds(15);
constexpr std::size_t kTagsMax = 64 << 10;

std::int64_t affected(const PGresult* result) {
  const std::string_view text = ::PQcmdTuples(const_cast<PGresult*>(result));
  std::int64_t count = -1;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count;
}

// FATAL at COMMIT is no proof of a rollback: a server that shuts down while it waits for a replica
// has committed.
bool is_plain_error(const PGresult* result) {
  const char* severity = ::PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  return severity != nullptr && std::string_view(severity) == "ERROR";
}

class Transaction {
 public:
  Transaction(const SqlOrder& order, Connection connection, SteadyClock::time_point started)
      : order_(order),
        connection_(std::move(connection)),
        started_(started),
        deadline_(started + order.timeout),
        rows_(order.rows_max, order.output_bytes_max, order.redactor) {}

  Result<Outcome> run() {
    if (auto problem = connection_.command(opening(), deadline_)) {
      return refuse("cannot_connect", "cannot begin the transaction: " + clean(*problem));
    }
    if (order_.guard) {
      if (auto agreed = order_.guard->before(connection_, order_); !agreed)
        return std::unexpected(agreed.error());
    }
    if (order_.before_change && !order_.read_only) {
      if (auto allowed = order_.before_change(); !allowed) return std::unexpected(allowed.error());
    }
    statements();
    if (problem_.empty() && timed_out_) problem_ = "timed out after " + to_text(order_.timeout);
    if (problem_.empty() && !stopped_ && !connection_.in_transaction()) {
      problem_ = "the statements ended the transaction themselves; what they committed stays";
      unknown_ = !order_.read_only;
    }
    if (problem_.empty() && order_.guard && !stopped_) {
      if (auto more = order_.guard->after(connection_, deadline_, done_))
        problem_ = *more + "; ask for it anew";
    }
    if (problem_.empty()) commit();
    return outcome();
  }

 private:
  // The SELECT takes the snapshot: from then on no statement can make a READ ONLY transaction
  // writable.
  std::string opening() const {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(order_.timeout).count();
    return std::string(order_.guard ? "BEGIN ISOLATION LEVEL REPEATABLE READ" : "BEGIN") +
           (order_.read_only ? " READ ONLY" : "") +
           "; SET LOCAL standard_conforming_strings = on; SET LOCAL statement_timeout = " +
           std::to_string(ms) + "; " + (order_.guard ? order_.guard->locks() : "") + "SELECT 1";
  }

  void statements() {
    const bool alone = order_.one_statement || !order_.values.empty();
    auto sent =
        alone ? connection_.send_one(order_.sql, order_.values) : connection_.send(order_.sql);
    if (!sent) {
      problem_ = sent.error().message;
      return;
    }
    for (bool more = true; more;) {
      const Next got = connection_.next(stopped_ || timed_out_ ? give_up_ : deadline_);
      switch (got.what) {
        case Waited::kDone:
          more = false;
          break;
        case Waited::kLost:
          lose(got.result.get());
          more = false;
          break;
        case Waited::kDeadline:
          more = late();
          break;
        case Waited::kResult:
          more = take(got.result.get());
          break;
      }
    }
  }

  void lose(const PGresult* result) {
    problem_ = "the connection was lost before the transaction was committed";
    if (result != nullptr && ::PQresultStatus(result) == PGRES_FATAL_ERROR)
      problem_ += ": " + error_text(result);
  }

  // The time is over, for the first time: cancel, and wait for the answer. For the second: leave.
  bool late() {
    if (stopped_ || timed_out_) {
      if (problem_.empty()) problem_ = "the server did not answer the cancellation";
      connection_.close();
      return false;
    }
    timed_out_ = true;
    stop();
    return true;
  }

  void stop() {
    give_up_ = SteadyClock::now() + kCancelPatience;
    connection_.cancel();
  }

  bool take(const PGresult* result) {
    switch (::PQresultStatus(result)) {
      case PGRES_SINGLE_TUPLE:
        take_row(result);
        return true;
      case PGRES_TUPLES_OK:
        rows_.add(result);
        finish_statement(result);
        return true;
      case PGRES_COMMAND_OK:
        finish_statement(result);
        return true;
      case PGRES_EMPTY_QUERY:
        return true;
      case PGRES_COPY_IN:
      case PGRES_COPY_OUT:
      case PGRES_COPY_BOTH:
        problem_ = "COPY from or to the client is not available; use SELECT, or INSERT with values";
        connection_.close();
        return false;
      case PGRES_BAD_RESPONSE:
      case PGRES_FATAL_ERROR:
        fail(result);
        return true;
      case PGRES_NONFATAL_ERROR:
      case PGRES_PIPELINE_SYNC:
      case PGRES_PIPELINE_ABORTED:
        return true;
    }
    return true;
  }

  void take_row(const PGresult* result) {
    if (rows_.add(result) || stopped_ || !order_.read_only) return;
    stopped_ = true;  // nobody needs the rest of what is only read
    stop();
  }

  void finish_statement(const PGresult* result) {
    if (tags_.size() < kTagsMax)
      tags_ += std::string(::PQcmdStatus(const_cast<PGresult*>(result))) + "\n";
    const std::int64_t count = affected(result);
    if (count >= 0) row_count_ = row_count_.value_or(0) + count;
    done_.push_back(count);
  }

  void fail(const PGresult* result) {
    const bool cancelled = sqlstate(result) == "57014";
    if (stopped_ && cancelled) return;
    if (!problem_.empty()) return;
    if (timed_out_ ||
        (cancelled && SteadyClock::now() >= deadline_ - std::chrono::milliseconds(50))) {
      problem_ = "timed out after " + to_text(order_.timeout);
    } else {
      problem_ = error_text(result);
    }
  }

  void commit() {
    if (stopped_) {  // the cancelled read has ended the transaction; there is nothing to commit
      connection_.close();
      return;
    }
    if (auto sent = connection_.send("COMMIT"); !sent) {
      problem_ = "the connection was lost before the transaction was committed";
      return;
    }
    bool answered = false;
    for (;;) {
      const Next got = connection_.next(std::max(deadline_, SteadyClock::now() + kCommitPatience));
      if (got.what == Waited::kDone) break;
      if (got.what != Waited::kResult) {
        unknown_ = !answered && !order_.read_only;
        break;
      }
      const ExecStatusType status = ::PQresultStatus(got.result.get());
      const std::string_view tag = ::PQcmdStatus(got.result.get());
      answered = true;
      unknown_ =
          status != PGRES_COMMAND_OK && !is_plain_error(got.result.get()) && !order_.read_only;
      if (status != PGRES_COMMAND_OK)
        problem_ = "not committed: " + error_text(got.result.get());
      else if (tag != "COMMIT")
        problem_ = "not committed: the server answered " + std::string(tag);
    }
    if (unknown_)
      problem_ = "the connection was lost after COMMIT was sent; look at the database to know";
  }

  std::string clean(const std::string& text) const {
    bool cut = false;
    return presentable(text, order_.redactor, 4096, cut);
  }

  Outcome outcome() {
    Outcome out;
    out.kind = unknown_           ? OutcomeKind::kUnknown
               : problem_.empty() ? OutcomeKind::kSucceeded
                                  : OutcomeKind::kFailed;
    out.reason = clean(problem_);
    if (out.kind == OutcomeKind::kFailed) out.reason += order_.read_only ? "" : "; rolled back";
    if (out.kind == OutcomeKind::kSucceeded) {
      out.stdout_text = clean(tags_);
      out.truncated = rows_.full();
      if (!stopped_) out.row_count = row_count_;
      if (rows_.any()) out.rows = rows_.take();
    }
    bool cut = false;
    out.stderr_text = presentable(connection_.notices(), order_.redactor, 64 << 10, cut);
    out.duration_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - started_)
            .count();
    return out;
  }

  const SqlOrder& order_;
  Connection connection_;
  SteadyClock::time_point started_, deadline_, give_up_;
  Rows rows_;
  std::string tags_;
  std::string problem_;
  std::optional<std::int64_t> row_count_;
  std::vector<std::int64_t> done_;  // rows of each statement, -1 where the server says none
  bool stopped_ = false;            // enough rows: the read was cancelled
  bool timed_out_ = false;
  bool unknown_ = false;
};

}  // namespace

Result<Outcome> run_sql(const SqlOrder& order) {
  const SteadyClock::time_point started = SteadyClock::now();
  const auto connect_by = started + std::min<SteadyClock::duration>(order.timeout, kConnectMax);
  auto connection = Connection::open(order.dsn, order.password, connect_by, order.user);
  if (!connection) {
    bool cut = false;
    return refuse("cannot_connect",
                  "cannot connect to the database: " +
                      presentable(connection.error().message, order.redactor, 4096, cut));
  }
  return Transaction(order, std::move(*connection), started).run();
}

}  // namespace keyturn::connectors::sql
