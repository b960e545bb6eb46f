// The data folder: its lock, and the keys that everything durable hangs on.
//
//   DATA/lock              held by flock(2) while a process uses the folder; says which
//   DATA/keys/ledger.key   32 bytes, hex: the seed of the key that signs checkpoints
//   DATA/keys/master.key   32 bytes, hex: wraps the keys of private parts
//   DATA/keys/hmac.key     32 bytes, hex: keyed fingerprints
//   DATA/journal.db, DATA/read.db
#pragma once

#include <string>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace keyturn::store::sqlite {

class DataDir {
 public:
  // Makes the folder (0700) and its keys (0600), durably, and opens it. Codes: already_initialised
  // (a key is there; nothing was changed), data_dir_unusable, data_dir_locked.
  [[nodiscard]] static Result<DataDir> create(const std::string& path, Random& random);

  // Takes the lock and reads the keys. Codes: not_initialised, data_dir_locked (by which process),
  // insecure_permissions (others can read a key or the folder), bad_key, data_dir_unusable.
  [[nodiscard]] static Result<DataDir> open(const std::string& path);

  // Reads the keys without taking the lock: for who only reads, beside a server or without one.
  // Codes: as open(), but never data_dir_locked.
  [[nodiscard]] static Result<DataDir> look(const std::string& path);

  DataDir(DataDir&& other) noexcept;
  DataDir& operator=(DataDir&& other) noexcept;
  ~DataDir();  // gives the lock back

  const std::string& path() const { return path_; }
  std::string journal_path() const { return path_ + "/journal.db"; }
  std::string read_model_path() const { return path_ + "/read.db"; }
  const Secret& ledger_seed() const { return ledger_seed_; }
  const Secret& master_key() const { return master_key_; }
  const Secret& hmac_key() const { return hmac_key_; }

 private:
  DataDir() = default;
  std::string path_;
  int lock_ = -1;
  Secret ledger_seed_, master_key_, hmac_key_;
};

}  // namespace keyturn::store::sqlite
