// Single sign-on: OpenID Connect Core 1.0 by authorization code with PKCE (RFC 7636, RFC 9700), the
// device flow of RFC 8628 for terminals, and accounts that are linked and unlinked. An account at a
// provider is somebody here only by proof: it was provisioned, its owner linked it when signed in
// with a passkey, or it made a new person. I/O thread only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "gate/gate.h"
#include "identity/identity.h"
#include "identity/provider.h"

namespace keyturn::identity {

struct SignOnOptions {
  std::string public_url;  // without a slash at the end
  Duration flow_life = std::chrono::minutes(10);
  std::size_t flows_max = 10'000;
  Duration device_token_life = std::chrono::hours(1);
  std::size_t devices_max = 1'000;
};

// Where the browser goes, and what it must bring back.
struct SignOnBegun {
  std::string url;
  Secret cookie;
};

// What a provider's answer to the browser says (its query).
struct SignOnAnswer {
  std::string state, code, error;
  std::optional<std::string> issuer;  // RFC 9207
};

struct SignedOn {
  std::string person;
  std::optional<OpenedSession> opened;  // none: an account was linked, the session goes on
};

struct DeviceBegun {
  Secret id;  // for polling: whoever has it gets the token
  std::string user_code, verification_uri, verification_uri_complete;
  Duration interval{}, expires_in{};
};

class SignOn {
 public:
  // All borrowed. `key` is the server's own, for account_of().
  SignOn(gate::Gate& gate, Identity& identity, Providers& providers, Secret key,
         SignOnOptions options);

  doc::Value list() const;  // [{"name", "kind", "device"}]: what anybody may know
  // Whether it answers, as far as it was asked: "ok", "idle" (not asked yet), or why not.
  std::string health_of(const std::string& provider) const;

  // For a session, its person links an account. Codes: unknown_provider, too_many, those of
  // Providers.
  Task<Result<SignOnBegun>> begin(std::string provider, std::optional<Session> link_for);
  // `cookie` is what begin() gave to this browser. Codes: unknown_provider, invalid_state (begun
  // elsewhere, too long ago, or used already), sign_in_refused, account_not_linked, account_taken,
  // inactive, those of Providers::who() and of people::can_add_person().
  Task<Result<SignedOn>> finish(std::string provider, SignOnAnswer answer, std::string cookie);

  // The server polls, not the terminal: the client's secret stays here, and the token comes from
  // the provider itself to whoever asked for it, so none that was made for another can be handed
  // in. A person's token with assurance `token`, for device_token_life. Codes of poll_device():
  // authorization_pending, invalid_state and those of finish().
  Task<Result<DeviceBegun>> begin_device(std::string provider);
  Task<Result<NewToken>> poll_device(std::string provider, std::string id);

  // OpenID Connect RP-Initiated Logout 1.0: where the browser goes to end the provider's session,
  // too. "" when there is none. Once for a session.
  Task<std::string> provider_logout(Session session);

  // [{"account", "provider"}]
  doc::Value accounts_of(const std::string& person) const;
  // By its person or an administrator: sessions that the account opened end. Codes: not_found,
  // last_way_in (of one's own, without a passkey).
  Task<Result<std::string>> unlink(Principal by, std::string person, std::string account);

 private:
  struct Flow {
    std::string provider, issuer, cookie_digest, nonce, verifier;
    std::optional<Session> link_for;
    Time expires_at;
  };
  struct Device {
    std::string provider, issuer, code;
    Duration interval{};
    Time asked{}, expires_at;
  };
  struct Admission {  // of a verified subject: who it is, and what that leaves in the record
    std::string person;
    std::vector<EventDraft> events;
  };

  Result<trust::Provider> provider(const std::string& name) const;
  std::string redirect_uri(const std::string& provider) const;
  Result<Flow> take(const std::string& provider, const SignOnAnswer& answer,
                    const std::string& cookie);
  Task<Result<Tokens>> redeem(trust::Provider provider, Flow flow, SignOnAnswer answer);
  Result<Admission> admit(const trust::Provider& provider, const Subject& subject) const;
  Result<Admission> make_person(const trust::Provider& provider, const Subject& subject,
                                std::string account) const;
  void add_groups(const trust::Provider& provider, const Subject& subject,
                  const people::Person* person, Admission& to) const;
  Task<Result<SignedOn>> open(trust::Provider provider, Subject subject, std::string id_token);
  Task<Result<SignedOn>> link(trust::Provider provider, Subject subject, Session session);
  Task<Result<SignedOn>> link_once(trust::Provider provider, Subject subject, Session session);
  Task<Result<std::vector<Event>>> record(Admission admission);

  gate::Gate& gate_;
  Identity& identity_;
  Providers& providers_;
  Secret key_;
  SignOnOptions options_;
  std::map<std::string, Flow> flows_;      // by state
  std::map<std::string, Device> devices_;  // by the digest of their id
  struct Hint {
    std::string provider, id_token;
  };
  std::map<std::string, Hint> hints_;  // by session id, for provider_logout()
};

}  // namespace keyturn::identity
