// What stands in the record for somebody's account at a provider.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "trust/document.h"

namespace keyturn::identity {

// "PROVIDER:" and base64url of HMAC-SHA256(key, "keyturn/v1/account\n" PROVIDER "\n" ISSUER "\n"
// SUBJECT): the same account has the same word, and the record's public part holds no subject. The
// issuer is in it, so that a provider's name given to another issuer makes nobody somebody else.
// The subject is what the provider calls the account for good: `sub`, Okta's user id, Entra's
// object id. Code invalid_subject: empty, longer than 255 bytes, or with a control character.
[[nodiscard]] Result<std::string> account_of(const Secret& key, const trust::Provider& provider,
                                             std::string_view subject);

}  // namespace keyturn::identity
