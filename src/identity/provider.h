// An OpenID provider, asked: its metadata, its keys, its tokens, and who somebody is there. Nothing
// here decides who that is here (sign_on.h).
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "identity/jwks.h"
#include "identity/kept.h"
#include "secrets/reference.h"
#include "trust/document.h"

namespace keyturn::identity {

// OpenID Connect Discovery 1.0 §3, what is used of it.
struct Metadata {
  std::string issuer, authorization, token, jwks;
  std::string userinfo, end_session, device;  // "" : not offered
  bool basic_secret = true;       // token endpoint: client_secret_basic, else client_secret_post
  bool issuer_in_answer = false;  // RFC 9207: `iss` comes with every answer
};

// Checks that it is `issuer`'s own, and that every address in it is one to trust. Code
// invalid_metadata.
Result<Metadata> parse_metadata(std::string_view json, const std::string& issuer);

// Who came back from a provider, verified.
struct Subject {
  std::string id;                        // for account_of(): sub, or Entra's oid
  std::string name, username;            // as the provider has them, for people to read
  std::string email;                     // only when the provider says that it is verified
  std::vector<std::string> identifiers;  // whatever may name somebody who is here already
  // Our groups; nullopt: the provider did not say all of them (`why`), so none counts.
  std::optional<std::set<std::string>> groups;
  std::string why;
};

struct Tokens {
  std::string id_token, access_token;
};

// What goes to the token endpoint.
using Form = std::vector<std::pair<std::string, std::string>>;
std::string to_form(const Form& fields);  // application/x-www-form-urlencoded

class Providers {
 public:
  Providers(net::Loop& loop, const Clock& clock, Fetch fetch,
            std::function<Task<Result<Secret>>(secrets::SecretReference)> secret);

  // Codes of all: provider_unreachable, invalid_metadata, invalid_keys, secret_….
  Task<Result<Metadata>> metadata(std::string issuer);
  // The keys at `jwks`, fetched anew when `kid` is not among them, as often as is decent.
  Task<Result<std::shared_ptr<const KeySet>>> keys(std::string jwks, std::string kid);
  std::shared_ptr<const KeySet> keys_at_hand(const std::string& jwks) const;
  std::optional<Metadata> metadata_at_hand(const std::string& issuer) const;
  // Why its metadata or its keys could not be fetched when that was last tried.
  std::optional<Refusal> trouble_with(const std::string& issuer) const;

  // RFC 6749 §4.1.3, RFC 8628 §3.4. Codes: the provider's own word for the two that a device flow
  // waits on (authorization_pending, slow_down), sign_in_refused for every other.
  Task<Result<Tokens>> redeem(trust::Provider provider, Form fields);
  Task<Result<doc::Value>> begin_device(trust::Provider provider);
  // Verifies the id token, and asks for groups where the token has none. Codes: those of
  // verify_jwt(), sign_in_refused.
  Task<Result<Subject>> who(trust::Provider provider, Tokens tokens,
                            std::optional<std::string> nonce);

 private:
  Task<Result<doc::Value>> post(trust::Provider provider, Metadata metadata, std::string url,
                                Form fields);
  Task<Result<doc::Value>> ask(net::ClientRequest request, std::string access_token);
  Task<void> find_groups(trust::Provider provider, doc::Value claims, std::string access_token,
                         Subject& subject);

  const Clock& clock_;
  Fetch fetch_;
  std::function<Task<Result<Secret>>(secrets::SecretReference)> secret_;
  Kept<Metadata> metadata_;
  Kept<KeySet> keys_;
};

}  // namespace keyturn::identity
