// What people sign with a passkey: votes over the very case, and statements. Whatever is kept of it
// is public, so that anybody can verify it.
#include "base/bytes.h"
#include "identity/impl.h"

namespace keyturn::identity {

Result<Ceremony> Identity::Impl::ask_to_sign(Pending pending, std::string_view domain,
                                             doc::Value text) {
  text.set("v", 1);
  text.set("nonce", to_hex(gate.random().bytes(16)));
  text.set("expires_at", to_rfc3339(now() + options.ceremony_life));
  pending.signed_text = doc::canonical_or_die(text);
  const Digest challenge = crypto::sha256(std::string(domain) + "\n" + pending.signed_text);
  pending.challenge = std::string(view(challenge));
  doc::Array allow = descriptors_of(pending.person);
  if (allow.empty())
    return refuse("passkey_required",
                  "this needs a passkey, and none is enrolled for " + pending.person);
  return start_request(std::move(pending), std::move(allow));
}

Result<doc::Value> Identity::Impl::verify_signed(const Session& session, const Pending& pending,
                                                 const doc::Value& assertion) const {
  const doc::Value* answer = assertion.find("credential");
  if (answer == nullptr)
    return refuse("malformed_credential", "credential is missing", "/assertion/credential");
  Result<std::string> id = webauthn::credential_id_of(*answer);
  if (!id) return std::unexpected(id.error());
  const auto found = credentials.find(*id);
  if (found == credentials.end() || found->second.person != session.person) {
    return refuse("bad_signature", "this passkey is not one of " + session.person + "'s");
  }
  Result<webauthn::Assertion> verified =
      webauthn::verify_assertion(*answer, found->second.credential, expected(pending));
  if (!verified) return std::unexpected(verified.error());
  return doc::object({{"credential", to_base64url(*id)},
                      {"algorithm", found->second.credential.algorithm},
                      {"public_key", to_base64url(found->second.credential.public_key)},
                      {"authenticator_data", to_base64url(verified->authenticator_data)},
                      {"client_data_json", to_base64url(verified->client_data_json)},
                      {"signature", to_base64url(verified->signature)},
                      {"signed", pending.signed_text}});
}

Result<Pending> Identity::Impl::take_signed(const Session& session, const doc::Value& assertion,
                                            Pending::Kind kind) {
  if (!assertion.is_object())
    return refuse("malformed_credential", "assertion must be an object", "/assertion");
  Result<Pending> pending = take(std::string(assertion.text("ceremony")), kind);
  if (!pending) return std::unexpected(pending.error());
  if (pending->session != session.id || pending->person != session.person)
    return refuse("digest_mismatch", "the passkey signed for another session; start again");
  return pending;
}

Task<Result<Ceremony>> Identity::begin_vote(Session session, const gate::ActionRecord& record,
                                            std::string decision) {
  Pending pending;
  pending.kind = Pending::Kind::kVote;
  pending.person = session.person;
  pending.session = session.id;
  pending.action = record.id.str();
  pending.digest = record.case_digest;
  pending.decision = decision;
  co_return impl_->ask_to_sign(std::move(pending), "keyturn/v1/vote",
                               doc::object({{"action", record.id.str()},
                                            {"digest", record.case_digest},
                                            {"decision", decision},
                                            {"reviewer", session.person},
                                            {"policy", record.policy_digest}}));
}

Result<doc::Value> Identity::finish_vote(const Session& session, const gate::ActionRecord& record,
                                         const std::string& decision, const doc::Value& assertion) {
  Result<Pending> pending = impl_->take_signed(session, assertion, Pending::Kind::kVote);
  if (!pending) return std::unexpected(pending.error());
  if (pending->action != record.id.str() || pending->decision != decision ||
      pending->digest != record.case_digest)
    return refuse("digest_mismatch", "the passkey signed another case; look again and vote again");
  return impl_->verify_signed(session, *pending, assertion);
}

Task<Result<Ceremony>> Identity::begin_statement(Session session, doc::Value statement) {
  Pending pending;
  pending.kind = Pending::Kind::kStatement;
  pending.person = session.person;
  pending.session = session.id;
  pending.digest = crypto::sha256_text(doc::canonical_or_die(statement));
  co_return impl_->ask_to_sign(
      std::move(pending), "keyturn/v1/statement",
      doc::object({{"statement", std::move(statement)},
                   {"person", session.person},
                   {"policy", impl_->gate.world().configuration->policy->digest()}}));
}

Result<doc::Value> Identity::finish_statement(const Session& session, const doc::Value& statement,
                                              const doc::Value& assertion) {
  Result<Pending> pending = impl_->take_signed(session, assertion, Pending::Kind::kStatement);
  if (!pending) return std::unexpected(pending.error());
  if (pending->digest != crypto::sha256_text(doc::canonical_or_die(statement)))
    return refuse("digest_mismatch", "the passkey signed something else; start again");
  return impl_->verify_signed(session, *pending, assertion);
}

}  // namespace keyturn::identity
