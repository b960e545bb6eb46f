#include "store/sqlite/read_query.h"

#include <sqlite3.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>
#include <set>
#include <variant>

namespace keyturn::store::sqlite {
namespace {

constexpr std::size_t kLimitMax = 200;
constexpr std::size_t kTrigram = 3;                   // code points
constexpr std::chrono::seconds kPatienceAtStart{20};  // nobody else asks yet
constexpr std::chrono::seconds kPatience{2};
constexpr int kStepsBetweenLooks = 20'000;
constexpr std::int64_t kMsOfDay = 86'400'000;

// A WHERE clause whose values are bound by number, so that one list serves several branches.
class Condition {
 public:
  std::string text(std::string value) {
    values_.emplace_back(std::move(value));
    return place();
  }
  std::string number(std::int64_t value) {
    values_.emplace_back(value);
    return place();
  }
  void require(const std::string& clause) { sql_ += (sql_.empty() ? "" : " AND ") + clause; }
  std::string sql() const { return sql_.empty() ? "1" : sql_; }

  void bind_to(Query& query) const {
    for (const auto& value : values_) {
      if (const auto* text = std::get_if<std::string>(&value)) {
        query.bind_text(*text);
      } else {
        query.bind(std::get<std::int64_t>(value));
      }
    }
  }

 private:
  std::string place() const { return "?" + std::to_string(values_.size()); }
  std::string sql_;
  std::vector<std::variant<std::string, std::int64_t>> values_;
};

std::optional<std::int64_t> cursor_of(const std::string& text) {
  std::int64_t seq = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seq);
  if (error != std::errc() || end != text.data() + text.size() || seq < 0) return std::nullopt;
  return seq;
}

bool has_trigrams(std::string_view text) {
  const auto starts = std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; });
  return starts >= static_cast<std::ptrdiff_t>(kTrigram);
}

// One FTS5 phrase: nothing in it is an operator.
std::string as_phrase(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    if (c != '\0') out += c;
  }
  return out + "\"";
}

std::string as_like(std::string_view text) {
  std::string out = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c;
  }
  return out + "%";
}

std::string any_of(Condition& condition, const std::vector<std::string>& values) {
  std::string list;
  for (const std::string& value : values) {
    list += (list.empty() ? "" : ", ") + condition.text(value);
  }
  return "(" + list + ")";
}

void require_visible(Condition& condition, const Visibility& visible_to) {
  std::vector<std::string> whose;
  if (const auto* agent = std::get_if<SeesAsAgent>(&visible_to)) {
    whose.push_back("agent:" + agent->name);
    condition.require("a.actor = " + condition.text(agent->name));
  } else if (const auto* person = std::get_if<SeesAsPerson>(&visible_to)) {
    whose.push_back("person:" + person->id);
    for (const std::string& group : person->groups) whose.push_back("group:" + group);
  } else {
    return;
  }
  condition.require("EXISTS (SELECT 1 FROM visible v WHERE v.seq = a.seq AND v.who IN " +
                    any_of(condition, whose) + ")");
}

// Recorded time never runs backwards, so a span of time is a span of seq.
void require_time(Condition& condition, const ActionFilter& filter) {
  const auto first_at = [&condition](Time time) {
    return "(SELECT seq FROM action WHERE created_ms >= " + condition.number(unix_ms(time)) +
           " ORDER BY created_ms, seq LIMIT 1)";
  };
  if (filter.from) condition.require("a.seq >= " + first_at(*filter.from));
  if (filter.to) {
    condition.require("a.seq < coalesce(" + first_at(*filter.to) + ", 9223372036854775807)");
  }
}

void require_tool(Condition& condition, std::string tool) {
  if (tool.empty()) return;
  if (!tool.ends_with('*')) {
    condition.require("a.tool = " + condition.text(tool));
    return;
  }
  tool.pop_back();
  condition.require("instr(a.tool, " + condition.text(tool) + ") = 1");
}

Condition condition_of(const ActionFilter& filter, std::int64_t before, bool by_trigram) {
  Condition condition;
  condition.require((by_trigram ? "n.rowid < " : "a.seq < ") + condition.number(before));
  require_tool(condition, filter.tool);
  if (!filter.actor.empty()) condition.require("a.actor = " + condition.text(filter.actor));
  if (by_trigram) {
    condition.require("needle MATCH " + condition.text(as_phrase(filter.q)));
  } else if (!filter.q.empty()) {
    const std::string like = " LIKE " + condition.text(as_like(filter.q)) + " ESCAPE '\\'";
    condition.require("(a.id" + like + " OR a.tool" + like + " OR a.operation" + like +
                      " OR a.actor" + like + " OR a.name" + like + " OR a.kind" + like + ")");
  }
  require_time(condition, filter);
  require_visible(condition, filter.visible_to);
  return condition;
}

std::string in_quotes(State state) {
  return "'" + std::string(to_text(state)) + "'";
}

// Without words a branch for each state, so that each walks its own index newest first and SQLite
// merges them. With words their index is walked newest first, once: of several branches over it
// SQLite would sort every match.
std::string select(const ActionFilter& filter, const Condition& condition, bool by_trigram) {
  const std::string from =
      by_trigram ? "needle n CROSS JOIN action a ON a.seq = n.rowid" : "action a";
  const std::string base = "SELECT a.seq AS seq, a.id FROM " + from + " WHERE " + condition.sql();
  const std::set<State> states(filter.states.begin(), filter.states.end());
  std::string sql;
  if (by_trigram) {
    std::string list;
    for (const State state : states) list += (list.empty() ? "" : ", ") + in_quotes(state);
    sql = base + (list.empty() ? "" : " AND a.state IN (" + list + ")");
    return sql + " ORDER BY n.rowid DESC LIMIT ";
  }
  for (const State state : states)
    sql += (sql.empty() ? "" : " UNION ALL ") + base + " AND a.state = " + in_quotes(state);
  return (sql.empty() ? base : sql) + " ORDER BY seq DESC LIMIT ";
}

Database open_for_questions(const std::string& path) {
  Database database(path, Access::kReadWrite);
  database.run("PRAGMA query_only = ON; PRAGMA temp_store = 2;");
  return database;
}

}  // namespace

ReadQueries::ReadQueries(const std::string& path) : database_(open_for_questions(path)) {
  sqlite3_progress_handler(database_.raw(), kStepsBetweenLooks, is_over, &deadline_);
}

// Nobody's question holds up everybody's.
int ReadQueries::is_over(void* deadline) {
  const auto over = *static_cast<std::chrono::steady_clock::time_point*>(deadline);
  return std::chrono::steady_clock::now() > over ? 1 : 0;
}

Result<ActionPage> ReadQueries::page(const ActionFilter& filter) {
  std::int64_t before = std::numeric_limits<std::int64_t>::max();
  if (!filter.after.empty()) {
    const std::optional<std::int64_t> seq = cursor_of(filter.after);
    if (!seq)
      return refuse("bad_cursor", "`after` is no cursor of this list; start without", "/after");
    before = *seq;
  }
  deadline_ = std::chrono::steady_clock::now() + kPatience;
  const bool by_trigram = has_trigrams(filter.q);
  const Condition condition = condition_of(filter, before, by_trigram);
  const std::size_t limit = std::clamp<std::size_t>(filter.limit, 1, kLimitMax);
  Statement statement(database_, select(filter, condition, by_trigram) + std::to_string(limit + 1));
  Query query(statement);
  condition.bind_to(query);
  ActionPage page;
  std::int64_t last = 0;
  while (query.step()) {
    if (page.ids.size() == limit) {
      page.next = std::to_string(last);
      break;
    }
    last = query.integer(0);
    page.ids.emplace_back(query.bytes(1));
  }
  return page;
}

std::vector<std::pair<State, std::uint64_t>> ReadQueries::count_by_state(std::optional<Time> from) {
  deadline_ = std::chrono::steady_clock::now() + kPatience;
  std::vector<std::pair<State, std::uint64_t>> counts;
  Statement statement(database_, from ? "SELECT state, count(*) FROM action "
                                        "WHERE created_ms >= ? GROUP BY state"
                                      : "SELECT state, count(*) FROM action GROUP BY state");
  Query query(statement);
  if (from) query.bind(unix_ms(*from));
  while (query.step()) {
    const std::optional<State> state = state_from_text(query.bytes(0));
    if (state) counts.emplace_back(*state, static_cast<std::uint64_t>(query.integer(1)));
  }
  return counts;
}

std::vector<Uses> ReadQueries::uses(Time from, Duration step, std::uint64_t before) {
  deadline_ = std::chrono::steady_clock::now() + kPatienceAtStart;
  const std::int64_t step_ms = std::chrono::duration_cast<std::chrono::milliseconds>(step).count();
  Statement statement(
      database_,
      "SELECT actor, tool, kind, name, created_ms / ?1 AS step, count(*), "
      "sum(state = 'denied') FROM action WHERE created_ms >= ?2 AND seq < ?3 AND canary = 0 "
      "GROUP BY actor, tool, kind, name, step");
  Query query(statement);
  query.bind(step_ms).bind(unix_ms(from)).bind(before);
  std::vector<Uses> out;
  while (query.step()) {
    out.push_back({std::string(query.bytes(0)), std::string(query.bytes(1)),
                   std::string(query.bytes(2)), std::string(query.bytes(3)),
                   Time(std::chrono::milliseconds(query.integer(4) * step_ms)), query.integer(5),
                   query.integer(6)});
  }
  return out;
}

std::vector<DeniedPrint> ReadQueries::denied_prints(Time from, std::uint64_t before) {
  deadline_ = std::chrono::steady_clock::now() + kPatienceAtStart;
  // Of a bare column beside max() SQLite gives the value of the row that has the maximum.
  Statement statement(database_,
                      "SELECT d.print, count(*), a.id, max(d.seq) FROM denied d "
                      "JOIN action a ON a.seq = d.seq WHERE d.at_ms >= ? AND d.seq < ? "
                      "GROUP BY d.print");
  Query query(statement);
  query.bind(unix_ms(from)).bind(before);
  std::vector<DeniedPrint> out;
  while (query.step())
    out.push_back({std::string(query.bytes(0)), query.integer(1), std::string(query.bytes(2))});
  return out;
}

std::vector<Approved> ReadQueries::approvals(Time from, std::uint64_t before) {
  deadline_ = std::chrono::steady_clock::now() + kPatienceAtStart;
  Statement statement(database_,
                      "SELECT a.actor, a.tool, a.kind, a.name, a.id, p.person, p.by, p.at_ms "
                      "FROM approval p JOIN action a ON a.seq = p.seq "
                      "WHERE p.at_ms >= ? AND p.seq < ? AND a.canary = 0");
  Query query(statement);
  query.bind(unix_ms(from)).bind(before);
  std::vector<Approved> out;
  while (query.step()) {
    out.push_back({std::string(query.bytes(0)), std::string(query.bytes(1)),
                   std::string(query.bytes(2)), std::string(query.bytes(3)),
                   std::string(query.bytes(4)), std::string(query.bytes(5)),
                   std::string(query.bytes(6)), Time(std::chrono::milliseconds(query.integer(7)))});
  }
  return out;
}

std::vector<Figure> ReadQueries::figures(Time from, Time to) {
  deadline_ = std::chrono::steady_clock::now() + kPatience;
  Statement statement(database_,
                      "SELECT day, what, name, detail, n FROM figure WHERE day >= ? AND day < ?");
  Query query(statement);
  query.bind(unix_ms(from) / kMsOfDay).bind(unix_ms(to) / kMsOfDay);
  std::vector<Figure> out;
  while (query.step()) {
    out.push_back({query.integer(0), std::string(query.bytes(1)), std::string(query.bytes(2)),
                   std::string(query.bytes(3)), query.integer(4)});
  }
  return out;
}

std::vector<Repeats> ReadQueries::repeats(Time from, Time to, std::size_t limit) {
  deadline_ = std::chrono::steady_clock::now() + kPatience;
  Statement statement(database_,
                      "SELECT a.actor, a.tool, count(*) AS times, a.id, max(d.seq) FROM denied d "
                      "JOIN action a ON a.seq = d.seq WHERE d.at_ms >= ? AND d.at_ms < ? "
                      "GROUP BY d.print HAVING times > 1 ORDER BY times DESC LIMIT ?");
  Query query(statement);
  query.bind(unix_ms(from)).bind(unix_ms(to)).bind(static_cast<std::int64_t>(limit));
  std::vector<Repeats> out;
  while (query.step()) {
    out.push_back({std::string(query.bytes(0)), std::string(query.bytes(1)), query.integer(2),
                   std::string(query.bytes(3))});
  }
  return out;
}

// Each name is looked up once, however many entries have it.
std::vector<std::string> ReadQueries::names_in_private() {
  deadline_ = std::chrono::steady_clock::now() + kPatience;
  Statement statement(database_,
                      "WITH RECURSIVE name(who) AS (SELECT min(who) FROM private_of UNION ALL "
                      "SELECT (SELECT min(p.who) FROM private_of p WHERE p.who > name.who) "
                      "FROM name WHERE name.who IS NOT NULL) "
                      "SELECT who FROM name WHERE who IS NOT NULL");
  Query query(statement);
  std::vector<std::string> out;
  while (query.step()) out.emplace_back(query.bytes(0));
  return out;
}

std::vector<std::string> ReadQueries::private_of(const std::vector<std::string>& names) {
  deadline_ = std::chrono::steady_clock::now() + kPatience;
  Statement of_one(database_, "SELECT seq FROM private_of WHERE who = ?");
  Statement action(database_, "SELECT id FROM action WHERE seq = ?");
  std::set<std::int64_t> found;
  for (const std::string& name : names) {
    Query query(of_one);
    query.bind_text(name);
    while (query.step()) found.insert(query.integer(0));
  }
  std::vector<std::string> out;
  for (const std::int64_t seq : found) {
    Query query(action);
    if (query.bind(seq).step()) out.emplace_back(query.bytes(0));
  }
  return out;
}

}  // namespace keyturn::store::sqlite
