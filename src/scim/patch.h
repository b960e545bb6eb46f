// PATCH (RFC 7644 §3.5.2), and the ways in which Okta and Entra write it.
#pragma once

#include <string_view>

#include "base/result.h"
#include "doc/value.h"
#include "scim/schema.h"

namespace keyturn::scim {

inline constexpr std::string_view kPatchUrn = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
inline constexpr std::size_t kOperationsMax = 1000;

// The resource (as accept() gives it) after all operations of the message, or why not: then nothing
// of it is done. Giving the same message twice comes to the same as giving it once.
//
// Beyond the RFC, because the providers send it: ops in any case ("Add"), "True" and "False" as
// booleans, attribute names in any case and with the schema's URN, paths as keys of a value without
// path ({"name.givenName": "x"}), read-only attributes in such a value (ignored), a removal that
// lists what to remove ({"op": "remove", "path": "members", "value": [{"value": "x"}]}), and
// replacing emails[type eq "work"].value where there is none yet (made, as with add; the RFC has
// noTarget). A removal of what is not there is done already. An empty list of what to remove
// removes nothing; without path or filter a removal of `members` removes all, as the RFC has it.
//
// Codes (RFC 7644 §3.12): invalidSyntax, invalidPath, invalidValue, noTarget, mutability,
// invalidFilter, tooMany.
[[nodiscard]] Result<doc::Value> patched(const Schema& schema, doc::Value resource,
                                         const doc::Value& message);

}  // namespace keyturn::scim
