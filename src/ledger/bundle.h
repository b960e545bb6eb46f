// An evidence bundle: a range of entries with everything needed to prove, offline, that they are
// the log's entries of that range and all of them. One JSON document,
// docs/formats/evidence-bundle.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "doc/value.h"
#include "ledger/merkle.h"

namespace keyturn::ledger {

inline constexpr std::string_view kBundleFormat = "keyturn/evidence-bundle/v1";

// A private part that is shown: SHA-256("keyturn/v1/payload" || nonce || payload) is the "private"
// of entry `index`.
struct RevealedPayload {
  std::uint64_t index = 0;
  std::string nonce;    // 32 bytes
  std::string payload;  // canonical JSON
};

// A private part that was destroyed; entry `authorised_by` says so. Where that one is not in the
// bundle's range, its bytes and its inclusion in the bundle's checkpoint come along.
struct ErasedPayload {
  std::uint64_t index = 0;
  std::uint64_t authorised_by = 0;
  std::optional<std::string> entry{};
  Proof proof{};
};

// From an older checkpoint of `size` leaves to the bundle's.
struct ConsistencyStep {
  std::uint64_t size = 0;
  Proof proof;
};

// A document that goes with the entries (a policy version, say). It is bound to the log when an
// entry names its SHA-256.
struct Attachment {
  std::string name;
  std::string media_type;
  std::string content;
};

struct Bundle {
  std::string checkpoint;            // signed note
  std::uint64_t from = 0;            // index of entries[0]
  std::vector<std::string> entries;  // leaf bytes
  std::vector<Digest> leaf_hashes;   // one an entry: they let the verifier say which entry is wrong
  std::vector<Digest> before;        // of cover(0, from)
  std::vector<Digest> after;         // of cover(from + entries, size)
  std::vector<ConsistencyStep> consistency;
  std::vector<RevealedPayload> revealed;
  std::vector<ErasedPayload> erased;
  std::vector<Attachment> attachments;
};

// What a bundle of the entries [from, to) needs from a tree of `size` leaves: `before` and `after`,
// as nodes to read.
struct BundleNodes {
  std::vector<NodeId> before;
  std::vector<NodeId> after;
};
BundleNodes bundle_nodes(std::uint64_t from, std::uint64_t to, std::uint64_t size);

// Fills leaf_hashes, before and after of a bundle that has `from` and `entries`.
[[nodiscard]] Result<void> prove_bundle(Bundle& bundle, HashReader& reader, std::uint64_t size);

// Entries are JSON strings where they are UTF-8, else {"base64": "..."}; hashes are lower-case hex.
std::string write_bundle(const Bundle& bundle);
// Up to 1 GiB. Code: malformed_bundle.
[[nodiscard]] Result<Bundle> parse_bundle(std::string_view text);

}  // namespace keyturn::ledger
