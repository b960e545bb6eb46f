#include "ledger/checkpoint.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "ledger/merkle.h"

using namespace keyturn;
using namespace keyturn::ledger;

namespace {

crypto::Ed25519Key key_of(char seed) {
  return crypto::Ed25519Key::from_seed(Secret(std::string(32, seed)));
}

}  // namespace

// The published example of Go's sumdb: golang.org's own key and a note that it signed.
TEST_CASE("a real verifier key and note are read") {
  const auto key =
      parse_vkey("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8");
  REQUIRE(key);
  CHECK(key->name == "sum.golang.org");
  CHECK(key->id() == 0x033de0ae);
  CHECK(key->text() == "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8");

  const auto peter =
      parse_vkey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
  REQUIRE(peter);
  const std::string note =
      "If you think cryptography is the answer to your problem,\n"
      "then you don't know what your problem is.\n"
      "\n"
      "\xE2\x80\x94 PeterNeumann "
      "x08go/ZJkuBS9UG/"
      "SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
  const auto parsed = parse_note(note);
  REQUIRE(parsed);
  CHECK(check_signature(*parsed, *peter) == SignatureCheck::kValid);
  CHECK(check_signature(*parsed, *key) == SignatureCheck::kAbsent);
  CHECK(write_note(*parsed) == note);
}

TEST_CASE("malformed verifier keys are refused") {
  const std::string good = Ed25519Signer("log.example", key_of('a')).verifier().text();
  CHECK(parse_vkey(good));
  for (const std::string& text :
       {std::string(), std::string("a"), std::string("a+b"), "x" + good, good + "A",
        good.substr(0, good.size() - 4), std::string("+00000000+AQ=="), std::string("a+zz+AQ==")}) {
    CAPTURE(text);
    CHECK(parse_vkey(text).error().code == "malformed_key");
  }
  for (const char* name : {"", "a b", "a+b", "a\nb",
                           "a\xC2\xA0"
                           "b",
                           "\xff", "a\x7f"}) {
    CHECK_FALSE(valid_key_name(name));
  }
  CHECK_THROWS(Ed25519Signer("a b", key_of('a')));
}

TEST_CASE("a signed checkpoint is believed only with the right key, and no bit of it can change") {
  Ed25519Signer signer("log.example/1", key_of('a'));
  const Checkpoint checkpoint{"log.example/1", 1234, leaf_hash("x"), {"extra line"}};
  const std::string note = sign_checkpoint(checkpoint, signer).value();
  CHECK(open_checkpoint(note, signer.verifier()).value() == checkpoint);

  Ed25519Signer other("log.example/1", key_of('b'));
  CHECK(open_checkpoint(note, other.verifier()).error().code == "untrusted");
  Ed25519Signer renamed("log.example/2", key_of('a'));
  CHECK(open_checkpoint(note, renamed.verifier()).error().code == "untrusted");
  const std::string foreign = sign_checkpoint(checkpoint, renamed).value();
  CHECK(open_checkpoint(foreign, renamed.verifier()).error().code == "wrong_origin");

  for (std::size_t bit = 0; bit < note.size() * 8; ++bit) {
    std::string changed = note;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    REQUIRE_FALSE(open_checkpoint(changed, signer.verifier()));
  }
}

TEST_CASE(
    "several signatures may stand; a bad line of the caller's key is refused, others do not "
    "matter") {
  Ed25519Signer log("log.example", key_of('a'));
  const auto witness = key_of('w');
  const Checkpoint checkpoint{"log.example", 7, leaf_hash("x"), {}};
  Note note = parse_note(sign_checkpoint(checkpoint, log).value()).value();
  note.signatures.push_back(cosign(witness, "witness.example", note.text, 1'700'000'000));
  note.signatures.push_back({"stranger", 1, "whatever"});
  const Note read = parse_note(write_note(note)).value();
  CHECK(open_checkpoint(write_note(note), log.verifier()));

  const VerifierKey witness_key{"witness.example", KeyType::kCosignature, witness.public_key()};
  std::uint64_t time = 0;
  CHECK(check_signature(read, witness_key, &time) == SignatureCheck::kValid);
  CHECK(time == 1'700'000'000);
  CHECK(parse_vkey(witness_key.text()).value().type == KeyType::kCosignature);

  Note late = read;
  late.signatures[1].bytes[7] = static_cast<char>(late.signatures[1].bytes[7] ^ 1);
  CHECK(check_signature(late, witness_key) == SignatureCheck::kBad);
  Note bad = read;
  bad.signatures.insert(bad.signatures.begin(),
                        {"log.example", log.verifier().id(), std::string(64, 'x')});
  CHECK(open_checkpoint(write_note(bad), log.verifier()).error().code == "bad_signature");
}

TEST_CASE("checkpoint texts are strict") {
  const std::string root = to_base64(std::string(32, 'r'));
  CHECK(parse_checkpoint_text("o\n0\n" + root + "\n"));
  CHECK(parse_checkpoint_text("o\n18446744073709551615\n" + root + "\nx\n"));
  for (const std::string& text :
       {std::string(), std::string("o\n"), "o\n1\n" + root, "\n1\n" + root + "\n",
        "o\n01\n" + root + "\n", "o\n-1\n" + root + "\n", "o\n+1\n" + root + "\n",
        "o\n1 \n" + root + "\n", "o\n\n" + root + "\n", "o\n18446744073709551616\n" + root + "\n",
        std::string("o\n1\nAAAA\n"), "o\n1\n" + root + "x\n", "o\n1\n" + root + "\n\n",
        "o\n1\n" + root + "\nx"}) {
    CAPTURE(text);
    CHECK(parse_checkpoint_text(text).error().code == "malformed_checkpoint");
  }
}

TEST_CASE("notes are strict, and nothing crashes the parser") {
  for (const char* text : {"", "a", "a\n", "a\n\n", "a\n\nx\n", "a\n\n\xE2\x80\x94 n AAAAAAA=",
                           "a\n\n\xE2\x80\x94 n AAAA\n", "a\r\n\n\xE2\x80\x94 n AAAAAAA=\n",
                           "a\n\n\xE2\x80\x94 n  AAAAAAA=\n", "a\n\n\xE2\x80\x94 AAAAAAA=\n",
                           "a\n\n\xE2\x80\x94 n AAAAAAA=\nx", "a\n\n\xE2\x80\x94 n+ AAAAAAA=\n",
                           "\xff\n\n\xE2\x80\x94 n AAAAAAA=\n"}) {
    CAPTURE(text);
    CHECK(parse_note(text).error().code == "malformed_note");
  }
  CHECK(parse_note("a\n\n\xE2\x80\x94 n AAAAAAA=\n"));
  std::string many = "a\n\n";
  for (int i = 0; i < 101; ++i) many += "\xE2\x80\x94 n AAAAAAA=\n";
  CHECK_FALSE(parse_note(many));
  CHECK(rc::check("arbitrary bytes", [](const std::string& bytes) {
    (void)parse_note(bytes);
    (void)parse_checkpoint_text(bytes);
    (void)parse_vkey(bytes);
  }));
}
