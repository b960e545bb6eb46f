// Who is this? Keyturn tokens, browser sessions and passkeys (WebAuthn Level 2, verified with
// libfido2). Everything that lasts is an event (streams token/…, credential/…, session/…) through
// gate::Gate::record; only digests of secrets are kept. Ceremonies (challenges) live in memory,
// minutes, bounded in number. Single sign-on joins here: an OIDC login ends in open_session() like
// a passkey login does.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "base/time.h"
#include "doc/value.h"
#include "gate/gate.h"
#include "model/principal.h"

namespace keyturn::identity {

struct IdentityOptions {
  std::string rp_id = "localhost";                               // WebAuthn relying party id
  std::vector<std::string> origins = {"http://localhost:7717"};  // exact
  Duration session_idle = std::chrono::hours(12);
  Duration session_life = std::chrono::hours(24 * 7);
  Duration enrolment_life = std::chrono::hours(24);
  Duration own_enrolment_life = std::chrono::minutes(15);  // of a link that a person made
  Duration fresh_sign_in =
      std::chrono::minutes(5);  // at a provider, that vouches for a first passkey
  Duration ceremony_life = std::chrono::minutes(5);
  std::size_t ceremonies_max = 10'000;
};

struct NewToken {
  std::string id;  // tok_…, public
  Secret secret;   // "kt_" + base64url(32 bytes): shown once
  std::optional<Time> expires_at;
};

struct TokenRequest {
  std::optional<std::string> agent, person;  // exactly one
  std::optional<Duration> life;              // absent: 90 days
  std::string label;
};

struct Session {
  std::string id;  // ses_…, public
  std::string person;
  std::string credential;  // the passkey that opened it, base64url
  std::string csrf;        // to be sent back as X-Keyturn-CSRF
  Assurance assurance = Assurance::kSession;
  Time opened_at;
};

struct OpenedSession {
  Session session;
  Secret cookie;  // value of the session cookie: given once
};

// A ceremony that the browser continues: options are the JSON forms of WebAuthn Level 3
// (PublicKeyCredentialCreationOptionsJSON / RequestOptionsJSON).
struct Ceremony {
  std::string id;
  std::string person;  // "" for a login with a discoverable credential
  doc::Value options;
};

class Identity {
 public:
  Identity(gate::Gate& gate, IdentityOptions options);
  ~Identity();
  void load();  // folds the streams; before serving

  // ---- who calls. Codes: invalid_token, expired_token, revoked_token, inactive, suspended.
  Result<Principal> authenticate_bearer(std::string_view token);
  // The first is a sign of life of the person; the second is for what goes on by itself (an open
  // stream, say), which keeps no session from going idle.
  Result<Session> authenticate_cookie(std::string_view cookie);
  Result<Session> session_of(std::string_view cookie) const;
  bool csrf_matches(const Session& session, std::string_view sent) const;

  // ---- tokens
  Task<Result<NewToken>> create_token(Principal by, TokenRequest request);
  Task<Result<std::string>> revoke_token(Principal by, std::string token_id);
  // The drafts that revoke every token that the host made for a person: what the seal ends. None of
  // them opens anything while the configuration is sealed, recorded as revoked or not.
  std::vector<EventDraft> end_host_tokens() const;
  doc::Value list_tokens(
      const std::string& person_or_agent) const;  // ids, labels, whose, expiry; no secrets

  // ---- enrolment: a one-time link, its token in the URL's fragment
  bool has_credential(const std::string& person) const;
  Task<Result<Secret>> create_enrolment(Principal by, std::string person);
  Task<Result<Ceremony>> begin_enrolment(std::string token);
  Task<Result<OpenedSession>> finish_enrolment(std::string ceremony, std::string token,
                                               doc::Value credential, std::string label);
  // ---- one's own passkeys. A further one takes a signature of one that is there: a session alone,
  // however it was come by, makes nothing that lasts. finish_further() gives the token of an
  // enrolment link. Codes of both: those of sign-in, passkey_required.
  doc::Value list_passkeys(const std::string& person) const;  // id, label, created_at, backed_up
  Task<Result<Ceremony>> begin_further(Session session);
  // The token of an enrolment link for who has no passkey yet: vouched for by a sign-in at an
  // identity provider in the last minutes. Codes: passkey_required (no such session, or there is a
  // passkey), sign_in_again.
  Task<Result<Secret>> first_passkey(Session session);
  Task<Result<Secret>> finish_further(Session session, std::string ceremony, doc::Value credential);
  // Ends the sessions that it opened, too. Codes: not_found, last_passkey.
  Task<Result<std::string>> remove_passkey(Session session, std::string id);
  // ---- sign-in
  Task<Result<Ceremony>> begin_login();
  Task<Result<OpenedSession>> finish_login(std::string ceremony, doc::Value credential);
  Task<Result<void>> close_session(std::string session_id);

  // ---- overview.cpp: for administrators and auditors. Tokens that are good now: [{"id", "kind",
  // "holder", "name", "created_at", "expires_at", "last_used_at"}], the last since this process
  // began. Sessions that are open: [{"id", "person", "how", "created_at", "last_seen_at",
  // "expires_at"}].
  doc::Value list_all_tokens() const;
  doc::Value list_sessions() const;
  // One's own, or as an administrator anybody's. Code not_found.
  Task<Result<std::string>> end_session(Principal by, std::string session_id);

  // ---- who was proven elsewhere (sign_on.h): one append with `with`. `credential` says by what:
  // "oidc:PROVIDER". Codes: conflict, those of gate::Gate::record.
  Task<Result<OpenedSession>> open_session(std::string person, std::string credential,
                                           std::vector<EventDraft> with);
  bool is_open(const std::string& session_id) const;  // now, of an active person
  // The drafts that end every session of that person which that credential opened.
  std::vector<EventDraft> ends_of(const std::string& person, const std::string& credential) const;
  // Bearer tokens that are JWTs are asked about there; borrowed. None: they are unknown.
  void set_jwt(std::function<Result<Principal>(std::string_view token)> authenticate);

  // ---- passkey-signed votes. The challenge is SHA-256 over "keyturn/v1/vote\n" and the canonical
  // JSON of {v, action id, action digest, decision, reviewer, policy digest, nonce, expiry}
  // (PEOPLE).
  Task<Result<Ceremony>> begin_vote(Session session, const gate::ActionRecord& record,
                                    std::string decision);
  // Checks UV, rpId hash, origin, type, challenge, crossOrigin and that the credential is the
  // person's own. Gives what the ledger keeps: authenticatorData, clientDataJSON, signature, public
  // key, canonical bytes.
  Result<doc::Value> finish_vote(const Session& session, const gate::ActionRecord& record,
                                 const std::string& decision, const doc::Value& assertion);

  // ---- passkey-signed statements, of what is no vote: breaking the glass. `statement` is an
  // object that becomes public. The challenge is SHA-256 over "keyturn/v1/statement\n" and the
  // canonical JSON of {v, statement, person, policy digest, nonce, expiry}. Kept: as of a vote.
  Task<Result<Ceremony>> begin_statement(Session session, doc::Value statement);
  Result<doc::Value> finish_statement(const Session& session, const doc::Value& statement,
                                      const doc::Value& assertion);

  // Called when a person or agent is deactivated: their sessions and tokens end at once.
  void on_ended(std::function<void(const std::string& who)> listener);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keyturn::identity
