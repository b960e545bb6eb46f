#include "postgres/connection.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

namespace keyturn::postgres {
namespace {

constexpr std::size_t kNoticesMax = 64 << 10;

std::string trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return std::string(text);
}

int left_ms(Deadline deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count() + 1, 0, 3'600'000));
}

void keep_notice(void* into, const char* message) {
  auto& notices = *static_cast<std::string*>(into);
  const std::string_view text(message);
  if (notices.size() + text.size() <= kNoticesMax) notices += text;
}

// Words that no libpq conninfo needs quotes for.
std::string conninfo_value(std::string_view value) {
  if (!value.empty() && value.find_first_of(" '\\") == std::string_view::npos)
    return std::string(value);
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { ::PQconninfoFree(options); }
};

}  // namespace

Result<std::string> server_text(const std::string& dsn) {
  char* problem = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(
      ::PQconninfoParse(dsn.c_str(), &problem));
  if (!options) {
    const std::string text = problem == nullptr ? "out of memory" : trimmed(problem);
    ::PQfreemem(problem);
    return refuse("invalid_dsn", "the dsn is not valid: " + text);
  }
  std::string out;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    const std::string_view keyword = option->keyword;
    if (option->dispchar[0] == '*') {
      return refuse("literal_secret",
                    "the dsn holds a " + std::string(keyword) +
                        "; give it by reference instead: password: {secret: \"file:/path\"}");
    }
    if (!out.empty()) out += ' ';
    out += std::string(keyword) + "=" + conninfo_value(option->val);
  }
  return out;
}

Result<Connection> Connection::open(const std::string& dsn, const Secret& password,
                                    Deadline deadline, const std::string& user) {
  const std::string secret(password.reveal());
  // The dsn is expanded where dbname stands; what comes later replaces what it says.
  std::vector<const char*> keywords{"dbname", "client_encoding", "application_name",
                                    "connect_timeout"};
  std::vector<const char*> values{dsn.c_str(), "UTF8", "keyturn", "15"};
  const auto also = [&](const char* keyword, const std::string& value) {
    if (value.empty()) return;
    keywords.push_back(keyword);
    values.push_back(value.c_str());
  };
  also("user", user);
  also("password", secret);
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  Connection connection(::PQconnectStartParams(keywords.data(), values.data(), 1));
  if (!connection.connection_) return refuse("cannot_connect", "out of memory");
  ::PQsetNoticeProcessor(connection.connection_.get(), keep_notice, connection.notices_.get());
  if (auto problem = connection.connect(deadline)) return refuse("cannot_connect", *problem);
  ::PQsetnonblocking(connection.connection_.get(), 1);
  return connection;
}

std::optional<std::string> Connection::connect(Deadline deadline) {
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (::PQstatus(connection_.get()) != CONNECTION_BAD) {
    if (status == PGRES_POLLING_OK) return std::nullopt;
    if (status == PGRES_POLLING_FAILED) break;
    if (wait(status == PGRES_POLLING_WRITING, deadline) == Waited::kDeadline)
      return "no answer in time";
    status = ::PQconnectPoll(connection_.get());
  }
  return trimmed(::PQerrorMessage(connection_.get()));
}

Waited Connection::wait(bool for_write, Deadline deadline) const {
  pollfd entry{::PQsocket(connection_.get()),
               static_cast<short>(for_write ? POLLIN | POLLOUT : POLLIN), 0};
  if (entry.fd < 0) return Waited::kLost;
  for (;;) {
    const int left = left_ms(deadline);
    const int ready = ::poll(&entry, 1, left);
    if (ready > 0) return Waited::kResult;
    if (ready == 0 && std::chrono::steady_clock::now() >= deadline) return Waited::kDeadline;
    if (ready < 0 && errno != EINTR) return Waited::kLost;
  }
}

Result<void> Connection::sent(int ok) {
  if (ok == 0) return refuse("cannot_send", trimmed(::PQerrorMessage(connection_.get())));
  ::PQsetSingleRowMode(connection_.get());
  return {};
}

Result<void> Connection::send(const std::string& sql) {
  return sent(::PQsendQuery(connection_.get(), sql.c_str()));
}

Result<void> Connection::send_one(const std::string& sql,
                                  const std::vector<std::optional<std::string>>& values) {
  std::vector<const char*> texts;
  texts.reserve(values.size());
  for (const auto& value : values) texts.push_back(value ? value->c_str() : nullptr);
  return sent(::PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(texts.size()),
                                  nullptr, texts.data(), nullptr, nullptr, 0));
}

Next Connection::next(Deadline deadline) {
  PGconn* connection = connection_.get();
  for (;;) {
    const int unsent = ::PQflush(connection);
    if (unsent < 0) break;
    if (unsent == 0 && ::PQisBusy(connection) == 0) {
      ResultPtr result(::PQgetResult(connection));
      if (!result) return {lost() ? Waited::kLost : Waited::kDone, nullptr};
      if (lost()) return {Waited::kLost, std::move(result)};
      return {Waited::kResult, std::move(result)};
    }
    const Waited waited = wait(unsent > 0, deadline);
    if (waited != Waited::kResult) return {waited, nullptr};
    if (::PQconsumeInput(connection) == 0) break;
  }
  return {Waited::kLost, ResultPtr(::PQgetResult(connection))};
}

void Connection::cancel() {
  PGcancel* handle = ::PQgetCancel(connection_.get());
  if (handle == nullptr) return;
  std::array<char, 256> problem{};
  ::PQcancel(handle, problem.data(), static_cast<int>(problem.size()));
  ::PQfreeCancel(handle);
}

std::optional<std::string> Connection::command(const std::string& sql, Deadline deadline) {
  if (auto done = send(sql); !done) return done.error().message;
  std::optional<std::string> problem;
  for (;;) {
    const Next got = next(deadline);
    switch (got.what) {
      case Waited::kDone:
        return problem;
      case Waited::kDeadline:
        return "no answer in time";
      case Waited::kLost:
        return "the connection was lost";
      case Waited::kResult:
        break;
    }
    const ExecStatusType status = ::PQresultStatus(got.result.get());
    if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE)
      problem = error_text(got.result.get());
  }
}

Result<std::vector<std::vector<std::optional<std::string>>>> Connection::rows(
    const std::string& sql, const std::vector<std::optional<std::string>>& values,
    Deadline deadline) {
  if (auto done = send_one(sql, values); !done) return refuse("query_failed", done.error().message);
  std::vector<std::vector<std::optional<std::string>>> out;
  std::string problem;
  for (;;) {
    const Next got = next(deadline);
    if (got.what == Waited::kDeadline) return refuse("query_failed", "no answer in time");
    if (got.what == Waited::kLost) return refuse("query_failed", "the connection was lost");
    if (got.what == Waited::kDone) break;
    const PGresult* result = got.result.get();
    const ExecStatusType status = ::PQresultStatus(result);
    if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) problem = error_text(result);
    for (int row = 0; row < ::PQntuples(result); ++row) {
      auto& cells = out.emplace_back();
      for (int column = 0; column < ::PQnfields(result); ++column) {
        if (::PQgetisnull(result, row, column) != 0)
          cells.emplace_back(std::nullopt);
        else
          cells.emplace_back(::PQgetvalue(result, row, column));
      }
    }
  }
  if (!problem.empty()) return refuse("query_failed", problem);
  return out;
}

Result<std::string> Connection::verifier(const Secret& password, const std::string& role) {
  const std::string text(password.reveal());
  const std::unique_ptr<char, decltype(&::PQfreemem)> made(
      ::PQencryptPasswordConn(connection_.get(), text.c_str(), role.c_str(), "scram-sha-256"),
      ::PQfreemem);
  if (!made) return refuse("cannot_encrypt", trimmed(::PQerrorMessage(connection_.get())));
  return std::string(made.get());
}

Result<std::string> Connection::literal(const std::string& text) {
  const std::unique_ptr<char, decltype(&::PQfreemem)> quoted(
      ::PQescapeLiteral(connection_.get(), text.c_str(), text.size()), ::PQfreemem);
  if (!quoted) return refuse("bad_text", trimmed(::PQerrorMessage(connection_.get())));
  return std::string(quoted.get());
}

std::string sqlstate(const PGresult* result) {
  const char* state = ::PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return state == nullptr ? "" : state;
}

std::string error_text(const PGresult* result) {
  const char* message = ::PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  if (message == nullptr) return trimmed(::PQresultErrorMessage(result));
  const std::string state = sqlstate(result);
  std::string out = "ERROR " + state + ": " + message;
  if (const char* at = ::PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION))
    out += std::string(" (at character ") + at + ")";
  return out;
}

}  // namespace keyturn::postgres
