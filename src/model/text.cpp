// Words of the closed sets. Each switch names all cases, so that a new one is a compile error here.
#include <array>
#include <utility>

#include "model/action.h"
#include "model/principal.h"
#include "model/verdict.h"

namespace keyturn {

std::string_view to_text(Assurance assurance) {
  switch (assurance) {
    case Assurance::kToken:
      return "token";
    case Assurance::kChat:
      return "chat";
    case Assurance::kSession:
      return "session";
    case Assurance::kPasskey:
      return "passkey";
  }
  return "token";
}

bool assurance_from_text(std::string_view text, Assurance& out) {
  for (const Assurance a :
       {Assurance::kToken, Assurance::kChat, Assurance::kSession, Assurance::kPasskey}) {
    if (to_text(a) == text) {
      out = a;
      return true;
    }
  }
  return false;
}

std::string_view to_text(PrincipalKind kind) {
  switch (kind) {
    case PrincipalKind::kPerson:
      return "person";
    case PrincipalKind::kAgent:
      return "agent";
    case PrincipalKind::kHost:
      return "host";
  }
  return "agent";
}

std::optional<PrincipalKind> principal_kind_from_text(std::string_view text) {
  for (const PrincipalKind k :
       {PrincipalKind::kPerson, PrincipalKind::kAgent, PrincipalKind::kHost}) {
    if (to_text(k) == text) return k;
  }
  return std::nullopt;
}

std::string_view to_text(State state) {
  switch (state) {
    case State::kDeferred:
      return "deferred";
    case State::kPending:
      return "pending";
    case State::kApproved:
      return "approved";
    case State::kExecuting:
      return "executing";
    case State::kSucceeded:
      return "succeeded";
    case State::kFailed:
      return "failed";
    case State::kUnknown:
      return "unknown";
    case State::kDenied:
      return "denied";
    case State::kExpired:
      return "expired";
    case State::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

std::optional<State> state_from_text(std::string_view text) {
  constexpr std::array kAll = {
      State::kDeferred, State::kPending, State::kApproved, State::kExecuting, State::kSucceeded,
      State::kFailed,   State::kUnknown, State::kDenied,   State::kExpired,   State::kCancelled};
  for (const State s : kAll) {
    if (to_text(s) == text) return s;
  }
  return std::nullopt;
}

bool is_final(State state) {
  switch (state) {
    case State::kDeferred:
    case State::kPending:
    case State::kApproved:
    case State::kExecuting:
      return false;
    case State::kSucceeded:
    case State::kFailed:
    case State::kUnknown:
    case State::kDenied:
    case State::kExpired:
    case State::kCancelled:
      return true;
  }
  return false;
}

bool is_settled(State state) {
  return is_final(state) || state == State::kApproved;
}

std::string_view to_text(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::kSucceeded:
      return "succeeded";
    case OutcomeKind::kFailed:
      return "failed";
    case OutcomeKind::kUnknown:
      return "unknown";
  }
  return "unknown";
}

std::string_view to_text(Effect effect) {
  switch (effect) {
    case Effect::kAllow:
      return "allow";
    case Effect::kDeny:
      return "deny";
    case Effect::kRequire:
      return "require";
    case Effect::kModify:
      return "modify";
    case Effect::kDefer:
      return "defer";
  }
  return "deny";
}

std::optional<Effect> effect_from_text(std::string_view text) {
  for (const Effect e :
       {Effect::kAllow, Effect::kDeny, Effect::kRequire, Effect::kModify, Effect::kDefer}) {
    if (to_text(e) == text) return e;
  }
  return std::nullopt;
}

}  // namespace keyturn
