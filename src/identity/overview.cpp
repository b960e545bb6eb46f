// What administrators and auditors see of sessions and tokens, and end. No secret is in it.
#include <algorithm>

#include "identity/impl.h"

namespace keyturn::identity {
namespace {

doc::Value time_or_null(const std::optional<Time>& time) {
  return time ? doc::Value(to_rfc3339(*time)) : doc::Value(nullptr);
}

std::string how(const Session& session) {
  return session.credential.starts_with("oidc:") ? session.credential : "passkey";
}

}  // namespace

doc::Value Identity::list_all_tokens() const {
  std::vector<const TokenState*> all;
  for (const auto& [id, token] : impl_->tokens) {
    const bool over = token.expires_at && impl_->now() >= *token.expires_at;
    if (!token.revoked && !over && !impl_->ended_by_seal(token)) all.push_back(&token);
  }
  std::ranges::sort(all, {}, [](const TokenState* t) { return t->id; });
  doc::Array out;
  for (const TokenState* token : all) {
    const bool of_agent = !token->agent.empty();
    out.push_back(doc::object({{"id", token->id},
                               {"kind", of_agent ? "agent" : "person"},
                               {"holder", of_agent ? token->agent : token->person},
                               {"name", token->label},
                               {"created_at", to_rfc3339(token->created_at)},
                               {"expires_at", time_or_null(token->expires_at)},
                               {"last_used_at", time_or_null(token->last_used)}}));
  }
  return out;
}

doc::Value Identity::list_sessions() const {
  std::vector<const SessionState*> open;
  for (const auto& [id, state] : impl_->sessions) {
    if (is_open(id)) open.push_back(&state);
  }
  std::ranges::sort(open, {}, [](const SessionState* s) { return s->session.id; });
  doc::Array out;
  for (const SessionState* state : open) {
    out.push_back(doc::object({{"id", state->session.id},
                               {"person", state->session.person},
                               {"how", how(state->session)},
                               {"created_at", to_rfc3339(state->session.opened_at)},
                               {"last_seen_at", to_rfc3339(state->last_seen)},
                               {"expires_at", to_rfc3339(state->expires_at)}}));
  }
  return out;
}

Task<Result<std::string>> Identity::end_session(Principal by, std::string id) {
  const auto found = impl_->sessions.find(id);
  const people::Person* person =
      by.kind == PrincipalKind::kPerson ? impl_->gate.world().directory.person(by.id) : nullptr;
  const bool may = found != impl_->sessions.end() && person != nullptr && person->active &&
                   (person->admin || found->second.session.person == by.id);
  if (!may) co_return refuse("not_found", "there is no such session, or not for you");
  std::vector<EventDraft> events;
  events.push_back(
      {"session/" + id, "identity.session_closed", doc::object({{"by", by.id}}), std::nullopt});
  Result<std::vector<Event>> closed = co_await impl_->gate.record(std::move(events), {});
  if (!closed) co_return std::unexpected(closed.error());
  co_return id;
}

}  // namespace keyturn::identity
