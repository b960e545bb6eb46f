// One exchange with the receiver of a webhook, and what its answer means. For all templates.
#pragma once

#include <atomic>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "base/task.h"
#include "channels/channel.h"
#include "channels/ports.h"
#include "channels/webhook/settings.h"
#include "net/client.h"

namespace keyturn::channels::webhook {

using Taken = std::expected<void, Undelivered>;

// What an answer means. 2xx: taken. 410: kNever, it wants nothing any more. 429 and 503 with
// Retry-After: kBusy. 408, 425, 429, 3xx and 5xx: kUnreachable. Any other: kNever.
Taken taken(const net::ClientResponse& answer, Time now);
// Words for a transfer that failed (net/client.h), which never hold the URL: that can be a secret.
std::string in_words(const Refusal& failed);

class Receiver {
 public:
  Receiver(const Settings& settings, const Ports& ports) : settings_(settings), ports_(ports) {}

  // What stands behind the secret, fetched once and again after an exchange that failed.
  Task<Result<Secret>> secret();
  // `request` without ca file and limits.
  Task<Taken> post(net::ClientRequest request);
  // Exchanges that are under way end within a second or two.
  void stop() { *stopped_ = true; }
  // What is wrong with it as a whole: it answered 410, or the secret is not to be had.
  const std::optional<Refusal>& trouble() const { return trouble_; }
  Undelivered secret_missing(const Refusal& why);

 private:
  const Settings& settings_;
  const Ports& ports_;
  Secret secret_;
  std::shared_ptr<std::atomic<bool>> stopped_ = std::make_shared<std::atomic<bool>>(false);
  std::optional<Refusal> trouble_;
};

}  // namespace keyturn::channels::webhook
