// What the providers share, and their two verbs. Internal to credentials/. All of it blocks, and is
// for a pool's thread.
#pragma once

#include <functional>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "credentials/document.h"
#include "credentials/issued.h"

namespace keyturn::credentials {

struct Issuance {
  std::string id;          // crd_…
  std::string name;        // the one that others see: "keyturn_…", [a-z0-9_], at most 50
  std::string deployment;  // which Keyturn it is
  Binding binding;
  Time now, until;  // until: the sooner of the binding's end and now + lifetime
};

// What issue() gives. `shown` says what revoke() needs to know, besides fields.
using Given = Result<Issued>;

// Codes: no_secret (what is asked with is not to be had), cannot_connect, credential_refused (what
// the other side said, without anything secret), credential_unreadable (its answer).
Given issue(const Credential& credential, const Issuance& issuance, Random& random);
// Ends it at the other side, now. Doing it twice is no error. Codes: not_revoked.
Result<void> revoke(const Credential& credential, const Issued& issued);
// Whether revoke() ends it; what is not revocable ends by itself.
bool is_revocable(const Credential& credential);

Given issue(const PostgresRole& role, const Issuance& issuance, Random& random);
Result<void> revoke(const PostgresRole& role, const Issued& issued);
Given issue(const SshCertificate& ssh, const Issuance& issuance, Random& random);
Given issue(const OauthClientCredentials& client, const Issuance& issuance);
Given issue(const TokenExchange& exchange, const Issuance& issuance);
Result<void> revoke(const TokenEndpoint& endpoint, const Issued& issued);
Given issue(const KubernetesToken& kubernetes, const Issuance& issuance);
Result<void> revoke(const KubernetesToken& kubernetes, const Issued& issued);
Given issue(const AwsSts& sts, const Issuance& issuance);
Given issue(const VaultSecret& vault, const Issuance& issuance);
Result<void> revoke(const VaultSecret& vault, const Issued& issued);

// What to do with one that bears this deployment's mark.
enum class Fate {
  kOurs,  // this life issued it, and ends it
  kWait,  // an earlier life's, for an execution that goes on: until that or its own life is over
  kEnd,
};
// Thread-safe.
using Judge = std::function<Fate(const std::string& id, const std::string& action)>;

struct Swept {
  std::vector<std::string> ended;  // ids
  bool waits = false;              // something is left to look at later
  // Of each that could not be ended, what came in between: it is there still. The others are ended.
  std::vector<std::string> problems;
};

// Ends what an earlier life of this deployment left at the other side.
Result<Swept> sweep(const Credential& credential, const std::string& deployment,
                    const Judge& judge);
Result<Swept> sweep(const PostgresRole& role, const std::string& deployment, const Judge& judge);
Result<Swept> sweep(const KubernetesToken& kubernetes, const std::string& deployment,
                    const Judge& judge);

// The secret behind a reference; `what` reads well in "cannot issue it: ". Code no_secret.
Result<Secret> fetch(const secrets::SecretReference& reference, std::string_view what);

}  // namespace keyturn::credentials
