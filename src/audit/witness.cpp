#include "audit/witness.h"

#include <charconv>
#include <optional>

#include "ledger/checkpoint.h"
#include "ledger/merkle.h"

namespace keyturn::audit {
namespace {

constexpr std::size_t kBodyBytesMax = 64 << 10;
constexpr std::size_t kProofHashesMax = 63;

WitnessReply say(int status, std::string why) {
  return {status, std::move(why) + "\n"};
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool plain = text == "0" || !text.starts_with('0');
  if (error != std::errc{} || end != text.data() + text.size() || !plain) return std::nullopt;
  return value;
}

std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

struct Submission {
  std::uint64_t old_size = 0;
  std::vector<Digest> proof;
  std::string_view note;
};

Result<Submission> read_submission(std::string_view body) {
  const auto bad = [](std::string why) { return refuse("malformed_request", std::move(why)); };
  if (body.size() > kBodyBytesMax) return bad("the request is longer than 64 KiB");
  Submission out;
  const auto first = take_line(body);
  if (!first || !first->starts_with("old ")) return bad("it must begin with \"old SIZE\"");
  const auto old_size = number(first->substr(4));
  if (!old_size) return bad("the old size is no number");
  out.old_size = *old_size;
  for (;;) {
    const auto line = take_line(body);
    if (!line) return bad("the proof does not end with an empty line");
    if (line->empty()) break;
    const auto hash = from_base64(*line);
    if (!hash || hash->size() != 32 || out.proof.size() == kProofHashesMax)
      return bad("the proof has a line that is no hash, or too many");
    std::ranges::copy(*hash, out.proof.emplace_back().begin());
  }
  out.note = body;
  return out;
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
  const Result<Submission> asked = read_submission(body);
  if (!asked) return say(400, asked.error().message);
  const std::size_t line = asked->note.find('\n');
  const auto known = logs_.find(std::string(asked->note.substr(0, line)));
  if (known == logs_.end()) return say(404, "no log of this origin is witnessed here");
  return advance(known->second, asked->old_size, asked->proof, asked->note);
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
