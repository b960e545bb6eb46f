// Who asks, who votes: identified by Keyturn itself, never by what a request says of itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"

namespace keyturn {

using ActionId = Id<struct ActionTag>;  // act_…
using GrantId = Id<struct GrantTag>;    // gr_…

// How strongly an act is tied to a person, lowest first (API "Who calls").
enum class Assurance { kToken, kChat, kSession, kPasskey };
std::string_view to_text(Assurance assurance);  // "token" "chat" "session" "passkey"
bool assurance_from_text(std::string_view text, Assurance& out);

enum class PrincipalKind { kPerson, kAgent, kHost };
std::string_view to_text(PrincipalKind kind);  // "person" "agent" "host"
std::optional<PrincipalKind> principal_kind_from_text(std::string_view text);

struct Principal {
  PrincipalKind kind = PrincipalKind::kAgent;
  std::string id;          // person id, agent name, or "host"
  std::string credential;  // id of the token or session that proved it; never the secret
  Assurance assurance = Assurance::kToken;
  std::string channel = "api";  // web, cli, api, slack, teams, host, demo
  bool operator==(const Principal&) const = default;
};

}  // namespace keyturn
