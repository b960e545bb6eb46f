// The running server, over HTTP.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cli/app.h"
#include "cli/exit_codes.h"
#include "doc/value.h"
#include "net/client.h"

namespace keyturn::cli {

// Why a command did not do what it says, and the exit code that tells so.
struct Failure {
  Exit exit = Exit::kFailed;
  Refusal refusal;
  doc::Value problem;  // the server's problem+json, if it sent one
};
template <class T>
using Attempt = std::expected<T, Failure>;

[[nodiscard]] inline std::unexpected<Failure> usage(std::string message) {
  return std::unexpected(Failure{Exit::kUsage, {"usage", std::move(message), ""}, {}});
}

[[nodiscard]] inline std::unexpected<Failure> failed(Refusal why) {
  return std::unexpected(Failure{Exit::kFailed, std::move(why), {}});
}

// What to do next about a refusal of this code; "" when we have nothing to add.
std::string_view hint_for(std::string_view code);

// Says the failure on stderr (with --json: as one line of problem+json) and returns its exit code.
int complain(Session& session, const Failure& failure);

using Query = std::vector<std::pair<std::string, std::string>>;
// `path` may have a query already; empty values are left out.
std::string with_query(std::string path, const Query& query);

class Remote {
 public:
  explicit Remote(Environment environment);

  // JSON both ways. `wait`: Prefer: wait=N, and the patience of the client grows by as much.
  [[nodiscard]] Attempt<doc::Value> get(const std::string& path,
                                        std::optional<std::chrono::seconds> wait = {}) const;
  // `patience`: for the whole exchange, where it may take longer than usual.
  [[nodiscard]] Attempt<doc::Value> post(const std::string& path, const doc::Value& body,
                                         std::optional<std::chrono::seconds> patience = {}) const;
  [[nodiscard]] Attempt<doc::Value> erase(const std::string& path) const;
  // Server-sent events until the server ends the stream, `heard` says false, or it breaks. True:
  // `heard` has had enough.
  [[nodiscard]] Attempt<bool> listen(
      const std::string& path, const std::function<bool(const net::ServerEvent&)>& heard) const;

  const std::string& url() const { return environment_.url; }

 private:
  net::ClientRequest request(std::string method, const std::string& path) const;
  Attempt<doc::Value> answer(const net::ClientRequest& request) const;
  Environment environment_;
};

}  // namespace keyturn::cli
