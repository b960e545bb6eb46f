// OpenSSH's own ssh-keygen reads what is written here, and writes what is read here.
#include <doctest/doctest.h>

#include <cstdio>

#include "base/random.h"
#include "connectors/testing.h"
#include "credentials/ssh_wire.h"
#include "crypto/crypto.h"

using namespace keyturn;
using namespace keyturn::credentials;
using connectors::testing::read_file;
using connectors::testing::TempFolder;
using connectors::testing::write_file;

namespace {

std::string said(const std::string& command) {
  std::string out;
  std::FILE* pipe = ::popen((command + " 2>&1 </dev/null").c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[4096];
  while (const std::size_t size = std::fread(buffer, 1, sizeof buffer, pipe))
    out.append(buffer, size);
  ::pclose(pipe);
  return out;
}

struct Keys {
  TempFolder folder;
  std::string file(const std::string& name) const { return folder.path() + "/" + name; }
  Secret made(const std::string& options) {
    said("ssh-keygen -q -C ca " + options + " -f " + file("ca"));
    return Secret(read_file(file("ca")));
  }
};

}  // namespace

TEST_CASE("a key of ssh-keygen is read, and only one that can be used") {
  Keys keys;
  const Secret file = keys.made("-t ed25519 -N ''");
  const auto seed = ssh::read_private_key(file);
  REQUIRE(seed);
  const std::string public_key = crypto::Ed25519Key::from_seed(*seed).public_key();
  CHECK(said("ssh-keygen -l -f " + keys.file("ca.pub"))
            .contains(ssh::fingerprint(public_key) + " ca (ED25519)"));
  CHECK(
      ssh::read_private_key(Secret("hunter2")).error().message.contains("no OpenSSH private key"));
  const std::string text(file.reveal());
  CHECK(ssh::read_private_key(Secret(text.substr(0, 120) + text.substr(text.size() - 40)))
            .error()
            .code == "bad_key");
}

TEST_CASE("keys with a passphrase and keys of other kinds are refused by name") {
  Keys with_passphrase, rsa;
  CHECK(ssh::read_private_key(with_passphrase.made("-t ed25519 -N secret"))
            .error()
            .message.contains("has a passphrase"));
  CHECK(
      ssh::read_private_key(rsa.made("-t ecdsa -N ''")).error().message.contains("no Ed25519 key"));
}

TEST_CASE("ssh-keygen reads a certificate as it was meant") {
  Keys keys;
  SystemRandom random;
  const Secret ca = *ssh::read_private_key(keys.made("-t ed25519 -N ''"));
  const Secret seed(random.bytes(32));
  const std::string public_key = crypto::Ed25519Key::from_seed(seed).public_key();
  const std::string line =
      ssh::sign({.nonce32 = random.bytes(32),
                 .public_key32 = public_key,
                 .serial = 18'446'744'073'709'551'615U,
                 .key_id = "keyturn_1 crd_1 agent:ops-bot",
                 .principals = {"deploy", "web"},
                 .valid_after = *from_rfc3339("2026-01-01T00:00:00Z"),
                 .valid_before = *from_rfc3339("2026-01-01T00:05:00Z"),
                 .force_command = "/bin/echo a 'b c'",
                 .source_address = {"10.0.0.0/8", "::1"},
                 .extensions = {"permit-pty", "permit-X11-forwarding", "permit-pty"}},
                ca);
  write_file(keys.file("key"),
             std::string(ssh::write_private_key(seed, public_key, "one", 7).reveal()), 0600);
  write_file(keys.file("key-cert.pub"), line);
  const std::string shown = said("TZ=UTC ssh-keygen -L -f " + keys.file("key-cert.pub"));
  for (const std::string& part :
       {std::string("Type: ssh-ed25519-cert-v01@openssh.com user certificate"),
        "Public key: ED25519-CERT " + ssh::fingerprint(public_key),
        "Signing CA: ED25519 " + ssh::fingerprint(crypto::Ed25519Key::from_seed(ca).public_key()),
        std::string("Key ID: \"keyturn_1 crd_1 agent:ops-bot\""),
        std::string("Serial: 18446744073709551615"),
        std::string("Valid: from 2026-01-01T00:00:00 to 2026-01-01T00:05:00"),
        std::string("deploy"), std::string("web"), std::string("force-command /bin/echo a 'b c'"),
        std::string("source-address 10.0.0.0/8,::1"),
        std::string("permit-X11-forwarding\n                permit-pty")})
    CHECK_MESSAGE(shown.contains(part), shown);
  CHECK(said("ssh-keygen -y -P '' -f " + keys.file("key")).contains("ssh-ed25519 "));
  CHECK(said("ssh-keygen -l -f " + keys.file("key")).contains(ssh::fingerprint(public_key)));
}
