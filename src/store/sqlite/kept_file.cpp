#include "store/sqlite/kept_file.h"

#include "base/task_impl.h"
#include "store/sqlite/database.h"
#include "store/sqlite/worker_pool.h"

namespace keyturn::store::sqlite {
namespace {

constexpr std::int64_t kKeptVersion = 1;

struct Connection {
  explicit Connection(const std::string& path) : database(path, Access::kCreate) {
    database.run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
    const std::int64_t version = database.integer("PRAGMA user_version");
    if (version > kKeptVersion)
      throw SqliteError(
          0, "it was written by a newer Keyturn (version " + std::to_string(version) + ")");
    database.run(
        "CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
        "PRAGMA user_version=" +
        std::to_string(kKeptVersion));
  }

  KeptFile::Pairs read(const std::string& prefix) {
    Statement select(database, "SELECT key, value FROM kept WHERE key >= ?1 AND key < ?2");
    Query query(select);
    const std::string end = prefix + "\xf4\x8f\xbf\xbf";  // behind every key with that prefix
    query.bind_text(prefix).bind_text(end);
    KeptFile::Pairs out;
    while (query.step()) out.emplace_back(query.bytes(0), query.bytes(1));
    return out;
  }

  void write(const std::string& key, const std::optional<std::string>& value) {
    Statement change(database,
                     value ? "INSERT INTO kept (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO "
                             "UPDATE SET value = excluded.value"
                           : "DELETE FROM kept WHERE key = ?1");
    Query query(change);
    query.bind_text(key);
    if (value) query.bind_text(*value);
    query.run();
  }

  Database database;
};

std::vector<std::unique_ptr<Connection>> one(const std::string& path) {
  std::vector<std::unique_ptr<Connection>> out;
  out.push_back(std::make_unique<Connection>(path));
  return out;
}

}  // namespace

struct KeptFile::Impl {
  Impl(const std::string& path, boost::asio::any_io_executor executor)
      : pool("channels", one(path), std::move(executor)) {}
  WorkerPool<Connection> pool;
};

KeptFile::KeptFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KeptFile::~KeptFile() = default;

Result<std::unique_ptr<KeptFile>> KeptFile::open(const std::string& path,
                                                 boost::asio::any_io_executor executor) {
  try {
    return std::unique_ptr<KeptFile>(
        new KeptFile(std::make_unique<Impl>(path, std::move(executor))));
  } catch (const SqliteError& error) {
    return refuse("kept_unreadable",
                  path + ": " + error.what() +
                      "; it may be moved away: then messages in chats may be posted twice");
  }
}

Task<Result<KeptFile::Pairs>> KeptFile::read(std::string prefix) {
  try {
    std::move_only_function<Pairs(Connection&)> job =
        [prefix = std::move(prefix)](Connection& connection) { return connection.read(prefix); };
    co_return co_await impl_->pool.ask(std::move(job));
  } catch (const SqliteError& error) {
    co_return refuse("kept_unreadable", std::string("channels.db: ") + error.what());
  }
}

Task<Result<void>> KeptFile::write(std::string key, std::optional<std::string> value) {
  try {
    std::move_only_function<bool(Connection&)> job = [key = std::move(key),
                                                      value = std::move(value)](Connection& c) {
      c.write(key, value);
      return true;
    };
    co_await impl_->pool.ask(std::move(job));
    co_return Result<void>{};
  } catch (const SqliteError& error) {
    co_return refuse("kept_unwritable", std::string("channels.db: ") + error.what());
  }
}

}  // namespace keyturn::store::sqlite
