// A witness (C2SP tlog-witness): cosigns a log's checkpoint when it is consistent with what it has
// cosigned before, and never two histories. It needs nothing of Keyturn's but this.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audit/signed_state.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "crypto/crypto.h"
#include "ledger/note.h"

namespace keyturn::audit {

struct WitnessReply {
  int status = 0;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
};

class WitnessService {
 public:
  // `folder` keeps, a file a log, the size and root that were cosigned last; the logs are known by
  // their keys, whose names are their origins. Codes: unreadable, malformed_key (two logs of one
  // name), invalid_name.
  static Result<std::unique_ptr<WitnessService>> open(std::string folder, std::string name,
                                                      const Secret& seed,
                                                      std::vector<ledger::VerifierKey> logs,
                                                      const Clock& clock);

  ledger::VerifierKey key() const;

  // POST /add-checkpoint: 200 with the cosignature; 400 malformed; 403 not signed by the log's key;
  // 404 a log that is not known; 409 with the size that it has; 422 not consistent; 500 its state
  // cannot be written. What was cosigned is durable before the answer.
  WitnessReply add_checkpoint(std::string_view body);

 private:
  struct Log {
    ledger::VerifierKey key;
    std::string path;
    SignedState last;
  };
  WitnessService(std::string name, const Secret& seed, const Clock& clock);
  WitnessReply advance(Log& log, std::uint64_t old_size, const std::vector<Digest>& proof,
                       std::string_view note);

  std::string name_;
  crypto::Ed25519Key secret_;
  const Clock& clock_;
  std::map<std::string, Log> logs_;  // by origin
};

}  // namespace keyturn::audit
