#include "ledger/signed_document.h"

#include <doctest/doctest.h>

using namespace keyturn;
using namespace keyturn::ledger;

namespace {

Ed25519Signer signer(const std::string& name, char seed) {
  return {name, crypto::Ed25519Key::from_seed(Secret(std::string(32, seed)))};
}

const std::string kPolicy = "apiVersion: keyturn/v1\n";

}  // namespace

TEST_CASE("a document is believed for exactly its bytes, its kind and enough different keys") {
  Ed25519Signer ada = signer("ada.example", 'a'), bob = signer("bob.example", 'b');
  Ed25519Signer alias = signer("ada2.example", 'a'), eve = signer("eve.example", 'e');
  const std::string one = *sign_document("policy", kPolicy, ada);
  const std::string two = *sign_document("policy", kPolicy, bob, one);
  const std::string twice = *sign_document("policy", kPolicy, alias, one);
  const std::string stranger = *sign_document("policy", kPolicy, eve);
  const std::vector<VerifierKey> trusted{ada.verifier(), bob.verifier(), alias.verifier()};
  struct Row {
    std::string_view what, kind;
    std::string bytes, note;
    std::size_t needed;
    std::string_view code;  // "" good
  };
  for (const Row& row :
       {Row{"one of one", "policy", kPolicy, one, 1, ""},
        {"two of two", "policy", kPolicy, two, 2, ""},
        {"one of two", "policy", kPolicy, one, 2, "too_few_signatures"},
        {"one key under two names is one", "policy", kPolicy, twice, 2, "too_few_signatures"},
        {"a stranger", "policy", kPolicy, stranger, 1, "too_few_signatures"},
        {"another byte", "policy", kPolicy + " ", one, 1, "other_document"},
        {"another kind", "tools", kPolicy, one, 1, "other_document"},
        {"nothing", "policy", kPolicy, "", 1, "malformed_note"}}) {
    CAPTURE(row.what);
    const Result<void> checked = check_document(row.kind, row.bytes, row.note, trusted, row.needed);
    CHECK(checked.has_value() == row.code.empty());
    if (!checked) CHECK(checked.error().code == row.code);
  }
}

TEST_CASE("a changed signature is not an absent one") {
  Ed25519Signer ada = signer("ada.example", 'a');
  std::string note = *sign_document("policy", kPolicy, ada);
  char& digit = note[note.size() - 10];
  digit = digit == 'A' ? 'B' : 'A';
  const Result<void> checked = check_document("policy", kPolicy, note, {ada.verifier()}, 1);
  REQUIRE(!checked);
  CHECK(checked.error().code == "bad_signature");
}

TEST_CASE("signing again replaces one's own line, and another document's note is not added to") {
  Ed25519Signer ada = signer("ada.example", 'a');
  const std::string once = *sign_document("policy", kPolicy, ada);
  CHECK(*sign_document("policy", kPolicy, ada, once) == once);
  const Result<std::string> other = sign_document("policy", kPolicy + "#", ada, once);
  REQUIRE(!other);
  CHECK(other.error().code == "other_document");
}
