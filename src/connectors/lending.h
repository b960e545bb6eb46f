// The credentials of one execution: issued for it, in its record before they are used, and given
// back whatever became of it.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "credentials/issuer.h"
#include "gate/executor.h"

namespace keyturn::connectors {

struct Lender {
  credentials::Issuer* issuer = nullptr;  // null: none are issued here
  const Clock* clock = nullptr;
  std::function<void(std::string_view line)> log;  // may be empty
};

using Lent = std::map<std::string, credentials::Issued, std::less<>>;  // by name

// Issues what the order's tool is run with, bound to the order. Each is in the action's stream
// (credential.issued) before this returns. Codes: no_secret, those of Issuer::issue() and of
// Order::note; then what was issued is given back already.
Task<Result<Lent>> lend(const Lender& lender, const gate::Order& order);

// Revokes what can be, and says so in the action's stream: credential.revoked, or
// credential.not_revoked when the other side could not be reached; then it is tried again.
Task<void> give_back(const Lender& lender, Lent lent, const gate::Order& order);

// The same for a look at what an action would touch, before it is released: bound to the tool and
// to Keyturn itself, for at most `within`. Nothing can be appended then: the action is not recorded
// yet, or is being decided about. What the record is to say of each is put into `used`, an array
// for Previewed::shown: {id, name, …} as of credential.issued, and "ended": "revoked",
// "not_revoked" or, when it ends by itself, none. `used` outlives the task. Codes as of lend().
Task<Result<Lent>> lend_to_look(const Lender& lender, const catalog::Tool& tool, Duration within,
                                doc::Value& used);
Task<void> take_back(const Lender& lender, Lent lent, doc::Value& used);

}  // namespace keyturn::connectors
