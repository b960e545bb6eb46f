#include "facts/sql_cache.h"

namespace keyturn::facts {
namespace {

// Lengths first: no two different inputs give the same key.
std::string key_of(std::string_view sql, const std::vector<std::string>& harmless) {
  std::string key = std::to_string(sql.size()) + ' ';
  key += sql;
  for (const std::string& name : harmless) key += std::to_string(name.size()) + ' ' + name;
  return key;
}

// True when there are more than `left` values in the tree; counts them off.
bool exceeds(const doc::Value& value, std::size_t& left) {
  if (left == 0) return true;
  --left;
  if (value.is_array()) {
    for (const doc::Value& item : value.as_array()) {
      if (exceeds(item, left)) return true;
    }
  } else if (value.is_object()) {
    for (const doc::Member& member : value.as_object()) {
      if (exceeds(member.value, left)) return true;
    }
  }
  return false;
}

}  // namespace

std::shared_ptr<const Facts> SqlCache::find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto at = by_key_.find(key);
  if (at == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, at->second);
  return at->second->second;
}

void SqlCache::remember(std::string key, std::shared_ptr<const Facts> facts) {
  const std::lock_guard lock(mutex_);
  if (entries_max_ == 0 || by_key_.contains(key)) return;
  if (entries_.size() >= entries_max_) {
    by_key_.erase(entries_.back().first);
    entries_.pop_back();
  }
  entries_.emplace_front(std::move(key), std::move(facts));
  by_key_.emplace(entries_.front().first, entries_.begin());
}

std::shared_ptr<const Facts> SqlCache::classify(
    std::string_view sql, const std::vector<std::string>& harmless_functions) {
  const bool kept = sql.size() <= kSqlBytesMax;
  std::string key = kept ? key_of(sql, harmless_functions) : std::string();
  if (kept) {
    if (auto known = find(key)) return known;
  }
  auto facts = std::make_shared<const Facts>(classify_sql(sql, harmless_functions, limits_));
  std::size_t left = kFactValuesMax;
  if (kept && !exceeds(facts->tree, left)) remember(std::move(key), facts);
  return facts;
}

std::size_t SqlCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace keyturn::facts
