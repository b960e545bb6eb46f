// keyturn policy key, keyturn policy sign: who answers for a configuration file.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <ostream>

#include "base/bytes.h"
#include "base/random.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/remote.h"
#include "ledger/signed_document.h"

namespace keyturn::cli {
namespace {

struct KeyWords {
  std::string name, out;
};

struct SignWords {
  std::string file, key, kind = "policy";
};

Failure cannot(std::string code, std::string message) {
  return {Exit::kUsage, {std::move(code), std::move(message), ""}, {}};
}

// A key file is one line: the name, a space, the 32 bytes of the seed in hex.
int make_key(Session& session, const KeyWords& words) {
  if (!ledger::valid_key_name(words.name))
    return complain(session, cannot("usage", "a key's name has neither spaces nor +"));
  SystemRandom random;
  const Secret seed(random.bytes(32));
  const int file = ::open(words.out.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0)
    return complain(session, cannot("exists", words.out + ": is there already, or cannot be made"));
  const std::string line = words.name + " " + to_hex(seed.reveal()) + "\n";
  const bool whole = ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
                     ::fsync(file) == 0;
  ::close(file);
  if (!whole) return complain(session, cannot("unwritable", words.out + ": cannot be written"));
  const ledger::Ed25519Signer signer(words.name, crypto::Ed25519Key::from_seed(seed));
  session.console.out << signer.verifier().text() << '\n';
  return code(Exit::kOk);
}

Result<ledger::Ed25519Signer> signer_of(const std::string& path) {
  Result<std::string> text = read_file(path);
  if (!text) return std::unexpected(text.error());
  while (text->ends_with('\n')) text->pop_back();
  const std::size_t space = text->find(' ');
  const auto seed = space == std::string::npos ? std::nullopt : from_hex(text->substr(space + 1));
  if (!seed || seed->size() != 32 || !ledger::valid_key_name(text->substr(0, space)))
    return refuse("bad_key",
                  path + ": is no key file; make one: keyturn policy key NAME --out FILE");
  return ledger::Ed25519Signer(text->substr(0, space),
                               crypto::Ed25519Key::from_seed(Secret(*seed)));
}

// The note beside the file: of the same document its signatures are kept, another's is replaced.
int sign(Session& session, const SignWords& words) {
  Result<ledger::Ed25519Signer> signer = signer_of(words.key);
  if (!signer) return complain(session, {Exit::kUsage, signer.error(), {}});
  const Result<std::string> document = read_file(words.file);
  if (!document) return complain(session, {Exit::kUsage, document.error(), {}});
  const std::string path = words.file + ".sig";
  const Result<std::string> before = read_file(path);
  Result<std::string> note =
      ledger::sign_document(words.kind, *document, *signer, before ? *before : std::string());
  if (!note) note = ledger::sign_document(words.kind, *document, *signer);
  if (!note) return complain(session, {Exit::kUsage, note.error(), {}});
  const std::string draft = path + ".new";
  {
    std::ofstream out(draft, std::ios::binary | std::ios::trunc);
    out << *note;
    out.close();
    if (!out) return complain(session, cannot("unwritable", draft + ": cannot be written"));
  }
  std::error_code failed;
  std::filesystem::rename(draft, path, failed);
  if (failed) return complain(session, cannot("unwritable", path + ": " + failed.message()));
  session.console.out << printable(path) << ": signed by " << signer->verifier().name << '\n';
  return code(Exit::kOk);
}

}  // namespace

void add_policy_sign(CLI::App& policy, Session& session) {
  CLI::App* key = leaf(policy, session, "key", "Make a key that signs policy and tools files");
  auto key_words = std::make_shared<KeyWords>();
  key->add_option("NAME", key_words->name, "Whose it is, such as alice.example.com")->required();
  key->add_option("--out", key_words->out, "The key file, which stays secret")->required();
  key->footer("Prints the verifier key, which goes into keyturn.yaml: signers: {keys: [...]}.");
  key->callback([&session, key_words] { session.exit = make_key(session, *key_words); });
  CLI::App* signing = leaf(policy, session, "sign", "Put a signature beside a file, as FILE.sig");
  auto words = std::make_shared<SignWords>();
  signing->add_option("FILE", words->file, "policy.yaml, tools.yaml, a runbook …")->required();
  signing->add_option("--key", words->key, "The key file")->required();
  signing->add_option("--as", words->kind, "What the file is")
      ->check(CLI::IsMember({"policy", "tools", "identity", "credentials", "runbook"}))
      ->capture_default_str();
  signing->callback([&session, words] { session.exit = sign(session, *words); });
}

}  // namespace keyturn::cli
