// State and who calls: tokens and sessions, folded from events.
#include "identity/identity.h"

#include <algorithm>

#include "identity/agent_tokens.h"
#include "identity/impl.h"

namespace keyturn::identity {
namespace {

Time time_of(const doc::Value& body, std::string_view key) {
  return from_rfc3339(body.text(key)).value_or(Time{});
}

std::string raw(const doc::Value& body, std::string_view key) {
  return from_base64url(body.text(key)).value_or("");
}

}  // namespace

Identity::Identity(gate::Gate& gate, IdentityOptions options)
    : impl_(std::make_unique<Impl>(gate, std::move(options))) {
  gate.on_event([impl = impl_.get()](const Event& event) { impl->fold(event); });
}

Identity::~Identity() = default;

void Identity::load() {
  for (const char* prefix : {"token/", "session/", "credential/", "enrolment/"})
    impl_->gate.load_streams(prefix);
}

void Identity::on_ended(std::function<void(const std::string&)> listener) {
  impl_->ended.push_back(std::move(listener));
}

void Identity::Impl::fold_token(const Event& event) {
  if (event.type == "identity.token_revoked") {
    const auto found = tokens.find(event.stream.substr(6));
    if (found != tokens.end()) found->second.revoked = true;
    return;
  }
  const doc::Value* body = event.body.find("token");
  if (body == nullptr) return;
  TokenState token;
  token.id = body->text("id");
  token.digest = body->text("secret_digest");
  token.agent = body->text("agent");
  token.person = body->text("person");
  token.label = body->text("label");
  token.expires_at = from_rfc3339(body->text("expires_at"));
  token.created_at = event.time;
  token.by_host = body->text("by") == "host";
  token.revoked = has_ended(token.person, event);
  token_by_digest[token.digest] = token.id;
  const std::string id = token.id;
  tokens.insert_or_assign(id, std::move(token));
}

void Identity::Impl::fold_session(const Event& event) {
  const std::string id = event.stream.substr(8);
  if (event.type == "identity.session_closed") {
    if (const auto found = sessions.find(id); found != sessions.end()) {
      session_by_digest.erase(found->second.digest);
      sessions.erase(found);
    }
    return;
  }
  const doc::Value* body = event.body.find("session");
  if (body == nullptr || has_ended(body->text("person"), event)) return;
  SessionState state;
  state.session.id = id;
  state.session.person = body->text("person");
  state.session.credential = body->text("credential");
  state.session.opened_at = event.time;
  state.digest = body->text("cookie_digest");
  state.session.csrf = to_hex(view(crypto::sha256("keyturn/v1/csrf\n" + state.digest)));
  state.expires_at = time_of(*body, "expires_at");
  state.last_seen = now();
  session_by_digest[state.digest] = id;
  sessions.insert_or_assign(id, std::move(state));
}

bool Identity::Impl::has_ended(std::string_view person, const Event& event) const {
  const auto found = ended_at.find(person);
  return found != ended_at.end() && event.index < found->second;
}

// Who is activated again signs in again: what was open before stays ended.
void Identity::Impl::end_all_of(const std::string& person, const Event& event) {
  ended_at[person] = event.index;
  for (auto& [id, link] : enrolments) {
    if (link.person == person) link.used = true;
  }
  for (auto& [id, token] : tokens) {
    if (token.person == person) token.revoked = true;
  }
  std::erase_if(sessions, [&](const auto& item) {
    if (item.second.session.person != person) return false;
    session_by_digest.erase(item.second.digest);
    return true;
  });
}

void Identity::Impl::fold(const Event& event) {
  if (event.stream.starts_with("token/")) fold_token(event);
  if (event.stream.starts_with("session/")) fold_session(event);
  if (event.type == "identity.credential_added") {
    const doc::Value* body = event.body.find("credential");
    if (body == nullptr) return;
    CredentialState state;
    state.credential.id = raw(*body, "id");
    state.credential.algorithm = static_cast<int>(body->integer("algorithm"));
    state.credential.public_key = raw(*body, "public_key");
    state.credential.aaguid = raw(*body, "aaguid");
    state.person = body->text("person");
    state.label = body->text("label");
    state.credential.backed_up = body->flag("backed_up");
    state.created_at = event.time;
    const std::string id = state.credential.id;
    credentials.insert_or_assign(id, std::move(state));
  }
  if (event.type == "identity.credential_removed")
    credentials.erase(from_base64url(event.stream.substr(11)).value_or(""));
  if (event.type == "identity.enrolment_created") {
    const doc::Value* body = event.body.find("enrolment");
    if (body == nullptr) return;
    EnrolmentState state{event.stream.substr(10),
                         std::string(body->text("person")),
                         std::string(body->text("secret_digest")),
                         time_of(*body, "expires_at"),
                         event.position,
                         false,
                         body->text("by") == "host",
                         body->flag("first")};
    state.used = has_ended(state.person, event);
    const std::string id = state.id;
    enrolments.insert_or_assign(id, std::move(state));
  }
  if (event.type == "identity.enrolment_used") {
    if (const auto found = enrolments.find(event.stream.substr(10)); found != enrolments.end())
      found->second.used = true;
  }
  if (event.type == "identity.person_deactivated" || event.type == "identity.agent_suspended") {
    const std::string who = event.stream.substr(event.stream.find('/') + 1);
    if (event.type == "identity.person_deactivated") end_all_of(who, event);
    for (const auto& listener : ended) listener(who);
  }
}

std::string simulated_words(const std::string& person) {
  return person +
         " is simulated, no human: it never signs in; its votes are given on the demo page";
}

bool Identity::Impl::is_active(const std::string& id) const {
  const people::Person* person = gate.world().directory.person(id);
  return person != nullptr && person->active;
}

Result<Principal> Identity::authenticate_bearer(std::string_view secret) {
  const auto unknown = [] {
    return refuse("invalid_token", "this token is not known; check that it was copied whole");
  };
  if (impl_->jwt && AgentTokens::looks_like_one(secret)) return impl_->jwt(secret);
  if (!secret.starts_with("kt_") || secret.size() > 128) return unknown();
  const auto by_digest = impl_->token_by_digest.find(crypto::sha256_text(secret));
  if (by_digest == impl_->token_by_digest.end()) return unknown();
  TokenState& token = impl_->tokens.at(by_digest->second);
  if (token.revoked) return refuse("revoked_token", "this token was revoked");
  if (impl_->ended_by_seal(token))
    return refuse("revoked_token",
                  "this token was made on the host, before the configuration was sealed; make one "
                  "of your own, signed in");
  if (token.expires_at && impl_->now() >= *token.expires_at)
    return refuse("expired_token", "this token expired at " + to_rfc3339(*token.expires_at));
  token.last_used = impl_->now();
  Principal who;
  who.credential = token.id;
  who.assurance = Assurance::kToken;
  if (!token.agent.empty()) {
    who.kind = PrincipalKind::kAgent;
    who.id = token.agent;
    const people::Agent* agent = impl_->gate.world().directory.agent(token.agent);
    if (agent == nullptr) return refuse("inactive", "the agent of this token is gone");
    if (agent->suspended)
      return refuse("suspended", "agent " + token.agent +
                                     " is suspended; its owner or an administrator can resume it");
    return who;
  }
  who.kind = PrincipalKind::kPerson;
  who.id = token.person;
  if (!impl_->is_active(token.person))
    return refuse("inactive", "the person of this token is not active");
  return who;
}

Result<Session> Identity::authenticate_cookie(std::string_view cookie) {
  Result<Session> session = session_of(cookie);
  if (session) impl_->sessions.at(session->id).last_seen = impl_->now();
  return session;
}

Result<Session> Identity::session_of(std::string_view cookie) const {
  const auto none = [] { return refuse("invalid_token", "the session has ended; sign in again"); };
  if (cookie.empty() || cookie.size() > 256) return none();
  const auto by_digest = impl_->session_by_digest.find(crypto::sha256_text(cookie));
  if (by_digest == impl_->session_by_digest.end()) return none();
  const SessionState& state = impl_->sessions.at(by_digest->second);
  const Time now = impl_->now();
  if (now >= state.expires_at || now - state.last_seen >= impl_->options.session_idle)
    return refuse("expired_token", "the session has expired; sign in again");
  if (!impl_->is_active(state.session.person))
    return refuse("inactive", "this person is not active");
  return state.session;
}

bool Identity::csrf_matches(const Session& session, std::string_view sent) const {
  return equal_constant_time(session.csrf, sent);
}

Task<Result<void>> Identity::close_session(std::string id) {
  if (!impl_->sessions.contains(id)) co_return Result<void>{};
  std::vector<EventDraft> events;
  events.push_back({"session/" + id, "identity.session_closed", doc::Object{}, std::nullopt});
  Result<std::vector<Event>> closed = co_await impl_->gate.record(std::move(events), {});
  if (!closed) co_return std::unexpected(closed.error());
  co_return Result<void>{};
}

// ---------------------------------------------------------------- tokens

Task<Result<NewToken>> Identity::create_token(Principal by, TokenRequest request) {
  const people::Directory& directory = impl_->gate.world().directory;
  if (request.agent.has_value() == request.person.has_value())
    co_return refuse("invalid_request",
                     "a token is for an agent or for a person: name one of them");
  if (request.person) {
    const bool host = by.kind == PrincipalKind::kHost;
    if (!host && !(by.kind == PrincipalKind::kPerson && by.id == *request.person)) {
      co_return refuse("not_allowed", "nobody can make a token that acts for another person");
    }
    if (host && impl_->gate.world().configuration->sealed)
      co_return refuse(
          "sealed",
          "the configuration is sealed: people make their own tokens when they are signed in");
    if (!impl_->is_active(*request.person))
      co_return refuse("unknown_person", "there is no active person " + *request.person);
    if (directory.person(*request.person)->simulated)
      co_return refuse("not_allowed", simulated_words(*request.person));
  } else {
    const people::Agent* agent = directory.agent(*request.agent);
    if (agent == nullptr) co_return refuse("unknown_agent", "there is no agent " + *request.agent);
    const people::Person* person =
        by.kind == PrincipalKind::kPerson ? directory.person(by.id) : nullptr;
    const bool may =
        by.kind == PrincipalKind::kHost ||
        (person != nullptr && (person->admin || directory.same_human(agent->owner(), by.id)));
    if (!may)
      co_return refuse("not_allowed",
                       "only the owner of " + *request.agent + " or an administrator may do that");
  }
  NewToken made;
  made.id = make_sortable_id("tok_", unix_ms(impl_->now()), impl_->gate.random());
  made.secret = Secret("kt_" + to_base64url(impl_->gate.random().bytes(32)));
  made.expires_at = impl_->now() + request.life.value_or(std::chrono::hours(24 * 90));
  doc::Value token = doc::object({{"id", made.id},
                                  {"secret_digest", crypto::sha256_text(made.secret.reveal())},
                                  {"label", request.label},
                                  {"by", by.id},
                                  {"expires_at", to_rfc3339(*made.expires_at)}});
  token.set(request.agent ? "agent" : "person", request.agent ? *request.agent : *request.person);
  std::vector<EventDraft> events;
  events.push_back({"token/" + made.id, "identity.token_created",
                    doc::object({{"token", std::move(token)}}), std::nullopt});
  std::vector<store::Expect> expects;  // a seal that comes first ends it before it is made
  if (by.kind == PrincipalKind::kHost) {
    events.back().body.set("host", true);
    expects.push_back({"config", impl_->gate.seen("config")});
  }
  Result<std::vector<Event>> recorded =
      co_await impl_->gate.record(std::move(events), std::move(expects));
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return made;
}

Task<Result<std::string>> Identity::revoke_token(Principal by, std::string id) {
  const auto found = impl_->tokens.find(id);
  const auto nothing = [] { return refuse("not_found", "there is no such token, or not for you"); };
  if (found == impl_->tokens.end()) co_return nothing();
  const TokenState& token = found->second;
  const people::Directory& directory = impl_->gate.world().directory;
  const people::Person* person =
      by.kind == PrincipalKind::kPerson ? directory.person(by.id) : nullptr;
  const people::Agent* agent = directory.agent(token.agent);
  const bool own =
      person != nullptr && (token.person == by.id || person->admin ||
                            (agent != nullptr && directory.same_human(agent->owner(), by.id)));
  if (by.kind != PrincipalKind::kHost && !own) co_return nothing();
  if (token.revoked) co_return id;
  std::vector<EventDraft> events;
  events.push_back(
      {"token/" + id, "identity.token_revoked", doc::object({{"by", by.id}}), std::nullopt});
  Result<std::vector<Event>> recorded = co_await impl_->gate.record(std::move(events), {});
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return id;
}

std::vector<EventDraft> Identity::end_host_tokens() const {
  std::vector<EventDraft> out;
  for (const auto& [id, token] : impl_->tokens) {
    if (token.revoked || !token.by_host || token.person.empty()) continue;
    out.push_back({"token/" + id, "identity.token_revoked",
                   doc::object({{"by", "host"}, {"why", "sealed"}}), std::nullopt});
  }
  return out;
}

doc::Value Identity::list_tokens(const std::string& who) const {
  std::vector<const TokenState*> mine;
  for (const auto& [id, token] : impl_->tokens) {
    if (token.revoked || impl_->ended_by_seal(token)) continue;
    if (token.agent == who || token.person == who) mine.push_back(&token);
  }
  std::ranges::sort(mine, {}, [](const TokenState* t) { return t->id; });
  doc::Array out;
  for (const TokenState* token : mine) {
    out.push_back(
        doc::object({{"id", token->id},
                     {token->agent.empty() ? "person" : "agent", who},
                     {"label", token->label},
                     {"created_at", to_rfc3339(token->created_at)},
                     {"expires_at", token->expires_at ? doc::Value(to_rfc3339(*token->expires_at))
                                                      : doc::Value()}}));
  }
  return out;
}

bool Identity::has_credential(const std::string& person) const {
  return std::ranges::any_of(impl_->credentials,
                             [&](const auto& entry) { return entry.second.person == person; });
}

}  // namespace keyturn::identity
