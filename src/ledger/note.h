// C2SP signed-note: a text and the signatures of named keys under it. Ed25519 (type 0x01) and
// tlog-cosignature v1 (type 0x04: Ed25519 over the text and the time it was seen).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/crypto.h"

namespace keyturn::ledger {

enum class KeyType : std::uint8_t { kEd25519 = 1, kCosignature = 4 };

// Who may be believed: given by the caller, never taken from the log. Text form "name+hash+base64"
// (a vkey).
struct VerifierKey {
  std::string name;
  KeyType type = KeyType::kEd25519;
  std::string public_key;  // 32 bytes

  std::uint32_t id() const;  // first four bytes of SHA-256(name || "\n" || type || key)
  std::string text() const;
};
// Code: malformed_key (also when the hash does not belong to name and key).
[[nodiscard]] Result<VerifierKey> parse_vkey(std::string_view text);
// A name is not empty and has neither spaces nor "+".
bool valid_key_name(std::string_view name);

struct NoteSignature {
  std::string name;
  std::uint32_t key_id = 0;
  std::string bytes;  // what follows the key id
};

struct Note {
  std::string text;  // ends with a line break
  std::vector<NoteSignature> signatures;
};

std::string write_note(const Note& note);
// Code: malformed_note. At most 1 MiB and 100 signatures.
[[nodiscard]] Result<Note> parse_note(std::string_view bytes);

// Who signed it beside the log `origin`, as the lines say: nothing is verified.
std::vector<std::string> cosigner_names(std::string_view note, std::string_view origin);

enum class SignatureCheck : std::uint8_t {
  kValid,
  kAbsent,  // no line of this key
  kBad,     // a line that names this key, and does not verify
};
// Looks for the first line of `key`. `time` is set for a valid cosignature: seconds since the Unix
// epoch.
SignatureCheck check_signature(const Note& note, const VerifierKey& key,
                               std::uint64_t* time = nullptr);

// The port to a private key: a file's, or an HSM's.
class NoteSigner {
 public:
  virtual ~NoteSigner() = default;
  virtual const VerifierKey& verifier() const = 0;
  [[nodiscard]] virtual Result<NoteSignature> sign(std::string_view text) = 0;
};

class Ed25519Signer final : public NoteSigner {
 public:
  // Throws std::invalid_argument for a name that valid_key_name() refuses.
  Ed25519Signer(std::string name, crypto::Ed25519Key key);
  const VerifierKey& verifier() const override { return verifier_; }
  Result<NoteSignature> sign(std::string_view text) override;

 private:
  crypto::Ed25519Key key_;
  VerifierKey verifier_;
};

// The line that a witness adds (tlog-cosignature v1) at `unix_seconds`.
NoteSignature cosign(const crypto::Ed25519Key& key, const std::string& name, std::string_view text,
                     std::uint64_t unix_seconds);

}  // namespace keyturn::ledger
