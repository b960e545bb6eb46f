#include "connectors/mcp/credential_headers.h"

#include <algorithm>

#include "base/task_impl.h"
#include "secrets/reference.h"

namespace keyturn::connectors::mcp {
namespace {

using SteadyClock = std::chrono::steady_clock;

Result<std::vector<Secret>> read_values(const std::vector<catalog::UpstreamHeader>& headers) {
  std::vector<Secret> out;
  for (const catalog::UpstreamHeader& header : headers) {
    if (!header.secret) {
      out.emplace_back();
      continue;
    }
    auto value = secrets::resolve(header.secret->reference);
    if (!value)
      return refuse("no_secret", "the header " + header.name + ": " + value.error().message);
    out.push_back(std::move(*value));
  }
  return out;
}

}  // namespace

CredentialHeaders::CredentialHeaders(net::Loop& loop, net::BlockingPool& pool,
                                     std::vector<catalog::UpstreamHeader> headers, ReadSecrets when)
    : loop_(loop),
      pool_(pool),
      headers_(std::move(headers)),
      when_(when),
      values_(Values(headers_.size())) {}

bool CredentialHeaders::is_fresh(Duration most) const {
  const bool needs = std::ranges::any_of(
      headers_, [](const catalog::UpstreamHeader& header) { return header.secret.has_value(); });
  return !needs || (values_ && read_at_ && SteadyClock::now() < *read_at_ + most);
}

Task<Result<net::Headers>> CredentialHeaders::get(bool refused) {
  if (!is_fresh(refused ? when_.soonest : when_.after)) co_await refresh();
  if (!values_) co_return std::unexpected(values_.error());
  co_return compose();
}

// One reads, the others wait for what it finds.
Task<void> CredentialHeaders::refresh() {
  if (is_reading_) {
    const auto done = std::make_shared<net::Waiter>(loop_);
    until_read_.push_back(done);
    co_await done->wait(Duration::max());
    co_return;
  }
  is_reading_ = true;
  values_ =
      co_await net::run_blocking(pool_, [headers = headers_] { return read_values(headers); });
  is_reading_ = false;
  read_at_ = SteadyClock::now();
  for (std::size_t i = 0; values_ && i < headers_.size(); ++i)
    known_.learn(headers_[i].name, (*values_)[i]);
  for (const auto& waiter : std::exchange(until_read_, {})) waiter->fire();
}

net::Headers CredentialHeaders::compose() const {
  net::Headers out;
  for (std::size_t i = 0; i < headers_.size(); ++i)
    out.add(headers_[i].name, headers_[i].text + std::string((*values_)[i].reveal()));
  return out;
}

}  // namespace keyturn::connectors::mcp
