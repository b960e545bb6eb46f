// Proofs and bundles out of what a log serves: over HTTP, from a folder, from a data folder. What
// is read is believed only where it hashes to the root that the checkpoint names; whether the right
// key signed that, the verifier says.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "ledger/bundle.h"
#include "ledger/checkpoint.h"
#include "ledger/proof_text.h"
#include "ledger/tile.h"

namespace keyturn::ledger {

// Of a signed note, without a look at who signed it. Codes: malformed_note, malformed_checkpoint.
[[nodiscard]] Result<Checkpoint> read_checkpoint(std::string_view note);

// The leaves [from, to) of a log of `size` leaves, by its entry bundles. Codes: the reader's,
// malformed_entries.
[[nodiscard]] Result<std::vector<std::string>> read_entries(const ResourceReader& resources,
                                                            std::uint64_t from, std::uint64_t to,
                                                            std::uint64_t size);

// Entry `index` and the proof that the log of `checkpoint` holds it, as a tlog-proof whose `extra`
// is the entry. Codes: the reader's, not_covered (the checkpoint is older than the entry),
// inconsistent (what is served does not hash to the checkpoint's root).
[[nodiscard]] Result<TlogProof> prove_entry(const ResourceReader& resources,
                                            const std::string& checkpoint, std::uint64_t index);

// The entries [from, to) with what proves that they are all there is in that range. `to` is at most
// the checkpoint's size. Codes: as above.
[[nodiscard]] Result<Bundle> read_bundle(const ResourceReader& resources,
                                         const std::string& checkpoint, std::uint64_t from,
                                         std::uint64_t to);

}  // namespace keyturn::ledger
