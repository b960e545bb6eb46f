// What the sections wrote, as a fold over the events. Internal to provisioning/.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/time.h"
#include "model/event.h"

namespace keyturn::provisioning {

struct User {                    // by person id
  doc::Value resource;           // as scim::accept() gives it: userName, externalId, …
  std::set<std::string> groups;  // ids of groups of the section
  Time created, modified;
};

struct Group {
  doc::Value resource;  // displayName, externalId
  Time created, modified;
};

// Pointers into it hold until the next event.
struct Section {
  std::map<std::string, User, std::less<>> users;
  std::map<std::string, Group, std::less<>> groups;
  std::map<std::string, std::set<std::string>, std::less<>> members;  // group -> person ids
  // Names in lower case; external ids as they are.
  std::map<std::string, std::string, std::less<>> user_of_name, user_of_external;
  std::map<std::string, std::string, std::less<>> group_of_name;

  const User* user(std::string_view person) const;
  const Group* group(std::string_view id) const;
  const std::set<std::string>& members_of(std::string_view group) const;
};

class State {
 public:
  void fold(const Event& event);

  const Section& section(std::string_view name) const;  // an empty one where nothing was written
  const std::map<std::string, Section, std::less<>>& sections() const { return sections_; }
  // The sections that wrote a User for this person.
  std::set<std::string> sections_of(std::string_view person) const;
  // Why somebody is deactivated: the last event's word; "" for who is active.
  std::string_view deactivated_why(std::string_view person) const;

 private:
  void put_user(const Event& event, const doc::Value& about);
  void drop_user(Section& section, std::string_view person);
  void put_group(const Event& event, const doc::Value& about);
  void drop_group(Section& section, std::string_view id);
  std::map<std::string, Section, std::less<>> sections_;
  std::map<std::string, std::string, std::less<>> why_;  // person -> why deactivated
};

// The drafts of those events.
EventDraft user_written(std::string_view section, std::string_view person, const doc::Value& user,
                        const std::set<std::string>& groups);
EventDraft user_removed(std::string_view section, std::string_view person);
EventDraft group_written(std::string_view section, std::string_view id, const doc::Value& group);
EventDraft group_removed(std::string_view section, std::string_view id);

// "scim:NAME": the source of a section's group snapshots, and why it deactivates.
std::string source_of(std::string_view section);

}  // namespace keyturn::provisioning
