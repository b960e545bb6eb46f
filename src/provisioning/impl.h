// What the files of provisioning/ share.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "crypto/crypto.h"
#include "gate/serial.h"
#include "people/directory.h"
#include "provisioning/provisioning.h"
#include "provisioning/state.h"
#include "scim/schema.h"

namespace keyturn::provisioning {

using people::kAdministrators;

// What one request would append, in one commit.
struct Plan {
  std::vector<EventDraft> events;
  std::set<std::string> streams;  // that it rests on
  std::string id;                 // of the resource
};

struct Token {
  std::string reference;         // as text: another one is fetched anew
  std::optional<Digest> digest;  // of the token; none: it is not to be had
  Time fetched;
};

inline const scim::Schema& schema_of(Kind kind) {
  return kind == Kind::kUser ? scim::user_schema() : scim::group_schema();
}

struct Provisioning::Impl {
  explicit Impl(Ports wanted) : ports(std::move(wanted)) {}

  const gate::World& world() const { return ports.gate.world(); }
  const people::Directory& directory() const { return world().directory; }
  const trust::Document& document() const { return *world().configuration->identity; }
  // The section as configured; null when it is not (any more).
  const trust::ScimSection* configured(std::string_view section) const;

  // ---- showing (show.cpp)
  doc::Value shown_user(const Section& section, const std::string& id, const User& user) const;
  doc::Value shown_group(const Section& section, const std::string& id, const Group& group,
                         bool with_members) const;
  Result<doc::Value> find(const std::string& section, Kind kind, const std::string& id) const;
  Result<doc::Value> list(const std::string& section, Kind kind, const Query& query) const;
  // What a PATCH works on: as accept() gives it, members included.
  Result<doc::Value> resource_of(const std::string& section, Kind kind,
                                 const std::string& id) const;

  // ---- users (users.cpp)
  Result<Plan> plan_new_user(const std::string& section, doc::Value user);
  Result<Plan> plan_user(const std::string& section, const std::string& id, doc::Value user) const;
  Result<Plan> plan_whole_user(const std::string& section, const std::string& id,
                               doc::Value user) const;
  Result<Plan> plan_user_removal(const std::string& section, const std::string& id) const;
  Result<people::Person> new_person(const std::string& section, const doc::Value& user) const;
  // Name, addresses and state of somebody who is there, towards what the User says.
  Result<void> add_changes(Plan& plan, const std::string& section, const people::Person& person,
                           const doc::Value& user) const;
  Result<std::string> account_of(const std::string& section, const doc::Value& user) const;
  Result<void> check_unique(const std::string& section, const doc::Value& user,
                            std::string_view id) const;

  // ---- groups (groups.cpp)
  Result<Plan> plan_group(const std::string& section, std::string id, doc::Value group);
  Result<Plan> plan_group_removal(const std::string& section, const std::string& id) const;
  // The groups here that these groups of the section come to. `renamed`: as if it had that name.
  struct Renamed {
    std::string id, name;  // name "": it is gone
  };
  std::set<std::string> mapped(const std::string& section, const std::set<std::string>& groups,
                               const Renamed& renamed = {}) const;
  // What the section vouches for of somebody, where that changes; and the flag of administrators.
  void add_vouched(Plan& plan, const std::string& section, const std::string& person,
                   const std::set<std::string>& groups) const;

  // ---- writing (provisioning.cpp)
  Task<Result<Plan>> written(std::string section, std::function<Result<Plan>()> plan);
  Result<void> check_version(const std::string& section, Kind kind, const std::string& id,
                             const std::string& if_match) const;
  Task<Result<doc::Value>> change(std::string section, Kind kind, std::string id,
                                  std::string if_match,
                                  std::function<Result<doc::Value>(const doc::Value&)> to);
  Task<void> reconcile();
  Task<void> refresh_tokens();

  Ports ports;
  State state;
  gate::Serial serial;
  std::map<std::string, Token> tokens;  // by section
  std::string tokens_of;                // the digest of the document that they are of
};

// A refusal of people/ in SCIM's words.
Refusal in_scim_words(Refusal refusal);

}  // namespace keyturn::provisioning
