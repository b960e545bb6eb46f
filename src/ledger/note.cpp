#include "ledger/note.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "base/bytes.h"

namespace keyturn::ledger {
namespace {

constexpr std::size_t kNoteBytesMax = 1 << 20;
constexpr std::size_t kSignaturesMax = 100;
constexpr std::string_view kDash = "\xE2\x80\x94 ";  // em dash, space

std::string big_endian(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

std::uint64_t from_big_endian(std::string_view bytes) {
  std::uint64_t out = 0;
  for (const char c : bytes) out = out << 8 | static_cast<unsigned char>(c);
  return out;
}

std::unexpected<Refusal> no_note(std::string why) {
  return refuse("malformed_note", "this is no signed note: " + std::move(why));
}

// One signature line without its line break.
std::optional<NoteSignature> parse_signature(std::string_view line) {
  if (!line.starts_with(kDash)) return std::nullopt;
  line.remove_prefix(kDash.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const std::string_view name = line.substr(0, space);
  const auto bytes = from_base64(line.substr(space + 1));
  if (!valid_key_name(name) || !bytes || bytes->size() < 5) return std::nullopt;
  return NoteSignature{std::string(name),
                       static_cast<std::uint32_t>(from_big_endian(bytes->substr(0, 4))),
                       bytes->substr(4)};
}

std::string cosigned_text(std::string_view text, std::uint64_t time) {
  std::string out = "cosignature/v1\ntime " + std::to_string(time) + "\n";
  return out += text;
}

bool verify(const VerifierKey& key, std::string_view text, std::string_view signature,
            std::uint64_t* time) {
  switch (key.type) {
    case KeyType::kEd25519:
      return crypto::ed25519_verify(key.public_key, text, signature);
    case KeyType::kCosignature: {
      if (signature.size() != 72) return false;
      const std::uint64_t seen = from_big_endian(signature.substr(0, 8));
      if (time != nullptr) *time = seen;
      return crypto::ed25519_verify(key.public_key, cosigned_text(text, seen), signature.substr(8));
    }
  }
  return false;
}

}  // namespace

bool valid_key_name(std::string_view name) {
  // Unicode spaces beyond ASCII: refused with every non-ASCII byte that could begin one (RFC 3629
  // is checked before).
  constexpr std::string_view kSpaces[] = {
      "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\xA8", "\xE2\x80\xA9",
      "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80", "\xE2\x80\x80", "\xE2\x80\x81",
      "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86",
      "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A"};
  if (name.empty() || first_invalid_utf8(name)) return false;
  const bool plain = std::ranges::all_of(
      name, [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '+' && c != 0x7F; });
  return plain && std::ranges::none_of(kSpaces, [&](std::string_view space) {
           return name.find(space) != std::string_view::npos;
         });
}

std::uint32_t VerifierKey::id() const {
  const Digest digest =
      crypto::sha256(name + "\n" + static_cast<char>(static_cast<std::uint8_t>(type)) + public_key);
  return static_cast<std::uint32_t>(from_big_endian(view(digest).substr(0, 4)));
}

std::string VerifierKey::text() const {
  return name + "+" + to_hex(big_endian(id(), 4)) + "+" +
         to_base64(static_cast<char>(static_cast<std::uint8_t>(type)) + public_key);
}

Result<VerifierKey> parse_vkey(std::string_view text) {
  const auto bad = [](std::string why) {
    return refuse("malformed_key", "a verifier key is NAME+HASH+KEY; " + std::move(why));
  };
  const std::size_t first = text.find('+');
  const std::size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) return bad("this has too few parts");
  const auto key = from_base64(text.substr(second + 1));
  if (!key || key->empty()) return bad("the last part is not base64");
  const auto type = static_cast<std::uint8_t>((*key)[0]);
  if (type != 1 && type != 4) return bad("this key is of an unknown type");
  if (key->size() != 33) return bad("the key does not have 32 bytes");
  VerifierKey out{std::string(text.substr(0, first)), static_cast<KeyType>(type), key->substr(1)};
  if (!valid_key_name(out.name)) return bad("the name must have no space and not be empty");
  if (text.substr(first + 1, second - first - 1) != to_hex(big_endian(out.id(), 4))) {
    return bad("the hash does not belong to this name and key (was it copied whole?)");
  }
  return out;
}

std::string write_note(const Note& note) {
  std::string out = note.text + "\n";
  for (const NoteSignature& signature : note.signatures) {
    out += kDash;
    out += signature.name + " " + to_base64(big_endian(signature.key_id, 4) + signature.bytes);
    out += '\n';
  }
  return out;
}

Result<Note> parse_note(std::string_view bytes) {
  if (bytes.size() > kNoteBytesMax) return no_note("it is longer than 1 MiB");
  if (first_invalid_utf8(bytes)) return no_note("it is not UTF-8");
  if (std::ranges::any_of(
          bytes, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n'; })) {
    return no_note("it has a control character");
  }
  const std::size_t split = bytes.rfind("\n\n");
  if (split == std::string_view::npos) return no_note("no empty line before the signatures");
  Note note{std::string(bytes.substr(0, split + 1)), {}};
  std::string_view lines = bytes.substr(split + 2);
  if (lines.empty() || !lines.ends_with('\n')) return no_note("it has no signature line");
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    auto signature = parse_signature(lines.substr(0, end));
    if (!signature) return no_note("a signature line cannot be read");
    if (note.signatures.size() == kSignaturesMax) return no_note("it has too many signatures");
    note.signatures.push_back(*std::move(signature));
    lines.remove_prefix(end + 1);
  }
  return note;
}

std::vector<std::string> cosigner_names(std::string_view note, std::string_view origin) {
  std::vector<std::string> out;
  const auto parsed = parse_note(note);
  if (!parsed) return out;
  for (const NoteSignature& signature : parsed->signatures)
    if (signature.name != origin) out.push_back(signature.name);
  return out;
}

SignatureCheck check_signature(const Note& note, const VerifierKey& key, std::uint64_t* time) {
  const std::uint32_t id = key.id();
  const auto line = std::ranges::find_if(note.signatures, [&](const NoteSignature& s) {
    return s.name == key.name && s.key_id == id;
  });
  if (line == note.signatures.end()) return SignatureCheck::kAbsent;
  return verify(key, note.text, line->bytes, time) ? SignatureCheck::kValid : SignatureCheck::kBad;
}

Ed25519Signer::Ed25519Signer(std::string name, crypto::Ed25519Key key)
    : key_(std::move(key)), verifier_{std::move(name), KeyType::kEd25519, key_.public_key()} {
  if (!valid_key_name(verifier_.name)) {
    throw std::invalid_argument("a key's name has neither spaces nor +, and is not empty");
  }
}

Result<NoteSignature> Ed25519Signer::sign(std::string_view text) {
  return NoteSignature{verifier_.name, verifier_.id(), key_.sign(text)};
}

NoteSignature cosign(const crypto::Ed25519Key& key, const std::string& name, std::string_view text,
                     std::uint64_t unix_seconds) {
  const VerifierKey verifier{name, KeyType::kCosignature, key.public_key()};
  return {name, verifier.id(),
          big_endian(unix_seconds, 8) + key.sign(cosigned_text(text, unix_seconds))};
}

}  // namespace keyturn::ledger
