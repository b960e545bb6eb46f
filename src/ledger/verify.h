// The verifier: offline for a bundle, by reading only for a served log. The key comes from the
// caller, never from the log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "doc/value.h"
#include "ledger/bundle.h"
#include "ledger/checkpoint.h"
#include "ledger/tile.h"

namespace keyturn::ledger {

enum class Verdict : std::uint8_t {
  kIntact,     // exit code 0
  kTampered,   // 1: something contradicts what the key signed
  kIncomplete  // 3: something is missing, or is not signed by the key that was given
};
int exit_code(Verdict verdict);
std::string_view to_text(Verdict verdict);  // "intact", "tampered", "incomplete"

struct VerifyOptions {
  VerifierKey key;
  std::vector<VerifierKey> witnesses;      // each must have cosigned the checkpoint
  std::optional<std::string> since;        // an older signed checkpoint, kept by the caller
  std::uint64_t entries_max = 20'000'000;  // of a served log: more is refused as incomplete
};

struct Finding {
  Verdict verdict;  // kIntact: a remark
  std::optional<std::uint64_t> index;
  std::string message;
};

struct Report {
  Verdict verdict =
      Verdict::kIncomplete;  // the worst finding: tampered before incomplete before intact
  std::string origin;
  std::uint64_t size = 0;  // of the checkpoint
  std::string root;        // hex
  std::uint64_t from = 0;  // entries [from, to) were checked
  std::uint64_t to = 0;
  std::size_t streams = 0;
  std::optional<std::uint64_t> first_bad_index;
  std::vector<Finding> findings;  // in the order found
  // "FILE: why": what goes with the entries and is proven by nothing here.
  std::vector<std::string> not_checked;
};

Report verify_bundle(const Bundle& bundle, const VerifyOptions& options);
Report verify_bundle_text(std::string_view json, const VerifyOptions& options);
// A C2SP tlog-proof whose `extra` is the entry (`keyturn prove`). Its neighbours are not seen:
// links between entries are not checked.
bool is_tlog_proof(std::string_view text);
Report verify_proof_text(std::string_view text, const VerifyOptions& options);
// Reads "checkpoint", every entry bundle and every tile of hashes.
Report verify_log(const ResourceReader& resources, const VerifyOptions& options);

std::string to_text(const Report& report);  // for people; says what is not proven
doc::Value to_value(const Report& report);  // for --json

}  // namespace keyturn::ledger
