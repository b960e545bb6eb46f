#include "connectors/sql/look.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "connectors/output.h"
#include "connectors/sql/cascade.h"
#include "connectors/sql/plan_text.h"
#include "connectors/sql/questions.h"
#include "connectors/sql/reach.h"
#include "crypto/crypto.h"
#include "doc/json.h"
#include "postgres/connection.h"

namespace keyturn::connectors::sql {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto kLookConnectMax = std::chrono::seconds(5);
constexpr std::size_t kListedMax = 50;  // triggers, rules, and tables that are reached, of a table

// Of the functions of these names, in whatever schema: is there one whose answer is another one
// each time, one that returns a set?
constexpr const char* kFunctions =
    "SELECT p.proname::pg_catalog.text, pg_catalog.bool_or(p.provolatile = 'v'), "
    "pg_catalog.bool_or(p.proretset) FROM pg_catalog.pg_proc p WHERE p.proname = "
    "ANY ($1::pg_catalog.name[]) GROUP BY 1 ORDER BY 1";

std::string array_of(const std::set<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    out += out.empty() ? "{\"" : ",\"";
    for (const char c : name) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out + "}";
}

std::optional<std::int64_t> number_in(const Cells& cells, std::size_t n) {
  if (cells.size() != 1 || n >= cells.front().size()) return std::nullopt;
  const std::string text = cells.front()[n].value_or("");
  std::int64_t out = -1;
  const bool whole =
      std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc() && out >= 0;
  return whole ? std::optional(out) : std::nullopt;
}

class Look {
 public:
  // `shows`: not the fingerprint alone.
  Look(const SqlOrder& order, postgres::Connection& connection, SteadyClock::time_point deadline,
       bool rows, bool shows)
      : order_(order),
        connection_(connection),
        deadline_(deadline),
        rows_(rows),
        shows_(shows),
        questions_(connection, deadline) {}

  Result<gate::Previewed> run(const std::vector<facts::Touch>& touches) {
    if (auto problem =
            connection_.command("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL "
                                "standard_conforming_strings = on; " +
                                    limits(),
                                deadline_))
      return away(*problem);
    return look(touches);
  }

  // What is set inside a savepoint ends with it: so does being read only.
  Result<Seen> run_within(const std::vector<facts::Touch>& touches) {
    const char* const end = "ROLLBACK TO SAVEPOINT looking; RELEASE SAVEPOINT looking";
    if (auto problem = connection_.command(
            "SAVEPOINT looking; SET LOCAL transaction_read_only = on; " + limits(), deadline_))
      return away(*problem);
    Result<gate::Previewed> seen = look(touches);
    if (auto problem = connection_.command(end, deadline_)) return away(*problem);
    if (!seen) return std::unexpected(seen.error());
    seen_.fingerprint = std::move(seen->fingerprint);
    return std::move(seen_);
  }

 private:
  std::unexpected<Refusal> away(const std::string& problem) const {
    return refuse("state_unavailable",
                  "cannot look at the database: " + clean(without_data(problem)));
  }

  Result<gate::Previewed> look(const std::vector<facts::Touch>& touches) {
    doc::Array shown, bound;
    for (const facts::Touch& touch : touches) {
      if (shown.size() == kLookedAtMax) break;
      shown.push_back(statement(touch, bound));
      if (questions_.broken()) return away(*questions_.broken());
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

  std::string clean(const std::string& text) const {
    bool cut = false;
    return presentable(text, order_.redactor, 1000, cut);
  }

  doc::Value statement(const facts::Touch& touch, doc::Array& bound) {
    doc::Value shown = doc::object({{"verb", touch.verb}});
    std::string why = touch.not_counted;
    for (const facts::Target& target : touch.targets) {
      if (why.empty()) why = reach(target, touch.cascades).not_counted;
    }
    if (why.empty()) why = unsettled(touch);
    count(touch, std::move(why), shown);
    doc::Array tables;
    for (const facts::Target& target : touch.targets)
      tables.push_back(table(target, touch, shown.find("rows") != nullptr));
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

  const Reach& reach(const facts::Target& target, bool cascades) {
    std::string key = facts::quoted(target.table) + (target.whole ? " *" : " ONLY") +
                      (cascades ? " CASCADE" : "");
    for (const std::string& verb : target.verbs) key += " " + verb;
    const auto known = reached_.find(key);
    if (known != reached_.end()) return known->second;
    return reached_.emplace(key, reach_of(questions_, target, cascades)).first->second;
  }

  // Why another count could be the right one, by the time that it matters; "" none could.
  std::string unsettled(const facts::Touch& touch) {
    std::set<std::string> names = touch.deciding;
    names.insert(touch.yielding.begin(), touch.yielding.end());
    if (names.empty()) return "";
    const Result<Cells> known = questions_.ask(kFunctions, {array_of(names)});
    if (!known) return known.error().message;
    std::string volatile_one, set_one;
    for (const auto& cells : *known) {
      const std::string name = cells[0].value_or("");
      const bool changes = cells[1] == "t";
      if (changes && touch.deciding.contains(name))
        return name + " decides, and says otherwise each time";
      if (!touch.yielding.contains(name)) continue;
      if (changes) volatile_one = name;
      if (cells[2] == "t") set_one = name;
    }
    if (set_one.empty() || (!touch.rows && volatile_one.empty())) return "";
    return set_one + " gives any number of rows";
  }

  void count(const facts::Touch& touch, std::string why, doc::Value& shown) {
    std::optional<std::int64_t> rows = touch.rows;
    if (why.empty() && !touch.counting.empty()) {
      const Result<Cells> counted = questions_.ask(touch.counting, order_.values);
      rows = counted ? number_in(*counted, 0) : std::nullopt;
      if (!counted)
        why = counted.error().message;
      else if (!rows)
        why = "the server gave no count";
      else if (touch.prints)
        shown.set("print", counted->front().size() > 1 ? counted->front()[1].value_or("") : "");
    }
    if (!why.empty()) {
      shown.set("not_counted", clean(why));
      rows.reset();
    } else if (rows) {
      if (touch.at_most) shown.set("at_most", true);
      shown.set("rows", *rows);
    }
    if (shows_) return;
    seen_.rows.push_back(rows);
    const bool placed = rows && *rows <= kPlacedMax && which_matters(touch);
    seen_.places.push_back(placed ? places(touch) : std::nullopt);
  }

  // Others of the same number would take others with them.
  bool which_matters(const facts::Touch& touch) {
    if (touch.prints) return true;
    return touch.verb == "DELETE" &&
           std::ranges::any_of(touch.targets, [&](const facts::Target& target) {
             return !reach(target, touch.cascades).references.empty();
           });
  }

  // What cannot be placed is not compared afterwards: the number of rows still is.
  std::optional<Places> places(const facts::Touch& touch) {
    if (touch.placing.empty()) return std::nullopt;
    const Result<Cells> found = questions_.ask(touch.placing, order_.values);
    if (!found || found->size() != 1 || found->front().size() < 2) return std::nullopt;
    return Places{found->front()[0].value_or("{}"), found->front()[1].value_or("{}")};
  }

  doc::Value table(const facts::Target& target, const facts::Touch& touch, bool counted) {
    const Reach& seen = reach(target, touch.cascades);
    doc::Value out = doc::object({{"name", clean(seen.name)}});
    if (!seen.unknown.empty()) out.set("reaches", doc::array_of({unknown(seen.unknown)}));
    if (!seen.found) return out;
    out.set("kind", seen.kind);
    if (seen.row_security) out.set("row_security", true);
    list(out, "triggers", seen.triggers);
    list(out, "rules", seen.rules);
    std::vector<std::string> reaches;
    for (const std::string& one : seen.foreign)
      reaches.push_back(one + ": a foreign table; what its own server does with it is not known");
    const std::vector<std::string> references = referring(seen, target, touch, counted);
    reaches.insert(reaches.end(), references.begin(), references.end());
    if (!seen.unknown.empty()) reaches.push_back(unknown(seen.unknown));
    list(out, "reaches", reaches);
    return out;
  }

  static std::string unknown(const std::string& why) { return "cannot be told: " + why; }

  std::vector<std::string> referring(const Reach& seen, const facts::Target& target,
                                     const facts::Touch& touch, bool counted) {
    std::vector<std::string> out;
    if (seen.references.empty()) return out;
    Cascade rows;
    if (counted && touch.verb == "DELETE" && !touch.finding.empty())
      rows = count_cascade(questions_, facts::quoted(target.table), touch.finding, order_.values);
    for (const Reference& one : seen.references) {
      std::string words = one.table + ": " + effect_of(one) + " (" + one.name + "): ";
      const auto& by_table = one.how == 'c' ? rows.deleted : rows.changed;
      const auto at = by_table.find(one.table);
      if (one.verb == "DELETE" && at != by_table.end())
        words += std::to_string(at->second) + (at->second == 1 ? " row" : " rows");
      else
        words += rows.not_counted.empty() ? "not counted" : "not counted: " + rows.not_counted;
      out.push_back(std::move(words));
    }
    return out;
  }

  // All of it is part of the state, also what is not shown.
  void list(doc::Value& to, std::string_view key, const std::vector<std::string>& words) const {
    doc::Array out;
    std::string rest;
    for (const std::string& one : words) {
      if (out.size() < kListedMax)
        out.emplace_back(clean(one));
      else
        rest += one + "\n";
    }
    if (!rest.empty()) {
      out.emplace_back("and " + std::to_string(words.size() - kListedMax) + " more (" +
                       crypto::sha256_text(rest) + ")");
    }
    if (!out.empty()) to.set(std::string(key), std::move(out));
  }

  void plan(const facts::Touch& touch, doc::Value& shown) {
    const Result<Cells> explained =
        questions_.ask("EXPLAIN (FORMAT JSON) " + touch.text, order_.values);
    if (!explained) {
      if (shown.find("not_counted") == nullptr && !touch.counting.empty()) return;
      shown.set("plan", doc::array_of({"no plan: " + clean(explained.error().message)}));
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
  SteadyClock::time_point deadline_;
  bool rows_, shows_;
  Questions questions_;
  std::map<std::string, Reach> reached_;
  Seen seen_;
};

}  // namespace

Result<gate::Previewed> look_at(const SqlOrder& order, const std::vector<facts::Touch>& touches,
                                bool rows) {
  const SteadyClock::time_point started = SteadyClock::now();
  const auto deadline = started + std::min<SteadyClock::duration>(order.timeout, kLookMax);
  auto connection = postgres::Connection::open(
      order.dsn, order.password,
      std::min<SteadyClock::time_point>(deadline, started + kLookConnectMax), order.user);
  if (!connection) {
    bool cut = false;
    return refuse("state_unavailable",
                  "cannot connect to the database: " +
                      presentable(connection.error().message, order.redactor, 1000, cut));
  }
  return Look(order, *connection, deadline, rows, true).run(touches);
}

Result<Seen> seen_within(postgres::Connection& connection, const SqlOrder& order,
                         const std::vector<facts::Touch>& touches, bool rows) {
  const auto deadline =
      SteadyClock::now() + std::min<SteadyClock::duration>(order.timeout, kLookMax);
  return Look(order, connection, deadline, rows, false).run_within(touches);
}

}  // namespace keyturn::connectors::sql
