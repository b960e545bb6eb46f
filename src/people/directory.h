// Who there is: persons, agents and groups, as a fold over the identity events. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/event.h"

namespace keyturn::people {

// The group whose members may agree to changes of the configuration itself.
inline constexpr std::string_view kAdministrators = "administrators";

// What one source ("oidc:okta", "scim:okta", "oncall:primary") last said of somebody's groups.
// Unknown (a provider cut the list, or did not send it) counts as none.
struct GroupSnapshot {
  std::set<std::string> groups;
  std::optional<Time> until;  // from then on it is too old to count
  bool known = true;
  std::string of;  // of a schedule: counts only while they are an active member of this group
  bool operator==(const GroupSnapshot&) const = default;
};

// A schedule may make members of `of` members of `group` for a while, and nobody else; nobody is in
// `group` by any other way.
struct OnCall {
  std::string group, of;
  bool operator==(const OnCall&) const = default;
};
using Schedules = std::map<std::string, OnCall, std::less<>>;  // by source: "oncall:primary"

// An account. One human can have several: they are one human when any id, e-mail address or alias
// of theirs folds to the same identifier (names.h), or one is the service account of the other.
struct Person {
  std::string id;
  std::string name;
  std::string email;
  std::set<std::string> aliases;  // further addresses, ids of other systems, old names
  // What a provider calls them besides: as good as aliases, and private like the mail address.
  std::set<std::string> addresses;
  // Effective now: own_groups, and what every snapshot in force adds.
  std::set<std::string> groups;
  std::set<std::string> own_groups;                           // kept here, by people
  std::map<std::string, GroupSnapshot, std::less<>> vouched;  // by source
  // At identity providers: "PROVIDER:" and a keyed hash of the subject. Each belongs to one person.
  std::set<std::string> accounts;
  std::optional<Time> away_until;  // out of office: not asked, and free to answer all the same
  Time shut_out_at{};  // when they were last deactivated: what they said before counts no more
  bool deactivated = false;  // shut out, until activated again
  // Whether they count now, and may sign in: the one answer to that for every room. Not when
  // deactivated, and not when simulated outside a demo (Directory::admit_simulated).
  bool active = true;
  bool admin = false;
  bool auditor = false;
  bool simulated = false;  // a demo colleague; shown as such everywhere, active in a demo only
  std::string service_of;  // not empty: a service account of that person, never a reviewer
  // Accounts of the same human, as far as that was known when what showed it was erased.
  std::set<std::string> same_as;
  bool operator==(const Person&) const = default;
};

struct Tenure {
  std::string owner;  // person id
  Time since;
  bool operator==(const Tenure&) const = default;
};

struct Agent {
  std::string name;
  std::vector<Tenure> owners;  // oldest first; the last is the present one
  bool suspended = false;
  bool operator==(const Agent&) const = default;

  const std::string& owner() const;  // "" when there is none
  // Everybody who owned it at `from` or later, the present owner included.
  std::set<std::string> owners_since(Time from) const;
};

// `to` may fill the places of `from`, from `start` until `until`. It is not passed on further.
struct Delegation {
  std::string id;                // del_…
  std::string from, to;          // person ids
  std::set<std::string> groups;  // of `from`; empty: all of them
  Time start, until;             // until: moved forward when it is ended early
  bool operator==(const Delegation&) const = default;

  bool in_force(Time now) const { return start <= now && now < until; }
  bool covers(std::string_view group) const {
    return groups.empty() || groups.contains(std::string(group));
  }
};

// A value: copy it to ask "what if". Pointers that it returns hold until it next changes.
class Directory {
 public:
  // Whether simulated persons are active. They are not unless a demo says so: what they did in one
  // counts for nothing afterwards.
  void admit_simulated(bool admitted);

  // The schedules whose word counts, with the groups that they are for: those of the configuration
  // in force. What another one said counts for nothing, from now on.
  void admit_schedules(Schedules schedules);
  const Schedules& schedules() const { return schedules_; }
  // Whether only schedules make members of it.
  bool is_on_call_group(std::string_view group) const {
    return on_call_groups_.contains(std::string(group));
  }

  // Snapshots of groups that are too old by then stop to count; delegations begin and end. Time
  // never goes back. Call it before a decision that people or groups have a part in.
  void pass_time(Time now);
  Time now() const { return now_; }
  // Another one whenever somebody, a group, an agent or a delegation may count otherwise than
  // before. Never 0.
  std::uint64_t version() const { return version_; }

  const Person* person(std::string_view id) const;  // exact id
  const Person* by_account(std::string_view account) const;
  // Whoever had it first: it never becomes anybody else's, linked to them now or not.
  const Person* first_of(std::string_view account) const;
  const Person* resolve(
      std::string_view text) const;  // id, address or alias, folded; nullptr: unknown
  const Agent* agent(std::string_view name) const;
  bool has_group(std::string_view name) const;

  // Ids of everybody whose id, address or name has this skeleton (names.h).
  const std::set<std::string>& looking_like(std::string_view shape) const;

  // A word for the human behind an account; equal words, one human. "" for an unknown id.
  std::string_view human_of(std::string_view id) const;
  // False when either is unknown.
  bool same_human(std::string_view a, std::string_view b) const;
  // Ids of the other accounts of that human.
  std::set<std::string> accounts_of(std::string_view id) const;

  bool in_group(std::string_view id, std::string_view group) const;
  bool in_any(std::string_view id, const std::set<std::string>& groups) const;
  const std::set<std::string>& members(std::string_view group) const;  // ids; empty when unknown

  const std::map<std::string, Person, std::less<>>& persons() const { return persons_; }
  const std::map<std::string, Agent, std::less<>>& agents() const { return agents_; }
  const std::map<std::string, std::set<std::string>, std::less<>>& groups() const {
    return groups_;
  }

  // Those that are not over, by id.
  const std::map<std::string, Delegation, std::less<>>& delegations() const { return delegations_; }

  bool operator==(const Directory& other) const {
    return persons_ == other.persons_ && agents_ == other.agents_ && groups_ == other.groups_ &&
           delegations_ == other.delegations_;
  }

 private:
  friend class Folder;
  std::map<std::string, Person, std::less<>> persons_;
  std::map<std::string, Agent, std::less<>> agents_;
  std::map<std::string, std::set<std::string>, std::less<>> groups_;
  std::map<std::string, std::string, std::less<>>
      holder_;                                             // folded identifier -> first holder's id
  std::map<std::string, std::string, std::less<>> human_;  // person id -> word for the human
  std::map<std::string, std::string, std::less<>> account_;              // account -> person id
  std::map<std::string, std::string, std::less<>> first_;                // the same, for good
  std::map<std::string, std::set<std::string>, std::less<>> shapes_;     // skeleton -> person ids
  std::map<std::string, std::set<std::string>, std::less<>> shapes_of_;  // and back
  std::map<std::string, Delegation, std::less<>> delegations_;
  std::multimap<Time, std::string> snapshots_end_;  // -> person id
  Time now_{};
  std::uint64_t version_ = 1;
  bool simulated_admitted_ = false;
  Schedules schedules_;
  std::set<std::string> on_call_groups_;  // of schedules_
};

// "dba, sre"; "none" of no names.
std::string in_words(const std::set<std::string>& names);

// Applies one event. Total: it never refuses history; types it does not know change nothing, and so
// does an event about somebody who was never added.
void evolve(Directory& directory, const Event& event);
bool is_identity_event(std::string_view type);  // "identity.…": what evolve() looks at

// Drafts. Bodies are public: {"person": {…}}, {"agent": {…}}, {"group": {…}}, {"alias": {…}},
// {"account": {…}}, {"vouched": {…}}, {"delegation": {…}}.
// `host` marks what the server's own machine did (API "Setting up"). Streams: person/ID,
// agent/NAME, group/NAME.
EventDraft person_added(const Person& person, bool host = false);
// Name, addresses, admin and auditor as they are now in `person`; groups change by group_changed.
EventDraft person_changed(const Person& person, bool host = false);
EventDraft person_deactivated(std::string_view id, std::string_view why, bool host = false);
// Name and address were erased: the id stays, and what it did; who that was does not. `same_as`:
// the other accounts of that human (Directory::accounts_of), who stay one human all the same.
EventDraft person_forgotten(std::string_view id, const std::set<std::string>& same_as);
EventDraft person_activated(std::string_view id, bool host = false);
EventDraft alias_added(std::string_view id, std::string_view alias, bool host = false);
// Also makes the group when there is none yet.
EventDraft group_changed(std::string_view group, const std::set<std::string>& added,
                         const std::set<std::string>& removed, bool host = false);
EventDraft account_linked(std::string_view id, std::string_view account, std::string_view by);
EventDraft account_unlinked(std::string_view id, std::string_view account, std::string_view by);
// The whole of what the source says; what it said before is replaced.
EventDraft groups_vouched(std::string_view id, std::string_view source,
                          const std::set<std::string>& groups, std::optional<Time> until);
EventDraft groups_unknown(std::string_view id, std::string_view source, std::string_view why);
// What a schedule says: on call, as long as they are of its pool, until the shift ends; or not.
EventDraft on_call(std::string_view id, std::string_view source, const OnCall& schedule,
                   Time until);
EventDraft off_call(std::string_view id, std::string_view source);
EventDraft delegated(const Delegation& delegation);
EventDraft delegation_ended(const Delegation& delegation, std::string_view by);
EventDraft away_set(std::string_view id, std::optional<Time> until);
EventDraft agent_added(std::string_view name, std::string_view owner, bool host = false);
EventDraft agent_owner_changed(std::string_view name, std::string_view owner, bool host = false);
EventDraft agent_suspended(std::string_view name, std::string_view by, std::string_view why);
EventDraft agent_resumed(std::string_view name, std::string_view by);

// Whether the directory may take it. Codes: invalid_id, invalid_name, person_exists, agent_exists,
// unknown_person, unknown_owner, identifier_taken (another human has that address or alias),
// account_taken, invalid_delegation, confusing_name (reads or looks like somebody else's name, id
// or address).
[[nodiscard]] Result<void> can_add_person(const Directory& directory, const Person& person);
// The same for a person who is there: name and addresses as they are to be.
[[nodiscard]] Result<void> can_change_person(const Directory& directory, const Person& person);
[[nodiscard]] Result<void> can_add_alias(const Directory& directory, std::string_view id,
                                         std::string_view alias);
[[nodiscard]] Result<void> can_link_account(const Directory& directory, std::string_view id,
                                            std::string_view account);
// Between two different active people, no longer than kDelegationMax, kDelegationsMax of one at
// once.
inline constexpr Duration kDelegationMax = std::chrono::days(90);
inline constexpr int kDelegationsMax = 20;
[[nodiscard]] Result<void> can_delegate(const Directory& directory, const Delegation& delegation);
[[nodiscard]] Result<void> can_add_agent(const Directory& directory, std::string_view name,
                                         std::string_view owner);

}  // namespace keyturn::people
