#include "credentials/ssh_wire.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "crypto/crypto.h"

namespace keyturn::credentials::ssh {
namespace {

constexpr std::string_view kEd25519 = "ssh-ed25519";
constexpr std::string_view kCertificate = "ssh-ed25519-cert-v01@openssh.com";
constexpr std::string_view kMagic{"openssh-key-v1\0", 15};
constexpr std::string_view kBegin = "-----BEGIN OPENSSH PRIVATE KEY-----";
constexpr std::string_view kEnd = "-----END OPENSSH PRIVATE KEY-----";
constexpr std::uint32_t kUser = 1;
constexpr std::size_t kLine = 70;

// Takes fields from the front; what is not there makes it `bad`.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}

  std::uint32_t u32() {
    if (left_.size() < 4) return fail(), 0;
    std::uint32_t out = 0;
    for (int i = 0; i < 4; ++i) out = out << 8 | static_cast<std::uint8_t>(left_[i]);
    left_.remove_prefix(4);
    return out;
  }
  std::string_view text() {
    const std::size_t size = u32();
    if (bad_ || left_.size() < size) return fail(), std::string_view{};
    const std::string_view out = left_.substr(0, size);
    left_.remove_prefix(size);
    return out;
  }
  bool starts(std::string_view with) {
    if (!left_.starts_with(with)) return fail(), false;
    left_.remove_prefix(with.size());
    return true;
  }
  bool bad() const { return bad_; }

 private:
  void fail() {
    bad_ = true;
    left_ = {};
  }
  std::string_view left_;
  bool bad_ = false;
};

std::uint64_t seconds(Time time) {
  const auto since = std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch());
  return static_cast<std::uint64_t>(std::max<std::int64_t>(since.count(), 0));
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ",") + part;
  return out;
}

// Names in order, as PROTOCOL.certkeys asks.
std::string critical_options(const UserCertificate& certificate) {
  std::string out;
  if (!certificate.force_command.empty())
    out += text("force-command") + text(text(certificate.force_command));
  if (!certificate.source_address.empty())
    out += text("source-address") + text(text(joined(certificate.source_address)));
  return out;
}

std::string extensions(std::vector<std::string> names) {
  std::ranges::sort(names);
  const auto [first, last] = std::ranges::unique(names);
  names.erase(first, last);
  std::string out;
  for (const std::string& name : names) out += text(name) + text("");
  return out;
}

std::optional<std::string> armoured(std::string_view file) {
  const std::size_t begin = file.find(kBegin);
  const std::size_t end = file.find(kEnd);
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin)
    return std::nullopt;
  std::string base64;
  for (const char c : file.substr(begin + kBegin.size(), end - begin - kBegin.size())) {
    if (c != '\n' && c != '\r') base64 += c;
  }
  return from_base64(base64);
}

}  // namespace

std::string u32(std::uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
  return out;
}

std::string u64(std::uint64_t value) {
  return u32(static_cast<std::uint32_t>(value >> 32)) + u32(static_cast<std::uint32_t>(value));
}

std::string text(std::string_view bytes) {
  return u32(static_cast<std::uint32_t>(bytes.size())) + std::string(bytes);
}

std::string public_blob(std::string_view public_key32) {
  return text(kEd25519) + text(public_key32);
}

Result<Secret> read_private_key(const Secret& file) {
  const auto bytes = armoured(file.reveal());
  if (!bytes)
    return refuse(
        "bad_key",
        "it is no OpenSSH private key; make one with: ssh-keygen -t ed25519 -N '' -f FILE");
  Reader in(*bytes);
  in.starts(kMagic);
  const std::string_view cipher = in.text();
  in.text();
  in.text();
  if (!in.bad() && cipher != "none")
    return refuse(
        "bad_key",
        "it has a passphrase; keep it without one, readable for Keyturn alone: ssh-keygen "
        "-p -N '' -f FILE");
  const bool one = in.u32() == 1;
  in.text();
  Reader key(in.text());
  const std::uint32_t check = key.u32();
  const bool checks = check == key.u32();
  const std::string_view type = key.text();
  if (!in.bad() && one && checks && !key.bad() && type != kEd25519)
    return refuse("bad_key", "it is no Ed25519 key; make one with: ssh-keygen -t ed25519");
  const std::string_view public_key = key.text();
  const std::string_view pair = key.text();
  if (in.bad() || key.bad() || !one || !checks || public_key.size() != 32 || pair.size() != 64)
    return refuse("bad_key", "it is damaged: not one whole OpenSSH private key");
  Secret seed(std::string(pair.substr(0, 32)));
  if (crypto::Ed25519Key::from_seed(seed).public_key() != public_key)
    return refuse("bad_key", "it is damaged: its private and public parts do not belong together");
  return seed;
}

Secret write_private_key(const Secret& seed32, std::string_view public_key32,
                         std::string_view comment, std::uint32_t check) {
  std::string inner = u32(check) + u32(check) + public_blob(public_key32) +
                      text(std::string(seed32.reveal()) + std::string(public_key32)) +
                      text(comment);
  for (char pad = 1; inner.size() % 8 != 0; ++pad) inner += pad;
  const std::string whole = std::string(kMagic) + text("none") + text("none") + text("") + u32(1) +
                            text(public_blob(public_key32)) + text(inner);
  const std::string base64 = to_base64(whole);
  std::string out = std::string(kBegin) + "\n";
  for (std::size_t at = 0; at < base64.size(); at += kLine) out += base64.substr(at, kLine) + "\n";
  return Secret(out + std::string(kEnd) + "\n");
}

std::string sign(const UserCertificate& certificate, const Secret& ca_seed32) {
  const crypto::Ed25519Key ca = crypto::Ed25519Key::from_seed(ca_seed32);
  std::string principals;
  for (const std::string& one : certificate.principals) principals += text(one);
  const std::string body =
      text(kCertificate) + text(certificate.nonce32) + text(certificate.public_key32) +
      u64(certificate.serial) + u32(kUser) + text(certificate.key_id) + text(principals) +
      u64(seconds(certificate.valid_after)) + u64(seconds(certificate.valid_before)) +
      text(critical_options(certificate)) + text(extensions(certificate.extensions)) + text("") +
      text(public_blob(ca.public_key()));
  const std::string signature = text(text(kEd25519) + text(ca.sign(body)));
  return std::string(kCertificate) + " " + to_base64(body + signature) + " " + certificate.key_id +
         "\n";
}

std::string fingerprint(std::string_view public_key32) {
  std::string out = to_base64(view(crypto::sha256(public_blob(public_key32))));
  while (out.ends_with('=')) out.pop_back();
  return "SHA256:" + out;
}

}  // namespace keyturn::credentials::ssh
