// One's own passkeys: which there are, a further one, one that is gone.
#include <algorithm>

#include "base/bytes.h"
#include "identity/impl.h"

namespace keyturn::identity {

doc::Value Identity::list_passkeys(const std::string& person) const {
  std::vector<const CredentialState*> mine;
  for (const auto& [id, credential] : impl_->credentials) {
    if (credential.person == person) mine.push_back(&credential);
  }
  std::ranges::sort(mine, {}, [](const CredentialState* c) {
    return std::pair(c->created_at, std::string_view(c->credential.id));
  });
  doc::Array out;
  for (const CredentialState* one : mine) {
    out.push_back(doc::object({{"id", to_base64url(one->credential.id)},
                               {"label", one->label},
                               {"created_at", to_rfc3339(one->created_at)},
                               {"backed_up", one->credential.backed_up}}));
  }
  return out;
}

Task<Result<Ceremony>> Identity::begin_further(Session session) {
  Pending pending;
  pending.kind = Pending::Kind::kFurther;
  pending.person = session.person;
  pending.session = session.id;
  pending.challenge = impl_->gate.random().bytes(32);
  doc::Array allow = impl_->descriptors_of(session.person);
  if (allow.empty()) {
    co_return refuse("passkey_required",
                     "a further passkey is vouched for by one that is there, and " +
                         session.person + " has none");
  }
  co_return impl_->start_request(std::move(pending), std::move(allow));
}

Task<Result<Secret>> Identity::first_passkey(Session session) {
  if (has_credential(session.person) || !session.credential.starts_with("oidc:"))
    co_return refuse("passkey_required", "this is vouched for by a passkey that is there");
  if (impl_->now() - session.opened_at > impl_->options.fresh_sign_in)
    co_return refuse("sign_in_again",
                     "a first passkey takes a sign-in at your provider that is not older than " +
                         to_text(impl_->options.fresh_sign_in) + "; sign out, and in again");
  Principal self{PrincipalKind::kPerson, session.person, session.id, Assurance::kSession, "web"};
  Result<Secret> made = co_await create_enrolment(std::move(self), session.person);
  co_return made;
}

Task<Result<Secret>> Identity::finish_further(Session session, std::string ceremony,
                                              doc::Value answer) {
  Result<Pending> pending = impl_->take(ceremony, Pending::Kind::kFurther);
  if (!pending) co_return std::unexpected(pending.error());
  if (pending->session != session.id || pending->person != session.person)
    co_return refuse("invalid_ceremony", "this was begun in another session; start again");
  Result<std::string> id = webauthn::credential_id_of(answer);
  if (!id) co_return std::unexpected(id.error());
  const auto found = impl_->credentials.find(*id);
  if (found == impl_->credentials.end() || found->second.person != session.person)
    co_return refuse("bad_signature", "this passkey is not one of " + session.person + "'s");
  Result<webauthn::Assertion> verified =
      webauthn::verify_assertion(answer, found->second.credential, impl_->expected(*pending));
  if (!verified) co_return std::unexpected(verified.error());
  Principal self{PrincipalKind::kPerson, session.person, session.id, Assurance::kPasskey, "web"};
  Result<Secret> made = co_await create_enrolment(std::move(self), session.person);
  co_return made;
}

Task<Result<std::string>> Identity::remove_passkey(Session session, std::string id) {
  const std::string raw = from_base64url(id).value_or("");
  const auto found = impl_->credentials.find(raw);
  if (found == impl_->credentials.end() || found->second.person != session.person)
    co_return refuse("not_found", "there is no such passkey, or it is not yours");
  if (impl_->descriptors_of(session.person).size() < 2) {
    co_return refuse(
        "last_passkey",
        "this is your last passkey: without it you could not sign in; add another first");
  }
  std::vector<EventDraft> events;
  events.push_back({"credential/" + id, "identity.credential_removed",
                    doc::object({{"person", session.person}}), std::nullopt});
  for (const auto& [session_id, open] : impl_->sessions) {
    if (open.session.credential != id) continue;
    events.push_back(
        {"session/" + session_id, "identity.session_closed", doc::Object{}, std::nullopt});
  }
  // Two removals at once must not take the last two.
  std::vector<store::Expect> expects;
  for (const auto& [other, credential] : impl_->credentials) {
    const std::string stream = "credential/" + to_base64url(other);
    if (credential.person == session.person) expects.push_back({stream, impl_->gate.seen(stream)});
  }
  Result<std::vector<Event>> recorded =
      co_await impl_->gate.record(std::move(events), std::move(expects));
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return id;
}

}  // namespace keyturn::identity
