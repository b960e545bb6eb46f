// Signing and serving the record: checkpoints (C2SP tlog-checkpoint), tiles, proofs.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/cosigning.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "base/time.h"
#include "doc/value.h"
#include "store/journal.h"

namespace keyturn::audit {

struct AuditOptions {
  std::string origin;   // the key's name, e.g. "keyturn.example/ledger"
  Secret signing_seed;  // Ed25519
  std::string
      signed_path;  // DATA/keys/last-signed: the last (size, root) signed, outside the database
  Duration at_most_apart = std::chrono::seconds(1);
  Duration heartbeat = std::chrono::minutes(10);
  std::vector<Witness> witnesses;
  std::size_t cosignatures_needed = 0;    // of the witnesses, for `cosigned`
  std::function<void(Task<void>)> spawn;  // with witnesses: runs a task on the I/O thread
  std::function<void(const std::string&)> log = [](const std::string&) {};
};

class Audit {
 public:
  // Looks whether the log is the one that was signed, by this machine's own record of it and by
  // what the witnesses have seen; see alarm(). Codes: unreadable, unwritable.
  static Task<Result<std::unique_ptr<Audit>>> open(store::Journal& journal, const Clock& clock,
                                                   AuditOptions options);
  ~Audit();

  const std::string& origin() const;
  std::string vkey() const;  // C2SP note verifier key
  // Signs when the tree has grown (at most once a second) or the heartbeat is due. Compare-and-set,
  // never re-signs.
  Task<Result<bool>> tick();
  // Why the log must not grow, if so: code `rolled_back` (it is smaller than what was signed, or
  // than what a witness has seen) or `forked`. The journal's appends are stopped then and nothing
  // is signed; tiles, entries and proofs are served still, and no checkpoint.
  const std::optional<Refusal>& alarm() const;

  // The note that is served, with the cosignatures it has; "" before the first and in an alarm.
  std::string checkpoint() const;
  std::uint64_t signed_size() const;    // that checkpoint covers so many entries
  std::uint64_t cosigned_size() const;  // and so many are covered by one with enough cosignatures
  std::vector<std::string> witness_problems() const;  // "NAME: why", of those that do not cosign

  // C2SP tlog-tiles: path below "/", e.g. "tile/0/x001/234", "tile/entries/000.p/12". Code
  // not_found.
  struct Tile {
    std::string bytes;
    bool immutable = false;  // a full tile never changes
  };
  Task<Result<Tile>> tile(std::string path);
  // {"index","size","leaf_hash","root","proof":[hex],"checkpoint"}
  Task<Result<doc::Value>> inclusion(std::uint64_t index, std::optional<std::uint64_t> size);
  Task<Result<doc::Value>> consistency(std::uint64_t from,
                                       std::uint64_t to);  // {"proof":[hex],"from","to"}
  // {"items":[{"index","leaf":base64,"hash"}],"size"}
  Task<Result<doc::Value>> entries(std::uint64_t from, std::size_t limit);

 private:
  struct Impl;
  explicit Audit(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // shared with questions to witnesses that are under way
};

}  // namespace keyturn::audit
