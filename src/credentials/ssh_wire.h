// SSH's data types (RFC 4251 §5), Ed25519 keys in OpenSSH's file format (PROTOCOL.key), and user
// certificates (PROTOCOL.certkeys). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace keyturn::credentials::ssh {

std::string u32(std::uint32_t value);
std::string u64(std::uint64_t value);
std::string text(std::string_view bytes);  // length, then the bytes

// The blob of a public key: "ssh-ed25519" and its 32 bytes.
std::string public_blob(std::string_view public_key32);

// The seed of an Ed25519 key, from a file of ssh-keygen without a passphrase. Code bad_key.
[[nodiscard]] Result<Secret> read_private_key(const Secret& file);
// Such a file. `check` is any number: it is in the file twice.
Secret write_private_key(const Secret& seed32, std::string_view public_key32,
                         std::string_view comment, std::uint32_t check);

struct UserCertificate {
  std::string nonce32, public_key32;
  std::uint64_t serial = 0;
  std::string key_id;
  std::vector<std::string> principals;
  Time valid_after, valid_before;  // whole seconds count
  std::string force_command;       // "": none
  std::vector<std::string> source_address;
  std::vector<std::string> extensions;
};

// Signed with the CA's seed: one line, as ssh reads it from KEY-cert.pub.
std::string sign(const UserCertificate& certificate, const Secret& ca_seed32);

// "SHA256:…", as ssh-keygen -l shows a key.
std::string fingerprint(std::string_view public_key32);

}  // namespace keyturn::credentials::ssh
