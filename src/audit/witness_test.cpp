#include "audit/witness.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>

#include "audit/cosigning.h"
#include "ledger/checkpoint.h"

using namespace keyturn;
using namespace keyturn::audit;

namespace {

class Folder {
 public:
  Folder() { REQUIRE(mkdtemp(path_.data()) != nullptr); }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/keyturn-witness-XXXXXX";
};

class StoppedClock final : public Clock {
 public:
  Time now() const override { return Time(std::chrono::milliseconds(1'700'000'000'000)); }
};

// A log that can be told two histories.
class Log {
 public:
  explicit Log(std::string name, char seed = 'L')
      : signer_(std::move(name), crypto::Ed25519Key::from_seed(Secret(std::string(32, seed)))) {}

  void grow(std::uint64_t to, const std::string& what = "entry ") {
    for (; size_ < to; ++size_) tree_.append(what + std::to_string(size_));
  }
  std::string note() {
    const Digest root = ledger::tree_root(tree_, size_).value();
    return ledger::sign_checkpoint({key().name, size_, root, {}}, signer_).value();
  }
  std::string submission(std::uint64_t old_size) {
    std::vector<Digest> proof;
    if (old_size > 0 && old_size < size_)
      proof = ledger::consistency_proof(tree_, old_size, size_).value();
    return add_checkpoint_body(old_size, proof, note());
  }
  const ledger::VerifierKey& key() const { return signer_.verifier(); }

 private:
  ledger::Ed25519Signer signer_;
  ledger::MemoryTree tree_;
  std::uint64_t size_ = 0;
};

std::unique_ptr<WitnessService> witness(const Folder& folder, const Log& log) {
  static const StoppedClock clock;
  auto opened = WitnessService::open(folder.path(), "witness.example", Secret(std::string(32, 'W')),
                                     {log.key()}, clock);
  REQUIRE(opened.has_value());
  return std::move(*opened);
}

}  // namespace

TEST_CASE("a witness cosigns what only grew, and its line verifies with its key") {
  const Folder folder;
  Log log("log.example");
  const auto service = witness(folder, log);
  std::uint64_t old_size = 0;
  for (const std::uint64_t size : {1ULL, 2ULL, 255ULL, 256ULL, 700ULL}) {
    log.grow(size);
    const WitnessReply reply = service->add_checkpoint(log.submission(old_size));
    REQUIRE(reply.status == 200);
    const auto note = ledger::parse_note(log.note() + reply.body);
    REQUIRE(note.has_value());
    std::uint64_t seen = 0;
    CHECK(ledger::check_signature(*note, service->key(), &seen) == ledger::SignatureCheck::kValid);
    CHECK(seen == 1'700'000'000);
    old_size = size;
  }
  CHECK_MESSAGE(service->add_checkpoint(log.submission(old_size)).status == 200,
                "the same once more is no second history");
}

TEST_CASE("what a witness refuses, and how it says so") {
  const Folder folder;
  Log log("log.example"), unknown("another.example"), forged("log.example", 'X');
  const auto service = witness(folder, log);
  log.grow(300);
  unknown.grow(3);
  forged.grow(400);
  REQUIRE(service->add_checkpoint(log.submission(0)).status == 200);
  log.grow(310);

  const auto status = [&](const std::string& body) { return service->add_checkpoint(body).status; };
  CHECK(status("") == 400);
  CHECK(status("old x\n\n" + log.note()) == 400);
  CHECK(status("old 0300\n\n" + log.note()) == 400);
  CHECK(status("old 300\nnot base64\n\n" + log.note()) == 400);
  CHECK(status("old 300\n" + log.note()) == 400);
  CHECK_MESSAGE(status("old 311\n\n" + log.note()) == 400, "beyond the checkpoint");
  CHECK(status(std::string(70'000, 'x')) == 400);
  CHECK(status(unknown.submission(0)) == 404);
  CHECK_MESSAGE(status(forged.submission(300)) == 403, "of the log's name, by another key");
  const WitnessReply conflict = service->add_checkpoint(log.submission(299));
  CHECK(conflict.status == 409);
  CHECK(conflict.body == "300\n");
  CHECK(conflict.content_type == "text/x.tlog.size");
  CHECK(status(add_checkpoint_body(300, {}, log.note())) == 422);
  CHECK(status(add_checkpoint_body(300, {Digest{}, Digest{}}, log.note())) == 422);
  CHECK_MESSAGE(status(log.submission(300)) == 200, "nothing of that changed what it knows");
}

TEST_CASE("a witness cosigns one history only, also after a restart") {
  const Folder folder;
  Log honest("log.example"), other("log.example");
  honest.grow(100);
  other.grow(99);
  other.grow(100, "a different entry ");
  REQUIRE(witness(folder, honest)->add_checkpoint(honest.submission(0)).status == 200);

  const auto again = witness(folder, honest);
  CHECK_MESSAGE(again->add_checkpoint(other.submission(0)).status == 409, "as if it were new");
  CHECK_MESSAGE(again->add_checkpoint(other.submission(100)).status == 409, "of the same size");
  other.grow(150, "more of it ");
  CHECK_MESSAGE(again->add_checkpoint(other.submission(100)).status == 422, "grown from the fork");
  honest.grow(150);
  CHECK(again->add_checkpoint(honest.submission(100)).status == 200);
}

TEST_CASE("a witness that cannot keep what it signs signs nothing") {
  Log log("log.example");
  log.grow(5);
  std::unique_ptr<WitnessService> service;
  {
    const Folder folder;
    service = witness(folder, log);
  }
  CHECK(service->add_checkpoint(log.submission(0)).status == 500);
  CHECK_MESSAGE(service->add_checkpoint(log.submission(5)).status == 409, "it has still seen none");
}
