// What is done to the ledger as a whole, offline, and in the ledger for ever: `keyturn ledger
// restart`, the way back when what was signed is lost, and `keyturn ledger rotate-key`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "server/settings.h"

namespace keyturn::server {

struct RestartRequest {
  std::string reason;
  std::vector<Secret> approvers;          // personal tokens; two administrators' once sealed
  std::optional<std::string> checkpoint;  // the newest that anybody kept, of this log
};

struct Restarted {
  std::string vkey;  // of the new epoch
  unsigned epoch = 0;
  std::uint64_t missing = 0;  // entries that were signed and are not here, as far as is known
};

// A new epoch of the log begins with the entries that there are; its first entry of its own,
// `ledger.restarted`, names the last checkpoint known and what is missing. The server is stopped.
// Codes: not_needed (the log is the one that was signed), two_people_needed, invalid_token, those
// of Core::open.
[[nodiscard]] Result<Restarted> restart_log(const Settings& settings, RestartRequest request);

struct Rotated {
  std::string vkey;             // of the new key; the log's name stays
  std::string last_checkpoint;  // by the old key, over the entry that names the new one
};

// A new key signs the ledger from now on. `key.rotated` names it, the old key signs that, and goes.
// Codes: two_people_needed, invalid_token, rolled_back, forked, unwritable, those of Core::open.
[[nodiscard]] Result<Rotated> rotate_key(const Settings& settings, RestartRequest request);

}  // namespace keyturn::server
