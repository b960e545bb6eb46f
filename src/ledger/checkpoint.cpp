#include "ledger/checkpoint.h"

#include <optional>

#include "ledger/lines.h"

namespace keyturn::ledger {
namespace {

std::unexpected<Refusal> no_checkpoint(std::string why) {
  return refuse("malformed_checkpoint", "this is no checkpoint: " + std::move(why));
}

}  // namespace

std::string checkpoint_text(const Checkpoint& checkpoint) {
  std::string out = checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" +
                    to_base64(view(checkpoint.root)) + "\n";
  for (const std::string& line : checkpoint.extensions) out += line + "\n";
  return out;
}

Result<Checkpoint> parse_checkpoint_text(std::string_view text) {
  const auto origin = take_line(text);
  if (!origin || origin->empty()) return no_checkpoint("the origin is missing");
  const auto size_line = take_line(text);
  const auto size = size_line ? plain_number(*size_line) : std::nullopt;
  if (!size) return no_checkpoint("the second line is no tree size");
  const auto root_line = take_line(text);
  const auto root = root_line ? hash_of_line(*root_line) : std::nullopt;
  if (!root) return no_checkpoint("the third line is no SHA-256 root");
  Checkpoint out{std::string(*origin), *size, *root, {}};
  while (!text.empty()) {
    const auto line = take_line(text);
    if (!line || line->empty()) return no_checkpoint("an extension line is empty or unfinished");
    out.extensions.emplace_back(*line);
  }
  return out;
}

Result<std::string> sign_checkpoint(const Checkpoint& checkpoint, NoteSigner& signer) {
  Note note{checkpoint_text(checkpoint), {}};
  auto signature = signer.sign(note.text);
  if (!signature) return std::unexpected(std::move(signature.error()));
  note.signatures.push_back(*std::move(signature));
  return write_note(note);
}

Result<Checkpoint> open_checkpoint(std::string_view bytes, const VerifierKey& key) {
  const auto note = parse_note(bytes);
  if (!note) return std::unexpected(note.error());
  switch (check_signature(*note, key)) {
    case SignatureCheck::kAbsent:
      return refuse("untrusted",
                    "the checkpoint is not signed by " + key.name + " with the key that you gave");
    case SignatureCheck::kBad:
      return refuse("bad_signature", "the signature of " + key.name +
                                         " does not belong to this checkpoint: it was changed");
    case SignatureCheck::kValid:
      break;
  }
  auto checkpoint = parse_checkpoint_text(note->text);
  if (checkpoint && checkpoint->origin != key.name) {
    return refuse("wrong_origin", "the checkpoint is of the log \"" + checkpoint->origin +
                                      "\", not of \"" + key.name + "\"");
  }
  return checkpoint;
}

}  // namespace keyturn::ledger
