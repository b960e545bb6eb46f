// Sessions of people who were proven elsewhere.
#include "identity/impl.h"

namespace keyturn::identity {

Task<Result<OpenedSession>> Identity::open_session(std::string person, std::string credential,
                                                   std::vector<EventDraft> with) {
  return impl_->open_session(std::move(person), std::move(credential), std::move(with), "", 0);
}

bool Identity::is_open(const std::string& id) const {
  const auto found = impl_->sessions.find(id);
  if (found == impl_->sessions.end()) return false;
  const SessionState& state = found->second;
  const Time now = impl_->now();
  return now < state.expires_at && now - state.last_seen < impl_->options.session_idle &&
         impl_->is_active(state.session.person);
}

std::vector<EventDraft> Identity::ends_of(const std::string& person,
                                          const std::string& credential) const {
  std::vector<EventDraft> out;
  for (const auto& [id, state] : impl_->sessions) {
    if (state.session.person == person && state.session.credential == credential)
      out.push_back({"session/" + id, "identity.session_closed", doc::Object{}, std::nullopt});
  }
  return out;
}

void Identity::set_jwt(std::function<Result<Principal>(std::string_view)> authenticate) {
  impl_->jwt = std::move(authenticate);
}

}  // namespace keyturn::identity
