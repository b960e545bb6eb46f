// What a passkey signed, checked by anybody: W3C WebAuthn Level 2 §7.2, as far as what a leaf holds
// can tell.
#pragma once

#include <optional>
#include <string>

#include "doc/value.h"

namespace keyturn::ledger {

struct PasskeySigned {
  std::string what;  // "a vote with a passkey"
  std::string person, credential, public_key;
};

// Of a leaf of type review.voted or breakglass.opened that has an assertion; else nullopt.
std::optional<PasskeySigned> passkey_signed(const doc::Value& leaf);

// nullopt: the signature is by the key that the leaf names, over exactly this action, case digest,
// decision and reviewer (or these agents and this opener), by somebody who was present and
// verified. Else why not.
std::optional<std::string> passkey_wrong(const doc::Value& leaf);

}  // namespace keyturn::ledger
