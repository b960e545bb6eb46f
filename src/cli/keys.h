// Verifier keys as words of a command line.
#pragma once

#include <string>

#include "ledger/note.h"

namespace keyturn::cli {

// A vkey, or the name of a file that holds one.
[[nodiscard]] Result<ledger::VerifierKey> key_of(const std::string& word);

}  // namespace keyturn::cli
