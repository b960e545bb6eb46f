// Asking witnesses to cosign a checkpoint (C2SP tlog-witness, tlog-cosignature): each promises that
// it has seen one history of the log only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "ledger/note.h"

namespace keyturn::audit {

struct WitnessAnswer {
  int status = 0;
  std::string body;
};

struct Witness {
  ledger::VerifierKey key;  // of type kCosignature
  // POSTs to the witness's add-checkpoint; whoever makes it bounds its time.
  std::function<Task<Result<WitnessAnswer>>(std::string body)> add_checkpoint;
};

// Hashes that prove the first `from` entries to be the beginning of the first `to`.
using ProveConsistency =
    std::function<Task<Result<std::vector<Digest>>>(std::uint64_t from, std::uint64_t to)>;

// One witness as the log knows it.
class Cosigner {
 public:
  Cosigner(Witness witness, ProveConsistency prove)
      : witness_(std::move(witness)), prove_(std::move(prove)) {}

  // Its cosignature of this checkpoint, verified. Codes: witness_refused (with what it said),
  // bad_cosignature, rolled_back (the witness has seen a longer log), and those of the transport.
  Task<Result<ledger::NoteSignature>> cosign(std::string note, std::uint64_t size);

  const ledger::VerifierKey& key() const { return witness_.key; }

 private:
  Task<Result<WitnessAnswer>> submit(std::string note, std::uint64_t size);

  Witness witness_;
  ProveConsistency prove_;
  std::uint64_t has_ = 0;  // the size that it cosigned last, as far as known
};

// The body of add-checkpoint.
std::string add_checkpoint_body(std::uint64_t old_size, const std::vector<Digest>& proof,
                                std::string_view note);

}  // namespace keyturn::audit
