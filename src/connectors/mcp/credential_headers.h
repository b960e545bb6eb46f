// The headers that Keyturn adds to what it sends to an MCP server, with the secrets in them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "catalog/upstream.h"
#include "connectors/mcp/known_secrets.h"
#include "net/blocking.h"
#include "net/http.h"
#include "net/loop.h"

namespace keyturn::connectors::mcp {

// When secrets are read again.
struct ReadSecrets {
  Duration after = std::chrono::minutes(1);
  Duration soonest = std::chrono::seconds(5);  // when the server does not take them
};

// I/O thread only; secrets are read on the pool. Borrows loop and pool.
class CredentialHeaders {
 public:
  CredentialHeaders(net::Loop& loop, net::BlockingPool& pool,
                    std::vector<catalog::UpstreamHeader> headers, ReadSecrets when);

  // As they are to be sent. `refused`: the server did not take those of before. Code no_secret:
  // which header, and why, without the value.
  Task<Result<net::Headers>> get(bool refused = false);
  // Knows every value of late; null: there was none yet.
  const secrets::Redactor* redactor() const { return known_.redactor(); }

 private:
  using Values = std::vector<Secret>;  // one a header, empty for plain text
  bool is_fresh(Duration most) const;
  Task<void> refresh();
  net::Headers compose() const;

  net::Loop& loop_;
  net::BlockingPool& pool_;
  const std::vector<catalog::UpstreamHeader> headers_;
  const ReadSecrets when_;
  Result<Values> values_;
  std::optional<std::chrono::steady_clock::time_point> read_at_;
  bool is_reading_ = false;
  std::vector<std::shared_ptr<net::Waiter>> until_read_;
  KnownSecrets known_;
};

}  // namespace keyturn::connectors::mcp
