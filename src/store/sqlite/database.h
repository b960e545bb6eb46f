// SQLite with RAII: a connection, a prepared statement, and one use of it.
//
// Threads: a Database and its statements belong to one thread at a time (opened without a mutex).
// Errors: every failure of SQLite throws SqliteError, whose text holds no bound value.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace keyturn::store::sqlite {

class SqliteError : public std::runtime_error {
 public:
  SqliteError(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
  int code() const { return code_; }  // extended result code

 private:
  int code_;
};

inline constexpr int kBusyTimeoutMs = 5000;

enum class Access { kCreate, kReadWrite, kReadOnly };

class Database {
 public:
  Database(const std::string& path, Access access);

  void run(const std::string& sql);  // one or more statements without results
  std::int64_t integer(const std::string& sql);
  sqlite3* raw() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

// Prepared once, used many times. Borrowed: the database outlives it.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);

 private:
  friend class Query;
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

// One use of a statement: bind, step, read columns; the destructor resets it, which ends its read
// snapshot. Bound text and blobs are borrowed until then; columns until the next step().
class Query {
 public:
  explicit Query(Statement& statement) : handle_(statement.handle_.get()) {}
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& bind(std::int64_t value);
  Query& bind(std::uint64_t value) { return bind(static_cast<std::int64_t>(value)); }
  Query& bind_text(std::string_view text);
  Query& bind_blob(std::string_view bytes);
  Query& bind_null();

  bool step();  // true: a row stands ready
  void run() {
    while (step()) {
    }
  }
  std::int64_t integer(int column) const;
  std::string_view bytes(int column) const;  // text or blob
  bool is_null(int column) const;

 private:
  [[noreturn]] void fail(int code) const;
  sqlite3_stmt* handle_;
  int bound_ = 0;
};

// BEGIN IMMEDIATE … COMMIT; rolled back when it goes without commit().
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace keyturn::store::sqlite
