#include "identity/accounts.h"

#include <algorithm>

#include "crypto/crypto.h"

namespace keyturn::identity {

Result<std::string> account_of(const Secret& key, const trust::Provider& provider,
                               std::string_view subject) {
  const bool plain = std::ranges::none_of(
      subject, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (subject.empty() || subject.size() > 255 || !plain || first_invalid_utf8(subject))
    return refuse("invalid_subject", "an account is named by 1 to 255 bytes of plain text, as " +
                                         provider.name + " calls it for good");
  std::string message = "keyturn/v1/account\n" + provider.name + "\n" + provider.issuer + "\n";
  message += subject;
  const Digest digest = crypto::hmac_sha256(key.reveal(), message);
  return provider.name + ":" + to_base64url(view(digest));
}

}  // namespace keyturn::identity
