// A configuration file and who answers for it: a C2SP signed note, kept beside the file as
// FILE.sig, whose text names the kind of the document and the digest of its bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ledger/note.h"

namespace keyturn::ledger {

// "keyturn document v1\nKIND\nsha256:…\n". `kind` is "policy", "tools", "identity", "credentials"
// or "runbook": a signature for one is none for the other.
std::string document_text(std::string_view kind, std::string_view bytes);

// The note that `signer` puts beside the document; `before`, a note over the same document, keeps
// its signatures. Codes: other_document (`before` is over something else), and those of the signer.
[[nodiscard]] Result<std::string> sign_document(std::string_view kind, std::string_view bytes,
                                                NoteSigner& signer, const std::string& before = {});

// Whether at least `needed` different keys have signed exactly these bytes. Codes: malformed_note,
// other_document, bad_signature (a line of a trusted key does not verify), too_few_signatures.
[[nodiscard]] Result<void> check_document(std::string_view kind, std::string_view bytes,
                                          std::string_view note,
                                          const std::vector<VerifierKey>& trusted,
                                          std::size_t needed);

}  // namespace keyturn::ledger
