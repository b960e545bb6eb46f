#include "store/sqlite/read_tables.h"

#include <stdexcept>

#include "model/verdict.h"

namespace keyturn::store::sqlite {
namespace {

constexpr int kReadVersion = 5;
constexpr std::string_view kActionPrefix = "action/";

constexpr const char* kReadTables = R"sql(
CREATE TABLE action(
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL, created_ms INTEGER NOT NULL, state TEXT NOT NULL,
  tool TEXT NOT NULL, operation TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
  env TEXT NOT NULL, actor TEXT NOT NULL, owner TEXT NOT NULL, digest TEXT NOT NULL,
  effect TEXT NOT NULL, last INTEGER NOT NULL, asked_ms INTEGER, outcome TEXT,
  canary INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE UNIQUE INDEX action_id ON action(id);
CREATE INDEX action_created ON action(created_ms);
CREATE INDEX action_state ON action(state);
CREATE INDEX action_tool ON action(tool);
CREATE INDEX action_actor ON action(actor);
CREATE TABLE denied(seq INTEGER PRIMARY KEY, print TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT;
CREATE INDEX denied_at ON denied(at_ms);
CREATE TABLE approval(seq INTEGER NOT NULL, person TEXT NOT NULL, by TEXT NOT NULL,
  at_ms INTEGER NOT NULL, PRIMARY KEY(seq, person)) STRICT, WITHOUT ROWID;
CREATE INDEX approval_at ON approval(at_ms);
CREATE TABLE figure(day INTEGER NOT NULL, what TEXT NOT NULL, name TEXT NOT NULL, detail TEXT NOT NULL,
  n INTEGER NOT NULL, PRIMARY KEY(day, what, name, detail)) STRICT, WITHOUT ROWID;
CREATE TABLE visible(seq INTEGER NOT NULL, who TEXT NOT NULL, PRIMARY KEY(seq, who))
  STRICT, WITHOUT ROWID;
CREATE TABLE private_of(who TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(who, seq))
  STRICT, WITHOUT ROWID;
CREATE VIRTUAL TABLE needle USING fts5(words, content='', tokenize='trigram');
CREATE TABLE cursor(one INTEGER PRIMARY KEY CHECK (one = 1), next INTEGER NOT NULL,
  last_hash BLOB NOT NULL) STRICT;
)sql";

// The first of these paths that leads to something.
const doc::Value* first_of(const doc::Value& body,
                           std::initializer_list<std::initializer_list<std::string_view>> paths) {
  for (const auto& path : paths) {
    if (const doc::Value* found = body.find_path(path)) return found;
  }
  return nullptr;
}

const doc::Value* verdict_of(const doc::Value& body) {
  return first_of(body, {{"verdict"}, {"policy", "verdict"}});
}

std::string_view text_at(const doc::Value* value, std::string_view key) {
  return value == nullptr ? std::string_view() : value->text(key);
}

Query& bind_if(Query& query, std::string_view text) {
  return text.empty() ? query.bind_null() : query.bind_text(text);
}

}  // namespace

Database open_read_tables(const std::string& path) {
  Database database(path, Access::kCreate);
  database.run(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = 2; "
      "PRAGMA wal_autocheckpoint = 8000;");
  const std::int64_t version = database.integer("PRAGMA user_version");
  if (version == kReadVersion) return database;
  if (version != 0) throw std::runtime_error("read.db is of another version");
  Transaction transaction(database);
  database.run(kReadTables);
  database.run("PRAGMA user_version = " + std::to_string(kReadVersion));
  transaction.commit();
  return database;
}

ReadTables::ReadTables(Database& database)
    : find_(database, "SELECT seq FROM action WHERE id = ?"),
      insert_(database,
              "INSERT INTO action(seq, id, created_ms, state, tool, operation, kind, name, env, "
              "actor, owner, digest, effect, last) "
              "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      insert_needle_(database, "INSERT INTO needle(rowid, words) VALUES(?, ?)"),
      update_(database,
              "UPDATE action SET state = coalesce(?, state), digest = coalesce(?, digest), "
              "operation = coalesce(?, operation), effect = coalesce(?, effect), last = ? "
              "WHERE seq = ?"),
      show_(database, "INSERT OR IGNORE INTO visible(seq, who) VALUES(?, ?)"),
      speak_(database, "INSERT OR IGNORE INTO private_of(who, seq) VALUES(?, ?)"),
      deny_(database, "INSERT OR IGNORE INTO denied(seq, print, at_ms) VALUES(?, ?, ?)"),
      read_cursor_(database, "SELECT next, last_hash FROM cursor"),
      move_(database, "INSERT OR REPLACE INTO cursor(one, next, last_hash) VALUES(1, ?, ?)"),
      figures_(database) {}

Cursor ReadTables::cursor() {
  Query query(read_cursor_);
  if (!query.step()) return {};
  return {static_cast<std::uint64_t>(query.integer(0)), std::string(query.bytes(1))};
}

void ReadTables::move(const Cursor& cursor) {
  figures_.flush();
  Query(move_).bind(cursor.next).bind_blob(cursor.last_hash).run();
}

void ReadTables::apply(const Event& event) {
  if (!event.stream.starts_with(kActionPrefix)) return;
  const std::string_view id = std::string_view(event.stream).substr(kActionPrefix.size());
  // The first event of a stream cannot have been listed before.
  std::optional<std::int64_t> seq = event.position == 1 ? std::nullopt : find(id);
  if (seq) {
    update(*seq, event);
  } else {
    const doc::Value* action = event.body.find("action");
    if (action == nullptr || action->text("tool").empty()) return;  // nothing to list it by
    seq = add(event, id, *action);
  }
  show(*seq, event);
  if (event.has_private) note_words(*seq, event);
  if (const std::string_view print = event.body.text("request_print"); !print.empty())
    Query(deny_).bind(*seq).bind_text(print).bind(unix_ms(event.time)).run();
  figures_.note(*seq, event);
}

// Whose words its private part may be (gate/erase.cpp judges that for each entry).
void ReadTables::note_words(std::int64_t seq, const Event& event) {
  const auto of = [&](std::string_view who) {
    if (!who.empty()) Query(speak_).bind_text(who).bind(seq).run();
  };
  const doc::Value& body = event.body;
  of(text_at(body.find("vote"), "reviewer"));
  of(text_at(body.find("after_review"), "by"));
  of(text_at(body.find("review"), "by"));
  of(body.text("by"));
  if (const doc::Value* comment = body.find("comment"); text_at(comment, "author_kind") == "person")
    of(text_at(comment, "author"));
  if (const doc::Value* agent = body.find("agent"); text_at(agent, "kind") == "person")
    of(text_at(agent, "id"));
  const doc::Value* parties = body.find_path({"lineage", "parties"});
  if (event.type != "action.decided" || parties == nullptr || !parties->is_array()) return;
  for (const doc::Value& party : parties->as_array()) {
    if (party.text("role") == "on_behalf_of" || party.text("role") == "amender")
      of(party.text("id"));
  }
}

std::optional<std::int64_t> ReadTables::find(std::string_view id) {
  Query query(find_);
  if (!query.bind_text(id).step()) return std::nullopt;
  return query.integer(0);
}

std::int64_t ReadTables::add(const Event& event, std::string_view id, const doc::Value& action) {
  const auto seq = static_cast<std::int64_t>(event.index);
  const doc::Value* resource = action.find("resource");
  const doc::Value* agent = event.body.find("agent");
  Query(insert_)
      .bind(seq)
      .bind_text(id)
      .bind(unix_ms(event.time))
      .bind_text(event.body.text("state"))
      .bind_text(action.text("tool"))
      .bind_text(action.text("operation"))
      .bind_text(text_at(resource, "kind"))
      .bind_text(text_at(resource, "name"))
      .bind_text(text_at(resource, "env"))
      .bind_text(text_at(agent, "id"))
      .bind_text(text_at(agent, "owner"))
      .bind_text(action.text("digest"))
      .bind_text(text_at(verdict_of(event.body), "effect"))
      .bind(seq)
      .run();
  add_needle(seq, id, action, text_at(agent, "id"));
  return seq;
}

void ReadTables::add_needle(std::int64_t seq, std::string_view id, const doc::Value& action,
                            std::string_view actor) {
  std::string words(id);
  for (const std::string_view word :
       {action.text("tool"), action.text("operation"), actor,
        text_at(action.find("resource"), "name"), text_at(action.find("resource"), "kind")}) {
    words += '\n';
    words += word;
  }
  Query(insert_needle_).bind(seq).bind_text(words).run();
}

void ReadTables::update(std::int64_t seq, const Event& event) {
  const doc::Value& body = event.body;
  const doc::Value* action = body.find("action");
  Query query(update_);
  bind_if(query, body.text("state"));
  bind_if(query, text_at(action, "digest"));
  bind_if(query, text_at(action, "operation"));
  bind_if(query, text_at(verdict_of(body), "effect"));
  query.bind(event.index).bind(seq).run();
}

void ReadTables::show(std::int64_t seq, const Event& event) {
  const doc::Value& body = event.body;
  if (const doc::Value* agent = body.find("agent")) {
    const bool person = agent->text("kind") == "person";
    show_to(seq, person ? "person:" : "agent:", agent->text("id"));
    show_to(seq, "person:", agent->text("owner"));
  }
  const doc::Value* plan = first_of(body, {{"verdict", "plan"},
                                           {"policy", "verdict", "plan"},
                                           {"review", "plan"},
                                           {"standing", "plan"},
                                           {"plan"}});
  if (plan != nullptr && plan->is_object()) {
    const Plan asked = plan_from_value(*plan);
    for (const std::string& group : groups_of(asked)) show_to(seq, "group:", group);
    show_to(seq, "group:", asked.escalate_to);
  }
  if (const doc::Value* vote = body.find("vote")) show_to(seq, "person:", vote->text("reviewer"));
}

void ReadTables::show_to(std::int64_t seq, std::string_view kind, std::string_view name) {
  if (name.empty()) return;
  const std::string who = std::string(kind) + std::string(name);
  Query(show_).bind(seq).bind_text(who).run();
}

}  // namespace keyturn::store::sqlite
