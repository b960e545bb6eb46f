// A vote that a passkey signed, checked by anybody: W3C WebAuthn Level 2 §7.2, as far as what a
// leaf holds can tell.
#pragma once

#include <optional>
#include <string>

#include "doc/value.h"

namespace keyturn::ledger {

// A leaf of type review.voted whose vote has an assertion. nullopt: the signature is by the key
// that the leaf names, over exactly this action, case digest, decision and reviewer, by somebody
// who was present and verified. Else why not.
std::optional<std::string> passkey_vote_wrong(const doc::Value& leaf);

}  // namespace keyturn::ledger
