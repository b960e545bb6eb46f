#include "audit/witness.h"

#include "ledger/checkpoint.h"
#include "ledger/merkle.h"
#include "ledger/proof_text.h"

namespace keyturn::audit {
namespace {

constexpr std::size_t kBodyBytesMax = 64 << 10;

WitnessReply say(int status, std::string why) {
  return {status, std::move(why) + "\n"};
}

// One file a log; its name is a digest, for origins are no file names.
std::string state_path(const std::string& folder, const std::string& origin) {
  return folder + "/" + to_hex(view(crypto::sha256(origin)));
}

}  // namespace

WitnessService::WitnessService(std::string name, const Secret& seed, const Clock& clock)
    : name_(std::move(name)), secret_(crypto::Ed25519Key::from_seed(seed)), clock_(clock) {}

Result<std::unique_ptr<WitnessService>> WitnessService::open(std::string folder, std::string name,
                                                             const Secret& seed,
                                                             std::vector<ledger::VerifierKey> logs,
                                                             const Clock& clock) {
  if (!ledger::valid_key_name(name))
    return refuse("invalid_name", "a witness's name has no space and no \"+\"");
  std::unique_ptr<WitnessService> service(new WitnessService(std::move(name), seed, clock));
  for (ledger::VerifierKey& key : logs) {
    const std::string path = state_path(folder, key.name);
    Result<SignedState> last = read_signed(path);
    if (!last) return std::unexpected(last.error());
    const std::string origin = key.name;
    if (!service->logs_.emplace(origin, Log{std::move(key), path, *last}).second)
      return refuse("malformed_key", "two keys for the log " + origin);
  }
  return service;
}

ledger::VerifierKey WitnessService::key() const {
  return {name_, ledger::KeyType::kCosignature, secret_.public_key()};
}

WitnessReply WitnessService::add_checkpoint(std::string_view body) {
  if (body.size() > kBodyBytesMax) return say(400, "the request is longer than 64 KiB");
  const Result<ledger::WitnessRequest> asked = ledger::parse_witness_request(body);
  if (!asked) return say(400, asked.error().message);
  const std::size_t line = asked->checkpoint.find('\n');
  const auto known = logs_.find(asked->checkpoint.substr(0, line));
  if (known == logs_.end()) return say(404, "no log of this origin is witnessed here");
  return advance(known->second, asked->old_size, asked->proof, asked->checkpoint);
}

WitnessReply WitnessService::advance(Log& log, std::uint64_t old_size,
                                     const std::vector<Digest>& proof, std::string_view note) {
  const Result<ledger::Checkpoint> checkpoint = ledger::open_checkpoint(note, log.key);
  if (!checkpoint) {
    const std::string& code = checkpoint.error().code;
    const bool unsigned_ = code == "untrusted" || code == "bad_signature";
    return say(unsigned_ ? 403 : 400, checkpoint.error().message);
  }
  if (old_size > checkpoint->size) return say(400, "the old size is beyond the checkpoint's");
  const WitnessReply conflict{409, std::to_string(log.last.size) + "\n", "text/x.tlog.size"};
  if (old_size != log.last.size) return conflict;
  if (old_size == checkpoint->size) {
    if (old_size > 0 && checkpoint->root != log.last.root) return conflict;
    if (!proof.empty()) return say(422, "nothing is to be proven between equal sizes");
  } else if (old_size == 0 ? !proof.empty()
                           : !ledger::verify_consistency(old_size, log.last.root, checkpoint->size,
                                                         checkpoint->root, proof)) {
    return say(422, "the proof does not show that the log only grew");
  }
  const SignedState next{checkpoint->size, checkpoint->root};
  if (next.size != log.last.size && !write_signed(log.path, next))
    return say(500, "the witness cannot keep what it would sign");
  log.last = next;
  const Result<ledger::Note> parsed = ledger::parse_note(note);  // open_checkpoint() did so
  const auto seconds = static_cast<std::uint64_t>(unix_ms(clock_.now()) / 1000);
  ledger::Note reply;
  reply.signatures.push_back(ledger::cosign(secret_, name_, parsed->text, seconds));
  return {200, ledger::write_note(reply).substr(1)};  // without the empty text's line break
}

}  // namespace keyturn::audit
