// The embedded journal: one SQLite database in WAL mode, synchronous=FULL.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "store/journal.h"

namespace keyturn::store::sqlite {

struct JournalOptions {
  std::string path;                    // DATA/journal.db; created where it is not
  Secret master;                       // 32 bytes; wraps the keys of private parts
  std::string node;                    // "node" of every leaf
  std::set<std::string> closed_types;  // a stream whose last event is one of these is not open
  std::size_t batch_max = 256;         // events a commit
  std::size_t queue_max = 65'536;      // events that wait for the disk; past it: kOverloaded
  std::size_t private_bytes_max = std::size_t{8} << 20;
  std::uint64_t reserve_bytes = std::uint64_t{64} << 20;  // ready() wants more than this free
  unsigned readers = 2;                                   // threads
};

// Refuses with code journal_unusable. `clock`, `random` and the executor's context outlive the
// journal; `random` is used from several threads. The caller holds the data folder's lock
// (data_dir.h): two journals over one file are not supported. Destroy on the I/O thread, or when it
// no longer runs: what was enqueued is committed first, and tasks that still wait are destroyed,
// not resumed.
[[nodiscard]] Result<std::unique_ptr<Journal>> open_journal(JournalOptions options,
                                                            const Clock& clock, Random& random,
                                                            boost::asio::any_io_executor executor);

}  // namespace keyturn::store::sqlite
