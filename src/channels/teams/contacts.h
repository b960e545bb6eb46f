// Whom the bot has met: where to write to them. Kept, so that people are found after a restart.
//
// Threads: the I/O thread only.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "channels/keep.h"
#include "channels/teams/activity.h"

namespace keyturn::channels::teams {

struct Contact {
  std::string conversation;  // the chat of this person with the bot; "": only their id is known
  std::string user;          // "29:…": what cards name them by
  bool operator==(const Contact&) const = default;
};

class Contacts {
 public:
  static constexpr std::size_t kMax = 20'000;
  explicit Contacts(Keep& keep) : keep_(keep) {}

  Task<Result<void>> load();  // codes of Keep::read
  // What an activity that was admitted tells of its sender and of where Teams is.
  Task<void> meet(Activity activity);
  Task<void> remember(std::string object_id, Contact contact);
  Task<void> forget(std::string object_id);

  const Contact* of(const std::string& object_id) const;
  const std::map<std::string, Contact>& all() const { return contacts_; }
  const std::string& service_url() const { return service_url_; }  // last seen; "": none yet
  std::uint64_t version() const { return version_; }               // another one after every change

 private:
  Keep& keep_;
  std::map<std::string, Contact> contacts_;  // by object id
  std::string service_url_;
  std::uint64_t version_ = 1;
};

}  // namespace keyturn::channels::teams
