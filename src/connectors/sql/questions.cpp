#include "connectors/sql/questions.h"

#include <array>
#include <string_view>

namespace keyturn::connectors::sql {
namespace {

struct Words {
  std::string_view state, words;  // the start of an SQLSTATE
};
constexpr std::array kWords{
    Words{"22", "some row's data does not fit the statement"},
    Words{"25006", "it would change something"},
    Words{"40", "somebody else changes the same at this moment"},
    Words{"42501", "the role has no right to it"},
    Words{"42P01", "a table that is not there"},
    Words{"42703", "a column that is not there"},
    Words{"53", "the server lacks the means"},
    Words{"54", "it is too much for the server"},
    Words{"55P03", "the lock could not be had in time"},
    Words{"57014", "it takes too long"},
};

}  // namespace

std::string without_data(const std::string& problem) {
  constexpr std::string_view kPrefix = "ERROR ";
  constexpr std::size_t kState = 5;
  const std::size_t end = kPrefix.size() + kState;
  if (!problem.starts_with(kPrefix) || problem.size() <= end || problem[end] != ':') return problem;
  const std::string state = problem.substr(kPrefix.size(), kState);
  for (const Words& one : kWords) {
    if (state.starts_with(one.state)) return "ERROR " + state + ": " + std::string(one.words);
  }
  return "ERROR " + state + ": the server refuses it";
}

Result<Cells> Questions::ask(const std::string& sql, const Values& values) {
  if (broken_) return refuse("query_failed", *broken_);
  if (std::chrono::steady_clock::now() >= deadline_) {
    broken_ = "it takes too long altogether";
    return refuse("query_failed", *broken_);
  }
  if (auto problem = connection_.command("SAVEPOINT look", deadline_)) {
    broken_ = without_data(*problem);
    return refuse("query_failed", *broken_);
  }
  Result<Cells> rows = connection_.rows(sql, values, deadline_);
  if (rows) return rows;
  const std::string words = without_data(rows.error().message);
  if (auto problem = connection_.command("ROLLBACK TO SAVEPOINT look", deadline_)) broken_ = words;
  return refuse("query_failed", words);
}

}  // namespace keyturn::connectors::sql
