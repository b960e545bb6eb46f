// Calls to the services that issue credentials. Internal to credentials/; blocks.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "doc/value.h"
#include "net/client.h"

namespace keyturn::credentials {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// application/x-www-form-urlencoded, with %20 for a space: readers take both.
std::string form(const Pairs& pairs);

// Any answer of 2xx. Otherwise refused: cannot_connect (nobody was there, TLS, time), or
// credential_refused with the status and, where the body says one, the code of the error (RFC 6749
// §5.2, a Status of Kubernetes, STS), of those that are known: nothing else of the body, which may
// say a secret again.
[[nodiscard]] Result<net::ClientResponse> call(net::ClientRequest request, std::string_view whom);
// The same, and its body as JSON. Code credential_unreadable.
[[nodiscard]] Result<doc::Value> call_json(net::ClientRequest request, std::string_view whom);

// A member of an answer that must be there: one line of text. Code credential_unreadable.
[[nodiscard]] Result<std::string> text_of(const doc::Value& answer, std::string_view key,
                                          std::string_view whom);

}  // namespace keyturn::credentials
