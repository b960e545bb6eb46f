#include "ledger/verify.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>

#include "crypto/crypto.h"
#include "doc/json.h"
#include "ledger/erasure.h"
#include "ledger/passkey_signature.h"

using namespace keyturn;
using namespace keyturn::ledger;

namespace {

constexpr const char* kOrigin = "log.example/test";

doc::Value erased(std::string_view entries) {
  return doc::object({{"type", "payload.erased"},
                      {"erased", doc::object({{"entries", *doc::parse_json(entries)},
                                              {"authorised_by", "act_1"}})}});
}

// A small log with a few interleaved streams, written as the store writes it.
struct Log {
  std::vector<std::string> leaves;
  MemoryTree tree;
  std::map<std::string, std::pair<int, Digest>> heads;
  Ed25519Signer signer{kOrigin, crypto::Ed25519Key::from_seed(Secret(std::string(32, 's')))};

  void append(const std::string& stream, doc::Value more = doc::Value(doc::Object{})) {
    auto& [position, hash] = heads[stream];
    more.set("prev", position == 0 ? "" : to_hex(view(hash)));
    more.set("position", ++position);
    more.set("stream", stream);
    if (more.text("type").empty()) more.set("type", "action.decided");
    leaves.push_back(doc::canonical_or_die(more));
    hash = leaf_hash(leaves.back());
    tree.append(leaves.back());
  }
  void grow(std::size_t size) {
    while (leaves.size() < size) append("action/" + std::to_string(leaves.size() % 7));
  }
  std::string checkpoint(std::uint64_t size) {
    return sign_checkpoint({kOrigin, size, tree.root(size), {}}, signer).value();
  }
  Bundle bundle(std::size_t from, std::size_t to, std::size_t size) {
    Bundle out;
    out.checkpoint = checkpoint(size);
    out.from = from;
    for (std::size_t i = from; i < to; ++i) out.entries.push_back(leaves[i]);
    REQUIRE(prove_bundle(out, tree, size));
    return out;
  }
  VerifyOptions options() { return {.key = signer.verifier()}; }
  ResourceReader served(std::uint64_t size) {
    return [this, size](const std::string& path) -> Result<std::string> {
      if (path == "checkpoint") return checkpoint(size);
      const Tile tile = *parse_tile_path(path);
      if (!tile.entries) return hash_tile(tree, tile);
      const auto begin = leaves.begin() + static_cast<std::ptrdiff_t>(tile.index * kTileWidth);
      return encode_entries({begin, begin + tile.width});
    };
  }
};

}  // namespace

TEST_CASE("every range of a log verifies, also after writing and reading") {
  Log log;
  log.grow(40);
  for (std::size_t size = 0; size <= 40; size += 3) {
    for (std::size_t from = 0; from <= size; from += 4) {
      for (std::size_t to = from; to <= size; to += 5) {
        const Bundle bundle = log.bundle(from, to, size);
        const Report report = verify_bundle_text(write_bundle(bundle), log.options());
        CAPTURE(to_text(report));
        REQUIRE(report.verdict == Verdict::kIntact);
        REQUIRE(report.from == from);
        REQUIRE(report.to == to);
      }
    }
  }
}

TEST_CASE("every change of one bit of an entry is found, and its index named") {
  Log log;
  log.grow(9);
  const Bundle good = log.bundle(2, 7, 9);
  for (std::size_t i = 0; i < good.entries.size(); ++i) {
    for (std::size_t bit = 0; bit < good.entries[i].size() * 8; ++bit) {
      Bundle bad = good;
      bad.entries[i][bit / 8] = static_cast<char>(bad.entries[i][bit / 8] ^ (1 << bit % 8));
      const Report report = verify_bundle(bad, log.options());
      REQUIRE(report.verdict == Verdict::kTampered);
      REQUIRE(report.first_bad_index == i + 2);
    }
  }
}

TEST_CASE("every other change is refused too") {
  Log log;
  log.grow(9);
  const Bundle good = log.bundle(2, 7, 9);
  const auto verdict = [&](auto change) {
    Bundle bad = good;
    change(bad);
    return verify_bundle(bad, log.options()).verdict;
  };
  for (std::size_t bit = 0; bit < 256; ++bit) {
    const auto flip = [bit](Digest& d) {
      d[bit / 8] = static_cast<std::uint8_t>(d[bit / 8] ^ (1U << bit % 8));
    };
    CHECK(verdict([&](Bundle& b) { flip(b.leaf_hashes[1]); }) == Verdict::kTampered);
    CHECK(verdict([&](Bundle& b) { flip(b.before[0]); }) == Verdict::kTampered);
    CHECK(verdict([&](Bundle& b) { flip(b.after[0]); }) == Verdict::kTampered);
  }
  CHECK(verdict([](Bundle& b) { std::swap(b.entries[0], b.entries[1]); }) == Verdict::kTampered);
  CHECK(verdict([](Bundle& b) {
          std::swap(b.entries[0], b.entries[1]);
          std::swap(b.leaf_hashes[0], b.leaf_hashes[1]);
        }) == Verdict::kTampered);
  CHECK(verdict([](Bundle& b) { b.from = 3; }) != Verdict::kIntact);
  CHECK(verdict([](Bundle& b) { b.from = UINT64_MAX; }) == Verdict::kTampered);
  CHECK(verdict([](Bundle& b) { b.entries.pop_back(); }) == Verdict::kIncomplete);
  CHECK(verdict([](Bundle& b) {
          b.entries.pop_back();
          b.leaf_hashes.pop_back();
        }) != Verdict::kIntact);
  CHECK(verdict([](Bundle& b) { b.after.clear(); }) == Verdict::kIncomplete);
  CHECK(verdict([](Bundle& b) { b.checkpoint.clear(); }) == Verdict::kIncomplete);
  CHECK(verdict([](Bundle& b) { b.checkpoint[b.checkpoint.size() - 30] ^= 1; }) !=
        Verdict::kIntact);
  CHECK(verdict([&](Bundle& b) { b.checkpoint = log.checkpoint(8); }) != Verdict::kIntact);
  const std::size_t size_at = good.checkpoint.find("\n9\n") + 1;
  CHECK(verdict([&](Bundle& b) { b.checkpoint[size_at] = '8'; }) == Verdict::kTampered);
}

TEST_CASE("the key is the caller's: another key or origin is not believed") {
  Log log;
  log.grow(5);
  const Bundle bundle = log.bundle(0, 5, 5);
  Ed25519Signer other(kOrigin, crypto::Ed25519Key::from_seed(Secret(std::string(32, 'x'))));
  CHECK(exit_code(verify_bundle(bundle, {.key = other.verifier()}).verdict) == 3);
  Ed25519Signer renamed("log.example/other",
                        crypto::Ed25519Key::from_seed(Secret(std::string(32, 's'))));
  CHECK(exit_code(verify_bundle(bundle, {.key = renamed.verifier()}).verdict) == 3);
}

TEST_CASE("a log that a dishonest operator signed must still chain its streams") {
  const auto verify = [](const std::function<void(Log&)>& write) {
    Log log;
    write(log);
    return verify_bundle(log.bundle(0, log.leaves.size(), log.leaves.size()), log.options());
  };
  CHECK(verify([](Log& log) { log.grow(20); }).streams == 7);
  const Report gap = verify([](Log& log) {
    log.grow(8);
    log.heads["action/1"].first++;
    log.grow(10);
  });
  CHECK(gap.verdict == Verdict::kTampered);
  CHECK(gap.first_bad_index == 8);
  const Report other_past = verify([](Log& log) {
    log.grow(8);
    log.heads["action/2"].second = leaf_hash("another past");
    log.grow(12);
  });
  CHECK(other_past.first_bad_index == 9);
  const Report headless = verify([](Log& log) {
    log.heads["action/3"].first = 4;
    log.grow(5);
  });
  CHECK(headless.first_bad_index == 3);
  for (const char* leaf :
       {"", "x", "[]", "{}", "{\"stream\":\"a\",\"position\":0,\"prev\":\"\"}",
        "{\"stream\":\"a\",\"position\":1}", "{\"stream\":\"a\",\"position\":1,\"prev\":\"00\"}"}) {
    CHECK(verify([&](Log& log) {
            log.leaves.emplace_back(leaf);
            log.tree.append(leaf);
          }).first_bad_index == 0);
  }
}

TEST_CASE("an older checkpoint is held against the log") {
  Log log;
  log.grow(30);
  VerifyOptions options = log.options();
  options.since = log.checkpoint(12);
  CHECK(verify_bundle(log.bundle(0, 30, 30), options).verdict == Verdict::kIntact);
  CHECK(verify_bundle(log.bundle(0, 15, 30), options).verdict == Verdict::kIntact);
  CHECK(verify_bundle(log.bundle(20, 30, 30), options).verdict == Verdict::kIncomplete);
  Bundle stepped = log.bundle(20, 30, 30);
  stepped.consistency.push_back({12, consistency_proof(log.tree, 12, 30).value()});
  CHECK(verify_bundle_text(write_bundle(stepped), options).verdict == Verdict::kIntact);
  stepped.consistency[0].proof[0][0] ^= 1;
  CHECK(verify_bundle(stepped, options).verdict == Verdict::kTampered);
  CHECK(verify_bundle(log.bundle(0, 10, 10), options).verdict ==
        Verdict::kTampered);  // rolled back

  Log rewritten;
  rewritten.append("action/other");
  rewritten.grow(30);
  CHECK(verify_bundle(rewritten.bundle(0, 30, 30), options).verdict == Verdict::kTampered);
  options.since = "nonsense";
  CHECK(verify_bundle(log.bundle(0, 30, 30), options).verdict == Verdict::kIncomplete);
}

TEST_CASE("witnesses that are asked for must have cosigned") {
  Log log;
  log.grow(3);
  const auto key = crypto::Ed25519Key::from_seed(Secret(std::string(32, 'w')));
  VerifyOptions options = log.options();
  options.witnesses.push_back({"witness.example", KeyType::kCosignature, key.public_key()});
  Bundle bundle = log.bundle(0, 3, 3);
  CHECK(verify_bundle(bundle, options).verdict == Verdict::kIncomplete);
  Note note = parse_note(bundle.checkpoint).value();
  note.signatures.push_back(cosign(key, "witness.example", note.text, 1'700'000'000));
  bundle.checkpoint = write_note(note);
  CHECK(verify_bundle(bundle, options).verdict == Verdict::kIntact);
  note.signatures[1].bytes[20] ^= 1;
  bundle.checkpoint = write_note(note);
  CHECK(verify_bundle(bundle, options).verdict == Verdict::kTampered);
}

TEST_CASE("private parts are checked, erased ones are named, attachments are bound by digest") {
  Log log;
  const std::string nonce(32, 'n');
  const std::string policy = "allow: nothing";
  log.append("a", doc::object({{"private", to_hex(view(crypto::commit_payload(nonce, "{}")))}}));
  log.append("b", doc::object({{"private", to_hex(view(crypto::commit_payload(nonce, "[]")))}}));
  log.append("c", erased("[[1,1]]"));
  log.append("d", doc::object({{"policy", crypto::sha256_text(policy)}}));
  Bundle bundle = log.bundle(0, 4, 4);
  bundle.revealed.push_back({0, nonce, "{}"});
  bundle.erased.push_back({1, 2});
  bundle.attachments.push_back({"policy.yaml", "application/yaml", policy});
  bundle.attachments.push_back({"letter", "text/plain", "\xff"});
  const Report report = verify_bundle_text(write_bundle(bundle), log.options());
  CHECK(report.verdict == Verdict::kIntact);
  const std::string text = to_text(report);
  CHECK(text.find("INTACT") == 0);
  CHECK(text.find("entry 1: ERASED (leaf 2 authorises)") != std::string::npos);
  CHECK(text.find("entry 3: attachment \"policy.yaml\" is what this entry names") !=
        std::string::npos);
  CHECK(text.find("attachment \"letter\" is named by no entry") != std::string::npos);
  CHECK(text.find("does not prove that what an entry says was true") != std::string::npos);
  CHECK(to_value(report).text("verdict") == "intact");

  Bundle other = bundle;
  other.revealed[0].payload = "{\"a\":1}";
  CHECK(verify_bundle(other, log.options()).first_bad_index == 0);
  other = bundle;
  other.erased[0].authorised_by = 3;
  CHECK(exit_code(verify_bundle(other, log.options()).verdict) == 3);
  other = bundle;  // an entry that the erasure does not name
  other.erased[0].index = 0;
  CHECK(exit_code(verify_bundle(other, log.options()).verdict) == 3);
}

TEST_CASE("an erasure outside of the range comes with its proof, and is believed with it only") {
  Log log;
  log.append("a", doc::object({{"private", std::string(64, 'a')}}));
  log.append("a", erased("[[0,0]]"));
  log.append("b", doc::object({{"x", 1}}));
  const std::string leaf = log.leaves[1];
  Bundle bundle = log.bundle(0, 1, 3);
  bundle.erased.push_back({0, 1, leaf, *inclusion_proof(log.tree, 1, 3)});
  const Report report = verify_bundle_text(write_bundle(bundle), log.options());
  CHECK(report.verdict == Verdict::kIntact);
  CHECK(to_text(report).find("ERASED (leaf 1 authorises)") != std::string::npos);
  const auto code = [&](const Bundle& one) {
    return exit_code(verify_bundle(one, log.options()).verdict);
  };
  Bundle other = bundle;
  other.erased[0].proof[0][0] ^= 1;
  CHECK(code(other) == 3);
  other = bundle;
  other.erased[0].entry->back() = ' ';
  CHECK(code(other) == 3);
  other = bundle;
  other.erased[0].entry.reset();
  CHECK(code(other) == 3);
}

TEST_CASE("an erasure names what came before it, in order, and by whom") {
  const auto reads = [](std::string_view erased, std::uint64_t index = 10) {
    return read_erasure("{\"type\":\"payload.erased\",\"erased\":" + std::string(erased) + "}",
                        index)
        .has_value();
  };
  CHECK(reads(R"({"authorised_by":"act_1","entries":[[1,3],[5,5]]})"));
  for (const char* bad :
       {R"({"authorised_by":"act_1","entries":[]})", R"({"authorised_by":"act_1"})",
        R"({"entries":[[1,3]]})", R"({"authorised_by":"act_1","entries":[[3,1]]})",
        R"({"authorised_by":"act_1","entries":[[1,10]]})",
        R"({"authorised_by":"act_1","entries":[[1,3],[3,4]]})",
        R"({"authorised_by":"act_1","entries":[[1]]})",
        R"({"authorised_by":"act_1","entries":[1]})",
        R"({"authorised_by":"act_1","entries":[[-1,3]]})", "null", "[]"}) {
    CAPTURE(bad);
    CHECK(!reads(bad));
  }
  CHECK(!read_erasure(R"({"type":"other","erased":{"authorised_by":"a","entries":[[1,1]]}})", 9));
}

TEST_CASE("a bundle that cannot be read is incomplete, never intact") {
  Log log;
  log.grow(5);
  const std::string good = write_bundle(log.bundle(1, 4, 5));
  CHECK(verify_bundle_text("", log.options()).verdict == Verdict::kIncomplete);
  CHECK(verify_bundle_text("{}", log.options()).verdict == Verdict::kIncomplete);
  CHECK(verify_bundle_text(good.substr(0, good.size() / 2), log.options()).verdict ==
        Verdict::kIncomplete);
  CHECK(rc::check("a changed byte is never both unnoticed and harmful", [&] {
    std::string bad = good;
    const auto at = *rc::gen::inRange<std::size_t>(0, bad.size());
    bad[at] = static_cast<char>(bad[at] ^ *rc::gen::inRange(1, 256));
    const auto before = parse_bundle(good);
    const auto after = parse_bundle(bad);
    if (verify_bundle_text(bad, log.options()).verdict == Verdict::kIntact) {
      RC_ASSERT(after->entries == before->entries);
      RC_ASSERT(after->from == before->from);
    }
  }));
}

TEST_CASE("a served log verifies, and any changed resource is found") {
  Log log;
  log.grow(600);
  for (const std::uint64_t size : {0ULL, 1ULL, 255ULL, 256ULL, 257ULL, 600ULL}) {
    const Report report = verify_log(log.served(size), log.options());
    CAPTURE(to_text(report));
    CHECK(report.verdict == Verdict::kIntact);
    CHECK(report.to == size);
  }
  const auto with_change = [&](const std::string& path, std::size_t at) {
    const ResourceReader good = log.served(600);
    return verify_log(
        [&](const std::string& p) -> Result<std::string> {
          auto bytes = good(p);
          if (p == path) (*bytes)[at] ^= 1;
          return bytes;
        },
        log.options());
  };
  CHECK(with_change("tile/0/001", 40).first_bad_index == 257);
  CHECK(with_change("tile/1/000.p/2", 0).verdict == Verdict::kTampered);
  CHECK(with_change("tile/entries/002.p/88", 3).first_bad_index == 512);
  CHECK(with_change("tile/entries/002.p/88", 0).verdict == Verdict::kTampered);
  CHECK(with_change("checkpoint", 3).verdict != Verdict::kIntact);
  const Report lost = verify_log(
      [&](const std::string& p) -> Result<std::string> {
        if (p.starts_with("tile/entries/001")) return refuse("not_found", p + " is missing");
        return log.served(600)(p);
      },
      log.options());
  CHECK(lost.verdict == Verdict::kIncomplete);
}

namespace {

// A vote by a passkey with an Ed25519 key (COSE -8), as identity/ and review/ write it.
struct PasskeyVote {
  crypto::Ed25519Key key = crypto::Ed25519Key::from_seed(Secret(std::string(32, 'p')));
  std::string reviewer = "bob", decision = "approve", digest = "sha256:case", action = "act_1";
  std::string said_by = "bob";  // in the text that was signed
  char flags = 0x05;            // present, verified
  std::string type = "webauthn.get";

  doc::Value added() const {
    return doc::object(
        {{"type", "identity.credential_added"},
         {"credential", doc::object({{"id", "cred"},
                                     {"person", "bob"},
                                     {"algorithm", -8},
                                     {"public_key", to_base64url(key.public_key())}})}});
  }
  doc::Value voted() const {
    const std::string signed_text = doc::canonical_or_die(doc::object({{"v", 1},
                                                                       {"action", action},
                                                                       {"digest", "sha256:case"},
                                                                       {"decision", "approve"},
                                                                       {"reviewer", said_by}}));
    const Digest challenge = crypto::sha256("keyturn/v1/vote\n" + signed_text);
    const std::string client = doc::write_json(
        doc::object({{"type", type}, {"challenge", to_base64url(view(challenge))}}));
    const std::string data = std::string(32, 'r') + flags + std::string(4, '\0');
    const Digest client_hash = crypto::sha256(client);
    return doc::object(
        {{"type", "review.voted"},
         {"vote",
          doc::object({{"reviewer", reviewer},
                       {"decision", decision},
                       {"digest", digest},
                       {"assertion",
                        doc::object({{"credential", "cred"},
                                     {"algorithm", -8},
                                     {"public_key", to_base64url(key.public_key())},
                                     {"authenticator_data", to_base64url(data)},
                                     {"client_data_json", to_base64url(client)},
                                     {"signature", to_base64url(key.sign(
                                                       data + std::string(view(client_hash))))},
                                     {"signed", signed_text}})}})}});
  }
  Report report(bool registered = true, bool removed = false) const {
    Log log;
    if (registered) log.append("credential/cred", added());
    if (removed)
      log.append("credential/cred", doc::object({{"type", "identity.credential_removed"}}));
    log.append("action/act_1", voted());
    const auto size = static_cast<std::uint64_t>(log.leaves.size());
    return verify_bundle(log.bundle(0, size, size), log.options());
  }
};

bool says(const Report& report, std::string_view words) {
  return std::ranges::any_of(report.findings, [&](const Finding& finding) {
    return finding.message.find(words) != std::string::npos;
  });
}

}  // namespace

TEST_CASE("a vote by a passkey is verified with what the log alone holds") {
  const Report good = PasskeyVote{}.report();
  CHECK(good.verdict == Verdict::kIntact);
  CHECK(says(good, "1 votes by passkey verified"));

  const auto bad = [](const PasskeyVote& vote, std::string_view words, bool registered = true) {
    const Report report = vote.report(registered);
    INFO(to_text(report));
    CHECK(report.verdict == Verdict::kTampered);
    CHECK(says(report, words));
  };
  bad({.decision = "deny"}, "another vote than this entry says");
  bad({.digest = "sha256:other"}, "another vote than this entry says");
  bad({.reviewer = "carol"}, "another vote than this entry says");
  bad({.action = "act_2"}, "another vote than this entry says");
  bad({.reviewer = "carol", .said_by = "carol"}, "registered for another person");
  bad({.flags = 0x01}, "nobody was verified");
  bad({.type = "webauthn.create"}, "not those of an assertion");
  bad({}, "nobody registered its passkey", false);
}

TEST_CASE("a passkey that was removed signs nothing more") {
  const Report report = PasskeyVote{}.report(true, true);
  CHECK(report.verdict == Verdict::kTampered);
  CHECK(says(report, "its passkey was removed before"));
}

TEST_CASE("glass that was broken with a passkey is verified like a vote") {
  const crypto::Ed25519Key key = PasskeyVote{}.key;
  const auto opened = [&](const std::string& opener, const std::string& agent,
                          const std::string& domain = "keyturn/v1/statement") {
    const std::string text = doc::canonical_or_die(
        doc::object({{"v", 1},
                     {"person", "bob"},
                     {"statement",
                      doc::object({{"kind", "breakglass"}, {"agents", doc::array_of({"bot"})}})}}));
    const Digest challenge = crypto::sha256(domain + "\n" + text);
    const std::string client = doc::write_json(
        doc::object({{"type", "webauthn.get"}, {"challenge", to_base64url(view(challenge))}}));
    const std::string data = std::string(32, 'r') + '\x05' + std::string(4, '\0');
    const Digest hash = crypto::sha256(client);
    const doc::Value assertion =
        doc::object({{"credential", "cred"},
                     {"algorithm", -8},
                     {"public_key", to_base64url(key.public_key())},
                     {"authenticator_data", to_base64url(data)},
                     {"client_data_json", to_base64url(client)},
                     {"signature", to_base64url(key.sign(data + std::string(view(hash))))},
                     {"signed", text}});
    return doc::object({{"type", "breakglass.opened"},
                        {"emergency", doc::object({{"opener", opener},
                                                   {"agents", doc::array_of({agent})},
                                                   {"assertion", assertion}})}});
  };
  CHECK_FALSE(passkey_wrong(opened("bob", "bot")).has_value());
  CHECK(passkey_wrong(opened("carol", "bot")).has_value());
  CHECK(passkey_wrong(opened("bob", "bot2")).has_value());
  CHECK(passkey_wrong(opened("bob", "bot", "keyturn/v1/vote")).has_value());
  Log log;
  log.append("credential/cred", PasskeyVote{}.added());
  log.append("emergency/bg_1", opened("bob", "bot"));
  const Report good = verify_bundle(log.bundle(0, 2, 2), log.options());
  CHECK(good.verdict == Verdict::kIntact);
  CHECK(says(good, "1 statements by passkey verified"));
}

TEST_CASE("a passkey's signature that was changed does not verify") {
  doc::Value leaf = PasskeyVote{}.voted();
  leaf.set("stream", "action/act_1");
  CHECK_FALSE(passkey_wrong(leaf).has_value());
  for (const char* part : {"signature", "authenticator_data", "public_key", "client_data_json"}) {
    doc::Value changed = leaf;
    doc::Value vote = *changed.find("vote");
    doc::Value assertion = *vote.find("assertion");
    std::string bytes = *from_base64url(assertion.text(part));
    bytes[0] = static_cast<char>(bytes[0] ^ 1);
    assertion.set(part, to_base64url(bytes));
    vote.set("assertion", assertion);
    changed.set("vote", vote);
    CAPTURE(part);
    CHECK(passkey_wrong(changed).has_value());
  }
}
