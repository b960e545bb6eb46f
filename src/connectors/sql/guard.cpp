#include "connectors/sql/guard.h"

#include <charconv>

#include "connectors/sql/questions.h"
#include "connectors/sql/run.h"

namespace keyturn::connectors::sql {
namespace {

std::string in_words(std::int64_t rows) {
  return std::to_string(rows) + (rows == 1 ? " row" : " rows");
}

// Of the rows at these places how many are there still: neither deleted nor changed.
std::optional<std::int64_t> remaining(Questions& questions, const facts::Target& target,
                                      const Places& places) {
  const std::string sql =
      "SELECT pg_catalog.count(*) FROM (SELECT DISTINCT k.o, k.c FROM "
      "ROWS FROM (pg_catalog.unnest($1::pg_catalog.oid[]), "
      "pg_catalog.unnest($2::pg_catalog.tid[])) "
      "AS k(o, c)) AS k JOIN " +
      std::string(target.whole ? "" : "ONLY ") + facts::quoted(target.table) +
      " AS t ON t.tableoid = k.o AND t.ctid = k.c";
  const Result<Cells> counted = questions.ask(sql, {places.tables, places.rows});
  if (!counted || counted->empty()) return std::nullopt;
  const std::string text = counted->front()[0].value_or("");
  std::int64_t out = -1;
  if (std::from_chars(text.data(), text.data() + text.size(), out).ec != std::errc() || out < 0)
    return std::nullopt;
  return out;
}

}  // namespace

std::string Guard::locks() const {
  std::string out;
  for (const facts::Touch& touch : touches_) {
    if (touch.verb != "TRUNCATE" || touch.counting.empty()) continue;
    for (const facts::Target& one : touch.targets)
      out += "LOCK TABLE " + std::string(one.whole ? "" : "ONLY ") + facts::quoted(one.table) +
             " IN ACCESS EXCLUSIVE MODE; ";
  }
  return out;
}

Result<void> Guard::before(postgres::Connection& connection, const SqlOrder& order) {
  Result<Seen> seen = seen_within(connection, order, touches_, rows_);
  if (!seen) return std::unexpected(seen.error());
  seen_ = std::move(*seen);
  if (seen_.fingerprint == state_) return {};
  return refuse("drift",
                "what it would touch is not what people agreed to any more; nothing was run, ask "
                "for it anew");
}

std::optional<std::string> Guard::after(postgres::Connection& connection,
                                        postgres::Deadline deadline,
                                        const std::vector<std::int64_t>& done) const {
  if (done.size() != touches_.size())
    return "the server ran " + std::to_string(done.size()) + " statements, and people agreed to " +
           std::to_string(touches_.size());
  Questions questions(connection, deadline);
  for (std::size_t i = 0; i < done.size() && i < seen_.rows.size(); ++i) {
    const std::string which =
        done.size() == 1 ? touches_[i].verb
                         : "statement " + std::to_string(i + 1) + " (" + touches_[i].verb + ")";
    const std::optional<std::int64_t> agreed = seen_.rows[i];
    if (!agreed) continue;
    if (done[i] > *agreed)
      return which + " touched " + in_words(done[i]) + ", and people agreed to " +
             in_words(*agreed);
    if (i >= seen_.places.size() || !seen_.places[i] || done[i] <= 0) continue;
    const auto left = remaining(questions, touches_[i].targets.front(), *seen_.places[i]);
    if (!left) return "which rows " + which + " touched cannot be compared with what was agreed to";
    if (done[i] + *left > *agreed)
      return which + " touched other rows than those that people agreed to";
  }
  return std::nullopt;
}

}  // namespace keyturn::connectors::sql
