// Proofs as texts that travel: C2SP tlog-proof (one entry, offline) and the request of C2SP
// tlog-witness.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ledger/merkle.h"

namespace keyturn::ledger {

// "c2sp.org/tlog-proof@v1": the entry itself travels apart. `extra` is opaque and proves nothing.
struct TlogProof {
  std::optional<std::string> extra;
  std::uint64_t index = 0;
  Proof proof;
  std::string checkpoint;  // signed note, whole
};
std::string write_tlog_proof(const TlogProof& proof);
// Strict: what is read is what write_tlog_proof() writes. Code: malformed_proof. The checkpoint is
// not looked at.
[[nodiscard]] Result<TlogProof> parse_tlog_proof(std::string_view text);

// The body of POST /add-checkpoint: "old SIZE", the consistency proof from that size (at most 63
// hashes), a checkpoint.
struct WitnessRequest {
  std::uint64_t old_size = 0;
  Proof proof;
  std::string checkpoint;
};
std::string write_witness_request(const WitnessRequest& request);
[[nodiscard]] Result<WitnessRequest> parse_witness_request(std::string_view text);

}  // namespace keyturn::ledger
