// Keys that live for one action, with a certificate of our own CA that says what they may do.
#include "credentials/provider.h"
#include "credentials/ssh_wire.h"
#include "crypto/crypto.h"

namespace keyturn::credentials {
namespace {

constexpr Duration kSkew = std::chrono::seconds(30);  // between this clock and the servers'

std::uint64_t number(const std::string& bytes8) {
  std::uint64_t out = 0;
  for (const char c : bytes8) out = out << 8 | static_cast<std::uint8_t>(c);
  return out;
}

}  // namespace

Given issue(const SshCertificate& ssh, const Issuance& issuance, Random& random) {
  const auto file = fetch(ssh.ca_key, "the CA's key");
  if (!file) return std::unexpected(file.error());
  const auto ca = ssh::read_private_key(*file);
  if (!ca) return refuse("no_secret", "the CA's key: " + ca.error().message);
  const Secret seed(random.bytes(32));
  const crypto::Ed25519Key key = crypto::Ed25519Key::from_seed(seed);
  ssh::UserCertificate certificate{
      .nonce32 = random.bytes(32),
      .public_key32 = key.public_key(),
      .serial = number(random.bytes(8)),
      .key_id = issuance.name + " " + issuance.id + " " + issuance.binding.principal,
      .principals = ssh.principals,
      .valid_after = issuance.now - kSkew,
      .valid_before = issuance.until,
      .force_command = ssh.force_command,
      .source_address = ssh.source_address,
      .extensions = ssh.extensions};
  Issued out;
  out.shown =
      doc::object({{"serial", std::to_string(certificate.serial)},
                   {"key_id", certificate.key_id},
                   {"key", ssh::fingerprint(key.public_key())},
                   {"ca", ssh::fingerprint(crypto::Ed25519Key::from_seed(*ca).public_key())},
                   {"principals", doc::array_of(ssh.principals)}});
  if (!ssh.force_command.empty()) out.shown.set("force_command", ssh.force_command);
  if (!ssh.source_address.empty())
    out.shown.set("source_address", doc::array_of(ssh.source_address));
  out.fields.emplace("private_key",
                     ssh::write_private_key(seed, key.public_key(), issuance.name,
                                            static_cast<std::uint32_t>(number(random.bytes(4)))));
  out.fields.emplace("certificate", Secret(ssh::sign(certificate, *ca)));
  return out;
}

}  // namespace keyturn::credentials
