#include "ledger/verify.h"

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "doc/json.h"
#include "ledger/erasure.h"
#include "ledger/passkey_signature.h"
#include "ledger/stream_links.h"

namespace keyturn::ledger {
namespace {

class Verifier {
 public:
  Verifier(const Bundle& bundle, const VerifyOptions& options)
      : bundle_(bundle), options_(options) {}

  Report run() {
    report_.from = bundle_.from;
    report_.to = bundle_.from + bundle_.entries.size();
    if (check_checkpoint() && check_shape()) {
      check_witnesses();
      check_tree();
      check_streams();
      check_since();
      check_restarts();
      check_passkeys();
      check_payloads();
      check_attachments();
    }
    conclude();
    return std::move(report_);
  }

 private:
  void find(Verdict verdict, std::string message, std::optional<std::uint64_t> index = {}) {
    report_.findings.push_back({verdict, index, std::move(message)});
  }

  bool check_checkpoint() {
    auto opened = open_checkpoint(bundle_.checkpoint, options_.key);
    if (!opened) {
      find(opened.error().code == "bad_signature" ? Verdict::kTampered : Verdict::kIncomplete,
           opened.error().message);
      return false;
    }
    checkpoint_ = *std::move(opened);
    report_.origin = checkpoint_.origin;
    report_.size = checkpoint_.size;
    report_.root = to_hex(view(checkpoint_.root));
    return true;
  }

  // Whether there is as much of everything as the proof needs.
  bool check_shape() {
    if (bundle_.from > checkpoint_.size ||
        bundle_.entries.size() > checkpoint_.size - bundle_.from) {
      find(Verdict::kTampered, "there are entries beyond the end of the signed log",
           std::max(bundle_.from, checkpoint_.size));
      return false;
    }
    const BundleNodes nodes = bundle_nodes(report_.from, report_.to, checkpoint_.size);
    if (bundle_.leaf_hashes.size() != bundle_.entries.size()) {
      find(Verdict::kIncomplete, "there are " + std::to_string(bundle_.entries.size()) +
                                     " entries and " + std::to_string(bundle_.leaf_hashes.size()) +
                                     " leaf hashes");
      return false;
    }
    if (bundle_.before.size() != nodes.before.size() ||
        bundle_.after.size() != nodes.after.size()) {
      find(Verdict::kIncomplete,
           "the hashes of the rest of the tree do not fit entries " + std::to_string(report_.from) +
               " to " + std::to_string(report_.to) + " of " + std::to_string(checkpoint_.size));
      return false;
    }
    return true;
  }

  void check_witnesses() {
    const auto note = parse_note(bundle_.checkpoint);
    for (const VerifierKey& witness : options_.witnesses) {
      switch (check_signature(*note, witness)) {
        case SignatureCheck::kValid:
          find(Verdict::kIntact, "cosigned by " + witness.name);
          break;
        case SignatureCheck::kAbsent:
          find(Verdict::kIncomplete, "not cosigned by " + witness.name);
          break;
        case SignatureCheck::kBad:
          find(Verdict::kTampered, "the cosignature of " + witness.name + " does not verify");
          break;
      }
    }
  }

  Digest root_over(const std::vector<Digest>& leaves) const {
    const BundleNodes nodes = bundle_nodes(report_.from, report_.to, checkpoint_.size);
    Frontier frontier;
    for (std::size_t i = 0; i < nodes.before.size(); ++i) {
      frontier.append_subtree(nodes.before[i].level, bundle_.before[i]);
    }
    for (const Digest& leaf : leaves) frontier.append(leaf);
    for (std::size_t i = 0; i < nodes.after.size(); ++i) {
      frontier.append_subtree(nodes.after[i].level, bundle_.after[i]);
    }
    return frontier.root();
  }

  void check_tree() {
    hashes_.reserve(bundle_.entries.size());
    for (const std::string& entry : bundle_.entries) hashes_.push_back(leaf_hash(entry));
    const bool root_matches = root_over(hashes_) == checkpoint_.root;
    const auto [ours, theirs] = std::ranges::mismatch(hashes_, bundle_.leaf_hashes);
    const bool same = ours == hashes_.end();
    if (root_matches && same) return;

    const auto index = report_.from + static_cast<std::uint64_t>(ours - hashes_.begin());
    if (root_matches) {
      find(Verdict::kTampered, "its leaf hash was changed (the entry itself is intact)", index);
    } else if (same) {
      find(Verdict::kTampered,
           "the entries do not hash to the root that was signed; which one was changed, added or "
           "left out cannot be told");
    } else if (root_over(bundle_.leaf_hashes) == checkpoint_.root) {
      find(Verdict::kTampered, "the entry was changed: it is not what was signed", index);
    } else {
      find(Verdict::kTampered, "entries and leaf hashes were changed, the first one here or before",
           index);
    }
  }

  void check_streams() {
    StreamLinks links(bundle_.from == 0);
    for (std::size_t i = 0; i < bundle_.entries.size(); ++i) {
      if (auto wrong = links.add(bundle_.entries[i], hashes_[i])) {
        find(Verdict::kTampered, *std::move(wrong), report_.from + i);
        break;
      }
    }
    report_.streams = links.streams();
  }

  void check_since() {
    if (!options_.since) return;
    const auto old = open_checkpoint(*options_.since, options_.key);
    if (!old) {
      find(Verdict::kIncomplete, "the older checkpoint: " + old.error().message);
      return;
    }
    if (old->size > checkpoint_.size) {
      find(Verdict::kTampered, "the log had " + std::to_string(old->size) +
                                   " entries and now has " + std::to_string(checkpoint_.size) +
                                   ": it was rolled back");
      return;
    }
    const auto consistent = consistent_with(*old);
    if (!consistent) {
      find(Verdict::kIncomplete, "there is no proof from the older checkpoint, of " +
                                     std::to_string(old->size) + " entries, to this one");
    } else if (*consistent) {
      find(Verdict::kIntact,
           "nothing was changed since the checkpoint of " + std::to_string(old->size) + " entries");
    } else {
      find(Verdict::kTampered, "the log is not the one of the older checkpoint: its first " +
                                   std::to_string(old->size) + " entries were changed");
    }
  }

  // nullopt: the bundle cannot tell.
  std::optional<bool> consistent_with(const Checkpoint& old) const {
    if (bundle_.from == 0 && old.size <= hashes_.size()) {
      Frontier frontier;
      for (std::uint64_t i = 0; i < old.size; ++i) frontier.append(hashes_[i]);
      return frontier.root() == old.root;
    }
    if (old.size == checkpoint_.size) return old.root == checkpoint_.root;
    for (const ConsistencyStep& step : bundle_.consistency) {
      if (step.size != old.size) continue;
      return verify_consistency(old.size, old.root, checkpoint_.size, checkpoint_.root, step.proof);
    }
    return std::nullopt;
  }

  // The entry as JSON; null if it is not in this bundle or no JSON.
  doc::Value entry(std::uint64_t index) const {
    if (index < report_.from || index >= report_.to) return nullptr;
    constexpr doc::ParseLimits kLimits{.bytes_max = kLeafBytesMax, .depth_max = 256};
    return doc::parse_json(bundle_.entries[index - report_.from], kLimits).value_or(doc::Value());
  }

  static constexpr const char* kRemoved = "removed";

  static std::string_view last_part(std::string_view stream) {
    return stream.substr(stream.find('/') + 1);
  }

  // Whoever reads the log alone can tell that a person's own key agreed to exactly this.
  void check_passkeys() {
    std::map<std::string, std::string, std::less<>> registered;  // credential -> "PERSON KEY"
    std::size_t votes = 0, others = 0;
    for (std::size_t i = 0; i < bundle_.entries.size(); ++i) {
      const std::string& bytes = bundle_.entries[i];
      const bool registers = bytes.find("\"identity.credential_") != std::string::npos;
      if (!registers && bytes.find("\"assertion\":{") == std::string::npos) continue;
      const doc::Value leaf = entry(report_.from + i);
      const doc::Value* credential = leaf.find("credential");
      if (leaf.text("type") == "identity.credential_added" && credential != nullptr) {
        registered.insert_or_assign(std::string(credential->text("id")),
                                    std::string(credential->text("person")) + " " +
                                        std::string(credential->text("public_key")));
      }
      if (leaf.text("type") == "identity.credential_removed")
        registered.insert_or_assign(std::string(last_part(leaf.text("stream"))), kRemoved);
      const std::optional<PasskeySigned> made = passkey_signed(leaf);
      if (!made) continue;
      std::optional<std::string> wrong = passkey_wrong(leaf);
      if (!wrong) wrong = not_registered(*made, registered);
      if (wrong)
        find(Verdict::kTampered, made->what + ": " + *wrong, report_.from + i);
      else
        ++(leaf.text("type") == "review.voted" ? votes : others);
    }
    if (votes > 0) find(Verdict::kIntact, std::to_string(votes) + " votes by passkey verified");
    if (others > 0)
      find(Verdict::kIntact, std::to_string(others) + " statements by passkey verified");
  }

  // A log from its beginning names every passkey before it is used; a part of one may not.
  std::optional<std::string> not_registered(
      const PasskeySigned& made,
      const std::map<std::string, std::string, std::less<>>& registered) const {
    const auto known = registered.find(made.credential);
    if (known == registered.end()) {
      if (bundle_.from > 0) return std::nullopt;
      return "nobody registered its passkey before";
    }
    if (known->second == kRemoved) return "its passkey was removed before";
    if (known->second != made.person + " " + made.public_key)
      return "its passkey was registered for another person, or with another key";
    return std::nullopt;
  }

  // An epoch's beginning says what was lost before it.
  void check_restarts() {
    for (std::size_t i = 0; i < bundle_.entries.size(); ++i) {
      if (bundle_.entries[i].find("\"type\":\"ledger.restarted\"") == std::string::npos) continue;
      const doc::Value leaf = entry(report_.from + i);
      if (leaf.text("type") != "ledger.restarted") continue;
      const doc::Value* previous = leaf.find("previous");
      find(Verdict::kIntact,
           "the log was restarted here: of " +
               std::string(previous == nullptr ? "?" : previous->text("origin")) + ", " +
               std::to_string(leaf.integer("missing")) + " signed entries are missing",
           report_.from + i);
    }
  }

  // The leaf that is named is of this log, is an erasure, and covers the entry.
  bool authorises(const ErasedPayload& payload) const {
    const std::uint64_t by = payload.authorised_by;
    std::string_view leaf;
    if (by >= report_.from && by < report_.to) {
      leaf = bundle_.entries[by - report_.from];
    } else if (payload.entry && verify_inclusion(leaf_hash(*payload.entry), by, checkpoint_.size,
                                                 payload.proof, checkpoint_.root)) {
      leaf = *payload.entry;
    } else {
      return false;
    }
    const auto erasure = read_erasure(leaf, by);
    return erasure && covers(*erasure, payload.index);
  }

  void check_payloads() {
    for (const RevealedPayload& payload : bundle_.revealed) {
      const Digest commitment = crypto::commit_payload(payload.nonce, payload.payload);
      if (entry(payload.index).text("private") != to_hex(view(commitment))) {
        find(Verdict::kTampered, "the private part shown is not what this entry committed to",
             payload.index);
      }
    }
    for (const ErasedPayload& payload : bundle_.erased) {
      if (authorises(payload)) {
        find(Verdict::kIntact,
             "ERASED (leaf " + std::to_string(payload.authorised_by) + " authorises)",
             payload.index);
      } else {
        find(Verdict::kIncomplete,
             "its private part is missing, and leaf " + std::to_string(payload.authorised_by) +
                 " does not authorise that",
             payload.index);
      }
    }
  }

  void check_attachments() {
    for (const Attachment& attachment : bundle_.attachments) {
      const std::string digest = to_hex(view(crypto::sha256(attachment.content)));
      const auto namer = std::ranges::find_if(bundle_.entries, [&](const std::string& leaf) {
        return leaf.find(digest) != std::string::npos;
      });
      if (namer == bundle_.entries.end()) {
        find(Verdict::kIntact,
             "attachment \"" + attachment.name +
                 "\" is named by no entry of this range, which proves nothing of it");
      } else {
        find(Verdict::kIntact, "attachment \"" + attachment.name + "\" is what this entry names",
             report_.from + static_cast<std::uint64_t>(namer - bundle_.entries.begin()));
      }
    }
  }

  void conclude() {
    report_.verdict = Verdict::kIntact;
    for (const Finding& finding : report_.findings) {
      if (finding.verdict == Verdict::kTampered) {
        report_.verdict = Verdict::kTampered;
        if (finding.index && finding.index < report_.first_bad_index.value_or(UINT64_MAX)) {
          report_.first_bad_index = finding.index;
        }
      } else if (finding.verdict == Verdict::kIncomplete && report_.verdict == Verdict::kIntact) {
        report_.verdict = Verdict::kIncomplete;
      }
    }
  }

  const Bundle& bundle_;
  const VerifyOptions& options_;
  Checkpoint checkpoint_;
  std::vector<Digest> hashes_;  // of the entries, computed
  Report report_;
};

Report only(Verdict verdict, std::string message) {
  Report report;
  report.verdict = verdict;
  report.findings.push_back({verdict, std::nullopt, std::move(message)});
  return report;
}

}  // namespace

Report verify_bundle(const Bundle& bundle, const VerifyOptions& options) {
  return Verifier(bundle, options).run();
}

Report verify_bundle_text(std::string_view json, const VerifyOptions& options) {
  const auto bundle = parse_bundle(json);
  if (bundle) return verify_bundle(*bundle, options);
  std::string message = "the bundle cannot be read: " + bundle.error().message;
  if (!bundle.error().where.empty()) message += " (at " + bundle.error().where + ")";
  return only(Verdict::kIncomplete, std::move(message));
}

Report verify_log(const ResourceReader& resources, const VerifyOptions& options) {
  const auto missing = [](const Refusal& why) { return only(Verdict::kIncomplete, why.message); };
  Bundle bundle;
  auto note = resources("checkpoint");
  if (!note) return missing(note.error());
  bundle.checkpoint = *std::move(note);
  const auto checkpoint = open_checkpoint(bundle.checkpoint, options.key);
  if (!checkpoint) return verify_bundle(bundle, options);
  if (checkpoint->size > options.entries_max) {
    return only(Verdict::kIncomplete, "the log has " + std::to_string(checkpoint->size) +
                                          " entries, more than are read at once");
  }

  // Tiles of level 0 are the leaf hashes; those above must be what follows from them.
  std::vector<Finding> findings;
  MemoryTree tree;
  for (const Tile& tile : tiles_of(checkpoint->size)) {
    const std::string path = tile_path(tile);
    const auto hashes = resources(path);
    if (!hashes) return missing(hashes.error());
    if (tile.level > 0) {
      if (*hashes != hash_tile(tree, tile)) {
        findings.push_back(
            {Verdict::kTampered, std::nullopt, path + " does not follow from the leaves"});
      }
      continue;
    }
    if (hashes->size() != tile.width * std::size_t{32}) {
      return only(Verdict::kTampered, path + " has the wrong size");
    }
    Tile entries_tile = tile;
    entries_tile.entries = true;
    const auto bytes = resources(tile_path(entries_tile));
    if (!bytes) return missing(bytes.error());
    auto entries = decode_entries(*bytes, tile.width);
    if (!entries) {
      return only(Verdict::kTampered, tile_path(entries_tile) + ": " + entries.error().message);
    }
    for (unsigned i = 0; i < tile.width; ++i) {
      Digest hash;
      std::ranges::copy(std::string_view(*hashes).substr(i * std::size_t{32}, 32), hash.begin());
      tree.append_hash(hash);
      bundle.leaf_hashes.push_back(hash);
      bundle.entries.push_back(std::move((*entries)[i]));
    }
  }
  Report report = verify_bundle(bundle, options);
  if (!findings.empty()) report.verdict = Verdict::kTampered;
  report.findings.insert(report.findings.end(), findings.begin(), findings.end());
  return report;
}

}  // namespace keyturn::ledger
