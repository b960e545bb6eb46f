// identity.yaml: whose word about people and agents counts here. Values only; nothing is asked or
// fetched, and secrets are references (secrets/reference.h).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "doc/read.h"
#include "doc/value.h"
#include "secrets/reference.h"

namespace keyturn::trust {

enum class ProviderKind { kOidc, kOkta, kEntra };

// What a provider's groups become here. Nothing that is not in `map` or `roles` has an effect.
struct GroupRules {
  std::string claim = "groups";
  std::map<std::string, std::string, std::less<>> map;    // the provider's name or id -> ours
  std::map<std::string, std::string, std::less<>> roles;  // app roles (claim `roles`) -> ours
  Duration max_age = std::chrono::hours(12);              // of what a sign-in said
  bool empty() const { return map.empty() && roles.empty(); }
};

// An OpenID provider, where people sign in.
struct Provider {
  std::string name;
  ProviderKind kind = ProviderKind::kOidc;
  std::string issuer;                                     // exact
  std::string client_id;                                  // the audience of its id tokens
  std::optional<secrets::SecretReference> client_secret;  // none: a public client; PKCE always
  std::vector<std::string> scopes;
  bool create_people = false;  // a first sign-in makes a new person; never one that is there
  bool device = false;         // `keyturn login` may use the device flow (RFC 8628)
  GroupRules groups;
  std::string graph;  // Entra: where groups are asked for when the token has none
};

// All claims must match. A text is a pattern (matches()); true, false and whole numbers are exact;
// an object goes into an object of the token.
struct AgentRule {
  doc::Value claims;
  std::string agent;
};

// Whose JWTs stand for agents: a CI system, a cluster, a cloud's workload identity.
struct AgentIssuer {
  std::string name;
  std::string issuer, audience;
  std::optional<std::string> jwks_uri;  // none: from the issuer's own metadata
  std::vector<AgentRule> rules;
};

// Who may write people and groups over SCIM (scim/): one client, known by its bearer token.
struct ScimSection {
  std::string name;
  std::optional<secrets::SecretReference> token;  // always, in a document that loaded
  std::string provider;  // of `providers`: a user's externalId is its subject there (Entra: oid)
  std::map<std::string, std::string, std::less<>> groups;  // displayName there, exact -> ours
};

// Who is on call: members of `of` are members of `group` while the schedule says so. Nobody is by
// any other way.
struct OnCallSchedule {
  std::string name;
  std::string group, of;
  std::string file;                                 // "": a webhook; relative to identity.yaml
  std::optional<secrets::SecretReference> webhook;  // what its messages are signed with
  Duration stale_after = std::chrono::hours(24);    // of a webhook: then nobody is on call
};

struct Document {
  std::map<std::string, Provider, std::less<>> providers;
  std::map<std::string, AgentIssuer, std::less<>> agents;
  std::map<std::string, ScimSection, std::less<>> scim;
  std::map<std::string, OnCallSchedule, std::less<>> oncall;
  std::string digest;  // SHA-256 over the RFC 8785 form of the tree

  bool empty() const {
    return providers.empty() && agents.empty() && scim.empty() && oncall.empty();
  }
};

// The document that names nobody: what is in force without an identity.yaml.
inline constexpr std::string_view kNobody = "apiVersion: keyturn/v1\nkind: Identity\n";

// Every problem with its place and what to do; nullopt when one of them is an error.
std::optional<Document> load(std::string_view text, doc::Problems& problems);

// Whether all of `text` fits: "*" is any run without ":" and "/", "**" any run at all, every other
// character is itself. Linear in the text for each star of the pattern.
bool matches(std::string_view pattern, std::string_view text);

// Whether a token's claims (an object) have all that the rule asks for.
bool matches(const AgentRule& rule, const doc::Value& claims);

// https, or http on a loopback host: no user, query, fragment or white space. What a token, a key
// or a secret may be sent to or come from.
bool is_safe_url(std::string_view url);

}  // namespace keyturn::trust
