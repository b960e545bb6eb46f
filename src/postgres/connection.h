// One connection to PostgreSQL, driven without blocking past a deadline. For a thread that may
// block.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace keyturn::postgres {

using Deadline = std::chrono::steady_clock::time_point;

struct ClearResult {
  void operator()(PGresult* result) const { ::PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ClearResult>;

enum class Waited { kResult, kDone, kDeadline, kLost };
struct Next {
  Waited what = Waited::kDone;
  ResultPtr result;  // kResult
};

// The dsn without anything secret, in a stable order: "host=127.0.0.1 dbname=orders user=keyturn".
// Refuses invalid_dsn, and literal_secret for a password inside.
[[nodiscard]] Result<std::string> server_text(const std::string& dsn);

class Connection {
 public:
  // As `user`, or, where that is empty, as the dsn says. Refuses cannot_connect; the message may
  // hold what the server said.
  static Result<Connection> open(const std::string& dsn, const Secret& password, Deadline deadline,
                                 const std::string& user = "");

  Result<void> send(const std::string& sql);  // simple protocol: any number of statements
  // Extended protocol: exactly one statement, which the server itself insists on. nullopt is NULL.
  Result<void> send_one(const std::string& sql,
                        const std::vector<std::optional<std::string>>& values);
  Next next(Deadline deadline);  // the next result, row by row
  void cancel();                 // asks the server to stop the statement
  // Sends, and waits for the end: nullopt, or what went wrong.
  std::optional<std::string> command(const std::string& sql, Deadline deadline);

  // The rows of one statement, as text; nullopt is NULL. For few and small ones. Code query_failed.
  Result<std::vector<std::vector<std::optional<std::string>>>> rows(
      const std::string& sql, const std::vector<std::optional<std::string>>& values,
      Deadline deadline);
  // What the server stores of a role's password (SCRAM-SHA-256, RFC 5803): the password itself is
  // in no statement, and so in no log of the server. Code cannot_encrypt.
  Result<std::string> verifier(const Secret& password, const std::string& role);
  Result<std::string> literal(const std::string& text);  // quoted for a statement. Code bad_text

  bool in_transaction() const {
    return ::PQtransactionStatus(connection_.get()) == PQTRANS_INTRANS;
  }
  bool lost() const { return ::PQstatus(connection_.get()) != CONNECTION_OK; }
  const std::string& notices() const { return *notices_; }  // at most 64 KiB
  // Gives up: closes without waiting. The server rolls back.
  void close() { connection_.reset(); }

 private:
  struct Finish {
    void operator()(PGconn* connection) const { ::PQfinish(connection); }
  };
  explicit Connection(PGconn* connection) : connection_(connection) {}
  Waited wait(bool for_write, Deadline deadline) const;
  std::optional<std::string> connect(Deadline deadline);
  Result<void> sent(int ok);

  std::unique_ptr<PGconn, Finish> connection_;
  std::unique_ptr<std::string> notices_ = std::make_unique<std::string>();
};

// "ERROR 42P01: relation \"x\" does not exist"
std::string error_text(const PGresult* result);
std::string sqlstate(const PGresult* result);

}  // namespace keyturn::postgres
