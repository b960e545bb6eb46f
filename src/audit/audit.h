// Signing and serving the record: checkpoints (C2SP tlog-checkpoint), tiles, proofs.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

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
};

class Audit {
 public:
  // Refuses with code `rolled_back` or `forked` when the log is smaller than, or inconsistent with,
  // what was signed: the caller must not append to it.
  static Task<Result<std::unique_ptr<Audit>>> open(store::Journal& journal, const Clock& clock,
                                                   AuditOptions options);
  ~Audit();

  const std::string& origin() const;
  std::string vkey() const;  // C2SP note verifier key
  // Signs when the tree has grown (at most once a second) or the heartbeat is due. Compare-and-set,
  // never re-signs.
  Task<Result<bool>> tick();
  std::string checkpoint() const;  // the latest signed note; covers size signed_size()
  std::uint64_t signed_size() const;

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
  explicit Audit(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keyturn::audit
