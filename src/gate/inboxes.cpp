#include "gate/inboxes.h"

#include <utility>

namespace keyturn::gate {
namespace {

constexpr unsigned kRoundsUnusedMax = 2;

std::set<std::string> voters_of(const ActionRecord& record) {
  std::set<std::string> out;
  for (const review::Vote& vote : record.review->votes) out.insert(vote.reviewer);
  return out;
}

}  // namespace

bool Inboxes::waits(Entry& entry, const std::string& person) {
  const review::Review& review = *entry.record->review;
  if (entry.of_directory != directory_.version()) {
    entry.asked = review::asked_now(review, directory_);
    entry.of_directory = directory_.version();
  }
  return review::is_for(review, directory_, entry.asked, person);
}

void Inboxes::unindex(Entry& entry) {
  for (const std::string& group : entry.groups) by_group_[group].erase(&entry);
  for (const std::string& voter : entry.voters) {
    const auto found = by_voter_.find(voter);
    found->second.erase(&entry);
    if (found->second.empty()) by_voter_.erase(found);
  }
}

void Inboxes::index(Entry& entry, const Record& record) {
  entry.record = record;
  entry.groups = groups_of(record->review->plan);
  if (!record->review->escalated_to.empty()) entry.groups.insert(record->review->escalated_to);
  entry.voters = voters_of(*record);
  entry.of_directory = 0;
  for (const std::string& group : entry.groups) by_group_[group].insert(&entry);
  for (const std::string& voter : entry.voters) by_voter_[voter].insert(&entry);
}

// Those with a list, of whoever might fill a place of these groups.
std::set<std::string> Inboxes::kept_among(const std::set<std::string>& groups) const {
  std::set<std::string> out;
  for (const std::string& group : groups) {
    for (const std::string& id : directory_.members(group)) {
      if (boxes_.contains(id)) out.insert(id);
    }
  }
  for (const auto& [id, delegation] : directory_.delegations()) {
    if (boxes_.contains(delegation.to) && directory_.in_any(delegation.from, groups))
      out.insert(delegation.to);
  }
  return out;
}

// Whom it waits for or waited for. A list of an older directory does not say who waited: all of
// those may have; the list is left as it is, and made anew when it is asked for.
std::set<std::string> Inboxes::update_boxes(Entry& entry, const std::set<std::string>& groups,
                                            bool listed) {
  std::set<std::string> concerned;
  for (const std::string& person : kept_among(groups)) {
    Box& box = boxes_.at(person);
    const bool is_fresh = box.of_directory == directory_.version();
    const bool before = is_fresh && box.waiting.erase(&entry) > 0;
    const bool now = listed && waits(entry, person);
    if (now && is_fresh) box.waiting.insert(&entry);
    if (before || now || !is_fresh) concerned.insert(person);
  }
  return concerned;
}

void Inboxes::put(const Record& record) {
  const bool listed = record->state == State::kPending && record->review;
  const auto found = entries_.find(record->id.str());
  if (!listed && found == entries_.end()) return;
  std::set<std::string> groups, concerned;
  std::unique_ptr<Entry> gone;
  Entry* entry = nullptr;
  if (found != entries_.end()) {
    entry = found->second.get();
    groups = entry->groups;
    concerned = entry->voters;
    unindex(*entry);
  }
  if (listed) {
    if (entry == nullptr) entry = (entries_[record->id.str()] = std::make_unique<Entry>()).get();
    index(*entry, record);
    groups.insert(entry->groups.begin(), entry->groups.end());
    concerned.insert(entry->voters.begin(), entry->voters.end());
  }
  concerned.merge(update_boxes(*entry, groups, listed));
  if (!listed) {
    for (auto& [person, box] : boxes_) {  // also where it stands in a list of an older directory
      if (box.of_directory != directory_.version()) box.waiting.erase(entry);
    }
    entries_.erase(found);
  }
  for (const std::string& person : concerned) {
    const auto box = boxes_.find(person);
    if (box == boxes_.end()) continue;
    const auto calls = box->second.watchers;  // a watcher may stop watching while it is called
    for (const auto& [number, call] : calls) call(record);
  }
}

void Inboxes::make(Box& box, const std::string& person) {
  box.waiting.clear();
  box.of_directory = directory_.version();
  std::set<std::string> groups;
  const auto add = [&](std::string_view id) {
    const people::Person* one = directory_.person(id);
    if (one != nullptr) groups.insert(one->groups.begin(), one->groups.end());
  };
  add(person);
  for (const auto& [id, delegation] : directory_.delegations()) {
    if (delegation.to == person) add(delegation.from);
  }
  for (const std::string& group : groups) {
    const auto asked = by_group_.find(group);
    if (asked == by_group_.end()) continue;
    List::sequence_type found;
    for (Entry* entry : asked->second) {
      if (!box.waiting.contains(entry) && waits(*entry, person)) found.push_back(entry);
    }
    box.waiting.insert(boost::container::ordered_unique_range, found.begin(), found.end());
  }
}

Inboxes::Box& Inboxes::box_of(const std::string& person) {
  Box& box = boxes_[person];
  box.rounds_unused = 0;
  if (box.of_directory != directory_.version()) make(box, person);
  return box;
}

std::vector<const ActionRecord*> Inboxes::waiting_for(const std::string& person) {
  std::vector<const ActionRecord*> out;
  const List& waiting = box_of(person).waiting;
  out.reserve(waiting.size());
  for (const Entry* entry : waiting) out.push_back(entry->record.get());
  return out;
}

std::vector<const ActionRecord*> Inboxes::voted_by(const std::string& person) const {
  std::vector<const ActionRecord*> out;
  const auto found = by_voter_.find(person);
  if (found == by_voter_.end()) return out;
  for (const Entry* entry : found->second) out.push_back(entry->record.get());
  return out;
}

std::uint64_t Inboxes::watch(const std::string& person, Call call) {
  box_of(person).watchers.emplace(next_watch_, std::move(call));
  return next_watch_++;
}

void Inboxes::unwatch(const std::string& person, std::uint64_t number) {
  const auto found = boxes_.find(person);
  if (found != boxes_.end()) found->second.watchers.erase(number);
}

void Inboxes::tidy() {
  for (auto box = boxes_.begin(); box != boxes_.end();) {
    const bool goes =
        box->second.watchers.empty() && ++box->second.rounds_unused > kRoundsUnusedMax;
    box = goes ? boxes_.erase(box) : std::next(box);
  }
}

}  // namespace keyturn::gate
