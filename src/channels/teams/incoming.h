// Whether a request is from Teams: the token that Bot Framework puts on it (learn.microsoft.com,
// "Authenticate requests with the Bot Connector API"), and what it says of itself beside that.
//
// The token does not cover the body. Who holds one can say what they like for as long as it lasts
// (about an hour): TLS keeps it.
//
// Threads: the I/O thread only.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "channels/teams/activity.h"
#include "channels/teams/api.h"
#include "channels/teams/config.h"
#include "identity/jwks.h"
#include "identity/kept.h"
#include "net/http.h"

namespace keyturn::channels::teams {

inline constexpr std::string_view kFramework = "https://api.botframework.com";

// An issuer's keys, and for which channels ("msteams") each speaks.
struct EndorsedKeys {
  identity::KeySet keys;
  std::map<std::string, std::set<std::string>, std::less<>> endorsements;  // by kid

  // Code invalid_keys.
  static Result<EndorsedKeys> parse(std::string_view json);
  bool endorse(std::string_view kid, std::string_view channel) const;
};

class Incoming {
 public:
  Incoming(const Config& config, net::Loop& loop, const Clock& clock, Fetch fetch);

  // What was sent, once everything holds: RS256 by a published key of Bot Framework (with an
  // endorsement for Teams) or of the tenant, issuer, audience, times, serviceurl; and the activity
  // is of Teams, of our tenant, and to be answered at a host of Teams. Codes: missing_token,
  // invalid_token, expired_token, unknown_key, provider_unreachable, invalid_keys,
  // wrong_service_url, wrong_tenant, invalid_json.
  Task<Result<Activity>> admit(net::HttpRequest request);

  // The keys of Bot Framework, now. Codes: provider_unreachable, invalid_keys.
  Task<Result<std::size_t>> look_at_keys();
  // Why they could not be fetched when that was last tried.
  std::optional<Refusal> trouble() const;

 private:
  struct Proof {
    std::string service_url;    // "": the token names none
    bool by_framework = false;  // else by the tenant
    EndorsedKeys keys;
    std::string kid;
  };
  std::string metadata_of(const std::string& issuer) const;
  Task<Result<Proof>> verify(std::string token);
  Result<void> agrees(const Proof& proof, const Activity& activity) const;

  const Config& config_;
  const Clock& clock_;
  identity::Kept<std::string> metadata_;  // -> jwks_uri
  identity::Kept<EndorsedKeys> keys_;
};

}  // namespace keyturn::channels::teams
