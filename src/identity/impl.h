// What the files of identity/ share.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/task_impl.h"
#include "crypto/crypto.h"
#include "doc/json.h"
#include "identity/identity.h"
#include "identity/webauthn.h"
#include "people/directory.h"

namespace keyturn::identity {

struct TokenState {
  std::string id, digest, agent, person, label;
  std::optional<Time> expires_at;
  Time created_at;
  std::optional<Time> last_used;  // since this process began
  bool revoked = false;
  bool by_host = false;  // the host made it, not who it is for
};

struct SessionState {
  Session session;
  std::string digest;  // of the cookie
  Time expires_at, last_seen;
};

struct CredentialState {
  webauthn::Credential credential;
  std::string person, label;
  Time created_at;
};

struct EnrolmentState {
  std::string id, person, digest;
  Time expires_at;
  std::uint64_t version = 0;
  bool used = false;
  bool by_host = false;
  bool first = false;  // vouched for by no passkey: none may be there when it is used
};

struct Pending {  // a ceremony that the browser has not finished
  enum class Kind { kEnrolment, kLogin, kVote, kStatement, kFurther } kind = Kind::kLogin;
  std::string person, challenge, enrolment;
  std::string session, action, digest, decision, signed_text;
  Time expires_at;
};

struct Identity::Impl {
  Impl(gate::Gate& g, IdentityOptions o) : gate(g), options(std::move(o)) {}
  void fold(const Event& event);
  void fold_token(const Event& event);
  void fold_session(const Event& event);
  Time now() const { return gate.clock().now(); }
  webauthn::Expected expected(const Pending& pending) const {
    return {options.rp_id, options.origins, pending.challenge};
  }
  Result<Ceremony> start(Pending pending, doc::Value options_value);
  Result<Pending> take(const std::string& ceremony, Pending::Kind kind);
  Task<Result<OpenedSession>> open_session(std::string person, std::string credential,
                                           std::vector<EventDraft> events, std::string used_stream,
                                           std::uint64_t used_version);
  const EnrolmentState* enrolment(const std::string& token);
  bool is_active(const std::string& person) const;
  // Whether the person was deactivated after that event, which so opens nothing any more.
  bool has_ended(std::string_view person, const Event& event) const;
  void end_all_of(const std::string& person, const Event& event);
  // The host could act as a person through it: not once the configuration is sealed.
  bool ended_by_seal(const TokenState& token) const {
    return token.by_host && !token.person.empty() && gate.world().configuration->sealed;
  }
  doc::Array descriptors_of(const std::string& person) const;  // of their passkeys
  Result<Ceremony> start_request(Pending pending, doc::Array allow);
  // The challenge is SHA-256 over the domain, a line feed and the RFC 8785 form of `text`, which
  // gets v, nonce and expires_at.
  Result<Ceremony> ask_to_sign(Pending pending, std::string_view domain, doc::Value text);
  Result<Pending> take_signed(const Session& session, const doc::Value& assertion,
                              Pending::Kind kind);
  Result<doc::Value> verify_signed(const Session& session, const Pending& pending,
                                   const doc::Value& assertion) const;

  gate::Gate& gate;
  IdentityOptions options;
  std::unordered_map<std::string, TokenState> tokens;  // by id
  std::unordered_map<std::string, std::string> token_by_digest;
  std::unordered_map<std::string, SessionState> sessions;      // by id
  std::map<std::string, std::uint64_t, std::less<>> ended_at;  // person -> ledger index
  std::unordered_map<std::string, std::string> session_by_digest;
  std::unordered_map<std::string, CredentialState> credentials;  // by raw credential id
  std::unordered_map<std::string, EnrolmentState> enrolments;    // by id
  std::map<std::string, Pending> ceremonies;
  std::vector<std::function<void(const std::string&)>> ended;
  std::function<Result<Principal>(std::string_view)> jwt;
};

std::string simulated_words(const std::string& person);  // why it gets no credential

}  // namespace keyturn::identity
