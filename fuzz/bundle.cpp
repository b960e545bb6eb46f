// An evidence bundle from anywhere never crashes the verifier, and is never found intact without
// the key's signature.
#include "ledger/verify.h"
#include "require.h"

using namespace keyturn;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static ledger::Ed25519Signer signer("log",
                                      crypto::Ed25519Key::from_seed(Secret(std::string(32, 's'))));
  const ledger::VerifyOptions options{.key = signer.verifier()};
  fuzz::require(ledger::verify_bundle_text(text, options).verdict != ledger::Verdict::kIntact);

  // Behind the signature, too: the same bytes as what a good checkpoint of a small tree goes with.
  auto bundle = ledger::parse_bundle(text);
  if (!bundle) return 0;
  ledger::MemoryTree tree;
  for (int i = 0; i < 6; ++i) tree.append("{}");
  bundle->checkpoint = ledger::sign_checkpoint({"log", 6, tree.root(6), {}}, signer).value();
  (void)ledger::to_text(ledger::verify_bundle(*bundle, options));
  return 0;
}
