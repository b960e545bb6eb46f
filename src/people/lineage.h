// Everybody who had a part in an action, and so may not review it (promise distinct-humans). Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "doc/value.h"
#include "model/principal.h"
#include "people/directory.h"

namespace keyturn::people {

enum class Role {
  kOwner,       // of the requesting agent, as recorded when it was asked for
  kOnBehalfOf,  // claimed: whoever is said to have prompted it
  kAmender,
  kProposer,   // of the change of configuration that the action is
  kOpener,     // of the incident or the break-glass it uses
  kDelegator,  // an agent or person further up the chain
  kOther
};
std::string_view to_text(Role role);  // "owner" "on_behalf_of" "amender" "proposer" …
std::optional<Role> role_from_text(std::string_view text);

// `id` is a person id, an address or alias (as claimed), or for kDelegator also an agent's name.
struct Party {
  Role role = Role::kOther;
  std::string id;
  bool operator==(const Party&) const = default;
};

// Kept as it was said, and resolved against the directory each time it is asked: an alias that
// becomes known later still excludes. Owners that the agent had after `requested_at` come from the
// directory too.
struct Lineage {
  PrincipalKind requester_kind = PrincipalKind::kAgent;
  std::string requester;  // agent name or person id
  Time requested_at;
  std::vector<Party> parties;
  bool operator==(const Lineage&) const = default;

  void add(Role role, std::string id);  // once; an empty id is nobody
};

// The lineage of a request as it comes in: the requester, its present owner, and every text under
// claims.on_behalf_of (a string, or an array of strings).
Lineage lineage_of(const Directory& directory, const Principal& requester, Time now,
                   const doc::Value& claims);

doc::Value to_value(const Lineage& lineage);
Lineage lineage_from_value(const doc::Value& value);

// Why a person may not review. `code` is own_request or related_to_requester; `why` is for people:
// "alice is the owner of ops-bot".
struct Relation {
  std::string code;
  std::string why;
};

// The relation of an account's human to the lineage, if there is one. Owners count from
// requested_at to now (the directory's now). Administrators are people too. Unknown ids are related
// to nobody - and are never reviewers: see may_review().
std::optional<Relation> related(const Directory& directory, const Lineage& lineage,
                                std::string_view person);

// A known, active account of a human (no service account) that is not related.
bool may_review(const Directory& directory, const Lineage& lineage, std::string_view person);

// May cancel: the requester, a present owner of the requesting agent, an active administrator, the
// host.
bool may_cancel(const Directory& directory, const Lineage& lineage, const Principal& principal);

// The humans (Directory::human_of) that the lineage excludes; for asking about many people at once.
std::set<std::string, std::less<>> humans_of(const Directory& directory, const Lineage& lineage);
bool may_review(const Directory& directory, const std::set<std::string, std::less<>>& excluded,
                std::string_view person);

// Known persons that the lineage names or resolves to, as ids (all accounts of these humans).
std::set<std::string> persons_of(const Directory& directory, const Lineage& lineage);

}  // namespace keyturn::people
