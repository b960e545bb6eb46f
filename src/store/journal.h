// The one durable interface. The journal is the only truth: events in streams, each a ledger leaf.
//
// Threads: everything here is called on, and resumes on, the I/O thread that made the journal.
// Failure: an append that fails or whose result is not known ends the process (std::_Exit(70) after
// one line on stderr) before anybody is answered; nothing here ever reports a commit that did not
// happen.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "model/event.h"

namespace keyturn::store {

// The stream must stand at exactly this version (0: must not exist) when the append commits.
// `is_new`: its name was drawn at random for this append, so that nobody needs to look it up first;
// the commit of a name that does exist fails (and a failed commit ends the process).
struct Expect {
  std::string stream;
  std::uint64_t version = 0;
  bool is_new = false;
};

// A unique key taken by this append, for ever: "idem/ops-bot/KEY" -> action id, "grant/gr_…" ->
// use.
struct Claim {
  std::string key;
  std::string value;
  bool is_new = false;  // as in Expect
};

struct AppendRequest {
  std::vector<EventDraft> events;
  std::vector<Expect> expects;
  std::vector<Claim> claims;
  // Entries, of an earlier append, whose private parts are destroyed for ever in the same commit:
  // key, nonce and sealed bytes are overwritten, and leave the write-ahead log as soon as nobody
  // reads an older state. Commitments and proofs stay.
  std::vector<std::uint64_t> erase;
  // A new epoch of the log begins: in the same commit, nothing counts as signed any more.
  bool begins_epoch = false;
};

// Nothing was written. `what` names the stream that moved or the claim that was taken; `value` is
// the claim's present value. It is told only after whatever it conflicts with is durable: reload,
// decide again.
//   kTooLarge    an event's leaf is past 65,535 bytes, or its private part past the limit; what:
//   which kMalformed   a body or private part that cannot be a leaf (reserved name, inexact
//   number); what: why kOverloaded  too many appends wait for the disk: refuse the caller, or try
//   later
//   kReadOnly     stop_appends() was called; what: why
struct Conflict {
  enum class Kind { kStreamMoved, kClaimTaken, kTooLarge, kMalformed, kOverloaded, kReadOnly } kind;
  std::string what;
  std::string value;
};

// What was last signed: a tree's size and its root. Size 0: nothing yet.
struct Signed {
  std::uint64_t size = 0;
  Digest root{};
};

// The first events of streams, newest first.
struct FirstEvents {
  std::vector<Event> events;     // private parts included, where they were not erased
  std::uint64_t unreadable = 0;  // left out: their private parts do not open
  std::uint64_t from = 0;        // every entry from here on was looked at
};

using Appended = std::expected<std::vector<Event>, Conflict>;

class Journal {
 public:
  virtual ~Journal() = default;

  // All of it or nothing. Checks expects and claims against everything enqueued so far, and
  // enqueues, before it returns (no suspension in between: two appends are ordered by their calls);
  // the task resumes after the commit is durable (a Conflict: nothing of it is enqueued). The
  // events come back with index, time, position, leaf hash and without private parts.
  virtual Task<Appended> append(AppendRequest request) = 0;

  // Version of a stream including what is enqueued; 0 if it does not exist.
  virtual std::uint64_t version(const std::string& stream) = 0;

  // Committed events of one stream from `from_position` (1-based) on, oldest first.
  virtual Task<std::vector<Event>> read_stream(std::string stream, std::uint64_t from_position,
                                               bool with_private) = 0;
  virtual Task<std::optional<std::string>> find_claim(std::string key) = 0;

  // Committed events by ledger index in [from, from+limit), oldest first.
  virtual Task<std::vector<Event>> read_range(std::uint64_t from, std::size_t limit,
                                              bool with_private) = 0;

  // Of the ledger's entries in [before-limit, before): those that begin a stream whose name has
  // this prefix. Stops earlier (`from`) where private parts would be too much for one answer; go on
  // before that, until it is 0. Meant for long readings: it takes one reader's time, a chunk a
  // call.
  virtual Task<FirstEvents> read_first_events(std::string prefix, std::uint64_t before,
                                              std::size_t limit) = 0;

  // Streams with this prefix whose last event's type is not in the closed set that the journal was
  // opened with; used at start to load what is still open, private parts included. Blocking; call
  // before serving. Oldest first.
  // `all`: those that say they are closed, too.
  virtual void load_open_streams(const std::string& prefix,
                                 const std::function<void(std::vector<Event>)>& each,
                                 bool all = false) = 0;

  // Called on the I/O thread for every committed batch, after the appenders resumed, with those of
  // its events that the follower wants (perhaps none), in index order, without private parts.
  virtual void on_commit(std::function<bool(const Event&)> wants,
                         std::function<void(const std::vector<Event>&)> follower) = 0;

  // The ledger as committed. Leaf bytes are exactly what was hashed.
  virtual std::uint64_t size() const = 0;
  virtual Digest root() const = 0;  // RFC 6962 root at size()
  virtual Task<std::vector<std::string>> read_leaves(std::uint64_t from, std::size_t limit) = 0;
  // C2SP tlog-tiles hash (level, index) in units of tiles of height 8: the 32-byte hashes present,
  // up to 256.
  virtual Task<std::string> read_tile(unsigned level, std::uint64_t index, unsigned width) = 0;
  // Several of them at once, in the order asked for: a proof is one reading.
  struct TileRange {
    unsigned level = 0;
    std::uint64_t index = 0;
    unsigned width = 0;
  };
  virtual Task<std::vector<std::string>> read_tiles(std::vector<TileRange> wanted) = 0;

  // Compare-and-set of what was last signed. False when it does not stand at `from_size`, when
  // `size` would go back, or when it is the same size with another root. Durable when it resumes.
  virtual Task<bool> advance_signed(std::uint64_t from_size, std::uint64_t size, Digest root) = 0;
  virtual Task<Signed> last_signed() = 0;

  // From now on every append is refused (kReadOnly) and nothing is signed: the log is not the one
  // that was signed, and must not grow. What was enqueued before is still written.
  virtual void stop_appends(std::string why) = 0;

  // Whether an append could succeed now (/readyz): disk writable, space above the reserve.
  virtual bool ready() const = 0;
};

}  // namespace keyturn::store
