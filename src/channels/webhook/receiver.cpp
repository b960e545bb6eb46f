#include "channels/webhook/receiver.h"

#include "base/task_impl.h"
#include "net/retry_after.h"

namespace keyturn::channels::webhook {
namespace {

constexpr int kRequestTimeout = 408, kGone = 410, kTooEarly = 425, kTooMany = 429,
              kUnavailable = 503;

std::unexpected<Undelivered> undelivered(Undelivered::Kind kind, std::string why,
                                         std::optional<Duration> retry_after = std::nullopt) {
  return std::unexpected(Undelivered{kind, std::move(why), retry_after});
}

bool may_pass(int status) {
  return status == kRequestTimeout || status == kTooEarly || status == kTooMany || status < 400 ||
         status >= 500;
}

}  // namespace

Taken taken(const net::ClientResponse& answer, Time now) {
  const int status = answer.status;
  if (status >= 200 && status < 300) return {};
  using Kind = Undelivered::Kind;
  const std::string why = "the receiver answered " + std::to_string(status);
  if (status == kGone) return undelivered(Kind::kNever, why + ": it wants nothing any more");
  const std::optional<Duration> wait = net::retry_after(answer.headers, now);
  if ((status == kTooMany || status == kUnavailable) && wait)
    return undelivered(Kind::kBusy, why, wait);
  if (status >= 300 && status < 400)
    return undelivered(Kind::kUnreachable, why + ": it moved; change the url");
  return undelivered(may_pass(status) ? Kind::kUnreachable : Kind::kNever, why);
}

std::string in_words(const Refusal& failed) {
  if (failed.code == "cannot_connect") return "the receiver cannot be reached";
  if (failed.code == "timeout") return "the receiver does not answer in time";
  if (failed.code == "tls_failed")
    return "TLS with the receiver failed: look at its certificate and ca";
  if (failed.code == "bad_url" || failed.code == "bad_header")
    return "the url or the secret cannot be used in a request";
  if (failed.code == "overloaded") return "too many requests wait already";
  return "the exchange with the receiver broke off";
}

Task<Result<Secret>> Receiver::secret() {
  if (!secret_.empty()) co_return secret_;
  Result<Secret> found = co_await ports_.secret(settings_.secret);
  if (found) secret_ = *found;
  co_return found;
}

Undelivered Receiver::secret_missing(const Refusal& why) {
  secret_ = Secret();
  trouble_ = Refusal{why.code, "its secret: " + why.message, ""};
  return {Undelivered::Kind::kUnreachable, trouble_->message, std::nullopt};
}

Task<Taken> Receiver::post(net::ClientRequest request) {
  request.method = "POST";
  request.ca_file = settings_.ca_file;
  request.timeout = std::chrono::seconds(30);
  request.body_bytes_max = 64 << 10;
  request.keep_going = [stopped = stopped_] { return !*stopped; };
  const Result<net::ClientResponse> answer = co_await ports_.fetch(std::move(request));
  Taken out;
  if (answer)
    out = taken(*answer, ports_.clock.now());
  else
    out = undelivered(Undelivered::Kind::kUnreachable, in_words(answer.error()));
  trouble_.reset();
  if (answer && answer->status == kGone) trouble_ = Refusal{"gone", out.error().why, ""};
  if (!out) secret_ = Secret();  // it may have been changed
  co_return out;
}

}  // namespace keyturn::channels::webhook
