// The writer thread's connection, statements and caches.
#pragma once

#include <string>
#include <unordered_map>

#include "store/sqlite/database.h"
#include "store/sqlite/tree.h"
#include "store/sqlite/writer.h"

namespace keyturn::store::sqlite {

class Writer::Session {
 public:
  Session(WriterOptions options, Random& random);

  const Tree& tree() const { return tree_; }

  // One transaction for all of them, durable when it returns; throws when that is not certain.
  void commit(std::vector<std::shared_ptr<Pending>> batch);

 private:
  struct Head {
    std::int64_t id = 0;
    std::uint64_t version = 0;
    Digest hash{};
    std::string last_type;
    bool stored = false;   // has a row already
    bool changed = false;  // the row is behind
  };

  void write(Pending& pending);
  void write_event(Event& event, WriteDraft& draft);
  void write_signed(SignedStep& step);
  void save_heads();
  Head& head_of(const Event& event);
  std::string seal(const Event& event, WriteDraft& draft);

  WriterOptions options_;
  Random& random_;
  Database database_;
  Tree tree_;
  Statement find_stream_, insert_stream_, update_stream_, insert_event_, insert_claim_, erase_part_;
  Statement read_signed_, insert_signed_;
  std::int64_t next_stream_ = 1;
  bool log_holds_erased_ = false;  // what was erased may still stand in the write-ahead log
  int wal_pages_ = 0;              // after the last commit
  std::unordered_map<std::string, Head> heads_;
  std::vector<std::pair<const std::string*, Head*>>
      changed_;  // into heads_, in order of first change
};

}  // namespace keyturn::store::sqlite
