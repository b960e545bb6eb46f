#include "ledger/proof_text.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

using namespace keyturn;
using namespace keyturn::ledger;

namespace {
const std::string kHash = to_base64(std::string(32, 'h'));
Proof hashes(std::size_t count) {
  Proof out(count);
  for (Digest& hash : out) hash.fill('h');
  return out;
}
}  // namespace

TEST_CASE("tlog-proof is written as C2SP says, and read back") {
  const TlogProof plain{std::nullopt, 5, hashes(2), "note\n"};
  const std::string text =
      "c2sp.org/tlog-proof@v1\nindex 5\n" + kHash + "\n" + kHash + "\n\nnote\n";
  CHECK(write_tlog_proof(plain) == text);
  CHECK(write_tlog_proof({"hi", 0, {}, "note\n"}) ==
        "c2sp.org/tlog-proof@v1\nextra aGk=\nindex 0\n\nnote\n");
  const TlogProof read = parse_tlog_proof(text).value();
  CHECK(read.index == 5);
  CHECK(read.proof == plain.proof);
  CHECK(read.checkpoint == "note\n");
  for (const std::string& bad : {std::string(), std::string("c2sp.org/tlog-proof@v2\nindex 5\n\nx"),
                                 std::string("c2sp.org/tlog-proof@v1\n"),
                                 std::string("c2sp.org/tlog-proof@v1\nindex 05\n\nx"),
                                 std::string("c2sp.org/tlog-proof@v1\nindex -5\n\nx"),
                                 std::string("c2sp.org/tlog-proof@v1\nindex \n\nx"),
                                 std::string("c2sp.org/tlog-proof@v1\nindex 5\n"),
                                 std::string("c2sp.org/tlog-proof@v1\nindex 5\nAAAA\n\nx"),
                                 "c2sp.org/tlog-proof@v1\nindex 5\n" + kHash,
                                 std::string("c2sp.org/tlog-proof@v1\nextra !\nindex 5\n\nx")}) {
    CAPTURE(bad);
    CHECK(parse_tlog_proof(bad).error().code == "malformed_proof");
  }
}

TEST_CASE("a witness request is written as C2SP says, and read back") {
  const WitnessRequest request{20852014, hashes(63), "note\n"};
  const std::string text = write_witness_request(request);
  CHECK(text.starts_with("old 20852014\n" + kHash + "\n"));
  CHECK(parse_witness_request(text).value().proof.size() == 63);
  CHECK(write_witness_request({0, {}, "note\n"}) == "old 0\n\nnote\n");
  CHECK_FALSE(parse_witness_request(write_witness_request({1, hashes(64), "note\n"})));
  CHECK_FALSE(parse_witness_request("old 01\n\nx"));
  CHECK_FALSE(parse_witness_request("new 1\n\nx"));
}

TEST_CASE("what is read is what would be written") {
  CHECK(rc::check("both texts", [](const std::string& tail, std::uint64_t number) {
    for (const std::string& text :
         {"c2sp.org/tlog-proof@v1\nindex " + std::to_string(number) + tail,
          "old " + std::to_string(number) + tail, tail}) {
      if (const auto proof = parse_tlog_proof(text)) RC_ASSERT((write_tlog_proof(*proof) == text));
      if (const auto request = parse_witness_request(text)) {
        RC_ASSERT((write_witness_request(*request) == text));
      }
    }
  }));
}
