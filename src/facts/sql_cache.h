// Remembers what classify_sql said of the same text: one action is classified when it is asked for,
// when it is released and when it runs, and agents repeat themselves.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "facts/classify.h"

namespace keyturn::facts {

// The least recently used are forgotten first. Keyed by the exact bytes of the SQL and of the
// names, never by a hash alone. Thread-safe; two threads that miss at once both classify.
class SqlCache {
 public:
  // Longer SQL, and SQL of which more is to be said, is classified every time, so that a full cache
  // takes some tens of megabytes, whatever agents send.
  static constexpr std::size_t kSqlBytesMax = 8 * 1024;
  static constexpr std::size_t kFactValuesMax = 500;  // of the facts' tree

  explicit SqlCache(std::size_t entries_max = 1024, SqlLimits limits = {})
      : entries_max_(entries_max), limits_(limits) {}

  // As classify_sql(sql, harmless_functions, limits); the facts stay as long as the pointer.
  std::shared_ptr<const Facts> classify(std::string_view sql,
                                        const std::vector<std::string>& harmless_functions = {});

  std::size_t size() const;

 private:
  using Entry = std::pair<std::string, std::shared_ptr<const Facts>>;

  std::shared_ptr<const Facts> find(const std::string& key);
  void remember(std::string key, std::shared_ptr<const Facts> facts);

  const std::size_t entries_max_;
  const SqlLimits limits_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;  // views into entries_
};

}  // namespace keyturn::facts
