// Notes, checkpoints and verifier keys: what is read is written back byte for byte; nothing
// unsigned is believed.
#include "ledger/checkpoint.h"

#include "ledger/proof_text.h"
#include "require.h"

using namespace keyturn;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto note = ledger::parse_note(bytes)) {
    fuzz::require(ledger::write_note(*note) == bytes);
  }
  if (const auto checkpoint = ledger::parse_checkpoint_text(bytes)) {
    fuzz::require(ledger::checkpoint_text(*checkpoint) == bytes);
  }
  if (const auto proof = ledger::parse_tlog_proof(bytes)) {
    fuzz::require(ledger::write_tlog_proof(*proof) == bytes);
  }
  if (const auto request = ledger::parse_witness_request(bytes)) {
    fuzz::require(ledger::write_witness_request(*request) == bytes);
  }
  if (const auto key = ledger::parse_vkey(bytes)) fuzz::require(key->text() == bytes);
  static const ledger::VerifierKey kKey{
      "log", ledger::KeyType::kEd25519,
      crypto::Ed25519Key::from_seed(Secret(std::string(32, 's'))).public_key()};
  fuzz::require(!ledger::open_checkpoint(bytes, kKey));
  return 0;
}
