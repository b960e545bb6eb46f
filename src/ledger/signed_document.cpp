#include "ledger/signed_document.h"

#include <algorithm>
#include <set>

#include "crypto/crypto.h"

namespace keyturn::ledger {
namespace {

std::unexpected<Refusal> other_document() {
  return refuse("other_document",
                "the signature is over another document; sign this one again: keyturn policy sign");
}

}  // namespace

std::string document_text(std::string_view kind, std::string_view bytes) {
  return "keyturn document v1\n" + std::string(kind) + "\n" + crypto::sha256_text(bytes) + "\n";
}

Result<std::string> sign_document(std::string_view kind, std::string_view bytes, NoteSigner& signer,
                                  const std::string& before) {
  Note note{document_text(kind, bytes), {}};
  if (!before.empty()) {
    Result<Note> there = parse_note(before);
    if (!there) return std::unexpected(there.error());
    if (there->text != note.text) return other_document();
    note.signatures = std::move(there->signatures);
  }
  Result<NoteSignature> line = signer.sign(note.text);
  if (!line) return std::unexpected(line.error());
  std::erase_if(note.signatures, [&](const NoteSignature& other) {
    return other.name == line->name && other.key_id == line->key_id;
  });
  note.signatures.push_back(std::move(*line));
  return write_note(note);
}

Result<void> check_document(std::string_view kind, std::string_view bytes, std::string_view text,
                            const std::vector<VerifierKey>& trusted, std::size_t needed) {
  Result<Note> note = parse_note(text);
  if (!note) return std::unexpected(note.error());
  if (note->text != document_text(kind, bytes)) return other_document();
  std::set<std::string> signed_by;  // keys, not names: one key under two names is one
  for (const VerifierKey& key : trusted) {
    if (key.type != KeyType::kEd25519) continue;
    const SignatureCheck found = check_signature(*note, key);
    if (found == SignatureCheck::kBad)
      return refuse("bad_signature", "the signature of " + key.name + " does not verify");
    if (found == SignatureCheck::kValid) signed_by.insert(key.public_key);
  }
  if (signed_by.size() >= needed) return {};
  return refuse("too_few_signatures", std::to_string(signed_by.size()) + " of " +
                                          std::to_string(needed) + " trusted signatures are there");
}

}  // namespace keyturn::ledger
