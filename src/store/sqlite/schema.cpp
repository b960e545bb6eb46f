#include "store/sqlite/schema.h"

#include <stdexcept>

namespace keyturn::store::sqlite {
namespace {

constexpr int kVersion = 2;

constexpr const char* kTables = R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
CREATE TABLE stream(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL, head BLOB NOT NULL,
  last_type TEXT NOT NULL, open INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX stream_name ON stream(name);
CREATE INDEX stream_open ON stream(open) WHERE open = 1;
CREATE TABLE event(
  idx INTEGER PRIMARY KEY, stream INTEGER NOT NULL, position INTEGER NOT NULL,
  leaf BLOB NOT NULL, sealed BLOB) STRICT;
CREATE UNIQUE INDEX event_stream ON event(stream, position);
CREATE TABLE claim(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE tile(id INTEGER PRIMARY KEY, hashes BLOB NOT NULL) STRICT;
CREATE TABLE signed(one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL,
  root BLOB NOT NULL) STRICT;
)sql";

std::string meta(Database& database, std::string_view key) {
  Statement statement(database, "SELECT value FROM meta WHERE key = ?");
  Query query(statement);
  query.bind_text(key);
  return query.step() ? std::string(query.bytes(0)) : std::string();
}

void set_meta(Database& database, std::string_view key, std::string_view value) {
  Statement statement(database, "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)");
  Query(statement).bind_text(key).bind_text(value).run();
}

// The set as a text that SQLite can take apart: JSON needs no escapes for event types.
std::string as_json(const std::set<std::string>& types) {
  std::string out = "[";
  for (const std::string& type : types) out += (out.size() > 1 ? ",\"" : "\"") + type + "\"";
  return out + "]";
}

void reopen_streams(Database& database, const std::string& closed) {
  if (meta(database, "closed_types") == closed) return;
  Statement statement(database,
                      "UPDATE stream SET open = last_type NOT IN (SELECT value FROM json_each(?))");
  Query(statement).bind_text(closed).run();
  set_meta(database, "closed_types", closed);
}

}  // namespace

void configure(Database& database) {
  database.run("PRAGMA foreign_keys = OFF; PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = 2;");
}

void prepare_schema(Database& database, const std::set<std::string>& closed_types) {
  Transaction transaction(database);
  const std::int64_t version = database.integer("PRAGMA user_version");
  if (version == 0) {
    database.run(kTables);
    database.run("PRAGMA user_version = " + std::to_string(kVersion));
  } else if (version != kVersion) {
    throw std::runtime_error("the journal has schema version " + std::to_string(version) +
                             "; this program writes version " + std::to_string(kVersion) +
                             ": use the program that wrote it, or migrate");
  }
  reopen_streams(database, as_json(closed_types));
  transaction.commit();
}

}  // namespace keyturn::store::sqlite
