// Passkey ceremonies: enrolment and sign-in. (signing.cpp: what people sign.)
#include <algorithm>

#include "base/bytes.h"
#include "identity/impl.h"

namespace keyturn::identity {
namespace {

constexpr std::ptrdiff_t kCeremoniesOfOneMax = 16;

doc::Value request_options(const IdentityOptions& options, std::string_view challenge,
                           doc::Array allow) {
  return doc::object(
      {{"challenge", to_base64url(challenge)},
       {"rpId", options.rp_id},
       {"timeout",
        std::chrono::duration_cast<std::chrono::milliseconds>(options.ceremony_life).count()},
       {"userVerification", "required"},
       {"allowCredentials", std::move(allow)}});
}

doc::Value descriptor(const std::string& credential_id) {
  return doc::object({{"type", "public-key"}, {"id", to_base64url(credential_id)}});
}

doc::Value creation_options(const IdentityOptions& options, std::string_view challenge,
                            const people::Person& person, doc::Array exclude) {
  const Digest handle = crypto::sha256("keyturn/v1/user\n" + person.id);
  doc::Array algorithms;
  for (const int algorithm : {-7, -8, -257})
    algorithms.push_back(doc::object({{"type", "public-key"}, {"alg", algorithm}}));
  return doc::object(
      {{"rp", doc::object({{"id", options.rp_id}, {"name", "Keyturn"}})},
       {"user", doc::object({{"id", to_base64url(view(handle).substr(0, 16))},
                             {"name", person.id},
                             {"displayName", person.name}})},
       {"challenge", to_base64url(challenge)},
       {"pubKeyCredParams", std::move(algorithms)},
       {"timeout",
        std::chrono::duration_cast<std::chrono::milliseconds>(options.ceremony_life).count()},
       {"excludeCredentials", std::move(exclude)},
       {"authenticatorSelection", doc::object({{"residentKey", "required"},
                                               {"requireResidentKey", true},
                                               {"userVerification", "required"}})},
       {"attestation", "none"}});
}

}  // namespace

Result<Ceremony> Identity::Impl::start(Pending pending, doc::Value options_value) {
  const Time at = now();
  std::erase_if(ceremonies, [&](const auto& entry) { return entry.second.expires_at <= at; });
  // One person cannot use them up: the oldest of theirs goes.
  if (pending.kind != Pending::Kind::kLogin) {
    const auto theirs = [&](const auto& entry) { return entry.second.person == pending.person; };
    if (std::ranges::count_if(ceremonies, theirs) >= kCeremoniesOfOneMax) {
      auto oldest = ceremonies.end();
      for (auto it = ceremonies.begin(); it != ceremonies.end(); ++it) {
        if (theirs(*it) &&
            (oldest == ceremonies.end() || it->second.expires_at < oldest->second.expires_at))
          oldest = it;
      }
      ceremonies.erase(oldest);
    }
  }
  if (ceremonies.size() >= options.ceremonies_max)
    return refuse("overloaded", "too many sign-ins at once; try again in a minute");
  pending.expires_at = at + options.ceremony_life;
  Ceremony out{to_base64url(gate.random().bytes(18)), pending.person, std::move(options_value)};
  ceremonies.emplace(out.id, std::move(pending));
  return out;
}

// A ceremony is finished once, whatever comes of it.
Result<Pending> Identity::Impl::take(const std::string& ceremony, Pending::Kind kind) {
  const auto found = ceremonies.find(ceremony);
  if (found == ceremonies.end() || found->second.kind != kind ||
      found->second.expires_at <= now()) {
    return refuse("invalid_ceremony", "this took too long or was used already; start again");
  }
  Pending pending = std::move(found->second);
  ceremonies.erase(found);
  return pending;
}

doc::Array Identity::Impl::descriptors_of(const std::string& person) const {
  doc::Array out;
  for (const auto& [id, credential] : credentials) {
    if (credential.person == person) out.push_back(descriptor(id));
  }
  return out;
}

Result<Ceremony> Identity::Impl::start_request(Pending pending, doc::Array allow) {
  doc::Value ask = request_options(options, pending.challenge, std::move(allow));
  return start(std::move(pending), std::move(ask));
}

Task<Result<Secret>> Identity::create_enrolment(Principal by, std::string person) {
  if (!impl_->is_active(person))
    co_return refuse("unknown_person", "there is no active person " + person);
  if (impl_->gate.world().directory.person(person)->simulated)
    co_return refuse("not_allowed", simulated_words(person));
  const people::Person* maker =
      by.kind == PrincipalKind::kPerson ? impl_->gate.world().directory.person(by.id) : nullptr;
  const bool self = maker != nullptr && by.id == person;
  if (by.kind != PrincipalKind::kHost && !self)
    co_return refuse("not_allowed", "an enrolment link is made on the host, or by the person");
  if (by.kind == PrincipalKind::kHost && impl_->gate.world().configuration->sealed &&
      has_credential(person)) {
    co_return refuse("sealed",
                     "the configuration is sealed: " + person + " adds passkeys when signed in");
  }
  const people::Person* whose = impl_->gate.world().directory.person(person);
  if (by.kind == PrincipalKind::kHost && impl_->gate.world().configuration->sealed &&
      !whose->accounts.empty()) {
    co_return refuse("sealed", "the configuration is sealed: " + person +
                                   " signs in at the provider and adds a passkey there");
  }
  const Duration life = self ? impl_->options.own_enrolment_life : impl_->options.enrolment_life;
  const std::string id = make_sortable_id("enr_", unix_ms(impl_->now()), impl_->gate.random());
  Secret secret(id + "." + to_base64url(impl_->gate.random().bytes(32)));
  std::vector<EventDraft> events;
  events.push_back(
      {"enrolment/" + id, "identity.enrolment_created",
       doc::object(
           {{"enrolment", doc::object({{"person", person},
                                       {"by", by.id},
                                       {"secret_digest", crypto::sha256_text(secret.reveal())},
                                       {"first", self && !has_credential(person)},
                                       {"expires_at", to_rfc3339(impl_->now() + life)}})}}),
       std::nullopt});
  Result<std::vector<Event>> recorded = co_await impl_->gate.record(std::move(events), {});
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return secret;
}

const EnrolmentState* Identity::Impl::enrolment(const std::string& token) {
  const auto found = enrolments.find(token.substr(0, token.find('.')));
  if (found == enrolments.end()) return nullptr;
  const EnrolmentState& state = found->second;
  // A link that the host made before the seal, or two of them: one passkey, then the seal holds.
  if (state.by_host && gate.world().configuration->sealed &&
      std::ranges::any_of(credentials,
                          [&](const auto& entry) { return entry.second.person == state.person; }))
    return nullptr;
  if (state.first && !descriptors_of(state.person).empty()) return nullptr;
  const bool good = !state.used && now() < state.expires_at &&
                    equal_constant_time(state.digest, crypto::sha256_text(token)) &&
                    is_active(state.person);
  return good ? &state : nullptr;
}

Task<Result<Ceremony>> Identity::begin_enrolment(std::string token) {
  const EnrolmentState* state = impl_->enrolment(token);
  if (state == nullptr)
    co_return refuse(
        "invalid_enrolment",
        "this link has expired or was used; make a new one on the server: keyturn person enrol ID");
  Pending pending;
  pending.kind = Pending::Kind::kEnrolment;
  pending.person = state->person;
  pending.enrolment = state->id;
  pending.challenge = impl_->gate.random().bytes(32);
  doc::Array exclude = impl_->descriptors_of(state->person);
  const people::Person& person = *impl_->gate.world().directory.person(state->person);
  doc::Value options =
      creation_options(impl_->options, pending.challenge, person, std::move(exclude));
  co_return impl_->start(std::move(pending), std::move(options));
}

Task<Result<OpenedSession>> Identity::finish_enrolment(std::string ceremony, std::string token,
                                                       doc::Value answer, std::string label) {
  Result<Pending> pending = impl_->take(ceremony, Pending::Kind::kEnrolment);
  if (!pending) co_return std::unexpected(pending.error());
  const EnrolmentState* state = impl_->enrolment(token);
  if (state == nullptr || state->id != pending->enrolment)
    co_return refuse("invalid_enrolment", "this link has expired or was used");
  Result<webauthn::Credential> made =
      webauthn::verify_registration(answer, impl_->expected(*pending));
  if (!made) co_return std::unexpected(made.error());
  if (impl_->credentials.contains(made->id))
    co_return refuse("malformed_credential", "this passkey is enrolled already");
  label.resize(std::min<std::size_t>(label.size(), 128));
  if (const auto cut = first_invalid_utf8(label)) label.resize(*cut);  // never half a character
  std::vector<EventDraft> events;
  events.push_back({"enrolment/" + state->id, "identity.enrolment_used",
                    doc::object({{"person", state->person}}), std::nullopt});
  events.push_back(
      {"credential/" + to_base64url(made->id), "identity.credential_added",
       doc::object({{"credential", doc::object({{"id", to_base64url(made->id)},
                                                {"person", state->person},
                                                {"algorithm", made->algorithm},
                                                {"public_key", to_base64url(made->public_key)},
                                                {"aaguid", to_base64url(made->aaguid)},
                                                {"backed_up", made->backed_up},
                                                {"label", label}})}}),
       std::nullopt});
  Result<OpenedSession> opened =
      co_await impl_->open_session(state->person, to_base64url(made->id), std::move(events),
                                   "enrolment/" + state->id, state->version);
  co_return opened;
}

Task<Result<OpenedSession>> Identity::Impl::open_session(std::string person, std::string credential,
                                                         std::vector<EventDraft> events,
                                                         std::string used_stream,
                                                         std::uint64_t used_version) {
  const std::string id = make_sortable_id("ses_", unix_ms(now()), gate.random());
  Secret cookie(to_base64url(gate.random().bytes(32)));
  const std::string stream = "session/" + id;
  events.push_back(
      {stream, "identity.session_opened",
       doc::object(
           {{"session", doc::object({{"person", person},
                                     {"credential", credential},
                                     {"cookie_digest", crypto::sha256_text(cookie.reveal())},
                                     {"expires_at", to_rfc3339(now() + options.session_life)}})}}),
       std::nullopt});
  std::vector<store::Expect> expects{{stream, 0},
                                     {"person/" + person, gate.seen("person/" + person)}};
  if (!used_stream.empty()) expects.push_back({used_stream, used_version});
  Result<std::vector<Event>> recorded = co_await gate.record(std::move(events), std::move(expects));
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return OpenedSession{sessions.at(id).session, std::move(cookie)};
}

Task<Result<Ceremony>> Identity::begin_login() {
  Pending pending;
  pending.kind = Pending::Kind::kLogin;
  pending.challenge = impl_->gate.random().bytes(32);
  co_return impl_->start_request(std::move(pending), {});
}

Task<Result<OpenedSession>> Identity::finish_login(std::string ceremony, doc::Value answer) {
  Result<Pending> pending = impl_->take(ceremony, Pending::Kind::kLogin);
  if (!pending) co_return std::unexpected(pending.error());
  Result<std::string> id = webauthn::credential_id_of(answer);
  if (!id) co_return std::unexpected(id.error());
  const auto found = impl_->credentials.find(*id);
  if (found == impl_->credentials.end() || !impl_->is_active(found->second.person))
    co_return refuse("invalid_token", "this passkey is not enrolled here");
  Result<webauthn::Assertion> verified =
      webauthn::verify_assertion(answer, found->second.credential, impl_->expected(*pending));
  if (!verified) co_return std::unexpected(verified.error());
  Result<OpenedSession> opened =
      co_await impl_->open_session(found->second.person, to_base64url(*id), {}, "", 0);
  co_return opened;
}

}  // namespace keyturn::identity
