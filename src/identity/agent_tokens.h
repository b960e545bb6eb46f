// JWTs of trusted issuers as agents: a CI system's, a cluster's, a cloud's workload identity.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/task.h"
#include "gate/gate.h"
#include "identity/provider.h"
#include "model/principal.h"

namespace keyturn::identity {

class AgentTokens {
 public:
  // Borrowed.
  AgentTokens(gate::Gate& gate, Providers& providers) : gate_(gate), providers_(providers) {}

  static bool looks_like_one(std::string_view bearer);

  // Fetches the keys that the token needs, if its issuer is trusted and they are not at hand.
  // Failing is told by authenticate().
  Task<void> prepare(std::string bearer);

  // The agent whose rule fits, by keys at hand. It is a bearer token: it may be used again until it
  // expires. The credential is "jwt:ISSUER:" and a hash of `jti`, or of the token. Codes: those of
  // verify_jwt(), invalid_token (no rule fits, or rules of different agents), inactive, suspended.
  Result<Principal> authenticate(std::string_view bearer) const;

 private:
  gate::Gate& gate_;
  Providers& providers_;
};

}  // namespace keyturn::identity
