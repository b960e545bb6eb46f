// The tables of read.db and what each event changes in them. Knows the public members of an
// action's events, and is lenient: what it does not know it leaves alone.
//
//   action   one row an action, by `seq`, the ledger index of its first event: newest first is seq
//   descending visible  who may see it besides those who see all: "agent:NAME", "person:ID",
//   "group:NAME" needle   trigrams of its public words, by seq cursor   one row: the next ledger
//   index to read, and the hash of the leaf before it; figure and approval: read_figures.h
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/event.h"
#include "store/sqlite/database.h"
#include "store/sqlite/read_figures.h"

namespace keyturn::store::sqlite {

struct Cursor {
  std::uint64_t next = 0;
  std::string last_hash;  // of leaf next-1; "" at 0
};

// Opens read.db for writing; throws SqliteError, or std::runtime_error when it is of another
// version.
Database open_read_tables(const std::string& path);

class ReadTables {
 public:
  explicit ReadTables(Database& database);

  Cursor cursor();
  void apply(const Event& event);  // inside the caller's transaction
  void move(const Cursor& cursor);

 private:
  std::optional<std::int64_t> find(std::string_view id);
  std::int64_t add(const Event& event, std::string_view id, const doc::Value& action);
  void add_needle(std::int64_t seq, std::string_view id, const doc::Value& action,
                  std::string_view actor);
  void update(std::int64_t seq, const Event& event);
  void show(std::int64_t seq, const Event& event);
  void note_words(std::int64_t seq, const Event& event);
  void show_to(std::int64_t seq, std::string_view kind, std::string_view name);

  Statement find_, insert_, insert_needle_, update_, show_, speak_, deny_, read_cursor_, move_;
  ReadFigures figures_;
};

}  // namespace keyturn::store::sqlite
