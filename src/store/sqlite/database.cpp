#include "store/sqlite/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

namespace keyturn::store::sqlite {
namespace {

[[noreturn]] void fail(sqlite3* handle, int code, std::string_view doing) {
  const int extended = handle ? sqlite3_extended_errcode(handle) : code;
  std::string message(doing);
  message += ": ";
  message += handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
  message += " (SQLite code " + std::to_string(extended) + ")";
  throw SqliteError(extended, message);
}

int open_flags(Access access) {
  switch (access) {
    case Access::kCreate:
      return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case Access::kReadWrite:
      return SQLITE_OPEN_READWRITE;
    case Access::kReadOnly:
      return SQLITE_OPEN_READONLY;
  }
  return SQLITE_OPEN_READONLY;
}

// SQLite counts its memory under a lock that all connections share; nobody asks for the figure.
void count_no_memory() {
  static const int once = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  (void)once;
}

}  // namespace

void Database::Close::operator()(sqlite3* handle) const {
  sqlite3_close_v2(handle);
}
void Statement::Finalize::operator()(sqlite3_stmt* handle) const {
  sqlite3_finalize(handle);
}

Database::Database(const std::string& path, Access access) {
  count_no_memory();
  // Its owner's alone from the first byte; SQLite gives the log and the index the mode of the file.
  if (access == Access::kCreate) {
    const int made = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (made >= 0) ::close(made);
  }
  sqlite3* handle = nullptr;
  const int flags = open_flags(access) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) fail(handle, code, "cannot open " + path);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
}

void Database::run(const std::string& sql) {
  const int code = sqlite3_exec(raw(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(raw(), code, sql.substr(0, 60));
}

std::int64_t Database::integer(const std::string& sql) {
  Statement statement(*this, sql);
  Query query(statement);
  return query.step() ? query.integer(0) : 0;
}

Statement::Statement(Database& database, std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v3(database.raw(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) fail(database.raw(), code, sql);
}

Query::~Query() {
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
}

void Query::fail(int code) const {
  sqlite::fail(sqlite3_db_handle(handle_), code, sqlite3_sql(handle_));
}

Query& Query::bind(std::int64_t value) {
  if (const int code = sqlite3_bind_int64(handle_, ++bound_, value); code != SQLITE_OK) fail(code);
  return *this;
}

Query& Query::bind_text(std::string_view text) {
  const int code = sqlite3_bind_text64(handle_, ++bound_, text.data() ? text.data() : "",
                                       text.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) fail(code);
  return *this;
}

Query& Query::bind_blob(std::string_view bytes) {
  const int code = sqlite3_bind_blob64(handle_, ++bound_, bytes.data() ? bytes.data() : "",
                                       bytes.size(), SQLITE_STATIC);
  if (code != SQLITE_OK) fail(code);
  return *this;
}

Query& Query::bind_null() {
  if (const int code = sqlite3_bind_null(handle_, ++bound_); code != SQLITE_OK) fail(code);
  return *this;
}

bool Query::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) fail(code);
  return false;
}

std::int64_t Query::integer(int column) const {
  return sqlite3_column_int64(handle_, column);
}

std::string_view Query::bytes(int column) const {
  const void* data = sqlite3_column_blob(handle_, column);
  const int size = sqlite3_column_bytes(handle_, column);
  return data ? std::string_view(static_cast<const char*>(data), static_cast<std::size_t>(size))
              : std::string_view();
}

bool Query::is_null(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

Transaction::Transaction(Database& database) : database_(database) {
  database_.run("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (open_) sqlite3_exec(database_.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.run("COMMIT");
  open_ = false;
}

}  // namespace keyturn::store::sqlite
