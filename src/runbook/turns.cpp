#include "runbook/turns.h"

#include <algorithm>
#include <functional>

namespace keyturn::runbook {
namespace {

// How many of them are not above it.
std::size_t others(const std::set<std::string>& holders, const Claimant& one) {
  std::size_t out = holders.size();
  for (const std::string& above : one.ancestors) out -= holders.contains(above) ? 1 : 0;
  return out;
}

}  // namespace

const Turns::Entry* Turns::find(const std::string& run) const {
  const auto found = entries_.find(run);
  return found == entries_.end() ? nullptr : &found->second;
}

bool Turns::holds(const std::string& run) const {
  const Entry* one = find(run);
  return one != nullptr && one->who.holds;
}

std::vector<std::string> Turns::granted() {
  std::vector<std::string> out = std::exchange(granted_, {});
  std::erase_if(out, [this](const std::string& run) { return !holds(run); });
  return out;
}

void Turns::join(Claimant one) {
  leave(one.run);
  Entry& entry = entries_[one.run];
  entry.who = std::move(one);
  const Claimant& who = entry.who;
  entry.place = {
      !std::ranges::any_of(who.ancestors, [this](const auto& run) { return holds(run); }),
      joined_++};
  for (const std::string& above : who.ancestors) within_[above].insert(who.run);
  if (who.limit > 0) {
    Book& book = books_[who.runbook];
    ++book.claimants;
    book.limit_max = std::max(book.limit_max, static_cast<std::size_t>(who.limit));
    book.above_max = std::max(book.above_max, who.ancestors.size());
  }
  if (who.holds)
    take(entry);
  else if (!who.stands_aside)
    enter(entry);
  settle();
}

void Turns::leave(const std::string& run) {
  const auto found = entries_.find(run);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  const Claimant& who = entry.who;
  step_out(entry);
  if (std::exchange(entry.who.holds, false)) give_back(entry);
  if (who.limit > 0 && --books_[who.runbook].claimants == 0) books_.erase(who.runbook);
  for (const std::string& above : who.ancestors) {
    const auto within = within_.find(above);
    within->second.erase(run);
    if (within->second.empty()) within_.erase(within);
  }
  entries_.erase(found);
  settle();
}

void Turns::stand_aside(const std::string& run, bool aside) {
  const auto found = entries_.find(run);
  if (found == entries_.end() || found->second.who.holds) return;
  found->second.who.stands_aside = aside;
  if (aside)
    step_out(found->second);
  else
    enter(found->second);
  settle();
}

// ---- the line
void Turns::enter(Entry& one) {
  if (std::exchange(one.in_line, true)) return;
  to_look_at_[one.place] = &one;
  for (const std::string& name : one.who.locks) {
    std::map<Place, Entry*>& line = locks_[name].line;
    const auto next = std::next(line.emplace(one.place, &one).first);
    if (next != line.end()) to_look_at_[next->first] = next->second;  // it may be the first no more
  }
}

void Turns::step_out(Entry& one) {
  if (!std::exchange(one.in_line, false)) return;
  set_ready(one, false);
  to_look_at_.erase(one.place);
  for (const std::string& name : one.who.locks) {
    const auto lock = locks_.find(name);
    std::map<Place, Entry*>& line = lock->second.line;
    line.erase(one.place);
    if (!line.empty()) to_look_at_.insert(*line.begin());
    if (lock->second.holders.empty() && lock->second.line.empty()) locks_.erase(lock);
  }
}

void Turns::take(Entry& one) {
  step_out(one);
  one.who.holds = true;
  for (const std::string& name : one.who.locks) {
    Lock& lock = locks_[name];
    lock.holders.insert(one.who.run);
    look_at(lock, true);
  }
  if (one.who.limit > 0) books_[one.who.runbook].holders.insert(one.who.run);
}

void Turns::give_back(const Entry& one) {
  for (const std::string& name : one.who.locks) {
    const auto lock = locks_.find(name);
    lock->second.holders.erase(one.who.run);
    look_at(lock->second, false);
    if (lock->second.holders.empty() && lock->second.line.empty()) locks_.erase(lock);
  }
  if (one.who.limit > 0) {
    Book& book = books_[one.who.runbook];
    book.holders.erase(one.who.run);
    look_at(book);
  }
}

void Turns::set_ready(Entry& one, bool ready) {
  if (std::exchange(one.ready, ready) == ready || one.who.limit == 0) return;
  Book& book = books_[one.who.runbook];
  if (ready) {
    book.ready.emplace(one.place, &one);
    return;
  }
  book.ready.erase(one.place);
  look_at(book);
}

// At whoever is within a run that holds something, and at who is first in line.
void Turns::look_at(const Lock& lock, bool only_ready) {
  for (const auto& [place, one] : lock.line) {
    if (one->ready || !only_ready) to_look_at_[place] = one;
    if (place.first) return;
  }
}

void Turns::look_at(const Book& book) {
  std::size_t before = 0;
  for (const auto& [place, one] : book.ready) {
    const bool stands_in_line = place.first;
    const std::size_t taken = book.holders.size() + (stands_in_line ? before : 0);
    if (taken >= book.limit_max + (stands_in_line ? 0 : book.above_max)) return;
    to_look_at_[place] = one;
    ++before;
  }
}

bool Turns::has_locks(const Entry& one) const {
  return std::ranges::all_of(one.who.locks, [&](const std::string& name) {
    const Lock& lock = locks_.at(name);
    return others(lock.holders, one.who) == 0 &&
           (!one.place.first || lock.line.begin()->second == &one);
  });
}

// Of those ahead who wait for their turn alone.
std::size_t Turns::ready_before(const Book& book, const Entry& one) const {
  const auto most = static_cast<std::size_t>(one.who.limit);
  std::size_t out = 0;
  for (auto at = book.ready.begin(); at != book.ready.end() && at->first < one.place; ++at) {
    if (++out == most) break;
  }
  return out;
}

bool Turns::has_turn(const Entry& one) const {
  if (one.who.limit == 0) return true;
  const Book& book = books_.at(one.who.runbook);
  const std::size_t ahead = one.place.first ? ready_before(book, one) : 0;
  return others(book.holders, one.who) + ahead < static_cast<std::size_t>(one.who.limit);
}

void Turns::settle() {
  while (!to_look_at_.empty()) {
    Entry& one = *to_look_at_.begin()->second;
    to_look_at_.erase(to_look_at_.begin());
    set_ready(one, has_locks(one));
    if (!one.ready || !has_turn(one)) continue;
    take(one);
    granted_.push_back(one.who.run);
  }
}

// ---- what keeps whom
std::vector<std::string> Turns::keepers(const std::set<std::string>& holders,
                                        const Entry& one) const {
  std::vector<std::pair<std::uint64_t, std::string>> order;
  for (const std::string& holder : holders) {
    if (std::ranges::find(one.who.ancestors, holder) == one.who.ancestors.end())
      order.emplace_back(entries_.at(holder).place.second, holder);
  }
  std::ranges::sort(order);
  std::vector<std::string> out;
  out.reserve(order.size());
  for (auto& [joined, holder] : order) out.push_back(std::move(holder));
  return out;
}

std::vector<WaitsFor> Turns::waits_for(const std::string& run) const {
  std::vector<WaitsFor> out;
  const Entry* one = find(run);
  if (one == nullptr || !one->in_line) return out;
  for (const std::string& name : one->who.locks) {
    const Lock& lock = locks_.at(name);
    std::vector<std::string> by = keepers(lock.holders, *one);
    if (!by.empty() || (one->place.first && lock.line.begin()->second != one))
      out.push_back({name, std::move(by)});
  }
  if (!has_turn(*one)) out.push_back({"", keepers(books_.at(one->who.runbook).holders, *one)});
  return out;
}

std::vector<std::string> Turns::waiting_within(const std::string& run) const {
  std::vector<std::string> out;
  const auto within = within_.find(run);
  if (within == within_.end()) return out;
  for (const std::string& name : within->second) {
    if (!holds(name)) out.push_back(name);
  }
  return out;
}

// A run ends when those within it have.
bool Turns::can_end(const std::string& holder, const std::set<std::string>& will_take) const {
  return std::ranges::all_of(waiting_within(holder),
                             [&](const std::string& one) { return will_take.contains(one); });
}

bool Turns::can_take(const Entry& one, const std::set<std::string>& will_take) const {
  const auto ends = [&](const std::string& holder) { return can_end(holder, will_take); };
  for (const std::string& name : one.who.locks) {
    const auto lock = locks_.find(name);
    if (lock != locks_.end() && !std::ranges::all_of(keepers(lock->second.holders, one), ends))
      return false;
  }
  if (one.who.limit == 0) return true;
  const std::vector<std::string> same = keepers(books_.at(one.who.runbook).holders, one);
  return std::ranges::count_if(same, std::not_fn(ends)) < one.who.limit;
}

// Of the runs that its waiting rests on, those that will come to take what they wait for: whoever
// needs nothing of a run that waits, and then whoever needs nothing but what those give back.
bool Turns::would_deadlock(const std::string& run) const {
  const Entry* self = find(run);
  if (self == nullptr || self->who.holds || self->who.ancestors.empty()) return false;
  std::set<std::string> rests_on{run}, ahead{run};
  const auto add = [&](const std::set<std::string>& holders, const Entry& one) {
    for (const std::string& holder : keepers(holders, one)) {
      for (std::string& next : waiting_within(holder)) {
        if (rests_on.insert(next).second) ahead.insert(std::move(next));
      }
    }
  };
  while (!ahead.empty()) {
    const Entry& one = entries_.at(ahead.extract(ahead.begin()).value());
    for (const std::string& name : one.who.locks) {
      if (const auto lock = locks_.find(name); lock != locks_.end()) add(lock->second.holders, one);
    }
    if (one.who.limit > 0) add(books_.at(one.who.runbook).holders, one);
  }
  std::set<std::string> will_take;
  for (std::size_t before = 1; before != will_take.size() && !will_take.contains(run);) {
    before = will_take.size();
    for (const std::string& one : rests_on) {
      if (!will_take.contains(one) && can_take(entries_.at(one), will_take)) will_take.insert(one);
    }
    if (before == will_take.size()) break;
  }
  return !will_take.contains(run);
}

}  // namespace keyturn::runbook
