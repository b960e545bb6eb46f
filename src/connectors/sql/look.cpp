#include "connectors/sql/look.h"

#include <algorithm>
#include <charconv>

#include "connectors/output.h"
#include "connectors/sql/plan_text.h"
#include "crypto/crypto.h"
#include "doc/json.h"
#include "postgres/connection.h"

namespace keyturn::connectors::sql {
namespace {

using Clock = std::chrono::steady_clock;
using Cells = std::vector<std::vector<std::optional<std::string>>>;
using Values = std::vector<std::optional<std::string>>;

constexpr auto kConnectMax = std::chrono::seconds(5);
constexpr std::size_t kListedMax = 50;  // triggers, and tables that are reached, of one table

// Of what this session's search_path finds under the name.
constexpr const char* kTable =
    "SELECT c.oid::pg_catalog.regclass::pg_catalog.text, CASE c.relkind WHEN 'r' THEN 'table' "
    "WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'f' THEN 'foreign table' WHEN 'm' "
    "THEN 'materialized view' ELSE c.relkind::pg_catalog.text END, c.relrowsecurity FROM "
    "pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1)";

constexpr const char* kTriggers =
    "SELECT t.tgname || ', which calls ' || t.tgfoid::pg_catalog.regprocedure::pg_catalog.text "
    "FROM pg_catalog.pg_trigger t WHERE t.tgrelid = pg_catalog.to_regclass($1) AND NOT "
    "t.tgisinternal AND t.tgenabled <> 'D' AND (t.tgtype & $2::pg_catalog.int2) <> 0 ORDER BY 1 "
    "LIMIT 51";

// Tables whose rows go or change as well, by foreign keys that say so.
constexpr const char* kReaches =
    "WITH RECURSIVE hit(rel, name, how, depth) AS (SELECT k.conrelid, k.conname, CASE $2 WHEN "
    "'DELETE' THEN k.confdeltype WHEN 'UPDATE' THEN k.confupdtype ELSE 'c' END, 1 FROM "
    "pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.conparentid = 0 AND k.confrelid = "
    "pg_catalog.to_regclass($1) AND ($2 = 'TRUNCATE' OR CASE $2 WHEN 'DELETE' THEN k.confdeltype "
    "ELSE k.confupdtype END IN ('c', 'n', 'd')) UNION SELECT k.conrelid, k.conname, CASE $2 WHEN "
    "'DELETE' THEN k.confdeltype WHEN 'UPDATE' THEN k.confupdtype ELSE 'c' END, hit.depth + 1 FROM "
    "hit JOIN pg_catalog.pg_constraint k ON k.confrelid = hit.rel AND k.contype = 'f' AND "
    "k.conparentid = 0 WHERE hit.how = 'c' AND hit.depth < 8 AND ($2 = 'TRUNCATE' OR CASE $2 WHEN "
    "'DELETE' THEN k.confdeltype ELSE k.confupdtype END IN ('c', 'n', 'd'))) SELECT DISTINCT "
    "rel::pg_catalog.regclass::pg_catalog.text, name, how FROM hit ORDER BY 1, 2, 3 LIMIT 51";

// pg_trigger.tgtype (catalog/pg_trigger.h)
std::string trigger_bit(std::string_view verb) {
  if (verb == "INSERT") return "4";
  if (verb == "DELETE") return "8";
  if (verb == "UPDATE") return "16";
  return "32";
}

std::string effect_on(const std::string& verb, const std::string& how) {
  if (verb == "TRUNCATE") return "is emptied, too";
  if (how == "n") return "rows that refer to it lose the reference";
  if (how == "d") return "rows that refer to it get the column's default";
  return verb == "DELETE" ? "rows that refer to it are deleted, too"
                          : "rows that refer to it change, too, where the key changes";
}

// What the server says of data that it could not read may quote the data.
std::string without_data(const std::string& problem) {
  constexpr std::string_view kPrefix = "ERROR 22";
  if (!problem.starts_with(kPrefix)) return problem;
  return problem.substr(0, problem.find(':')) + ": some row's data does not fit the statement";
}

class Look {
 public:
  // `shows`: not the fingerprint alone.
  Look(const SqlOrder& order, postgres::Connection& connection, Clock::time_point deadline,
       bool rows, bool shows)
      : order_(order), connection_(connection), deadline_(deadline), rows_(rows), shows_(shows) {}

  Result<gate::Previewed> run(const std::vector<facts::Touch>& touches) {
    if (auto problem =
            connection_.command("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL "
                                "standard_conforming_strings = on; " +
                                    limits(),
                                deadline_))
      return refuse("state_unavailable", "cannot look at the database: " + clean(*problem));
    return look(touches);
  }

  // What is set inside a savepoint ends with it: so does being read only.
  Result<gate::Previewed> run_within(const std::vector<facts::Touch>& touches) {
    const char* const end = "ROLLBACK TO SAVEPOINT looking; RELEASE SAVEPOINT looking";
    if (auto problem = connection_.command(
            "SAVEPOINT looking; SET LOCAL transaction_read_only = on; " + limits(), deadline_))
      return refuse("state_unavailable", "cannot look at the database: " + clean(*problem));
    Result<gate::Previewed> seen = look(touches);
    if (auto problem = connection_.command(end, deadline_))
      return refuse("state_unavailable", "cannot look at the database: " + clean(*problem));
    return seen;
  }

 private:
  Result<gate::Previewed> look(const std::vector<facts::Touch>& touches) {
    doc::Array shown, bound;
    for (const facts::Touch& touch : touches) {
      if (shown.size() == kLookedAtMax) break;
      shown.push_back(statement(touch, bound));
      if (broken_) return refuse("state_unavailable", "cannot look at the database: " + *broken_);
    }
    gate::Previewed out;
    out.shown = doc::object({{"kind", "sql"}, {"state", rows_ ? "rows" : "count"}});
    if (touches.size() > shown.size())
      out.shown.set("more", static_cast<std::int64_t>(touches.size() - shown.size()));
    out.shown.set("statements", std::move(shown));
    if (!bound.empty())
      out.fingerprint = crypto::sha256_text(doc::canonical_or_die(doc::Value(std::move(bound))));
    return out;
  }

  std::string limits() const {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                        std::min<Duration>(order_.timeout, kLookStatementMax))
                        .count();
    return "SET LOCAL statement_timeout = " + std::to_string(ms) +
           "; SET LOCAL lock_timeout = 1000; SELECT 1";
  }

  // A question that fails ends nothing but itself. Nothing is asked any more once the connection is
  // gone or the time is over.
  Result<Cells> ask(const std::string& sql, const Values& values) {
    if (broken_) return refuse("query_failed", *broken_);
    if (Clock::now() >= deadline_) {
      broken_ = "it takes longer than " + to_text(kLookMax);
      return refuse("query_failed", *broken_);
    }
    if (auto problem = connection_.command("SAVEPOINT look", deadline_)) {
      broken_ = clean(*problem);
      return refuse("query_failed", *broken_);
    }
    Result<Cells> rows = connection_.rows(sql, values, deadline_);
    if (rows) return rows;
    if (auto problem = connection_.command("ROLLBACK TO SAVEPOINT look", deadline_))
      broken_ = clean(rows.error().message);
    return refuse("query_failed", clean(without_data(rows.error().message)));
  }

  std::string clean(const std::string& text) const {
    bool cut = false;
    return presentable(text, order_.redactor, 1000, cut);
  }

  doc::Value statement(const facts::Touch& touch, doc::Array& bound) {
    doc::Value shown = doc::object({{"verb", touch.verb}});
    count(touch, shown);
    doc::Array tables;
    for (const facts::TableName& name : touch.tables) tables.push_back(table(name, touch));
    if (!tables.empty()) {
      doc::Value one = doc::object({{"verb", touch.verb}, {"tables", tables}});
      for (const char* key : {"rows", "print"}) {
        if (const doc::Value* value = shown.find(key)) one.set(key, *value);
      }
      bound.push_back(std::move(one));
      shown.set("tables", std::move(tables));
    }
    if (touch.has_plan && shows_) plan(touch, shown);
    return shown;
  }

  void count(const facts::Touch& touch, doc::Value& shown) {
    if (touch.at_most) shown.set("at_most", true);
    if (touch.rows) shown.set("rows", *touch.rows);
    if (!touch.not_counted.empty()) shown.set("not_counted", touch.not_counted);
    if (touch.counting.empty()) return;
    const Result<Cells> counted = ask(touch.counting, order_.values);
    if (!counted) {
      shown.set("not_counted", counted.error().message);
      return;
    }
    std::int64_t rows = -1;
    const auto cell = [&](std::size_t n) -> std::string {
      return counted->size() == 1 && n < counted->front().size() ? counted->front()[n].value_or("")
                                                                 : "";
    };
    const std::string text = cell(0);
    if (std::from_chars(text.data(), text.data() + text.size(), rows).ec != std::errc() || rows < 0)
      shown.set("not_counted", "the server gave no count");
    else
      shown.set("rows", rows);
    if (touch.prints) shown.set("print", cell(1));
  }

  doc::Value table(const facts::TableName& name, const facts::Touch& touch) {
    const std::string quoted = facts::quoted(name);
    doc::Value out = doc::object({{"name", quoted}});
    const Result<Cells> found = ask(kTable, {quoted});
    if (!found || found->empty()) return out;
    const auto& row = found->front();
    out = doc::object({{"name", row[0].value_or(quoted)}, {"kind", row[1].value_or("")}});
    if (row[2] == "t") out.set("row_security", true);
    list(out, "triggers", ask(kTriggers, {quoted, trigger_bit(touch.verb)}),
         [](const auto& cells) { return cells[0].value_or(""); });
    const bool reaches = touch.verb == "DELETE" || touch.verb == "UPDATE" || touch.cascades;
    if (!reaches) return out;
    list(out, "reaches", ask(kReaches, {quoted, touch.verb}), [&](const auto& cells) {
      return cells[0].value_or("") + ": " + effect_on(touch.verb, cells[2].value_or("")) + " (" +
             cells[1].value_or("") + ")";
    });
    return out;
  }

  template <class Say>
  void list(doc::Value& to, std::string_view key, const Result<Cells>& rows, Say say) const {
    doc::Array out;
    if (!rows) out.emplace_back("cannot be told: " + rows.error().message);
    for (const auto& cells : rows ? *rows : Cells{}) {
      if (out.size() == kListedMax) {
        out.emplace_back("and more");
        break;
      }
      out.emplace_back(clean(say(cells)));
    }
    if (!out.empty()) to.set(std::string(key), std::move(out));
  }

  void plan(const facts::Touch& touch, doc::Value& shown) {
    const Result<Cells> explained = ask("EXPLAIN (FORMAT JSON) " + touch.text, order_.values);
    if (!explained) {
      if (shown.find("not_counted") == nullptr && !touch.counting.empty()) return;
      shown.set("plan", doc::array_of({"no plan: " + explained.error().message}));
      return;
    }
    std::string text;
    for (const auto& cells : *explained) text += cells.empty() ? "" : cells[0].value_or("");
    const std::vector<std::string> lines = plan_lines(text);
    doc::Array clean_lines;
    for (const std::string& line : lines) clean_lines.emplace_back(clean(line));
    if (!clean_lines.empty()) shown.set("plan", std::move(clean_lines));
  }

  const SqlOrder& order_;
  postgres::Connection& connection_;
  Clock::time_point deadline_;
  bool rows_, shows_;
  std::optional<std::string> broken_;
};

}  // namespace

Result<gate::Previewed> look_at(const SqlOrder& order, const std::vector<facts::Touch>& touches,
                                bool rows) {
  const Clock::time_point started = Clock::now();
  const auto deadline = started + std::min<Clock::duration>(order.timeout, kLookMax);
  auto connection = postgres::Connection::open(
      order.dsn, order.password, std::min<Clock::time_point>(deadline, started + kConnectMax),
      order.user);
  if (!connection) {
    bool cut = false;
    return refuse("state_unavailable",
                  "cannot connect to the database: " +
                      presentable(connection.error().message, order.redactor, 1000, cut));
  }
  return Look(order, *connection, deadline, rows, true).run(touches);
}

Result<std::string> state_within(postgres::Connection& connection, const SqlOrder& order,
                                 const std::vector<facts::Touch>& touches, bool rows) {
  const auto deadline = Clock::now() + std::min<Clock::duration>(order.timeout, kLookMax);
  Result<gate::Previewed> seen = Look(order, connection, deadline, rows, false).run_within(touches);
  if (!seen) return std::unexpected(seen.error());
  return std::move(seen->fingerprint);
}

}  // namespace keyturn::connectors::sql
