#include "ledger/proof_text.h"

#include "base/bytes.h"
#include "ledger/lines.h"

namespace keyturn::ledger {
namespace {

constexpr std::string_view kHeader = "c2sp.org/tlog-proof@v1";

std::unexpected<Refusal> no_proof(std::string why) {
  return refuse("malformed_proof", "this is no proof: " + std::move(why));
}

// "WORD NUMBER".
std::optional<std::uint64_t> number_after(std::string_view word, std::string_view line) {
  return line.starts_with(word) ? plain_number(line.substr(word.size())) : std::nullopt;
}

std::string hash_lines(const Proof& proof) {
  std::string out;
  for (const Digest& hash : proof) out += to_base64(view(hash)) + "\n";
  return out + "\n";
}

}  // namespace

std::string write_tlog_proof(const TlogProof& proof) {
  std::string out(kHeader);
  out += '\n';
  if (proof.extra) out += "extra " + to_base64(*proof.extra) + "\n";
  out += "index " + std::to_string(proof.index) + "\n";
  return out + hash_lines(proof.proof) + proof.checkpoint;
}

Result<TlogProof> parse_tlog_proof(std::string_view text) {
  TlogProof out;
  if (take_line(text) != kHeader) return no_proof("the first line is not " + std::string(kHeader));
  auto line = take_line(text);
  if (line && line->starts_with("extra ")) {
    out.extra = from_base64(line->substr(6));
    if (!out.extra) return no_proof("the extra data is not base64");
    line = take_line(text);
  }
  const auto index = line ? number_after("index ", *line) : std::nullopt;
  if (!index) return no_proof("the index is missing");
  out.index = *index;
  auto hashes = take_hashes(text);
  if (!hashes) return no_proof("a hash is not base64 of 32 bytes, or no empty line ends them");
  out.proof = *std::move(hashes);
  out.checkpoint = text;
  return out;
}

std::string write_witness_request(const WitnessRequest& request) {
  return "old " + std::to_string(request.old_size) + "\n" + hash_lines(request.proof) +
         request.checkpoint;
}

Result<WitnessRequest> parse_witness_request(std::string_view text) {
  WitnessRequest out;
  const auto line = take_line(text);
  const auto old_size = line ? number_after("old ", *line) : std::nullopt;
  if (!old_size) return no_proof("the old size is missing");
  out.old_size = *old_size;
  auto hashes = take_hashes(text);
  if (!hashes) return no_proof("a hash is not base64 of 32 bytes, or no empty line ends them");
  out.proof = *std::move(hashes);
  out.checkpoint = text;
  return out;
}

}  // namespace keyturn::ledger
