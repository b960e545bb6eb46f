// What waits for whom: the open reviews by person, kept in memory as actions and people change.
//
// A person's list is made when somebody asks for it first (of the actions that one of their groups
// is asked about), and then kept. It is made anew after a change of the directory. It is there to
// list by: whether a vote counts is asked of review/ at the vote.
#pragma once

#include <boost/container/flat_set.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "gate/record.h"
#include "people/directory.h"

namespace keyturn::gate {

class Inboxes {
 public:
  using Record = std::shared_ptr<ActionRecord>;
  using Call = std::function<void(const RecordPtr&)>;

  explicit Inboxes(const people::Directory& directory) : directory_(directory) {}
  Inboxes(const Inboxes&) = delete;
  Inboxes& operator=(const Inboxes&) = delete;

  // As the action is now: one that is pending is listed, any other no more. Tells the watchers of
  // whoever it waits for, did wait for, or has a vote of.
  void put(const Record& record);

  // Oldest first. The pointers hold until the next change of any action.
  std::vector<const ActionRecord*> waiting_for(const std::string& person);
  std::size_t count(const std::string& person) { return box_of(person).waiting.size(); }
  // Pending, with a standing vote of this account; oldest first.
  std::vector<const ActionRecord*> voted_by(const std::string& person) const;

  // Calls until `unwatch`, with what changed.
  std::uint64_t watch(const std::string& person, Call call);
  void unwatch(const std::string& person, std::uint64_t number);

  // Forgets the lists that nobody watches and nobody has asked for since the last time but one.
  void tidy();

 private:
  struct Entry {
    Record record;
    std::set<std::string> groups;  // that may be asked, or that it was escalated to
    std::set<std::string> voters;
    review::Asked asked;
    std::uint64_t of_directory = 0;  // that `asked` is of; 0: of none
  };
  struct Older {
    bool operator()(const Entry* a, const Entry* b) const { return a->record->id < b->record->id; }
  };
  using List = boost::container::flat_set<Entry*, Older>;
  struct Box {
    List waiting;
    std::uint64_t of_directory = 0;
    unsigned rounds_unused = 0;
    std::map<std::uint64_t, Call> watchers;
  };

  bool waits(Entry& entry, const std::string& person);
  Box& box_of(const std::string& person);  // as it is now
  void make(Box& box, const std::string& person);
  std::set<std::string> kept_among(const std::set<std::string>& groups) const;
  std::set<std::string> update_boxes(Entry& entry, const std::set<std::string>& groups,
                                     bool listed);
  void index(Entry& entry, const Record& record);
  void unindex(Entry& entry);

  const people::Directory& directory_;
  std::unordered_map<std::string, std::unique_ptr<Entry>> entries_;  // by action
  std::unordered_map<std::string, List> by_group_, by_voter_;
  std::unordered_map<std::string, Box> boxes_;
  std::uint64_t next_watch_ = 1;
};

}  // namespace keyturn::gate
