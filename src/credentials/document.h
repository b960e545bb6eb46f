// credentials.yaml: which credentials can be issued for one action, and how. Values only; nothing
// is asked or fetched, and secrets are references (secrets/reference.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "doc/read.h"
#include "doc/value.h"
#include "secrets/reference.h"

namespace keyturn::credentials {

// A secret that is kept somewhere. Field: value. Nothing of it can be revoked here.
struct StaticSecret {
  secrets::SecretReference secret;
};

// The value of a header: `prefix`, then the secret. Field: value.
struct HttpHeader {
  std::string header;  // its name
  std::string prefix;  // "Bearer "; may be empty
  secrets::SecretReference secret;
};

// A role of PostgreSQL that lives for one action. Fields: user, password.
struct PostgresRole {
  std::string dsn;  // of who makes it: CREATEROLE, and what `grants` gives with grant option
  std::optional<secrets::SecretReference> password;
  std::vector<std::string> grants;  // statements; {{role}} is the role, quoted
  std::string owner;                // who gets what the role made; "": a role without rights
  std::int64_t connections = 2;     // at a time
};

// A fresh key with a certificate of our own CA (OpenSSH PROTOCOL.certkeys).
// Fields: private_key, certificate.
struct SshCertificate {
  secrets::SecretReference ca_key;  // an Ed25519 key as ssh-keygen writes it, without a passphrase
  std::vector<std::string> principals;
  std::string force_command;                // "": any command
  std::vector<std::string> source_address;  // addresses and networks; empty: from anywhere
  std::vector<std::string> extensions;      // permit-pty, …; none by default
};

// Where OAuth tokens come from.
struct TokenEndpoint {
  std::string url, ca_file;
  std::string client_id;                                  // "": the client is not named
  std::optional<secrets::SecretReference> client_secret;  // none: a public client
  bool secret_in_body = false;                            // else HTTP Basic (RFC 6749 §2.3.1)
  std::string revocation_url;                             // RFC 7009; "": tokens end by themselves
  std::string scope, audience, resource;                  // "": not sent
};

struct OauthClientCredentials {  // RFC 6749 §4.4. Field: token
  TokenEndpoint endpoint;
};

struct TokenExchange {  // RFC 8693. Field: token
  TokenEndpoint endpoint;
  secrets::SecretReference subject_token;
  std::string subject_token_type;  // urn:ietf:params:oauth:token-type:…
  std::optional<secrets::SecretReference> actor_token;
  std::string actor_token_type;
  std::string requested_token_type;  // "": the server's choice
};

// A service account's token by the TokenRequest API. Field: token
struct KubernetesToken {
  std::string server, ca_file;
  secrets::SecretReference token;  // of who asks: may create serviceaccounts/token there
  std::string name_space, service_account;
  std::vector<std::string> audiences;
  // The token is bound to a Secret made for it; deleting that ends the token.
  bool revocable = false;
};

// AssumeRole. Fields: access_key_id, secret_access_key, session_token
struct AwsSts {
  std::string endpoint, ca_file, region;
  secrets::SecretReference access_key_id, secret_access_key;
  std::optional<secrets::SecretReference> session_token;
  std::string role_arn, external_id;
  std::optional<doc::Value> policy;      // the session policy
  std::vector<std::string> policy_arns;  // managed session policies
};

// A dynamic secret of Vault or OpenBao. Fields: as `fields` says.
struct VaultSecret {
  std::string address, ca_file;
  secrets::SecretReference token;
  std::string name_space;  // "": none
  std::string path;        // "database/creds/readonly", without /v1/
  std::vector<std::string> fields;
};

using Provider =
    std::variant<StaticSecret, HttpHeader, PostgresRole, SshCertificate, OauthClientCredentials,
                 TokenExchange, KubernetesToken, AwsSts, VaultSecret>;

struct Credential {
  std::string name;
  Duration lifetime = std::chrono::minutes(15);  // at most
  Provider provider;
  // Not empty: it is sent to these URLs and below those that end with "/", by http tools, and is
  // handed to nobody else.
  std::vector<std::string> only_to;
};

// Whether the URL, up to its query, is one of them or below one that ends with "/".
bool is_within(const std::vector<std::string>& urls, std::string_view url);

// "postgres_role": the word under which the document has it.
std::string_view provider_name(const Credential& credential);
// The fields that an issued one has, sorted.
std::vector<std::string> fields_of(const Credential& credential);

struct Document {
  std::map<std::string, Credential, std::less<>> credentials;
  std::string digest;  // SHA-256 over the RFC 8785 form of the tree

  bool empty() const { return credentials.empty(); }
  // Null when there is none. Valid as long as the document.
  const Credential* find(std::string_view name) const;
  // Whether a tool can use it. `field` may be empty: then any, or with `sent_to` the one that
  // stands in a header. `sent_to`: the URL that an http tool sends it to, up to its first
  // parameter; "": another tool. Codes unknown_credential, unknown_field, not_sent_there.
  [[nodiscard]] Result<void> check_use(std::string_view name, std::string_view field,
                                       std::string_view sent_to = {}) const;
};

// The document that has none: what is in force without a credentials.yaml.
inline constexpr std::string_view kNone = "apiVersion: keyturn/v1\nkind: Credentials\n";

// Every problem with its place and what to do; nullopt when one of them is an error.
std::optional<Document> load(std::string_view text, doc::Problems& problems);
std::optional<Document> read(const doc::Value& tree, doc::Problems& problems);

}  // namespace keyturn::credentials
